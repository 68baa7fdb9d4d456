"""PyTorch with PEFT: ``PYTHON mlxtwin/train/bench/torch_peft.py WORK``.

Run as a file by any interpreter that has torch, transformers and peft; so it imports nothing of ours. An ordinary
loop, as one would write it: random batches padded to their longest row, masked labels, AdamW, everything in the
base's precision (float32 on a CPU). Its clock runs over all steps.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

NAME = "peft"
DEVICES = {"cuda": "cuda", "metal": "mps", "cpu": "cpu"}
IGNORED = -100
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PAD = 2


def main(arguments: list[str]) -> int:
    torch: Any = import_module("torch")
    work = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    folder = Path(work["folder"])
    tokens = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    torch.manual_seed(work["seed"])
    if work["device"] == "cpu":
        torch.set_num_threads(work["threads"])
    model = load(torch, work)
    curve = train(torch, model, work, tokens["train"], tokens["rates"])
    memory = {"resident_peak_bytes": resident_peak()}
    if work["device"] == "cuda":
        memory["device_peak_memory_bytes"] = torch.cuda.max_memory_allocated()
    save(model, folder / "results" / f"{NAME}.safetensors")
    numbers = {"seconds": curve[-1][1], "supervised_tokens": curve[-1][0], "steps": len(curve), "curve": curve}
    versions = {name: import_module(name).__version__ for name in ("torch", "transformers", "peft")}
    result = numbers | memory | {"versions": versions}
    (folder / "results" / f"{NAME}.json").write_text(json.dumps(result), encoding="utf-8")
    return 0


def load(torch: Any, work: dict[str, Any]) -> Any:
    """The base with LoRA on all linear layers of its last blocks, starting from the common adapter."""
    transformers, peft = import_module("transformers"), import_module("peft")
    base = transformers.AutoModelForCausalLM.from_pretrained(
        Path(work["folder"]) / "base", dtype=getattr(torch, work["dtype"]), local_files_only=True
    )
    blocks = base.config.num_hidden_layers
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=work["rank"],
        lora_alpha=work["scale"] * work["rank"],
        lora_dropout=0.0,
        target_modules=list(LINEAR),
        layers_to_transform=list(range(blocks - work["blocks"], blocks)),
        layers_pattern="layers",
    )
    model = peft.get_peft_model(base, config)
    start = import_module("safetensors.torch").load_file(Path(work["folder"]) / "start.safetensors")
    named = dict(adapter_parameters(model))
    if named.keys() != start.keys():
        raise ValueError(f"the adapters differ in {len(named.keys() ^ start.keys())} layers")
    with torch.no_grad():
        for name, value in start.items():
            named[name].copy_(value.T)
    return model.to(DEVICES[work["device"]]).train()


def adapter_parameters(model: Any) -> list[tuple[str, Any]]:
    """(mlx-lm's name, PEFT's parameter) of each factor; PEFT's are the transposed ones."""
    found = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            ours = name.removeprefix("base_model.model.").replace(".default.weight", "")
            found.append((ours.replace("lora_A", "lora_a").replace("lora_B", "lora_b"), parameter))
    return found


def train(
    torch: Any, model: Any, work: dict[str, Any], rows: list[dict[str, Any]], rates: list[float]
) -> list[tuple[int, float]]:
    """(supervised tokens, seconds) after each step."""
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], weight_decay=0.01)
    curve: list[tuple[int, float]] = []
    tokens, began = 0, time.perf_counter()
    for step, rate in enumerate(rates):
        order = _order(torch, work["seed"], step * work["batch"] // len(rows), len(rows))
        first = step * work["batch"] % len(rows)
        batch = [rows[number] for number in order[first : first + work["batch"]]]
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = model(**_padded(torch, batch, DEVICES[work["device"]])).loss
        loss.backward()
        optimizer.step()
        loss.item()  # a GPU has done the step only now
        tokens += sum(len(row["tokens"]) - row["from"] for row in batch)
        curve.append((tokens, time.perf_counter() - began))
    return curve


def _order(torch: Any, seed: int, epoch: int, count: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed * 1000 + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def _padded(torch: Any, batch: list[dict[str, Any]], device: str) -> dict[str, Any]:
    width = max(len(row["tokens"]) for row in batch)
    ids = torch.full((len(batch), width), PAD)
    labels = torch.full((len(batch), width), IGNORED)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for place, row in enumerate(batch):
        length = len(row["tokens"])
        ids[place, :length] = torch.tensor(row["tokens"])
        labels[place, row["from"] : length] = ids[place, row["from"] : length]
        mask[place, :length] = 1
    return {"input_ids": ids.to(device), "labels": labels.to(device), "attention_mask": mask.to(device)}


def resident_peak() -> int:
    """As `work.resident_peak`, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def save(model: Any, path: Path) -> None:
    arrays = {name: value.detach().float().cpu().T.contiguous() for name, value in adapter_parameters(model)}
    import_module("safetensors.torch").save_file(arrays, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

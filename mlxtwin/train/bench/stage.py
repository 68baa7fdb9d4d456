"""Make the work: ``python -m mlxtwin.train.bench.stage WORK``.

The base has random weights of a real shape: enough for speed and memory, and nothing about quality follows from it.
The chats are passages of the bundled texts: one user turn, one reply, 60 to 600 tokens together, drawn by the seed.
Those held out come from another part of the texts.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from importlib import resources
from pathlib import Path
from typing import Any

from mlxtwin.dataset.batches import batches
from mlxtwin.dataset.tokens import ChatTokenizer, tokenise
from mlxtwin.records import Example, Message, TokenExample
from mlxtwin.train.bench.work import LONGEST, SHORTEST, WINDOW, Shape, Work, run, write_result, write_tokens
from mlxtwin.train.schedule import learning_rate

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
NAME = "stage"
# Of the texts, what the training chats are drawn from.
TRAIN_SHARE = 0.8
# The reply's part of a chat.
LEAST_REPLY, MOST_REPLY = 0.3, 0.7
_INITIAL_SPREAD = 0.02


def main(arguments: list[str]) -> None:
    from mlxtwin.backend.device import prepare

    work = Work.read(arguments[0])
    prepare()  # before anything imports MLX
    write_base(work)
    _write_start(work)
    _write_data(work)


def config_of(shape: Shape, dtype: str) -> dict[str, object]:
    """The content of config.json, in the names of Hugging Face's llama."""
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": shape.hidden,
        "intermediate_size": shape.inner, "num_hidden_layers": shape.blocks, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "head_dim": shape.hidden // shape.heads, "vocab_size": shape.vocabulary,
        "hidden_act": "silu", "max_position_embeddings": 2 * WINDOW, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, "torch_dtype": dtype,
        "bos_token_id": 1, "eos_token_id": 6, "pad_token_id": 2,
    }  # fmt: skip


def write_base(work: Work) -> None:
    """Weights from the normal distribution of spread 0.02, norms of 1, and the starter's tokenizer."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models.llama import Model, ModelArgs

    work.base.mkdir()
    config = config_of(work.shape, work.dtype)
    (work.base / "config.json").write_text(json.dumps(config, indent=1))
    weights = {}
    blank: Any = Model(ModelArgs.from_dict(config)).parameters()
    sizes: dict[str, mx.array] = dict(tree_flatten(blank))
    for number, (name, value) in enumerate(sizes.items()):
        drawn = _INITIAL_SPREAD * mx.random.normal(value.shape, key=mx.random.key(work.seed * 10_000 + number))
        weights[name] = (mx.ones(value.shape) if "norm" in name else drawn).astype(getattr(mx, work.dtype))
    mx.save_safetensors(str(work.base / "model.safetensors"), weights, {"format": "pt"})
    starter = Path(str(resources.files("mlxtwin.starter")))
    for file in TOKENIZER_FILES:
        shutil.copy(starter / file, work.base / file)


def _write_start(work: Work) -> None:
    """What our own `attach` starts with, so that no contestant has luckier random numbers."""
    from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach
    from mlxtwin.backend.engine import load_base
    from mlxtwin.backend.models import describe

    loaded = load_base(describe(work.base, work.model))
    attach(loaded.model, LoraSpec(work.blocks, work.rank, work.scale), work.seed)
    work.start.write_bytes(adapter_bytes(loaded.model))


def _write_data(work: Work) -> None:
    from mlxtwin.backend.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(work.base)
    sides = {"train": chats(tokenizer, work, "train"), "holdout": chats(tokenizer, work, "holdout")}
    work.data.mkdir()
    for side, rows in sides.items():
        lines = [json.dumps({"messages": [_plain(message) for message in one.messages]}) for one in rows]
        (work.data / f"{side}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    train, holdout = (tokenise(rows, tokenizer, WINDOW) for rows in sides.values())
    rates = [learning_rate(step, work.steps, work.learning_rate, work.warmup) for step in range(work.steps)]
    write_tokens(work, train, holdout, rates)
    numbers = _numbers(train, holdout)
    write_result(work, NAME, numbers | {"batch_tokens": batch_tokens(train, work)})


def batch_tokens(train: list[TokenExample], work: Work) -> int:
    """The ``batch_tokens`` by which our own batches come closest to the steps that the others take."""
    most = sum(len(example.tokens) for example in train)
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _steps(train, work, middle) <= work.steps else (middle + 1, high)
    return min((low, max(1, low - 1)), key=lambda size: abs(_steps(train, work, size) - work.steps))


def _steps(train: list[TokenExample], work: Work, size: int) -> int:
    return sum(len(batches(train, batch_tokens=size, seed=work.seed, epoch=epoch)) for epoch in range(work.epochs))


def _plain(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}


def _numbers(train: list[TokenExample], holdout: list[TokenExample]) -> dict[str, int]:
    lengths = [len(example.tokens) for example in train]
    return {
        "tokens_per_epoch": sum(lengths),
        "supervised_tokens_per_epoch": sum(example.targets for example in train),
        "shortest": min(lengths),
        "longest": max(lengths),
        "holdout_supervised_tokens": sum(example.targets for example in holdout),
    }


def chats(tokenizer: ChatTokenizer, work: Work, side: str) -> list[Example]:
    """The conversations of one side, ``train`` or ``holdout``, the same for the same seed."""
    import numpy as np

    words = _words()
    cut = int(TRAIN_SHARE * len(words))
    words, count = (words[:cut], work.examples) if side == "train" else (words[cut:], work.held_out)
    random = np.random.default_rng((work.seed, count, len(words)))
    ends = np.cumsum([len(tokenizer.encode(f" {word}")) for word in words])
    made: list[Example] = []
    while len(made) < count:
        length = int(random.integers(SHORTEST, LONGEST + 1))
        reply = int(length * random.uniform(LEAST_REPLY, MOST_REPLY))
        first = int(random.integers(0, np.searchsorted(ends, ends[-1] - length)))
        begin = int(ends[first - 1]) if first else 0
        middle, last = (int(np.searchsorted(ends, begin + size)) for size in (length - reply, length))
        example = Example(f"{side}-{len(made)}", "reply", _messages(words, first, middle, last), 1, "train")
        if middle > first and last > middle and _fits(tokenizer, example):
            made.append(example if side == "train" else replace(example, split="holdout"))
    return made


def _messages(words: list[str], first: int, middle: int, last: int) -> tuple[Message, ...]:
    return (
        Message("user", " ".join(words[first:middle])),
        Message("assistant", " ".join(words[middle:last])),
    )


def _fits(tokenizer: ChatTokenizer, example: Example) -> bool:
    return SHORTEST <= len(tokenizer.render(example.messages, False)) <= LONGEST


def _words() -> list[str]:
    return [word for text in _texts() for word in text.split()]


def _texts() -> Iterator[str]:
    """The neutral paragraphs, the sample person's notes, and her mails without their headers."""
    exports = Path(str(resources.files("mlxtwin.sample"))) / "exports"
    neutral = resources.files("mlxtwin.evaluate").joinpath("neutral.txt").read_text(encoding="utf-8")
    mails = (exports / "mail.mbox").read_bytes().split(b"\nFrom ")
    yield from (_plain_text(mail) for mail in mails)
    yield from (path.read_text(encoding="utf-8") for path in sorted((exports / "notes").rglob("*.md")))
    yield neutral


def _plain_text(mail: bytes) -> str:
    parts = [
        part for part in message_from_bytes(mail.partition(b"\n")[2]).walk() if part.get_content_type() == "text/plain"
    ]
    return " ".join(str(part.get_payload(decode=True), "utf-8", "replace") for part in parts)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(run(main))

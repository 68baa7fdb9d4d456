"""Train the starter: phase 1 reads the mixed text, phase 2 learns to answer in the chat format.

    python -m pretrain.pretrain text CORPUS TOKENIZER RUN --tokens 24e6
    python -m pretrain.pretrain chat CORPUS TOKENIZER RUN --tokens 7e6

With `--tokens` the schedule follows the tokens read, and a repeat is the same run but for rounding. With `--minutes` it
follows the clock (training seconds so far over the budget), so that a slow or busy machine still ends with a finished
decay. A stopped run continues from its newest checkpoint. `text --start FOLDER` goes on from weights that were trained
before, at a lower peak.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm
import torch
from torch import Tensor

from pretrain import chat, corpus, stream
from pretrain.evaluate import bits_per_byte, held_out
from pretrain.export import load
from pretrain.model import Shape, Starter
from pretrain.muon import Muon
from pretrain.threads import Threads
from pretrain.tokenizer import BEGIN

Batch = Callable[[int, float], list[tuple[Tensor, Tensor]]]
"""From the step number and the progress to micro-batches of (ids, targets), the same every time."""


@dataclass(frozen=True)
class Plan:
    """One phase: how long (by the clock where `minutes` is set), how fast, and how the learning rate ends."""

    phase: str
    tokens: float
    matrix_rate: float
    other_rate: float
    hold_until: float
    last_fraction: float
    minutes: float | None = None
    warmup: float = 0.01
    checkpoint_seconds: float = 120.0
    evaluate_seconds: float = 400.0


PLANS = {
    "text": Plan("text", 24e6, matrix_rate=0.02, other_rate=0.004, hold_until=0.3, last_fraction=0.1),
    "chat": Plan("chat", 7e6, matrix_rate=0.005, other_rate=0.001, hold_until=0.1, last_fraction=0.0, warmup=0.03),
}
AGAIN = 0.7
"""Peak rates of a text phase that goes on from trained weights, as a share of a first one's."""


@dataclass
class Place:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0

    def progress(self, plan: Plan) -> float:
        """Share of the phase that is done."""
        return self.seconds / (plan.minutes * 60) if plan.minutes else self.tokens / plan.tokens


def main() -> None:
    """Parse the command line and run one phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phase", choices=sorted(PLANS))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("run", type=Path, help="folder for checkpoints, caches and the log")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--tokens", type=float, help="tokens this phase reads")
    length.add_argument("--minutes", type=float, help="training time of this phase, in place of a number of tokens")
    parser.add_argument("--start", type=Path, help="weights to start from: a checkpoint or a model folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", action="store_true", help="skip torch.compile, which needs a C++ compiler")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    run_phase(arguments)


def run_phase(arguments: argparse.Namespace) -> None:
    """Build or restore everything, then train to the end of the phase."""
    plan = PLANS[arguments.phase]
    plan = replace(plan, tokens=arguments.tokens or plan.tokens, minutes=arguments.minutes)
    if arguments.start and plan.phase == "text":
        plan = replace(plan, matrix_rate=plan.matrix_rate * AGAIN, other_rate=plan.other_rate * AGAIN)
    arguments.run.mkdir(parents=True, exist_ok=True)
    processor = spm.SentencePieceProcessor(model_file=str(arguments.tokenizer / "tokenizer.model"))
    model = Starter(Shape())
    optimizers = make_optimizers(model, plan)
    place = restore(model, optimizers, arguments.run / f"{plan.phase}.pt")
    start = arguments.start or (arguments.run / "text.pt" if plan.phase == "chat" else None)
    if place.step == 0 and start:
        model.load_state_dict(load(str(start)).state_dict())
    streams = stream.load(arguments.corpus, processor, arguments.run / "tokens")
    batches = text_batches(streams)
    if plan.phase == "chat":
        batches = chat_batches(chat.load(arguments.corpus, processor, arguments.run / "chat.npz"), streams)
    measure = partial(held_out_bits_per_byte, model, arguments.corpus, processor)
    loss = model if arguments.no_compile else torch.compile(model, dynamic=False)
    threads = Threads(arguments.threads)
    train(model, loss, optimizers, batches, plan=plan, place=place, run=arguments.run, threads=threads, measure=measure)


def held_out_bits_per_byte(
    model: Starter, folder: Path, processor: spm.SentencePieceProcessor, limit_bytes: int = 60_000
) -> dict[str, float]:
    """A quick look at the held-out text in mid-run, in short windows."""

    @torch.no_grad()
    def nats_of(windows: list[list[int]]) -> float:
        ids = torch.tensor(windows)
        with torch.autocast("cpu", torch.bfloat16):
            return float(model(ids[:, :-1], ids[:, 1:], "sum"))

    def encode(document: corpus.Document) -> list[int]:
        as_turns = document.source == "task_dialogues"
        return stream.encode_document(document, processor).tolist()[1:] if as_turns else processor.encode(document.text)

    return bits_per_byte(held_out(folder, encode, limit_bytes), nats_of, BEGIN, chat.CONTEXT // 2)


def text_batches(streams: dict[str, stream.Tokens]) -> Batch:
    """Next-token rows from random places of the streams: short rows first, then twice the length and the tokens."""

    def batch(step: int, progress: float) -> list[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([1, step])
        micro, rows, context = (1, 16, chat.CONTEXT // 2) if progress < 0.5 else (2, 8, chat.CONTEXT)
        windows = [torch.from_numpy(stream.draw(streams, rows, context, rng)) for _ in range(micro)]
        return [(window[:, :-1].contiguous(), window[:, 1:].contiguous()) for window in windows]

    return batch


def chat_batches(examples: chat.Rows, streams: dict[str, stream.Tokens], replay: float = 0.25) -> Batch:
    """Rows of packed conversations, supervised on the assistant's words, and a share of plain text."""

    def batch(step: int, progress: float) -> list[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([2, step])
        plain = round(8 * replay)
        windows = torch.from_numpy(stream.draw(streams, plain, chat.CONTEXT, rng))
        ids, targets = examples.batch(step, 8 - plain)
        inputs = torch.cat((torch.from_numpy(ids), windows[:, :-1]))
        return [(inputs, torch.cat((torch.from_numpy(targets), windows[:, 1:])))]

    return batch


def make_optimizers(model: Starter, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for the embeddings and the norms."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    return [
        Muon(matrices, lr=plan.matrix_rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=plan.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_factor(progress: float, plan: Plan) -> float:
    """Share of the peak rate: linear warm-up, hold, linear decay to `last_fraction`."""
    if progress < plan.warmup:
        return max(progress / plan.warmup, 0.02)
    if progress < plan.hold_until:
        return 1.0
    left = max(0.0, (1.0 - progress) / (1.0 - plan.hold_until))
    return plan.last_fraction + (1.0 - plan.last_fraction) * left


def train(
    model: Starter,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    optimizers: list[torch.optim.Optimizer],
    batches: Batch,
    *,
    plan: Plan,
    place: Place,
    run: Path,
    threads: Threads,
    measure: Callable[[], dict[str, float]],
) -> None:
    """Step to the end of the phase; only the seconds spent in steps count."""
    log = Log(run / f"{plan.phase}.log.jsonl")
    saved = measured = place.seconds
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in make_optimizers(model, plan)]
    while (progress := place.progress(plan)) < 1:
        began = time.monotonic()
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate_factor(progress, plan)
        micro_batches = batches(place.step, progress)
        nats = one_step(model, loss_of, optimizers, micro_batches)
        place.step, place.tokens = place.step + 1, place.tokens + sum(ids.numel() for ids, _ in micro_batches)
        place.seconds += time.monotonic() - began
        threads.adjust()
        if place.step % 20 == 0:
            log.write(
                step=place.step,
                seconds=round(place.seconds, 1),
                tokens=place.tokens,
                loss=round(nats, 4),
                threads=threads.count,
            )
        if place.seconds - saved > plan.checkpoint_seconds:
            saved = place.seconds
            save(model, optimizers, place, run / f"{plan.phase}.pt")
        if place.seconds - measured > plan.evaluate_seconds:
            measured = place.seconds
            log.write(step=place.step, held_out_bits_per_byte=measure())
    save(model, optimizers, place, run / f"{plan.phase}.pt")
    log.write(step=place.step, seconds=round(place.seconds, 1), tokens=place.tokens, held_out_bits_per_byte=measure())


def one_step(
    model: Starter,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    optimizers: list[torch.optim.Optimizer],
    micro_batches: list[tuple[Tensor, Tensor]],
) -> float:
    """Forward, backward, clip, update; a step whose loss is not finite is skipped. Returns the mean loss in nats."""
    nats = 0.0
    for ids, targets in micro_batches:
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(ids, targets) / len(micro_batches)
        nats += loss.item()
        torch.autograd.backward(loss)
    if math.isfinite(nats):
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
    model.zero_grad(set_to_none=True)
    return nats


def save(model: Starter, optimizers: list[torch.optim.Optimizer], place: Place, path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    state = {
        "shape": asdict(model.shape),
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "place": asdict(place),
    }
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def restore(model: Starter, optimizers: list[torch.optim.Optimizer], path: Path) -> Place:
    """Load a checkpoint when there is one; a new run starts at zero."""
    if not path.exists():
        return Place()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return Place(**state["place"])


class Log:
    """Numbers to a JSON Lines file and to the terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **numbers: Any) -> None:
        """Append one line."""
        line = json.dumps(numbers)
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()

"""Train the starter: phase 1 reads the mixed text, phase 2 learns to answer in the chat format.

The schedule follows the clock, not a step count: `progress` is training seconds so far over the budget, so a slow or
busy machine still ends with a finished decay. A stopped run continues from its newest checkpoint.

    python -m pretrain.pretrain text CORPUS TOKENIZER RUN --minutes 50
    python -m pretrain.pretrain chat CORPUS TOKENIZER RUN --minutes 14
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm
import torch
from torch import Tensor

from pretrain import chat, stream
from pretrain.evaluate import bits_per_byte, held_out
from pretrain.model import Shape, Starter
from pretrain.muon import Muon
from pretrain.threads import Threads

Batch = Callable[[int], tuple[Tensor, Tensor]]
"""From the step number to (ids, targets); the same step always gives the same rows."""


@dataclass(frozen=True)
class Plan:
    """One phase: how long, how fast, and how the learning rate ends."""

    phase: str
    minutes: float
    matrix_rate: float
    other_rate: float
    hold_until: float
    last_fraction: float
    warmup: float = 0.01
    checkpoint_seconds: float = 120.0
    evaluate_seconds: float = 400.0


PLANS = {
    "text": Plan("text", 50, matrix_rate=0.02, other_rate=0.004, hold_until=0.35, last_fraction=0.05),
    "chat": Plan("chat", 14, matrix_rate=0.006, other_rate=0.0012, hold_until=0.1, last_fraction=0.0, warmup=0.03),
}


@dataclass
class Place:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0


def main() -> None:
    """Parse the command line and run one phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phase", choices=sorted(PLANS))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("run", type=Path, help="folder for checkpoints, caches and the log")
    parser.add_argument("--minutes", type=float, help="training time of this phase")
    parser.add_argument("--start", type=Path, help="chat: the checkpoint to start from (default: RUN/text.pt)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", action="store_true", help="skip torch.compile, which needs a C++ compiler")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    run_phase(arguments)


def run_phase(arguments: argparse.Namespace) -> None:
    """Build or restore everything, then train to the end of the phase."""
    plan = PLANS[arguments.phase]
    if arguments.minutes:
        plan = Plan(**{**asdict(plan), "minutes": arguments.minutes})
    arguments.run.mkdir(parents=True, exist_ok=True)
    processor = spm.SentencePieceProcessor(model_file=str(arguments.tokenizer / "tokenizer.model"))
    model = Starter(Shape())
    optimizers = make_optimizers(model, plan)
    place = restore(model, optimizers, arguments.run / f"{plan.phase}.pt")
    if place.step == 0 and plan.phase == "chat":
        start = torch.load(arguments.start or arguments.run / "text.pt", weights_only=True)
        model.load_state_dict(start["model"])
    streams = stream.load(arguments.corpus, processor, arguments.run / "tokens")
    batches = text_batches(streams)
    if plan.phase == "chat":
        batches = chat_batches(chat.load(arguments.corpus, processor, arguments.run / "chat.npz"), streams)
    texts = held_out(arguments.corpus, processor, 60_000)
    loss = model if arguments.no_compile else torch.compile(model, dynamic=False)
    measure = partial(bits_per_byte, model, texts)
    threads = Threads(arguments.threads)
    train(model, loss, optimizers, batches, plan=plan, place=place, run=arguments.run, threads=threads, measure=measure)


def text_batches(streams: dict[str, stream.Tokens]) -> Batch:
    """Next-token rows from random places of the streams."""

    def batch(step: int) -> tuple[Tensor, Tensor]:
        windows = torch.from_numpy(stream.draw(streams, 16, 256, np.random.default_rng([1, step])))
        return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()

    return batch


def chat_batches(examples: chat.Rows, streams: dict[str, stream.Tokens], replay: float = 0.25) -> Batch:
    """Rows of packed conversations, supervised on the assistant's words, and a share of plain text."""

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([2, step])
        plain = round(8 * replay)
        windows = torch.from_numpy(stream.draw(streams, plain, chat.CONTEXT, rng))
        ids, targets = examples.batch(step, 8 - plain)
        inputs = torch.cat((torch.from_numpy(ids), windows[:, :-1]))
        return inputs, torch.cat((torch.from_numpy(targets), windows[:, 1:]))

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
    """Step until the time is used; only the seconds spent in steps count."""
    log = Log(run / f"{plan.phase}.log.jsonl")
    saved = measured = place.seconds
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in make_optimizers(model, plan)]
    while place.seconds < plan.minutes * 60:
        began = time.monotonic()
        progress = place.seconds / (plan.minutes * 60)
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate_factor(progress, plan)
        ids, targets = batches(place.step)
        nats = one_step(model, loss_of, optimizers, ids, targets)
        place.step, place.tokens = place.step + 1, place.tokens + ids.numel()
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
    ids: Tensor,
    targets: Tensor,
) -> float:
    """Forward, backward, clip, update; a step whose loss is not finite is skipped. Returns the loss in nats."""
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(ids, targets)
    nats = loss.item()
    if math.isfinite(nats):
        torch.autograd.backward(loss)
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

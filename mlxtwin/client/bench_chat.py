"""``mlxtwin bench chat``: the engine as a client sees it, beside mlx-lm's own generation on the same base.

Ours is measured from outside, through the socket: what the transport costs is in its numbers. Both hold their models in
memory all the time and are asked in turns, so that what else the machine does meets both.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from statistics import median
from typing import Any

from mlxtwin.client.bench import SCALE, Tell, _environment, _folder, _require, _run, one_mlx_lm
from mlxtwin.client.doctor import device
from mlxtwin.client.engine import TEMPERATURE, Engine, stop
from mlxtwin.errors import RunFailed
from mlxtwin.jobs.supervisor import child_command
from mlxtwin.paths import Home, make_folder
from mlxtwin.records import Message
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.train.bench.work import SHAPES, Work

SLOT, TURNS, TURN_TOKENS = "voice", 10, 8
# What a person types at a time in a chat.
PROMPT_WORDS = 20
SWAPS = 10
MEASURED = (
    "Tokens per second are those after the first text, the median of the rounds; ours are taken by a client of the "
    "engine, mlx-lm's around stream_generate in its own process. Both sample at temperature {temperature}, top-p 0.95. "
    "A swap is that of adapters in memory, with the question to the registry whether they are still there; the first "
    "time one is read from its sealed file. First token: from the question to the first text at a client, with an "
    "adapter, {words} new words a turn, the median of {conversations} conversations. mlx-lm has the BLAS that mlxtwin "
    "uses."
)


@dataclass(frozen=True, slots=True)
class Talked:
    """``tokens``: the length of an answer; ``rounds``: how often each is asked; ``conversations``: of ten turns;
    ``words``: of a prompt."""

    model: str = "135m"
    blocks: int | None = None
    rank: int = 8
    tokens: int = 128
    rounds: int = 5
    conversations: int = 3
    words: int = PROMPT_WORDS
    seed: int = 0


def chat(wanted: Talked, tell: Tell) -> dict[str, Any]:
    """The object of ``bench chat --json``; ``tell`` gets a sentence before each part. Raises RunFailed."""
    machine = device()
    with _folder() as folder:
        shape = SHAPES[wanted.model]
        work = Work(
            folder, wanted.model, "float32" if machine["kind"] == "cpu" else "bfloat16", machine["kind"], 0, 0, 1,
            wanted.blocks or shape.adapted, wanted.rank, SCALE, 0.0, 0.0, 1, 0, int(machine["threads"]), wanted.seed,
        )  # fmt: skip
        tell(f"Making a base of {shape.parameters / 1e6:.0f} M parameters and two adapters.")
        path = str(work.save())
        _require("the work", _run(child_command("mlxtwin.train.bench.chat_stage", path), work, "stage"))
        with _engine(work) as ours, _stock(work, path, "own" if one_mlx_lm(machine) else "fast") as theirs:
            speeds = _decode(ours, theirs, wanted, tell)
            swaps, firsts = ours.swaps(tell), ours.first_tokens(wanted, tell)
    return _assemble(wanted, work, machine, speeds) | swaps | firsts


class Ours:
    """An engine in a home of its own, with both adapters as versions of one slot."""

    def __init__(self, home: Home, key: bytes, base: dict[str, Any]) -> None:
        self.home, self.key, self.base = home, key, base
        self.engine = self.another()

    def another(self) -> Engine:
        """Another conversation."""
        engine = Engine(self.home, self.key)
        engine.open(self.base)
        return engine

    def speed(self, prompt: str, adapter: bool, tokens: int, seed: int) -> float:
        """Tokens per second after the first piece."""
        self._ask(self.engine, (Message("user", prompt),), 1 if adapter else None, tokens, seed)
        return _per_second(self.engine.last["tokens"], self.seconds)

    def swaps(self, tell: Tell) -> dict[str, Any]:
        tell("Swapping adapters.")
        taken = []
        for number in range(SWAPS + 2):
            self._ask(self.engine, (Message("user", "Hello."),), 1 + number % 2, 1, number)
            taken.append(1000 * self.engine.last["swap_seconds"])
        # The first version was worn before, in the rounds of speed; the second came from its file.
        return {"swap_ms": round(median(taken[2:]), 2), "swap_first_ms": round(taken[1], 2)}

    def first_tokens(self, wanted: Talked, tell: Tell) -> dict[str, Any]:
        """Milliseconds to the first token of the first and of the tenth turn."""
        tell(f"Talking for {TURNS} turns, {wanted.conversations} times.")
        rows = [self._converse(number, wanted.words) for number in range(wanted.conversations + 1)][1:]
        first, tenth = (round(median(row[turn] for row in rows), 2) for turn in (0, TURNS - 1))
        return {"first_token_ms": {"first": first, "tenth": tenth, "ratio": round(tenth / first, 3)}}

    def _converse(self, number: int, words: int) -> list[float]:
        engine, messages, firsts = self.another(), [], []
        with engine:
            for turn in range(TURNS):
                messages.append(Message("user", prompt(number * TURNS + turn, words)))
                answer = self._ask(engine, tuple(messages), 1, TURN_TOKENS, turn)
                messages.append(Message("assistant", answer))
                firsts.append(1000 * self.first_seconds)
        return firsts

    def _ask(self, engine: Engine, messages: tuple[Message, ...], version: int | None, tokens: int, seed: int) -> str:
        """Ask, and note ``first_seconds`` to the first piece and ``seconds`` from there to the end."""
        began = time.perf_counter()
        first, said = 0.0, []
        slot = None if version is None else SLOT
        for piece in engine.ask(messages, slot, version, seed, max_tokens=tokens, temperature=TEMPERATURE):
            first = first or time.perf_counter()
            said.append(piece)
        ended = time.perf_counter()
        self.first_seconds, self.seconds = (first or ended) - began, ended - (first or ended)
        return "".join(said)


@contextmanager
def _engine(work: Work) -> Iterator[Ours]:
    from mlxtwin.backend.models import describe

    home, key = Home(make_folder(work.folder / "home")), new_key()
    base = asdict(describe(work.base, work.model)) | {"path": str(work.base)}
    slots = Slots(home, SealedFiles(home, key))
    spec = {"num_layers": work.blocks, "rank": work.rank, "scale": work.scale, "dropout": 0.0, "keys": None}
    for number in (1, 2):
        data = (work.folder / "adapters" / str(number) / "adapters.safetensors").read_bytes()
        meta = {"run": str(number), "verdict": "promoted", "adapter": spec | {"dora": False}, "base": base}
        slots.add(SLOT, data, meta, {})
    try:
        yield Ours(home, key, base)
    finally:
        stop(home)


class Stock:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def speed(self, prompt: str, adapter: bool, tokens: int, seed: int) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        wanted = {"prompt": prompt, "adapter": adapter, "tokens": tokens, "seed": seed}
        try:
            self.process.stdin.write(json.dumps(wanted).encode() + b"\n")
            self.process.stdin.flush()
            said = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            raise RunFailed("mlx-lm's generation ended before its time.", "Run it again with --model tiny.") from None
        return _per_second(said["tokens"], said["seconds"])


@contextmanager
def _stock(work: Work, path: str, blas: str) -> Iterator[Stock]:
    process = subprocess.Popen(
        child_command("mlxtwin.train.bench.chat_stock", path, blas), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=_environment(), cwd=work.folder,
    )  # fmt: skip
    with process:
        try:
            yield Stock(process)
        finally:
            process.kill()


def _decode(ours: Ours, theirs: Stock, wanted: Talked, tell: Tell) -> dict[str, dict[str, list[float]]]:
    """By who and by what the speeds of every round; a round before them warms everything up."""
    found: dict[str, dict[str, list[float]]] = {who: {"bare": [], "adapter": []} for who in ("ours", "mlx_lm")}
    for number in range(wanted.rounds + 1):
        tell(f"Answering, round {number} of {wanted.rounds}." if number else "Warming up.")
        for what in ("bare", "adapter"):
            for who, one in (("ours", ours), ("mlx_lm", theirs)):
                speed = one.speed(prompt(number, wanted.words), what == "adapter", wanted.tokens, number)
                if number:
                    found[who][what].append(speed)
    return found


def _assemble(
    wanted: Talked, work: Work, machine: dict[str, Any], speeds: dict[str, dict[str, list[float]]]
) -> dict[str, Any]:
    from importlib.metadata import version

    found = {
        who: {f"{what}_tokens_per_second": round(median(rounds), 2) for what, rounds in by.items()}
        for who, by in speeds.items()
    }
    ratio = {what: median(speeds["ours"][what]) / median(speeds["mlx_lm"][what]) for what in ("bare", "adapter")}
    measured = MEASURED.format(temperature=TEMPERATURE, words=wanted.words, conversations=wanted.conversations)
    return {
        "device": work.device,
        "model": work.model,
        "settings": {
            "parameters": work.shape.parameters, "weights": "random", "dtype": work.dtype,
            "blas": machine["blas"]["name"], "threads": work.threads, "num_layers": work.blocks, "rank": work.rank,
            "tokens": wanted.tokens, "rounds": wanted.rounds, "conversations": wanted.conversations, "turns": TURNS,
            "words": wanted.words, "temperature": TEMPERATURE, "seed": wanted.seed, "measured": measured,
            "versions": {name: version(name) for name in ("mlxtwin", "mlx", "mlx-lm")},
        },
        **found,
        "ratio": {what: round(value, 3) for what, value in ratio.items()},
    }  # fmt: skip


def prompt(number: int, count: int) -> str:
    """As many words as any other, from another place of the neutral texts."""
    words = resources.files("mlxtwin.evaluate").joinpath("neutral.txt").read_text(encoding="utf-8").split()
    begin = number * count % (len(words) - count)
    return " ".join(words[begin : begin + count])


def _per_second(tokens: int, seconds: float) -> float:
    return (tokens - 1) / max(seconds, 1e-9)

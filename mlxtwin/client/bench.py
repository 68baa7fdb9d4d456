"""``mlxtwin bench train``: ours and its rivals on the same work, each in a fresh process, one after the other.

What is compared: supervised tokens per second of training alone (starting, loading and the data are left out; what
is compiled on the way stays in), the most memory the process held, and the loss of the same held-out replies, taken
by one judge. A ratio is given only between contestants that did the same work: as many supervised tokens, and held-out
losses at most 0.02 nats per token apart.

mlx-lm with its own slow BLAS may be timed on its first steps alone. It does there, step for step, what it does with
the fast BLAS, so its held-out loss is taken from that run; that this holds is checked on the adapters both have after
those first steps. Its memory is that of the part.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.client.bench_result import INSTALLED, OURS, PEFT, RIVALS, SAME, assemble
from mlxtwin.client.doctor import device
from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.jobs.supervisor import child_command, child_environment
from mlxtwin.paths import read_json
from mlxtwin.security.airplane import sandbox_command
from mlxtwin.train.bench.work import SHAPES, Work, part_steps, whole_batches

NAMES = {
    OURS: "mlxtwin",
    INSTALLED: "mlx_lm.lora as installed",
    SAME: "mlx_lm.lora, same BLAS",
    PEFT: "PyTorch + PEFT",
}
BATCH, HELD_OUT = 4, 16
SCALE, WARMUP = 2.0, 0.1
# Low enough that the order of the data, which each trainer chooses, does not set the losses apart.
LEARNING_RATE = 1e-4
RIVAL_SHARE = 0.05
_MODULES = "mlxtwin.train.bench"
_PEFT_FILE = Path(__file__).resolve().parents[1] / "train" / "bench" / "torch_peft.py"
_PEFT_NEEDS = ("torch", "transformers", "peft", "safetensors")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to compare. ``blocks`` None: as many as the shape says. ``rivals`` None: all there are, PEFT if it is
    installed for ``peft_python`` (None: the interpreter that runs this)."""

    model: str = "135m"
    blocks: int | None = None
    rank: int = 8
    epochs: int = 3
    examples: int = 48
    learning_rate: float = LEARNING_RATE
    rivals: tuple[str, ...] | None = None
    rival_share: float = RIVAL_SHARE
    peft_python: str | None = None
    seed: int = 0


def train(wanted: Wanted, tell: Tell) -> dict[str, Any]:
    """The object of ``bench train --json``; ``tell`` gets a sentence before each contestant.

    Raises UsageError for rivals that cannot be had, RunFailed when ours does not come through. A rival that fails is
    left out and named under ``failed``.
    """
    machine = device()
    rivals = _rivals(wanted)
    with _folder() as folder:
        work = _work(wanted, machine, rivals, folder)
        path = str(work.save())
        tell(f"Making the work: {work.examples} chats and a base of {work.shape.parameters / 1e6:.0f} M parameters.")
        _require("the work", _run(child_command(f"{_MODULES}.stage", path), work, "stage"))
        failed = _contest(work, path, rivals, wanted, one_mlx_lm(machine), tell)
        done = [name for name, why in failed.items() if not why]
        parts = [f"{SAME}.part"] if work.part and SAME in done else []
        _require("the judge", _run(child_command(f"{_MODULES}.judge", path, *done, *parts), work, "judge"))
        numbers = {name: _numbers(work, name) for name in done}
        value = assemble(work, machine, numbers, read_json(work.result("judge")))
    if one_mlx_lm(machine) and INSTALLED in value:
        value[SAME] = value[INSTALLED]
        value["ratio"][SAME] = value["ratio"][INSTALLED]
    return value | {"failed": {name: why for name, why in failed.items() if why}}


def one_mlx_lm(machine: dict[str, Any]) -> bool:
    """Whether mlx-lm as installed is the same as with our BLAS: on a GPU, and where there is no other BLAS."""
    blas = machine["blas"]
    return machine["kind"] != "cpu" or not blas["fast"] or blas["name"] == "Accelerate"


def _rivals(wanted: Wanted) -> tuple[str, ...]:
    names = RIVALS if wanted.rivals is None else wanted.rivals
    if unknown := [name for name in names if name not in RIVALS]:
        raise UsageError(f"There is no rival {unknown[0]}.", f"There are: {', '.join(RIVALS)}; or all, or none.")
    if wanted.peft_python is not None and PEFT not in names:
        raise UsageError("--peft-python is given, and peft is not among the rivals.", f"Add {PEFT} to --rivals.")
    missing = _peft_missing(wanted) if PEFT in names else ""
    asked = wanted.peft_python is not None or wanted.rivals is not None
    if missing and asked:
        hint = "Install it there with pip, or give another interpreter with --peft-python."
        raise UsageError(f"{wanted.peft_python or sys.executable} lacks {missing}.", hint)
    return tuple(name for name in RIVALS if name in names and not (name == PEFT and missing))


def _peft_missing(wanted: Wanted) -> str:
    """What the interpreter for PEFT lacks, or empty."""
    program = (
        "import importlib.util as u, sys;print(next((name for name in sys.argv[1:] if u.find_spec(name) is None), ''))"
    )
    command = [wanted.peft_python or sys.executable, "-c", program, *_PEFT_NEEDS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment(), timeout=60)
    except (OSError, subprocess.SubprocessError):
        raise UsageError(f"{command[0]} is no Python that starts.", "Give the path of one to --peft-python.") from None
    return done.stdout.strip()


def _work(wanted: Wanted, machine: dict[str, Any], rivals: tuple[str, ...], folder: Path) -> Work:
    shape = SHAPES[wanted.model]
    blocks = wanted.blocks or shape.adapted
    if blocks > shape.blocks:
        raise UsageError(f"--blocks is {blocks}; {wanted.model} has {shape.blocks} blocks.", "Give as many or fewer.")
    examples = whole_batches(wanted.examples, BATCH)
    timed_on_part = INSTALLED in rivals and not one_mlx_lm(machine)
    part = part_steps(wanted.rival_share, wanted.epochs * examples // BATCH) if timed_on_part else 0
    if part and SAME not in rivals:
        hint = f"Add {SAME} to --rivals, or give --rival-share 1."
        raise UsageError(f"{INSTALLED} timed on a part has no held-out loss of its own to compare.", hint)
    return Work(
        folder, wanted.model, "float32" if machine["kind"] == "cpu" else "bfloat16", machine["kind"], examples,
        HELD_OUT, wanted.epochs, blocks, wanted.rank, SCALE, wanted.learning_rate, WARMUP, BATCH, part,
        int(machine["threads"]), wanted.seed,
    )  # fmt: skip


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlxtwin-bench-") as name:
        yield Path(name)


def _contest(work: Work, path: str, rivals: tuple[str, ...], wanted: Wanted, one: bool, tell: Tell) -> dict[str, str]:
    """Run each contestant in turn; by name why it failed, or empty. Raises RunFailed for ours."""
    commands = {OURS: child_command(f"{_MODULES}.ours", path)}
    stock = f"{_MODULES}.stock"
    if SAME in rivals and not one:
        commands[SAME] = child_command(stock, path, SAME, "fast", str(work.steps))
    if INSTALLED in rivals or (one and SAME in rivals):
        commands[INSTALLED] = child_command(stock, path, INSTALLED, "own", str(work.part or work.steps))
    if PEFT in rivals:
        commands[PEFT] = [*sandbox_command(), wanted.peft_python or sys.executable, str(_PEFT_FILE), path]
    failed = {}
    for name, command in commands.items():
        tell(f"Training with {NAMES[name]}{_extent(work, name)}.")
        failed[name] = _run(command, work, name)
        if name == OURS:
            _require(NAMES[OURS], failed[name])
    return failed


def _extent(work: Work, name: str) -> str:
    return f", {work.part} of {work.steps} steps" if name == INSTALLED and work.part else ""


def _run(command: list[str], work: Work, name: str) -> str:
    """Wait for a child, which ends with this process; why it failed, or empty."""
    log = work.folder / f"{name}.log"
    with log.open("wb") as out:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environment(), cwd=work.folder, check=False
        )
    return _why(log, done.returncode) if done.returncode else ""


def _environment() -> dict[str, str]:
    """That of a worker; the folder of a program run as a file is no place to import from."""
    return child_environment() | {"PYTHONSAFEPATH": "1", "TOKENIZERS_PARALLELISM": "false"}


def _why(log: Path, code: int) -> str:
    """The last thing a child said, or how it ended."""
    if code < 0:
        return f"it was ended by signal {-code}, for want of memory perhaps"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"exit code {code}"


def _require(what: str, failure: str) -> None:
    if failure:
        raise RunFailed(f"The comparison stopped at {what}: {failure}.", "Run it again with --model tiny.")


def _numbers(work: Work, name: str) -> dict[str, Any]:
    """What a contestant wrote, with ``peak_memory_bytes``: resident on a CPU, on a GPU what its library counted."""
    numbers: dict[str, Any] = read_json(work.result(name))
    on_device = numbers.get("device_peak_memory_bytes") or numbers.get("mlx_peak_memory_bytes")
    return numbers | {"peak_memory_bytes": numbers["resident_peak_bytes"] if work.device == "cpu" else on_device}

"""One training run: ``python -m mlxtwin.jobs.worker RUN_DIR``, the vault key on stdin.

The stages are train, evaluate, gate, store. Each can be killed at any point; the same command goes on from there and
ends with the same bytes. ``worker.log`` and ``events.jsonl`` get numbers, ids and sentences without personal text.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import Busy, RunFailed, TwinError
from mlxtwin.jobs import ranks
from mlxtwin.jobs.events import error_event
from mlxtwin.jobs.runs import CHECKPOINT, DATASET, FAILURE, LOCK, STOP, TRAINING, Run, held
from mlxtwin.paths import Home, write_json
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles

if TYPE_CHECKING:
    from mlxtwin.dataset.examples import Dataset
    from mlxtwin.evaluate.report import ReportCard
    from mlxtwin.slots.registry import Slots
    from mlxtwin.train.checkpoint import Progress
    from mlxtwin.train.distributed import Peers
    from mlxtwin.train.session import Session


NICENESS = 5
# Linux shares the cores out between sessions first, and a worker is one of its own.
AUTOGROUP = Path("/proc/self/autogroup")


def main(arguments: list[str]) -> int:
    make_way()
    run = Run(Path(arguments[0]).absolute())
    key = bytes.fromhex(sys.stdin.buffer.readline().decode().strip())
    os.umask(0o077)
    processes = run.processes()
    network = "hook" if ranks.launched() else airplane.deny_network(loopback=processes > 1)
    airplane.engage()
    with held(run.folder / LOCK) as own, held(run.folder.parent / TRAINING) as training:
        if own is None or training is None:
            return _fail(run, Busy("Another run is training.", "Watch it with: mlxtwin runs watch"), quiet=own is None)
        try:
            run.events.emit("start", pid=os.getpid(), network=network)
            with ranks.others(run, key, processes) as others:
                _work(run, key, others)
        except TwinError as error:
            return _fail(run, error)
        except BaseException as error:
            return _fail(run, crash(run.id, error))
    return 0


def make_way() -> None:
    """Whoever types goes first, in the screens or elsewhere; where nobody does, a run has the cores to itself."""
    os.nice(NICENESS)
    with suppress(OSError):
        AUTOGROUP.write_text(str(NICENESS))


def _fail(run: Run, error: TwinError, *, quiet: bool = False) -> int:
    """Say why, as far as there is room on the disk to say it."""
    sys.stderr.write(f"{type(error).__name__}: {error.sentence()}\n")
    if quiet:
        return error.exit_code
    failure = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    with suppress(OSError, TwinError):
        run.events.emit("failed", **error_event(error))
    with suppress(OSError, TwinError):
        write_json(run.folder / FAILURE, failure)
    return error.exit_code


def crash(run: str, error: BaseException) -> RunFailed:
    """A defect, told by its type and place alone: its message could hold personal text."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else "unknown"
    hint = f"Go on from the last checkpoint with: mlxtwin retrain --resume {run}"
    return RunFailed(f"The worker failed with {type(error).__name__} at {where}.", hint)


def _work(run: Run, key: bytes, others: ranks.Others) -> None:
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.slots.registry import Slots
    from mlxtwin.train.session import Session

    home = Home(run.folder.parents[1])
    sealed = SealedFiles(home, key)
    dataset = dataset_of(run, sealed)
    session = Session.open(run.spec, dataset, run.folder / CHECKPOINT, sealed, _peers(run, others))
    run.events.emit("ready", device=session.device.kind, parameters=session.parameters)
    trained = session.train(run.events.emit, (run.folder / STOP).exists)
    card = None if trained.stopped else _measure(run, session)
    if card is None:
        run.events.emit("stopped", step=trained.progress.step, steps=trained.steps)
        return
    slots = Slots(home, sealed)
    _store(run, slots, session, _against_current(run, slots, session, card), trained.progress)
    _tidy(run)


def _peers(run: Run, others: ranks.Others) -> Peers:
    """Those that compute with this process; they are told which run it is."""
    from mlxtwin.train.distributed import ALONE, connect, silent

    if not ranks.launched():
        return ALONE

    def expired() -> None:
        others.end()
        os._exit(_fail(run, silent()))

    others.wait_until_ready()
    peers = connect(expired)
    peers.tell(run.id)
    return peers


class _Stopped(Exception):
    """Raised out of the measuring when somebody asks to stop."""


def _measure(run: Run, session: Session) -> ReportCard | None:
    """The report card, or None when asked to stop: a resumed run measures again, from the last checkpoint."""

    def emit(event: str, /, **data: Any) -> None:
        if (run.folder / STOP).exists():
            raise _Stopped
        run.events.emit(event, **data)

    try:
        card = session.measure(emit)
    except _Stopped:
        return None
    return None if (run.folder / STOP).exists() else card


def dataset_of(run: Run, sealed: SealedFiles) -> Dataset:
    from mlxtwin.dataset.examples import Dataset

    dataset = Dataset.from_bytes(sealed.read(run.folder / DATASET))
    if dataset.digest() != run.spec["dataset"]:
        raise RunFailed("The dataset of this run is not the one it began with.", "Start a new run: mlxtwin retrain")
    return dataset


def _against_current(run: Run, slots: Slots, session: Session, card: ReportCard) -> ReportCard:
    """The card with one more check, where the version in use passed the gate on the same base and held-out words.

    An update has it already: it measured the version that it goes on from.
    """
    from mlxtwin.evaluate.gate import CORRECTION_ALLOWANCE, against_current

    name = session.recipe.slot
    if session.update is not None or name not in slots.names() or slots.state(name).current is None:
        return card
    current = slots.version(name)
    same_base = current.meta["base"]["fingerprint"] == run.spec["base"]["fingerprint"]
    same_words = current.meta["holdout"].get("digest") == session.dataset.holdout_digest()
    if not (current.promoted and same_base and same_words):
        return card
    current_nll = current.meta["holdout"]["twin_nll"]
    allowance = 0.0 if session.preferences is None else CORRECTION_ALLOWANCE
    verdict = against_current(card.verdict, card.holdout.twin_nll, current.number, current_nll, allowance)
    return replace(card, verdict=verdict)


def _store(run: Run, slots: Slots, session: Session, card: ReportCard, progress: Progress) -> None:
    """Add the version, make it current if it passed, and only then say that the run is done."""
    adapter, learned = session.adapter(), session.dataset.learned
    meta, known = _meta(run, session, card, adapter), None if learned is None else learned.to_bytes()
    version = slots.add(session.recipe.slot, adapter, meta, card.as_dict(), known)
    if version.promoted:
        slots.use(version.slot, version.number)
    holdout = card.holdout
    run.events.emit(
        "done",
        run=run.id,
        slot=version.slot,
        version=version.number,
        verdict=version.meta["verdict"],
        strength=card.strength,
        **_gone_on(run, session),
        **_asked_by(session),
        checks={check.name: [check.value, check.threshold, check.passed] for check in card.verdict.checks},
        seconds=round(progress.seconds, 2),
        steps=progress.step,
        supervised_tokens=progress.tokens,
        tokens_per_second=round(progress.tokens / max(progress.seconds, 1e-9), 1),
        peak_memory_bytes=progress.peak_memory_bytes,
        holdout={"base_nll": holdout.base_nll, "twin_nll": holdout.twin_nll, "gain_ci": list(holdout.gain_ci)},
    )


def _gone_on(run: Run, session: Session) -> dict[str, Any]:
    """The number of the version that the run goes on from, and what an update read of new and of old documents."""
    counts = session.dataset.report.update
    parent = {"parent": run.spec["parent"]} if "parent" in run.spec else {}
    return {**parent, **({"update": counts} if counts else {})}


def _asked_by(session: Session) -> dict[str, Any]:
    """How many of the requests that were learned from a template wrote, and how many the base."""
    from mlxtwin.dataset.examples import asked_by

    return {"asked_by": asked_by(session.dataset.train)}


def _tidy(run: Run) -> None:
    """A finished run keeps its numbers; what it needed to go on is personal and large."""
    shutil.rmtree(run.folder / CHECKPOINT, ignore_errors=True)
    (run.folder / DATASET).unlink(missing_ok=True)


def _meta(run: Run, session: Session, card: ReportCard, adapter: bytes) -> dict[str, Any]:
    holdout = card.holdout
    return {
        "run": run.id,
        **({"parent": run.spec["parent"]} if "parent" in run.spec else {}),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "recipe": session.recipe.model_dump(mode="json"),
        "adapter": asdict(session.spec),
        "base": run.spec["base"],
        "dataset": run.spec["dataset"],
        **_asked_by(session),
        "adapter_sha256": hashlib.sha256(adapter).hexdigest(),
        "holdout": {
            "base_nll": holdout.base_nll,
            "twin_nll": holdout.twin_nll,
            "gain_ci": list(holdout.gain_ci),
            "tokens": holdout.tokens,
            "documents": holdout.documents,
            "digest": session.dataset.holdout_digest(),
        },
        "forgetting": card.forgetting.rise,
        "copied_run": card.copied_run,
        "strength": card.strength,
        "verdict": card.verdict.outcome,
        "reasons": card.verdict.reasons,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Examples and corrections for other trainers, as a file in the clear; and corrections from such a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home, reading_error, write_atomic
from mlxtwin.records import Message
from mlxtwin.slots.registry import Slots

if TYPE_CHECKING:
    from mlxtwin.dataset.exchange import ExchangeForm, Record
    from mlxtwin.records import Example
    from mlxtwin.sources.examples_records import Said
    from mlxtwin.vault.store import Vault

Side = Literal["train", "holdout", "all"]
SIDES: tuple[Side, ...] = ("train", "holdout", "all")
PREFERENCE: Literal["preference"] = "preference"
_MB = 1024 * 1024
# Of a file with corrections, which is read in this process.
MOST_FILE_BYTES = 256 * _MB
MOST_LINE_BYTES = 4 * _MB


@dataclass(frozen=True, slots=True)
class Exported:
    """``records`` hold personal text. ``words``: of the person, in as many ``examples``; ``held_out``: examples of the
    other side, left out; ``unpaired``: ratings that no pair could be made of."""

    records: list[Record]
    examples: int
    words: int
    held_out: int = 0
    unpaired: int = 0

    def lines(self, ascii_only: bool = False) -> str:
        """As JSON Lines."""
        return "".join(json.dumps(record, ensure_ascii=ascii_only) + "\n" for record in self.records)


def exported(
    home: Home, key: bytes, vault: Vault, form: ExchangeForm, recipe: str, sets: Sequence[str], side: Side
) -> Exported:
    """What a run of ``recipe`` would learn from, masked as it would be; or the corrections of its slot.

    Raises what planning a run raises, and UsageError where there are no corrections.
    """
    if form == PREFERENCE:
        return _preferences(home, key, vault, recipe, sets)
    from mlxtwin.client import runs
    from mlxtwin.dataset.exchange import records

    dataset = runs.prepare(home, vault, recipe, {}, sets, key).dataset
    chosen = _side(dataset.train, dataset.holdout, side)
    made = [record for example in chosen for record in records(example, form)]
    held_out = len(dataset.holdout) if side == "train" else 0
    return Exported(made, len(chosen), sum(example.words for example in chosen), held_out)


def _side(train: Sequence[Example], holdout: Sequence[Example], side: Side) -> list[Example]:
    return [*(train if side != "holdout" else ()), *(holdout if side != "train" else ())]


def _preferences(home: Home, key: bytes, vault: Vault, recipe: str, sets: Sequence[str]) -> Exported:
    from mlxtwin.client import runs
    from mlxtwin.dataset.exchange import preferences
    from mlxtwin.dataset.preferences import masked_pair, masked_rating

    resolved, _, _ = runs.resolve(home, vault, recipe, {}, sets, key)
    slot, mask = resolved.recipe.slot, runs.masking(vault, resolved.recipe).masker()
    pairs = [masked_pair(pair, mask) for pair in vault.pairs(slot)]
    made, unpaired = preferences(pairs, (masked_rating(rating, mask) for rating in vault.ratings(slot)))
    if not made:
        found = f"There are no corrections of slot {slot}"
        hint = "A correction says an answer better: /better TEXT while chatting. Another slot: --set slot=NAME"
        raise UsageError(f"{found}, nor a good and a bad rating of answers to the same words.", hint)
    return Exported(made, len(made), sum(len(pair.chosen.split()) for pair in pairs), 0, unpaired)


def write(path: Path, found: Exported, *, force: bool = False) -> None:
    """Whole or not at all, for the owner alone. Raises UsageError for a file that is there unless ``force``."""
    require_new(path, force=force)
    write_atomic(path, found.lines().encode("utf-8", "replace"))


def require_new(path: Path, *, force: bool) -> None:
    """Raises UsageError for a place where nothing may be written."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name the file to write in it.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it first.")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already; it was left as it is.", "Add --force to replace it.")


def import_preferences(home: Home, vault: Vault, path: Path, slot: str) -> dict[str, Any]:
    """Take the preferences of a file in as corrections of a slot; how many, and how many records were none.

    Which answer a version gave is not told there: the bare base counts as who gave the rejected one. Raises UsageError
    for a slot that was never trained, a file without any or one that is too large, SourceError after taking what
    stands before its damage.
    """
    from mlxtwin.sources.examples_records import preference, records
    from mlxtwin.sources.run_look import require_readable

    require_readable(path)
    _require_small(path)
    Slots(home).state(slot)
    before, taken, left_out = len(vault.pairs(slot)), 0, 0
    for record in records(path):
        found = preference(record)
        if found is None:
            left_out += 1
            continue
        vault.put_pair(slot, None, _messages(found.prompt), chosen=found.chosen, rejected=found.rejected)
        taken += 1
    if not taken:
        raise UsageError(f"{path.name} holds no preferences.", "Each has a prompt, a chosen and a rejected answer.")
    added = len(vault.pairs(slot)) - before
    return {"slot": slot, "added": added, "unchanged": taken - added, "left_out": left_out}


def _require_small(path: Path) -> None:
    """Raises UsageError for a file, or a line of JSON Lines, that is more than corrections come to."""
    hint = "Take out what are no corrections, or import it in parts."
    if not path.is_file():
        return
    if path.stat().st_size > MOST_FILE_BYTES:
        raise UsageError(f"{path.name} is larger than {MOST_FILE_BYTES // _MB} MB.", hint)
    try:
        with path.open("rb") as opened:
            if opened.read(64 * 1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):  # one list, perhaps in one line
                return
            opened.seek(0)
            while line := opened.readline(MOST_LINE_BYTES + 1):
                if len(line) > MOST_LINE_BYTES:
                    raise UsageError(f"{path.name} has a line of more than {MOST_LINE_BYTES // _MB} MB.", hint)
    except OSError as error:
        raise reading_error(error, path) from None


def _messages(prompt: Iterable[Said]) -> tuple[Message, ...]:
    return tuple(Message("assistant" if one.assistant else "user", one.text) for one in prompt)

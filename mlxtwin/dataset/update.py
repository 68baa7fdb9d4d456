"""What an update reads: what is new since the version it goes on from, and some of the old again, against forgetting.

Not covered here: which new documents are held out; `split` decides that first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlxtwin.dataset.choose import fair_parts, within_budget
from mlxtwin.dataset.learned import Learned
from mlxtwin.dataset.split import Chosen
from mlxtwin.errors import NothingNew
from mlxtwin.wording import plural


@dataclass(frozen=True, slots=True)
class Update:
    """``parent``: the number of the version that is gone on with; ``rehearse``: own words of old documents that are
    read again for each new word; ``max_words`` bounds the words of both together."""

    parent: int
    rehearse: float
    max_words: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Training documents by what becomes of them: ``new`` ones and old ones ``again`` are read, old ones of the
    ``rest`` are not. New ones beyond the bound are in none of these: they stay new for the next update."""

    new: list[Chosen]
    again: list[Chosen]
    rest: list[Chosen]

    @property
    def read(self) -> list[Chosen]:
        """By id."""
        return sorted([*self.new, *self.again], key=lambda one: one.document.id)

    def counts(self) -> dict[str, int]:
        return {
            "new_documents": len(self.new),
            "new_words": _words(self.new),
            "rehearsed_documents": len(self.again),
            "rehearsed_words": _words(self.again),
        }


def reading(
    train: Sequence[Chosen],
    held: Sequence[Chosen],
    known: Learned,
    update: Update,
    shares: Mapping[int, float],
    seed: int,
) -> Reading:
    """New and old documents within the bound, other old ones for each version that is gone on with.

    ``shares``: of the tiers. ``held`` is only told of where nothing is new to train on: raises NothingNew then.
    Where the bound is too low for all, neither new nor old words take more than half of it from the other.
    """
    new = [one for one in train if not known.knows(one.document)]
    old = [one for one in train if known.knows(one.document)]
    if not new:
        raise _nothing_new(update.parent, sum(not known.has_placed(one.document.id) for one in held))
    read = within_budget(new, _room(_words(new), update), shares, seed)
    wanted = update.rehearse * _words(read)
    left = wanted if update.max_words is None else min(wanted, update.max_words - _words(read))
    again = within_budget(old, max(0, round(left)), shares, seed + update.parent, fewest=0)
    rehearsed = {one.document.id for one in again}
    return Reading(read, again, [one for one in old if one.document.id not in rehearsed])


def _room(words: int, update: Update) -> int | None:
    """For so many new ``words``; None for all of them."""
    if update.max_words is None:
        return None
    wants = {"new": words, "old": round(update.rehearse * words)}
    return round(fair_parts(wants, {"new": 1.0, "old": 1.0}, update.max_words)["new"])


def _words(chosen: Sequence[Chosen]) -> int:
    return sum(one.words for one in chosen)


def _nothing_new(parent: int, held: int) -> NothingNew:
    hint = "Import more of your writing with `mlxtwin import PATH`."
    if held:
        verb = "belongs" if held == 1 else "belong"
        hint = f"{plural(held, 'new document')} {verb} to what is held out to measure by. {hint}"
    return NothingNew(f"Nothing new to learn since version {parent}.", hint)

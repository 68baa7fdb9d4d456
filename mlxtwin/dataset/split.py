"""What to learn from and what to keep back: by document and time, never inside a mail thread or a day of a chat.

The parts of one note or transcript stay together too, unless the file is a large share of all there is of its kind,
as with a diary in one file.

Where a run goes on from a version, the sides of the documents that this one knew stay as they were, and what is new is
divided beside them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from mlxtwin.curate.decide import seconds
from mlxtwin.curate.prose import count_words
from mlxtwin.dataset.learned import NOTHING, Learned
from mlxtwin.records import Document, Turn

FEWEST_HELD_OUT = 5
# To reach the fewest documents, no more than this share of all words is held back.
MOST_HELD_OUT = 1 / 3
OVERSHOOT = 1.5
PARAGRAPH_WORDS = 13
# A file with at most this share of its kind's words stays on one side.
SMALL_FILE = 1 / 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """A kept document with its tier and the number of words the person wrote in it."""

    document: Document
    tier: int
    words: int

    @classmethod
    def of(cls, document: Document, tier: int) -> Chosen:
        return cls(document, tier, count_words(document.own_text))


@dataclass(frozen=True, slots=True)
class _Group:
    """Documents that stay together; ``key`` is the same whatever order they came in."""

    key: str
    at: float
    members: tuple[Chosen, ...]

    @property
    def words(self) -> int:
        return sum(member.words for member in self.members)

    @property
    def ids(self) -> set[str]:
        return {member.document.id for member in self.members}

    def is_new(self, known: Learned) -> bool:
        return not any(map(known.has_placed, self.ids))

    def words_in(self, held: set[str]) -> int:
        return sum(member.words for member in self.members if member.document.id in held)


def split(chosen: Sequence[Chosen], holdout: float, known: Learned = NOTHING) -> tuple[list[Chosen], list[Chosen]]:
    """Training and held-out documents, each by id.

    Of each kind the newest ``holdout`` of the dated words is held out, and of undated documents the same share in an
    order by hash. If that is fewer than five documents, more follow in the same order, up to a third of all words.

    What is ``known`` stays on its side, and what belongs together with it follows. Of what else is new as much is held
    out as the share then lacks, so that many nights of a few documents each come to the same share.
    """
    queues = _queues(chosen)
    held = {one.document.id for one in chosen} & known.held
    for queue in queues:
        for group in queue:
            held |= _following(group, known)
        held |= _share(queue, holdout, known, held)
    _fill(queues, held, known)
    ordered = sorted(chosen, key=lambda one: one.document.id)
    return (
        [one for one in ordered if one.document.id not in held],
        [one for one in ordered if one.document.id in held],
    )


def _queues(chosen: Sequence[Chosen]) -> list[list[_Group]]:
    """For each kind its dated groups, the newest first, and its undated ones by hash."""
    small = _small_files(chosen)
    members: dict[tuple[str, str], list[Chosen]] = defaultdict(list)
    for one in chosen:
        members[one.document.kind, _together(one.document, small)].append(one)
    queues: dict[tuple[str, bool], list[_Group]] = defaultdict(list)
    for (kind, together), parts in members.items():
        key = hashlib.blake2b(together.encode("utf-8", "replace"), digest_size=16).hexdigest()
        dates = [seconds(part.document.at) for part in parts if part.document.at]
        queues[kind, bool(dates)].append(_Group(key, max(dates, default=0.0), tuple(parts)))
    return [sorted(queues[name], key=lambda group: (-group.at, group.key)) for name in sorted(queues)]


def _together(document: Document, small_files: set[tuple[str, str]]) -> str:
    if document.kind == "mail" and document.thread:
        return f"thread {document.thread}"
    if document.kind == "chat" and document.at:
        return f"day {document.source} {document.thread or document.title} {document.at.date()}"
    if _file(document) in small_files:
        return f"file {document.source} {document.thread}"
    return f"document {document.id}"


def _small_files(chosen: Sequence[Chosen]) -> set[tuple[str, str]]:
    files: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    for one in chosen:
        kinds[one.document.kind] += one.words
        if one.document.kind in ("note", "transcript") and one.document.thread:
            files[_file(one.document)] += one.words
    return {file for file, words in files.items() if words <= SMALL_FILE * kinds[file[0]]}


def _file(document: Document) -> tuple[str, str]:
    return document.kind, f"{document.source} {document.thread}"


def _following(group: _Group, known: Learned) -> set[str]:
    """All of a group of which something was held out before and nothing trained on."""
    return group.ids if group.ids & known.held and not group.ids & known.trained.keys() else set()


def _share(queue: Sequence[_Group], holdout: float, known: Learned, before: set[str]) -> set[str]:
    """Of what is new, from the front, as much as the share lacks beside what is held out ``before``.

    Without a group so large that it would far exceed that; and never much of what is new, however much is lacking.
    """
    new = [group for group in queue if group.is_new(known)]
    lacking = holdout * sum(group.words for group in queue) - sum(group.words_in(before) for group in queue)
    target = min(lacking, max(holdout, MOST_HELD_OUT) * sum(group.words for group in new))
    held: set[str] = set()
    taken = 0
    for group in new:
        if taken < target and taken + group.words <= OVERSHOOT * target:
            held |= group.ids
            taken += group.words
    return held


def _fill(queues: Sequence[Sequence[_Group]], held: set[str], known: Learned) -> None:
    """Hold out more new groups, one of each queue in turn, until there are enough documents to measure by."""
    everything = [group for queue in queues for group in queue]
    allowed = MOST_HELD_OUT * sum(group.words for group in everything)
    taken = sum(group.words_in(held) for group in everything)
    for group in (group for row in zip_longest(*queues) for group in row if group):
        if len(held) >= FEWEST_HELD_OUT:
            return
        if group.is_new(known) and not group.ids <= held and taken + group.words <= allowed:
            held |= group.ids
            taken += group.words


def without_repeats(train: Iterable[Chosen], holdout: Iterable[Chosen]) -> tuple[list[Chosen], int]:
    """The held-out documents less every own paragraph of 13 words or more that stands in training, and how many."""
    known = {mark for one in train for turn in _own(one) for mark in map(_mark, _paragraphs(turn.text)) if mark}
    kept: list[Chosen] = []
    removed = 0
    for one in holdout:
        turns: list[Turn] = []
        for turn in one.document.turns:
            paragraphs = _paragraphs(turn.text) if turn.trainable else []
            new = [paragraph for paragraph in paragraphs if _mark(paragraph) not in known]
            removed += len(paragraphs) - len(new)
            turns.append(turn if len(new) == len(paragraphs) else replace(turn, text="\n\n".join(new)))
        left = Chosen.of(replace(one.document, turns=tuple(turns)), one.tier)
        if left.words:
            kept.append(left)
    return kept, removed


def _own(one: Chosen) -> Iterable[Turn]:
    return (turn for turn in one.document.turns if turn.trainable)


def _paragraphs(text: str) -> list[str]:
    return [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def _mark(paragraph: str) -> bytes:
    """The words of a long paragraph as a digest; empty for a short one."""
    words = paragraph.casefold().split()
    if count_words(paragraph) < PARAGRAPH_WORDS:
        return b""
    return hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=16).digest()

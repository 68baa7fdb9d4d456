"""The reason to leave one document out, judged by itself, and how good one is that stays: quality and tier."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlxtwin.curate import noise
from mlxtwin.curate.prose import Prose, count_words, measure
from mlxtwin.curate.quality import quality
from mlxtwin.records import Document, Kind
from mlxtwin.vault.cuts import Cut

NOT_BY_ME = "not by me"
TOO_SHORT = "too short"
NOT_PROSE = "not prose"
PASTED = "pasted"
TEMPLATED = "templated"

# A chat or transcript is many short turns; only one that says a single word teaches nothing.
FEWEST_WORDS: dict[Kind, int] = {
    "mail": 4, "note": 4, "chat": 2, "transcript": 2, "document": 4, "post": 4, "event": 1,
}  # fmt: skip
PROSE_SHARE = 0.3
# A notebook full of listings is still worth its prose.
ENOUGH_PROSE_WORDS = 100
LINK_LINES, LINK_SHARE = 3, 0.4
# Less than this share beside what recurs is no text of its own.
OWN_SHARE = 0.4
# What a longer record is shows in its beginning.
JUDGED_CHARACTERS = 200_000
FINISHED_WORDS, FINISHED_SENTENCES, FINISHED_SHARE, FINISHED_QUALITY = 50, 3, 0.6, 0.65
WHOLE_WORDS, WHOLE_QUALITY = 12, 0.45


@dataclass(frozen=True, slots=True)
class Judgement:
    """``reason`` to drop, empty to keep; ``tier`` 1 to 3; ``quality`` 0 to 1."""

    tier: int
    reason: str
    quality: float = 0.0


def judge(document: Document) -> Judgement:
    """One document by itself. Duplicates, and what is cut from it, are other questions."""
    text = document.own_text[:JUDGED_CHARACTERS]
    prose = measure(text, lists=document.kind not in ("chat", "transcript", "event"))
    score = quality(document.kind, text, prose)
    reason = document.drop or _reason(document, text, prose)
    return Judgement(tier(document.kind, prose, score), reason, score)


def judge_cut(before: Document, after: Document, cuts: tuple[Cut, ...]) -> Judgement:
    """A document that parts were cut from: what is left is judged, and blamed on what took the most of it."""
    found = judge(after)
    if before.drop:
        return found
    taken = {why: sum(cut.end - cut.start for cut in cuts if cut.why == why) for why in (PASTED, TEMPLATED)}
    why = max(taken, key=lambda one: taken[one])
    left = len(after.own_text)
    mostly = why == TEMPLATED and left < OWN_SHARE * (left + taken[why])
    if taken[why] and (mostly or found.reason in (TOO_SHORT, NOT_BY_ME)):
        return replace(found, reason=why)
    return found


def _reason(document: Document, text: str, prose: Prose) -> str:
    if not text.strip():
        return NOT_BY_ME
    if why := noise.reason(document, text, prose.words):
        return why
    if prose.words < FEWEST_WORDS[document.kind] or _only_single_words(document):
        return TOO_SHORT
    if prose.prose_words < ENOUGH_PROSE_WORDS and (prose.share < PROSE_SHARE or _is_link_list(prose)):
        return NOT_PROSE
    return ""


def _only_single_words(document: Document) -> bool:
    """A chat of nothing but "ok" and "yes"."""
    return document.kind == "chat" and not any(count_words(turn.text) > 1 for turn in document.turns if turn.trainable)


def _is_link_list(prose: Prose) -> bool:
    """Links with a name to each: many lines have one, and hardly any a sentence."""
    return prose.link_lines >= max(LINK_LINES, LINK_SHARE * prose.lines, LINK_LINES * prose.sentences + 1)


def tier(kind: Kind, prose: Prose, score: float) -> int:
    """1 finished prose, 2 shorter mails and notes and transcripts, 3 chat and fragments; by kind and quality."""
    if kind in ("chat", "event") or prose.words < WHOLE_WORDS:
        return 3
    if kind == "transcript":
        return 2
    finished = prose.words >= FINISHED_WORDS and prose.sentences >= FINISHED_SENTENCES
    if finished and prose.share >= FINISHED_SHARE and score >= FINISHED_QUALITY:
        return 1
    return 2 if prose.sentences and score >= WHOLE_QUALITY else 3

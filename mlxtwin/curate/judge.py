"""The reason to leave one document out, judged by itself, and the tier of one that stays."""

from __future__ import annotations

from mlxtwin.curate.prose import Prose, measure
from mlxtwin.records import Document, Kind

NOT_BY_ME = "not by me"
TOO_SHORT = "too short"
NOT_PROSE = "not prose"

# A chat or transcript is many short turns; only one that says a single word teaches nothing.
FEWEST_WORDS: dict[Kind, int] = {
    "mail": 4, "note": 4, "chat": 2, "transcript": 2, "document": 4, "post": 4, "event": 1,
}  # fmt: skip
PROSE_SHARE = 0.3
# A notebook full of listings is still worth its prose.
ENOUGH_PROSE_WORDS = 100
FINISHED_WORDS, FINISHED_SENTENCES, FINISHED_SHARE = 50, 3, 0.6
WHOLE_WORDS = 12


def judge(document: Document) -> tuple[int, str]:
    """The tier 1..3 and the reason to drop, empty to keep. Duplicates are another question."""
    text = document.own_text
    prose = measure(text, lists=document.kind in ("mail", "note", "document", "post"))
    return tier(document.kind, prose), document.drop or _reason(document.kind, text, prose)


def _reason(kind: Kind, text: str, prose: Prose) -> str:
    if not text.strip():
        return NOT_BY_ME
    if prose.words < FEWEST_WORDS[kind]:
        return TOO_SHORT
    if prose.prose_words < ENOUGH_PROSE_WORDS and prose.share < PROSE_SHARE:
        return NOT_PROSE
    return ""


def tier(kind: Kind, prose: Prose) -> int:
    """1 finished prose, 2 shorter mails and notes and transcripts, 3 chat and fragments."""
    if kind == "chat" or prose.words < WHOLE_WORDS:
        return 3
    if kind == "transcript":
        return 2
    if prose.words >= FINISHED_WORDS and prose.sentences >= FINISHED_SENTENCES and prose.share >= FINISHED_SHARE:
        return 1
    return 2 if prose.sentences else 3

"""One document while it is decided: what is known of it, without its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlxtwin.curate.duplicates import DIGEST_BYTES, signatures
from mlxtwin.curate.judge import TEMPLATED, Judgement, judge, judge_cut
from mlxtwin.curate.language import languages
from mlxtwin.curate.marks import NOTHING, Timed, minute_of, other_marks, own_marks
from mlxtwin.curate.noise import device_lines
from mlxtwin.curate.words import WordHashes
from mlxtwin.records import Document
from mlxtwin.vault.curation import MarksRow
from mlxtwin.vault.cuts import Cut, merged, without
from mlxtwin.vault.rows import Decision, StoredDocument

# Of what curation decides by: documents decided by older ones are decided again with the next import.
RULES = 2


@dataclass(slots=True)
class Case:
    """``kept_before``: it was decided before, and is only looked at again; ``by_hand``: the person keeps it.

    ``tier`` is the one that counts, the person's before curation's. ``own`` marks are of the person's words less what
    was pasted, with what recurs, for it has to be known again. ``stored``: a digest of what the vault had of it.
    """

    number: int
    id: str
    time: float
    minute: int | None
    kept_before: bool
    by_hand: bool
    forced_tier: int | None
    judged: Judgement
    cuts: tuple[Cut, ...]
    words: int
    own: Timed
    other: Timed
    stored: bytes
    language: str = ""
    copy_of: str = ""
    signature: bytes = b""

    @property
    def reason(self) -> str:
        return self.judged.reason or self.copy_of

    @property
    def alive(self) -> bool:
        return self.by_hand or not self.reason

    @property
    def tier(self) -> int:
        return self.forced_tier or self.judged.tier

    @property
    def digest(self) -> bytes:
        """Of its words: the same for an exact copy."""
        return self.signature[:DIGEST_BYTES]

    def marks(self) -> MarksRow:
        return MarksRow(self.number, self.minute, *_columns(self.own, self.other))

    def decision(self) -> Decision:
        """What is dropped is compared with nothing later, but for what recurs: it has to be counted, and copies of it
        are copies."""
        signed = self.alive or self.reason == TEMPLATED
        judged = self.judged
        return Decision(
            self.id, judged.tier, self.reason, self.signature if signed else b"", self.language, judged.quality,
            self.cuts, self.words, self.minute, *_columns(self.own, self.other), RULES, self.stored,
        )  # fmt: skip


def _columns(own: Timed, other: Timed) -> tuple[bytes, bytes, bytes, bytes]:
    return own.marks, other.marks, own.minutes, other.minutes


def looked_at(found: Iterable[tuple[int, StoredDocument]], hashes: WordHashes, *, again: bool = False) -> list[Case]:
    """A case for each numbered document, judged by itself; ``again`` keeps what was cut from it before."""
    cases, texts = [], []
    for number, stored in found:
        before = stored.cuts if again else ()
        case, text = _case(number, stored, merged((*before, *device_lines(stored.document))), hashes, again)
        cases.append(case)
        texts.append(text)
    _sign(cases, texts, hashes)
    _tell_languages(cases, texts)
    return cases


def _sign(cases: Sequence[Case], texts: Sequence[str], hashes: WordHashes) -> None:
    """Give those that may stay the signatures of their texts, made for many at a time."""
    made = signatures((text for case, text in zip(cases, texts, strict=True) if case.alive), hashes)
    for case in cases:
        case.signature = next(made) if case.alive else b""


def _tell_languages(cases: Sequence[Case], texts: Sequence[str]) -> None:
    for case, language in zip(cases, languages(texts), strict=True):
        case.language = language


def _case(
    number: int, stored: StoredDocument, cuts: tuple[Cut, ...], hashes: WordHashes, again: bool
) -> tuple[Case, str]:
    document = stored.document
    curated = without(document, cuts)
    case = Case(
        number=number,
        id=document.id,
        time=seconds(document.at),
        minute=minute_of(document.at),
        kept_before=again,
        by_hand=stored.forced_keep is True,
        forced_tier=stored.forced_tier,
        judged=judge_cut(document, curated, cuts) if cuts else judge(document),
        cuts=cuts,
        words=curated.words_by_me,
        own=NOTHING if document.drop else own_marks(without(document, _pasted(cuts)), hashes),
        other=other_marks(document, hashes),
        stored=stored.digest,
    )
    # What others wrote tells the language of a document that nothing of the person's is in.
    return case, curated.own_text or "\n".join(turn.text for turn in document.turns)


def cut_more(cases: Iterable[tuple[Case, Document, Iterable[Cut]]], hashes: WordHashes) -> None:
    """Cut more from documents, and judge what is left of them."""
    changed: list[tuple[Case, str]] = []
    others: list[tuple[Case, str]] = []
    for case, document, more in cases:
        cuts = merged((*case.cuts, *more))
        if cuts == case.cuts:
            continue
        curated = without(document, cuts)
        changed.append((case, curated.own_text))
        if _pasted(cuts) != _pasted(case.cuts):
            case.own = own_marks(without(document, _pasted(cuts)), hashes)
            others.append(changed[-1])
        case.cuts, case.words, case.judged = cuts, curated.words_by_me, judge_cut(document, curated, cuts)
    _sign([case for case, _ in changed], [text for _, text in changed], hashes)
    # Only words of others may have been in another language.
    _tell_languages([case for case, _ in others], [text for _, text in others])


def _pasted(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    return tuple(cut for cut in cuts if cut.why == "pasted")


def seconds(at: datetime | None) -> float:
    """Seconds since 1970 in UTC, infinity for no time; years before 1970 are negative."""
    if at is None:
        return float("inf")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

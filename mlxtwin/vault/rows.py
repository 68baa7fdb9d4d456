"""What the vault hands out, and how documents become rows and rows documents."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from mlxtwin.records import Document, Turn
from mlxtwin.vault.cuts import Cut, of_text, without

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PutResult:
    """``forgotten``: documents left out, for the person had them forgotten before."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    forgotten: int = 0

    def __add__(self, other: PutResult) -> PutResult:
        return PutResult(*(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document and what is decided of it: ``reason`` is why it was dropped, empty when kept or undecided.

    ``forced_keep`` is the person's own word, which goes before curation's: kept, dropped, or None for neither.
    ``language``: of its words, as ISO 639-1 code, empty where it cannot be told; ``quality`` 0 to 1, None before
    curation; ``cuts``: what of the person's turns is not theirs to learn from. ``digest``: of what is stored.
    """

    document: Document
    tier: int | None = None
    forced_tier: int | None = None
    reason: str = ""
    decided: bool = False
    signature: bytes = b""
    forced_keep: bool | None = None
    language: str = ""
    quality: float | None = None
    cuts: tuple[Cut, ...] = ()
    digest: bytes = field(default=b"", compare=False)

    @property
    def kept(self) -> bool:
        return self.decided and not self.reason

    @property
    def effective_tier(self) -> int | None:
        """The tier the person chose, else the one curation gave."""
        return self.tier if self.forced_tier is None else self.forced_tier

    @property
    def curated(self) -> Document:
        """The document less what was cut. One that the person keeps by hand though most of it was cut stays whole."""
        cut = without(self.document, self.cuts)
        whole = self.forced_keep and 2 * cut.words_by_me < self.document.words_by_me
        return self.document if whole else cut


class Decision(NamedTuple):
    """One row for ``decide_many``; a plain tuple in this order does as well, also a shorter one.

    ``words``: how many of its words are the person's to learn from, None for all; ``own`` and ``other``: marks of what
    they and others wrote in it, see `curate.marks`, with the ``minute`` it is of and those of the marks; ``rules``: the
    number of the rules it was decided by; ``stored``: the digest of what was decided on, empty for whatever is there.
    """

    id: str
    tier: int | None
    reason: str
    signature: bytes
    language: str = ""
    quality: float | None = None
    cuts: tuple[Cut, ...] = ()
    words: int | None = None
    minute: int | None = None
    own: bytes = b""
    other: bytes = b""
    own_minutes: bytes = b""
    other_minutes: bytes = b""
    rules: int = 0
    stored: bytes = b""


@dataclass(frozen=True, slots=True)
class Found:
    id: str
    kind: str
    title: str
    at: datetime | None
    snippet: str


@dataclass(frozen=True, slots=True)
class VaultStats:
    """``by_kind``: documents, kept, words_by_me; ``by_tier`` and ``by_language``: documents and words of what is kept;
    ``dropped`` by reason, with what importers dropped and curation has not seen yet; how many ``corrections`` and
    ``ratings``."""

    by_kind: dict[str, dict[str, int]]
    by_tier: dict[int, dict[str, int]]
    dropped: dict[str, int]
    corrections: int = 0
    ratings: int = 0
    by_language: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    id: int
    role: str
    content: str
    slot: str
    version: int
    complete: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """``opening`` is the first message of the person, cut at 80 characters."""

    id: int
    slot: str
    base: str
    started: datetime
    messages: int
    opening: str


# Why it was dropped where the person did it; and the same in SQL, of curation's reason and the person's word.
BY_HAND = "by hand"
REASON = f"CASE forced_keep WHEN 1 THEN '' WHEN 0 THEN '{BY_HAND}' ELSE reason END"
KEPT = "(decided AND coalesce(forced_keep, reason = ''))"
EFFECTIVE_TIER = "coalesce(forced_tier, tier)"

DOCUMENT_COLUMNS = "id, kind, source, key, title, at, thread, origin, importer_drop, text, turns"
_SAID_COLUMNS = f"tier, forced_tier, {REASON}, decided, signature, forced_keep, language, quality, cuts, digest"
STORED_COLUMNS = f"{DOCUMENT_COLUMNS}, {_SAID_COLUMNS}"


def clean(text: str) -> str:
    """Lone surrogates, which no encoding can store, become U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def document_row(document: Document) -> tuple[Any, ...]:
    """The values of DOCUMENT_COLUMNS; times in ISO 8601 with their offset."""
    texts = [clean(text) for text in (document.kind, document.source, document.key, document.title)]
    more = [clean(text) for text in (document.thread, document.origin, document.drop)]
    spoken = [clean(turn.text) for turn in document.turns]
    return (document.id, *texts, iso(document.at), *more, "\n".join(spoken), _turns_json(document.turns, spoken))


def row_digest(row: tuple[Any, ...]) -> bytes:
    """Over what makes a document the same as before: all but where in the import it was found."""
    same = [value for name, value in zip(DOCUMENT_COLUMNS.split(", "), row, strict=True) if name != "origin"]
    return hashlib.blake2b(json.dumps(same).encode(), digest_size=16).digest()


def stored_document(row: tuple[Any, ...]) -> StoredDocument:
    """From the values of STORED_COLUMNS. Raises ValueError on a row that no version of ours wrote."""
    _, kind, source, key, title, at, thread, origin, drop, text, turns = row[:11]
    document = Document(
        kind=kind, source=source, key=key, title=title, turns=_turns(text, turns), at=moment(at), thread=thread,
        origin=origin, drop=drop,
    )  # fmt: skip
    tier, forced_tier, reason, decided, signature, forced_keep, language, quality, cuts, digest = row[11:]
    forced = None if forced_keep is None else bool(forced_keep)
    found = of_text(cuts) if cuts else ()
    return StoredDocument(
        document, tier, forced_tier, reason, bool(decided), signature, forced, language, quality, found, digest
    )


def stored_message(row: tuple[Any, ...]) -> StoredMessage:
    id, role, content, slot, version, complete, at = row
    return StoredMessage(id, role, content, slot, version, bool(complete), datetime.fromisoformat(at))


def conversation_row(row: tuple[Any, ...]) -> ConversationRow:
    id, slot, base, started, messages, opening = row
    return ConversationRow(id, slot, base, datetime.fromisoformat(started), messages, opening)


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _turns_json(turns: tuple[Turn, ...], spoken: list[str]) -> str:
    values = [
        {"author": clean(turn.author), "mine": turn.mine, "role": turn.role, "at": iso(turn.at), "length": len(text)}
        for turn, text in zip(turns, spoken, strict=True)
    ]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _turns(text: str, turns: str) -> tuple[Turn, ...]:
    found = []
    start = 0
    for value in json.loads(turns):
        end = start + value["length"]
        found.append(Turn(value["author"], value["mine"], text[start:end], value["role"], moment(value["at"])))
        start = end + 1
    if start != len(text) + bool(found):
        raise ValueError("the turns do not fit their text")
    return tuple(found)

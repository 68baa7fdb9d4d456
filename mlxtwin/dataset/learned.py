"""What a version knows of the documents there were: ids, and digests of own words; never text.

A version that goes on from another one has what that one knew too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlxtwin.errors import SealBroken
from mlxtwin.records import Document

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Learned:
    """``trained``: ids of the documents there were to train on, each with the digest of its own words; ``held``: ids of
    those held out."""

    trained: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    def knows(self, document: Document) -> bool:
        """Whether these very words of the document were there to train on."""
        return self.trained.get(document.id) == words_digest(document)

    def has_placed(self, id: str) -> bool:
        """Whether a document was put on either side, whatever its words were then."""
        return id in self.trained or id in self.held

    def with_more(self, trained: Iterable[Document], held: Iterable[Document]) -> Learned:
        more = {document.id: words_digest(document) for document in trained}
        return Learned({**self.trained, **more}, self.held | {document.id for document in held})

    def without(self, ids: Iterable[str]) -> Learned:
        """As if some documents had never been there."""
        gone = set(ids)
        trained = {id: digest for id, digest in self.trained.items() if id not in gone}
        return Learned(trained, self.held - gone)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"format": FORMAT, "trained": dict(self.trained), "held": sorted(self.held)}

    @classmethod
    def of_plain(cls, value: dict[str, Any]) -> Learned:
        """From what ``plain`` gave. Raises ValueError, KeyError or TypeError for anything else."""
        if value["format"] != FORMAT:
            raise ValueError
        return cls(dict(value["trained"]), frozenset(value["held"]))

    def to_bytes(self) -> bytes:
        return json.dumps(self.plain(), separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Learned:
        """Raises SealBroken when it is not what ``to_bytes`` wrote."""
        try:
            return cls.of_plain(json.loads(data))
        except (ValueError, KeyError, TypeError):
            raise SealBroken(
                "What a version was trained on cannot be read.", "Train a new one with: mlxtwin retrain voice"
            ) from None


NOTHING = Learned()


def words_digest(document: Document) -> str:
    """32 hexadecimal digits, of the words the person wrote in it."""
    return hashlib.blake2b(document.own_text.encode("utf-8", "replace"), digest_size=16).hexdigest()

"""Masking before training: what should not be learned is replaced by placeholders such as ``[PHONE_417]``.

A value has the same placeholder wherever it stands in a dataset, and in every later one of the same vault, without a
table of values anywhere: its number, 1 to 999, is a keyed hash of it. So a twin can learn that two messages speak of
one number, and a night that goes on with a version means the same by it. The key stays in the vault; without it a
placeholder says nothing of the value, and with it no more than its last ten bits of hash. Two values of one text never
share a placeholder: the later one moves on to the next number that is free there, the only case (one in some hundreds
of texts with several values) in which a value has another number than elsewhere.

Not covered: what none of the rules knows, such as a secret told in plain words.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, get_args

from mlxtwin.security.names import Names
from mlxtwin.security.personal_rules import ADDRESSES, EMAILS, IBANS, IDS, PHONES, iban_in
from mlxtwin.security.rules import PLACEHOLDER, Rule
from mlxtwin.security.secret_rules import CARDS, KEYS, PASSWORDS, looks_chosen

MaskKind = Literal["keys", "passwords", "cards", "iban", "emails", "phones", "ids", "addresses", "names"]
MASK_KINDS: tuple[MaskKind, ...] = get_args(MaskKind)
MASKED: tuple[MaskKind, ...] = ("keys", "passwords", "cards", "iban", "emails", "phones")
NUMBERS = 999
SHORTEST_SPREAD = 6

# In this order: what is more surely what it seems goes first.
_RULES: dict[MaskKind, tuple[Rule, ...]] = {
    "keys": KEYS, "passwords": PASSWORDS, "cards": CARDS, "iban": IBANS, "emails": EMAILS, "ids": IDS, "phones": PHONES,
    "addresses": ADDRESSES,
}  # fmt: skip
_ENDS = ".,;:!?)]}>"


@dataclass(frozen=True, slots=True)
class Masking:
    """What is masked, by which key, and whose ``names`` are meant by that kind."""

    kinds: tuple[MaskKind, ...] = MASKED
    key: bytes = b""
    names: Names | None = None

    def masker(self) -> Masker:
        return Masker(self.kinds, self.key, self.names)


class Masker:
    """Masks texts, and counts what it masked by the placeholder's word; ``kinds``: what is masked.

    ``names``: those that ``"names"`` stands for.
    """

    def __init__(self, kinds: Collection[MaskKind] = MASKED, key: bytes = b"", names: Names | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._rules = [rule for kind, rules in _RULES.items() if kind in kinds for rule in rules]
        self._names = names if names and "names" in kinds else None
        self._key = key[:64]

    def __call__(self, text: str) -> str:
        """The text with its placeholders; masking it again changes nothing."""
        placed = _Placed(self._key)
        spreading: dict[str, str] = {}
        for rule in self._rules:
            if rule.hint in text:
                text = rule.pattern.sub(_replacer(rule, placed, spreading), text)
        for value, placeholder in spreading.items():
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _counted(placeholder, placed), text)
        text = self._without_names(text, placed)
        self.counts.update(placed.counts)
        return text

    def _without_names(self, text: str, placed: _Placed) -> str:
        if not self._names:
            return text
        pieces, end = [], 0
        for start, stop, whose in self._names.found(text):
            pieces += [text[end:start], placed.placeholder("name", whose)]
            end = stop
        return "".join((*pieces, text[end:]))


class _Placed:
    """The placeholders of one text, and how many of each word."""

    def __init__(self, key: bytes) -> None:
        self.counts: Counter[str] = Counter()
        self._key = key
        self._values: dict[tuple[str, int], str] = {}

    def placeholder(self, word: str, value: str) -> str:
        self.counts[word] += 1
        digest = hashlib.blake2b(f"{word}\0{value}".encode("utf-8", "replace"), digest_size=8, key=self._key).digest()
        number = int.from_bytes(digest, "little") % NUMBERS
        while self._values.setdefault((word, number), value) != value:
            number = (number + 1) % NUMBERS
        return f"[{word.upper()}_{number + 1}]"


def _replacer(rule: Rule, placed: _Placed, spreading: dict[str, str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        groups = match.groupdict()
        whole = groups.get("value") or match.group()
        value = whole.rstrip(_ENDS) if "value" in groups else whole
        if PLACEHOLDER.match(whole) or not rule.tells(match, value):
            return match.group()
        if rule.word == "iban":
            value = iban_in(whole)
        placeholder = placed.placeholder(rule.word, rule.same(value))
        # A word or a number may well stand elsewhere and mean something else.
        if rule.spreads and len(value) >= SHORTEST_SPREAD and looks_chosen(value):
            spreading.setdefault(value, placeholder)
        return (groups.get("before") or "") + placeholder + whole[len(value) :]

    return replace


def _counted(placeholder: str, placed: _Placed) -> Callable[[re.Match[str]], str]:
    word = placeholder[1:].partition("_")[0].lower()

    def replace(_: re.Match[str]) -> str:
        placed.counts[word] += 1
        return placeholder

    return replace

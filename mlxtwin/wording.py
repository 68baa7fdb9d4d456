"""How a sentence for a person says a count. Every room words its own sentences, so this lies below all of them."""

from __future__ import annotations


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """``3,000 files``, ``1 file``; ``plural_noun`` for a noun that does not end in s then."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"

"""The words of Markdown that another program made of an export, to hold against what an importer made of it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from mlxtwin.records import Document

_REMOVED = (
    re.compile(r"\A---\n.*?\n---\n?", re.DOTALL),
    re.compile(r"^[ >\t]*```.*?^[ >\t]*```\s*?$", re.DOTALL | re.MULTILINE),
    re.compile(r"^\s*\|.*$", re.MULTILINE),
    re.compile(r"!\[\[[^\]]*\]\]|!\[[^\]]*\]\([^)]*\)"),
    re.compile(r"<br>"),
)
_FORMULA = re.compile(r"\$\$?.*?\$\$?", re.DOTALL)
_WIKILINK = re.compile(r"\[\[([^\]|]*)(?:\|([^\]]*))?\]\]")
_LINK = re.compile(r"\[((?:[^\[\]]|\\[\[\]])*)\]\(<?[^)]*>?\)")
_ESCAPED = re.compile(r"\\(.)")


def prose(markdown: str) -> str:
    """Markdown without what is no prose: front matter, code, tables, pictures, the targets of links."""
    for removed in _REMOVED:
        markdown = removed.sub(" ", markdown)
    linked = _WIKILINK.sub(lambda found: found[2] or found[1], markdown)
    return _ESCAPED.sub(r"\1", _LINK.sub(r"\1", linked))


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFC", text.replace("_", " "))))


def missing_and_extra(
    expected: str, documents: Iterable[Document], *, formulas: bool = True
) -> tuple[list[str], list[str]]:
    """Words of the expected text that no document has, and those that the documents have beyond it."""
    read = "\n".join(turn.text for document in documents for turn in document.turns)
    pair = (expected, read) if formulas else (_FORMULA.sub(" ", expected), _FORMULA.sub(" ", read))
    wanted, found = (words(prose(text)) for text in pair)
    return sorted((wanted - found).elements()), sorted((found - wanted).elements())

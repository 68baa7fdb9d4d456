"""What editors of linked notes add to Markdown, as words: links between notes, tags, macros, highlights."""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_TAG_CHARACTERS = 120
_NESTED = 4
_WIKILINK = re.compile(r"\[\[([^\[\]\n]{1,400})\]\]")
_REFERENCE_LABEL = re.compile(r"\[([^\[\]\n]{0,300})\]\((?:\(\([^()\s]{1,80}\)\)|\[\[[^\[\]\n]{1,300}\]\])\)")
# Addresses that the reader of plain Markdown leaves: in angle brackets, or with brackets of their own.
_ODD_LINK = re.compile(
    r"(!?)\[([^\[\]\n]{0,500})\]\([ \t]?(?:<[^<>\n]{0,1000}>|(?:[^()\s]|\([^()\s]{0,300}\)){1,1000})"
    r"(?:[ \t]+\"[^\"\n]{0,200}\")?\)"
)
_HIGHLIGHT = re.compile(r"(==|\^\^)(?=\S)((?:(?!\1)[^\n]){1,1000})(?<=\S)\1")
_BRACES = re.compile(r"\{+|\}+")
_TOKEN = re.compile(r"#\[\[[^\[\]\n]{1,200}\]\]\S*|\S+|\s+")
_TAG = re.compile(r"#(?:\[\[([^\[\]]+)\]\]|(?=[\w/-]*[^\W\d])([\w/-]+)|\.[\w-]+)([.,;:!?)\]'\"”’…]*)")
_LINE_START = re.compile(r"\s*(?:>\s?)*(?:(?:[-*+]|\d{1,3}[.)])\s+(?:\[.\]\s+)?|#{1,6}\s+)?")
# After these a tag at the end of a line is the last word of its sentence.
_LEADING = (
    "a an the of to with about in on for and or my your our their his her its this that at by from is are was were as "
    "into like ein eine der die das den dem mit von für und oder le la les un une de du des et el los las con y"
)
_LEADS_ON = frozenset(_LEADING.split())


def outside_code(line: str, change: Callable[[str], str]) -> str:
    """The line changed where it stands in no backticks."""
    if "`" not in line:
        return change(line)
    pieces = line.split("`")
    closed = len(pieces) - 1 if len(pieces) % 2 == 0 else len(pieces)
    return "`".join(piece if number % 2 and number < closed else change(piece) for number, piece in enumerate(pieces))


def linked_words(text: str, name: Callable[[str], str] = str.strip) -> str:
    """``[[links]]`` as the words that ``name`` gives for what stands in the brackets, also one inside another."""
    for _ in range(_NESTED):
        if "[[" not in text:
            break
        text = _WIKILINK.sub(lambda found: name(found[1]), text)
    return text


def labels(text: str) -> str:
    """``[words](((block)))`` and ``[words]([[note]])`` as their words, where they are words."""
    if "](" not in text:
        return text
    return _REFERENCE_LABEL.sub(lambda found: found[1] if any(map(str.isalnum, found[1])) else "", text)


def web_links(text: str) -> str:
    """``[words](address)`` as its words, a picture as nothing."""
    for _ in range(2):  # a picture may be the words of a link
        if "](" in text:
            text = _ODD_LINK.sub(lambda found: "" if found[1] else found[2], text)
    return text


def highlights(text: str) -> str:
    """``==words==`` and ``^^words^^`` as their words."""
    return _HIGHLIGHT.sub(r"\2", text) if "==" in text or "^^" in text else text


def _nothing(_macro: str) -> str:
    return ""


def macros(text: str, words: Callable[[str], str] = _nothing) -> str:
    """Each ``{{macro}}`` as what ``words`` gives for its inside, however deep its braces; nothing by default."""
    if "{{" not in text:
        return text
    pieces: list[str] = []
    depth = start = done = 0
    for found in _BRACES.finditer(text):
        width = found.end() - found.start()
        if text[found.start()] == "{":
            if not depth and width >= 2:
                start = found.start()
            depth += width if depth or width >= 2 else 0
        elif depth:
            depth = max(0, depth - width)
            if not depth:
                pieces += [text[done:start], words(text[start : found.end()].strip("{}").strip())]
                done = found.end()
    return "".join((*pieces, text[done:]))


def tags(line: str) -> str:
    """Tags inside a sentence as words; those before or after it only file the line, and go. Empty for tags alone."""
    if "#" not in line:
        return line
    found = _LINE_START.match(line)
    start = found.end() if found else 0
    tokens: list[str] = _TOKEN.findall(line[start:])
    words = [number for number, token in enumerate(tokens) if not token.isspace()]
    matches = {number: match for number in words if (match := _tag(tokens[number]))}
    if not matches:
        return line
    if len(matches) == len(words):
        return ""
    filed = _filed(tokens, words, matches)
    shown = (_tag_words(matches[number]) if number in matches else token for number, token in enumerate(tokens))
    kept = "".join(token for number, token in enumerate(shown) if number not in filed)
    return line[:start] + kept.strip()


def _tag(token: str) -> re.Match[str] | None:
    is_long = len(token) > MOST_TAG_CHARACTERS and not token.startswith("#[[")
    return None if not token.startswith("#") or is_long else _TAG.fullmatch(token)


def _tag_words(tag: re.Match[str]) -> str:
    """``#food/sour_dough,`` to ``sour dough,``."""
    name = tag[1] or (tag[2] or "").strip("/").rpartition("/")[2].replace("_", " ")
    return f"{name}{tag[3]}" if name else ""


def _filed(tokens: list[str], words: list[int], matches: dict[int, re.Match[str]]) -> set[int]:
    """The tokens before and after the sentence: its tags, and the blanks between them."""
    first = next(number for number in words if number not in matches)
    last = next(number for number in reversed(words) if number not in matches)
    before = [number for number in words if number < first]
    after = [number for number in words if number > last]
    filed: set[int] = set()
    if len(before) > 1 or not tokens[first][0].islower():
        filed.update(range(first) if before else ())
    ends = bool(after) and not any(matches[number][3] for number in after)
    if ends and (len(after) > 1 or tokens[last].casefold() not in _LEADS_ON):
        filed.update(range(last + 1, len(tokens)))
    return filed

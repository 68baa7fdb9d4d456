"""The markup within a line of an Org file to Markdown: links to their words, time stamps to days, emphasis."""

from __future__ import annotations

import re
from datetime import date

from mlxtwin.sources.dates import make_date

_LINK = re.compile(r"\[\[([^\[\]\n]{1,2000})\](?:\[((?:[^\[\]\n]|\[[^\[\]\n]{0,200}\]){1,1000})\])?\]")
_ANGLE = re.compile(r"<(?:https?|ftp|mailto|file|news|doi):[^<>\s]{1,2000}>")
_STAMP = re.compile(
    r"[<\[](\d{4})-(\d{2})-(\d{2})(?:[ \t][^\n<>\[\]]{0,60})?[>\]]"
    r"(?:--[<\[]\d{4}-\d{2}-\d{2}[^\n<>\[\]]{0,60}[>\]])?"
)
_SEXP = re.compile(r"<%%\([^\n]{0,200}?\)>")
_FOOTNOTE = re.compile(r"\[fn:[^\[\]:\n]{0,60}\]")
_INLINE_NOTE = re.compile(r"\[fn:[^\[\]:\n]{0,60}:([^\[\]\n]{1,1000})\]")
_TARGET = re.compile(r"<<<([^<>\n]{1,200})>>>|<<[^<>\n]{1,200}>>")
_MACRO = re.compile(r"\{\{\{[^{}\n]{0,400}\}\}\}")
_PROGRAM = re.compile(
    r"(?i)\b(?:src|call)_[\w-]{1,40}(?:\[[^\[\]\n]{0,200}\])?\{[^{}\n]{0,400}\}|@@[a-z]{1,20}:[^@\n]{0,400}@@"
)
_ENTITY = re.compile(r"\\(nbsp|ldots|dots|ndash|mdash|rarr|to|times|quot)(?:\{\}|(?![A-Za-z]))")
_ENTITIES = {"nbsp": " ", "ldots": "…", "dots": "…", "ndash": "–", "mdash": "—", "rarr": "→", "to": "→"}
_EMPHASIS = re.compile(r"(?<![^\s\-({'\"])([*/_=~+])(?=\S)([^\n]{0,400}?\S)\1(?![^\s\-.,:!?;'\")}\\\[])")
_MARKDOWN = {"*": "**", "/": "*", "_": "", "=": "`", "~": "`", "+": "~~"}
_NO_WORDS = re.compile(
    r"(?i)(?:https?|ftp|file|id|mailto|attachment|doi|info|elisp|shell|help|news|docview|download|mu4e|notmuch|gnus|zotero|"
    r"bibtex|cite|video|yt|irc|man|eww|denote|roam):|[#.~/(]"
)
_FILE_WORDS = re.compile(r"(?i)(?:file:|\./|\.\./|/)?\S.{0,300}\.(?:png|jpe?g|gif|svg|webp|pdf|mp3|mp4|mov|heic)")


def words(line: str) -> str:
    """The line as Markdown without addresses, macros, targets and marks of footnotes."""
    if "[" in line:
        line = _FOOTNOTE.sub("", _INLINE_NOTE.sub(r"(\1)", line))
        line = _LINK.sub(_link_words, line)
    if "<" in line or "[" in line:
        line = _SEXP.sub("", _TARGET.sub(lambda found: found[1] or "", _ANGLE.sub("", line)))
        line = _STAMP.sub(r"\1-\2-\3", line)
    if "{" in line or "@" in line:
        line = _PROGRAM.sub("", _MACRO.sub("", line))
    if "\\" in line:
        line = _ENTITY.sub(lambda found: _ENTITIES.get(found[1], ""), line)
    return _EMPHASIS.sub(_emphasised, line)


def stamped(line: str) -> tuple[date | None, str]:
    """The day of the first time stamp in a line that is a date, and the line without that stamp."""
    for found in _STAMP.finditer(line):
        if day := make_date(found[1], found[2], found[3]):
            return day, " ".join((line[: found.start()] + line[found.end() :]).split())
    return None, line


def _link_words(found: re.Match[str]) -> str:
    if found[2]:
        return "" if _FILE_WORDS.fullmatch(found[2].strip()) else found[2]
    target = found[1].strip()
    return "" if _NO_WORDS.match(target) or _FILE_WORDS.fullmatch(target) else target.removeprefix("*")


def _emphasised(found: re.Match[str]) -> str:
    mark = _MARKDOWN[found[1]]
    return f"{mark}{found[2]}{mark}"

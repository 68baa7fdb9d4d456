"""Files that are nobody's prose, and why: told by name and by the first bytes."""

from __future__ import annotations

import re

from mlxtwin.sources.base import HEAD_BYTES, decode_text, is_binary, known_of, read_head
from mlxtwin.sources.files import File

EMPTY = "empty"
MEDIA = "a picture, sound or film"
_LICENCE = re.compile(r"(?i)(un)?licen[cs]e([-_.](mit|apache|bsd|gpl|cc0?|by).{0,20})?|copying")
_BOILERPLATE = frozenset({"CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY", "PULL_REQUEST_TEMPLATE", "NOTICE", "PATENTS"})
_TEXT_SUFFIXES = ("", "txt", "text", "md", "markdown", "rst")
_WEB = re.compile(r"(?i)\s*(<\?xml|<!doctype|<html|<svg|<en-export)")
_DATA = re.compile(r'\s*(\{\s*"|\[\s*[{"]|\[\s*\[\s*["\d]|%PDF|\{\\rtf|BEGIN:V)')
_BY_SUFFIX = {
    "a table": "csv tsv xls xlsx ods numbers parquet",
    "a web page": "html htm xhtml mhtml webarchive svg",
    "data": "json jsonl ndjson xml yaml yml toml ini cfg plist db sqlite sqlite3 enex opml ics vcf lock log bib",
    "code": "py pyi js mjs ts tsx jsx c h cc cpp hpp cs java kt go rs rb php pl sh bash zsh fish ps1 bat sql css scss "
    "r jl lua swift m mm hs ml scala clj el lisp vim tex sty cls asm s ipynb make mk cmake gradle diff patch scpt",
    "subtitles": "vtt srt sbv ass sub",
    "a document of another format": "pdf doc docx odt rtf epub pages ppt pptx key note bear2bk textpack",
    "Outlook's own format, to be exported as CSV or as single mails": "pst ost msg",
    "an archive": "zip gz tgz bz2 xz zst 7z rar tar dmg iso",
    MEDIA: "png jpg jpeg gif webp heic heif bmp tif tiff ico mp3 m4a wav ogg opus flac aac mp4 mov mkv avi webm 3gp",
}
_REASONS = {suffix: reason for reason, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}


def skip_reason(file: File) -> str:
    """Why a file holds no text of the person's, or empty when it may."""
    return known_of(file, "skip", lambda: _skip_reason(file))


def _skip_reason(file: File) -> str:
    head = read_head(file)
    suffix = file.suffix.casefold().lstrip(".")
    if not head.strip():
        return EMPTY
    if suffix in _TEXT_SUFFIXES and (_LICENCE.fullmatch(file.stem) or file.stem in _BOILERPLATE):
        return "a licence or notice"
    return _REASONS.get(suffix, "") or _skip_by_content(head)


def _skip_by_content(head: bytes) -> str:
    if is_binary(head):
        return "not text"
    text = decode_text(head[: HEAD_BYTES // 8])
    if _WEB.match(text):
        return "a web page"
    if _DATA.match(text):
        return "data"
    return "code" if text.startswith("#!") else ""


def looks_like_prose(text: str) -> bool:
    """Mostly letters and blanks; what is in Latin letters, in words of ordinary length."""
    sample = text[:8192]
    words = [word for word in sample.split() if word.isascii()]
    letters = sum(character.isalpha() or character.isspace() for character in sample)
    return letters > 0.7 * len(sample) > 0 and sum(map(len, words)) <= 16 * len(words)

"""The mails of a file, whatever holds them: a mailbox, one message, Apple's emlx, a table, lines or a list of JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.sources import json_file, table
from mlxtwin.sources.base import bom_encoding, decode_text, head_text, read_head, unreadable
from mlxtwin.sources.database import FULL_DISK_ACCESS
from mlxtwin.sources.files import File
from mlxtwin.sources.mail_columns import field_of, tell_mail
from mlxtwin.sources.mail_emlx import emlx_post, is_emlx
from mlxtwin.sources.mail_headers import known_headers
from mlxtwin.sources.mail_labels import maildir_labels
from mlxtwin.sources.mail_message import Post
from mlxtwin.sources.mail_rows import post_of
from mlxtwin.sources.mbox import messages

MAX_LINE_BYTES = 32 * 1024 * 1024
MOST_BAD_LINES = 1000
_NAMED = (".eml", ".mbox", ".mbx", ".emlx")
_DELIMITERS = ",;\t"
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s{0,20}:)?|[{}\[\]]', re.DOTALL)
_RAW_MAIL = re.compile(r"(?:Message-ID|From|Received|Return-Path|Delivered-To|Date|MIME-Version):[ ]", re.IGNORECASE)
_RAW_IN_JSON = re.compile(r'"message"\s?:\s?"' + _RAW_MAIL.pattern, re.IGNORECASE)
_JSON = ("{", "[")


def sureness(file: File) -> float:
    """How sure it is, 0 to 1, that a file holds mail."""
    head = read_head(file)
    plain = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
    known = len(known_headers(plain))
    if plain.startswith(b"From ") and known:
        return 0.97
    if known >= 2 or is_emlx(head):
        return 0.95
    if file.suffix.lower() in _NAMED:
        return 0.8
    if _is_rows(head_text(file).lstrip()):
        return 0.9
    return 0.5 if re.match(rb"from:[^\r\n]{0,200}@", plain, re.IGNORECASE) else 0.0


def posts(file: File) -> Iterator[Post]:
    """The mails in the order of the file. Raises SourceError, also half-way."""
    head = read_head(file) or _head_allowed(file)
    text = head_text(file).lstrip()
    if is_emlx(head):
        yield emlx_post(file)
    elif len(known_headers(head.lstrip(b"\xef\xbb\xbf\r\n\t "))) < 2 and _is_rows(text):
        yield from filter(None, map(post_of, _rows(file, text)))
    else:
        labels = maildir_labels(file.name)
        for raw in messages(file):
            yield Post(raw, labels=labels)


def _head_allowed(file: File) -> bytes:
    """Nothing, of a file in which there is nothing. Raises SourceError for one that may not be opened."""
    try:
        file.open("rb").close()
    except PermissionError as error:
        raise SourceError(unreadable(file, error).message, FULL_DISK_ACCESS) from None
    except OSError as error:
        raise unreadable(file, error) from None
    return b""


def _is_rows(text: str) -> bool:
    """Whether a text begins like a table or like JSON whose rows are mails."""
    if text.startswith(_JSON):
        keys = _first_keys(text)
        return tell_mail(keys) or ("message" in keys and bool(_RAW_IN_JSON.search(text)))
    return bool(_delimiter(text))


def _first_keys(text: str) -> set[str]:
    """The keys of the first object of JSON, less those of objects within it; as many of them as the text holds."""
    keys: set[str] = set()
    depth, level = 0, 2 if text.startswith("[") else 1
    for found in _TOKEN.finditer(text):
        sign = found.group()
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth < level:
                break
        elif found.group(2) and depth == level:
            keys.add(found.group(1))
    return keys


def _delimiter(text: str) -> str:
    """What stands between the columns of a table of mails; empty for a text that is none."""
    lines = text.split("\n")
    for delimiter in _DELIMITERS:
        try:
            rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
            names, first = next(rows, []), next(rows, [])
        except csv.Error:
            continue
        if len(names) >= 2 and (tell_mail(names) or _holds_raw(names, first)):
            return delimiter
    return ""


def _holds_raw(names: list[str], row: list[str]) -> bool:
    """Whether a column of text holds whole mails."""
    return any(field_of(name) == "text" and _RAW_MAIL.match(value) for name, value in zip(names, row, strict=False))


def _rows(file: File, text: str) -> Iterator[dict[str, Any]]:
    if not text.startswith(_JSON):
        yield from table.rows(file, _delimiter(text))
    elif text.startswith("["):
        yield from (item for item in json_file.items(file, "item") if isinstance(item, dict))
    elif "\n" not in text or _object(text.split("\n", 1)[0].encode()):
        yield from _json_lines(file)
    else:
        found = json_file.whole(file)
        yield from [found] if isinstance(found, dict) else []


def _json_lines(file: File) -> Iterator[dict[str, Any]]:
    """An object a line; lines that are none are left out, and told of at the end or when they are too many."""
    good = bad = 0
    try:
        with file.open("rb") as opened:
            while (line := opened.readline(MAX_LINE_BYTES)) and bad <= max(good, MOST_BAD_LINES):
                found = _object(line)
                if found is not None:
                    good += 1
                    yield found
                elif line.strip():
                    bad += 1
    except OSError as error:
        raise unreadable(file, error) from None
    if bad:
        raise SourceError(f"{file.name} has lines that are no JSON, {bad:,} of {good + bad:,}.", "Export it again.")


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(decode_text(line, bom_encoding(line)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

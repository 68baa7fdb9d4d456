"""The visits in JSON that Google Takeout or browserexport wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from mlxtwin.errors import SourceError
from mlxtwin.sources import json_file
from mlxtwin.sources.base import head_text, text_lines
from mlxtwin.sources.browser_days import Visit
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.files import File

Shape = Literal["takeout", "list", "lines", ""]
_TAKEOUT = re.compile(r'"Browser History"\s*:\s*\[\s*(?:\{|\])')
_ITEM = re.compile(r'\{\s*"url"\s*:\s*"')
_MOMENT = re.compile(r'"dt"\s*:\s*["\d]')


def shape_of(file: File) -> Shape:
    """How visits are written in a file, or empty where it holds none."""
    text = head_text(file).lstrip()
    if not text.startswith(("{", "[")):
        return ""
    if text.startswith("{") and _TAKEOUT.search(text):
        return "takeout"
    listed = text.startswith("[")
    if _ITEM.match(text[1:].lstrip() if listed else text) and _MOMENT.search(text[:4096]):
        return "list" if listed else "lines"
    return ""


def visits(file: File) -> Iterator[Visit]:
    shape = shape_of(file)
    if not shape:
        raise SourceError(f"{file.name} is no browser's history.")
    if shape == "lines":
        yield from _lines(file)
        return
    for item in json_file.items(file, "Browser History.item" if shape == "takeout" else "item"):
        if visit := _visit(item):
            yield visit


def _lines(file: File) -> Iterator[Visit]:
    """One visit a line; a line that is none is passed over."""
    import json

    for line in text_lines(file):
        try:
            item = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if visit := _visit(item):
            yield visit


def _visit(item: Any) -> Visit | None:
    if not isinstance(item, dict):
        return None
    about = item.get("metadata")
    title = item.get("title") or (about.get("title") if isinstance(about, dict) else "")
    at = _seconds(item)
    address = json_file.text(item.get("url"))
    return Visit(at, address, json_file.text(title)) if at is not None and address else None


def _seconds(item: dict[str, Any]) -> float | None:
    microseconds, told = item.get("time_usec"), item.get("dt")
    try:
        if isinstance(microseconds, int | float):
            return microseconds / 1e6
        if isinstance(told, int | float):
            return float(told)
        moment = parse_moment(told) if isinstance(told, str) else None
        return moment.timestamp() if moment else None
    except (OverflowError, ValueError):
        return None

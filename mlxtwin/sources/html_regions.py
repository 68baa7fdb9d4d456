"""The part of a web page that is its text: its article, without what stands around it on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator

LEAST_CHARACTERS = 200
_REGION = re.compile(r"(?i)<(/?)(article|main|nav|aside|footer|header|dialog)(?=[\s>/])[^>]{0,5000}>|<!--")
_ASIDE = frozenset(("nav", "aside", "footer", "dialog"))
Span = tuple[int, int]


def main_part(page: str) -> str:
    """The HTML of the main part; the page where it marks none, or one that is nearly empty."""
    spans = _spans(page)
    inner = _outermost(spans.get("main", []))
    articles = _outermost(spans.get("article", []))
    kept = articles if len(articles) == 1 or not inner else inner
    if sum(end - start for start, end in kept) < LEAST_CHARACTERS:
        kept = [(0, len(page))]
    around = ("header",) if kept == [(0, len(page))] else ()
    gone = _outermost([span for name in (*_ASIDE, *around) for span in spans.get(name, [])])
    return "\n<hr>\n".join("".join(_without(page, span, gone)) for span in kept)


def _spans(page: str) -> dict[str, list[Span]]:
    """Where each kind of region starts and ends; one that never ends reaches to the page's end."""
    found: dict[str, list[Span]] = {}
    opened: dict[str, list[int]] = {}
    at = 0
    while match := _REGION.search(page, at):
        at = match.end()
        if not match[2]:
            end = page.find("-->", at)
            at = end if end >= 0 else len(page)
            continue
        name = match[2].lower()
        if not match[1]:
            opened.setdefault(name, []).append(match.start())
        elif opened.get(name):
            found.setdefault(name, []).append((opened[name].pop(), match.end()))
    for name in ("main", "article"):
        found.setdefault(name, []).extend((start, len(page)) for start in opened.get(name, [])[:1])
    return found


def _outermost(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _without(page: str, span: Span, gone: list[Span]) -> Iterator[str]:
    at, end = span
    for start, stop in gone:
        if start >= at and stop <= end:
            yield page[at:start]
            at = stop
    yield page[at:end]

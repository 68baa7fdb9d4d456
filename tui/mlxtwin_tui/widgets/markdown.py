"""Markdown of a model's answer, live and frozen, read by one parser.

Nothing in it can be followed or hides anything: links, pictures, tags and character references stay as they were
written. Line breaks are kept, for people who write to each other mean theirs.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading
from rich.markdown import Markdown as RichMarkdown
from textual.widgets import Markdown

# An indented line is not code, and a line under another does not make it a heading: both are common in letters.
_OFF = ("link", "image", "autolink", "html_inline", "html_block", "entity", "reference", "code", "lheading")


def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough, without what would hide or link."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(_OFF)


def with_breaks(text: str) -> str:
    """Every line feed as Markdown's hard line break; works on a piece of a text too."""
    return text.replace("\n", "  \n")


class _PlainHeading(Heading):
    """Bold and to the left, not in a box in the middle."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class Frozen(RichMarkdown):
    """A finished answer as one renderable; the text must have been cleaned."""

    elements = {**RichMarkdown.elements, "heading_open": _PlainHeading}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False, code_theme="ansi_dark")
        self.markup = text
        self.parsed = parser().parse(with_breaks(text))


class LiveMarkdown(Markdown):
    """An answer while it comes; what is fed to its stream goes through `with_breaks` first."""

    def __init__(self) -> None:
        super().__init__(parser_factory=parser, open_links=False)

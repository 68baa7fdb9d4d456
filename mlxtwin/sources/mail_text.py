"""HTML mail to the lines a reader sees, with quoting and signatures as the mail program marked them.

Our own scanner and not html.parser: that one takes time in the square of the input on unclosed tags, comments and
marked sections, which is a minute for a 400 kB mail. This one looks at each character a bounded number of times. What
is not shown (style, script, hidden elements, comments) is left out; links keep their words, images nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator
from html import unescape
from typing import NamedTuple

from mlxtwin.sources.mail_lines import MAX_DEPTH, MAX_TEXT_CHARS, Line, Mark, quote_depth

MAX_OPEN_ELEMENTS = 200
# A tag as nearly all are; what it leaves is looked at step by step.
_PLAIN_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>\"']{0,40})((?:[^<>\"']++|\"[^<>\"]*\"|'[^<>']*')*+)>")
_TAG_NAME = re.compile(r"</?([a-zA-Z][^\s/>]{0,40})")
_TAG_STEP = re.compile(r"[^\"'>]*([\"'>])")
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:-]{0,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_RAW_NAMES = "script style title textarea xmp noembed"
_SILENT_NAMES = f"head template object svg math select audio video iframe {_RAW_NAMES}"
_BLOCK_NAMES = (
    "address article aside blockquote body center dd details dir div dl dt fieldset figure footer form h1 h2 h3 h4 h5 "
    "h6 header html li main nav ol p pre section table tbody tfoot thead tr ul"
)
_SPACED_NAMES = "p h1 h2 h3 h4 h5 h6 ul ol dl table pre blockquote"
_VOID, _RAW, _SILENT = (frozenset(names.split()) for names in (_VOID_NAMES, _RAW_NAMES, _SILENT_NAMES))
_TABLE_NAMES = frozenset(("caption", "tbody", "td", "tfoot", "th", "thead", "tr"))
_FENCES, _TABLE_FENCES = frozenset(("caption", "table", "td", "th")), frozenset(("table",))
_LIST_FENCES, _NO_FENCES = _FENCES | {"ul", "ol"}, frozenset[str]()
_IMPLIED_ENDS = {
    "li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt"), "td": ("td", "th"), "th": ("td", "th"), "tr": ("tr",),
}  # fmt: skip
_RAW_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _RAW}
_BLOCKS, _SPACED = frozenset(_BLOCK_NAMES.split()), frozenset(_SPACED_NAMES.split())
_TIGHT = re.compile(r"mso(?:normal|plaintext|listparagraph)|margin:\s*0(?:px|pt|cm|in)?\s*(?:;|$|0)", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display:\s*none|visibility:\s*hidden|mso-hide:\s*all|font-size:\s*0(?:px|pt|em)?\s*(?:;|$)", re.I
)
_INDENT = re.compile(r"border:none|border:0(?:px)?(?:;|$)")
_QUOTE_BOX = re.compile(
    r"yahoo_quoted|protonmail_quote|tutanota_quote|olk_src_body_section|mail-editor-reference-message-container|"
    r"ms-outlook-mobile-reference-message|moz-forward-container|zmail_extra|yahoo-quoted|gmail_quote_attribution_body"
)
_QUOTE_START = re.compile(r"divrplyfwdmsg|stopspelling|zwchr|appendonsend|outlookmessageheader|aolmsgpart")
_ATTRIBUTION = re.compile(r"moz-cite-prefix|gmail_attr|moz-email-headers-table|protonmail_quote_header")
_SIGNATURE = re.compile(
    r"gmail_signature|moz-signature|protonmail_signature|applemailsignature|ms-outlook-mobile-signature|"
    r"(?:^|\s)(?:x_)?signature(?:\s|$)|bloop_sign|elided-signature"
)


class _Tag(NamedTuple):
    name: str
    closing: bool
    attributes: str


class _Open(NamedTuple):
    name: str
    depth: int
    hidden: bool
    mark: Mark
    spaced: bool
    preformatted: bool = False


def html_lines(text: str) -> list[Line]:
    """The visible lines of an HTML body; at most MAX_TEXT_CHARS of it are looked at. Never fails."""
    page = _Page()
    for piece in _pieces(text[:MAX_TEXT_CHARS].replace("\0", "")):
        if isinstance(piece, str):
            page.words(piece)
        elif piece.closing:
            page.leave(piece.name)
        else:
            page.enter(piece)
    page.end_line()
    return page.lines


def _pieces(text: str) -> Iterator[_Tag | str]:
    """Tags, and the text between them as it stands in the source."""
    at, size = 0, len(text)
    missing: set[str] = set()
    while at < size:
        opening = text.find("<", at)
        if opening < 0:
            yield text[at:]
            return
        if opening > at:
            yield text[at:opening]
        if found := _PLAIN_TAG.match(text, opening):
            closing, name, attributes = found.groups()
            name = name.lower()
            yield _Tag(name, bool(closing), attributes)
            at = _raw_end(text, found.end(), name) if name in _RAW and not closing else found.end()
        else:
            at = yield from _markup(text, opening, missing)


def _markup(text: str, at: int, missing: set[str]) -> Generator[_Tag | str, None, int]:
    """What begins with the ``<`` at ``at``; returns where it ends. ``missing`` remembers what is never found again."""
    if text.startswith("<!--", at):
        end = _find(text, "-->", at + 4, missing)
        return end + 3 if end >= 0 else len(text)
    if text.startswith(("<!", "<?"), at):
        end = _find(text, ">", at + 2, missing)
        return end + 1 if end >= 0 else len(text)
    found = _TAG_NAME.match(text, at)
    if not found:
        yield "<"
        return at + 1
    end = _tag_end(text, found.end(), missing)
    if end < 0:
        yield text[at:]
        return len(text)
    name = found.group(1).lower()
    tag = _Tag(name, text[at + 1] == "/", text[found.end() : end])
    yield tag
    return _raw_end(text, end + 1, name) if name in _RAW and not tag.closing else end + 1


def _find(text: str, what: str, at: int, missing: set[str]) -> int:
    if what in missing:
        return -1
    end = text.find(what, at)
    if end < 0:
        missing.add(what)
    return end


def _tag_end(text: str, at: int, missing: set[str]) -> int:
    """Where the ``>`` of a tag is, quoted values skipped; -1 when there is none."""
    start = at
    while step := _TAG_STEP.match(text, at):
        sign = step.group(1)
        if sign == ">":
            return step.end() - 1
        at = step.end()
        if text[start : at - 1].rstrip()[-1:] == "=" if at - start < 300 else text[at - 2] == "=":
            closing = _find(text, sign, at, missing)
            if closing < 0:
                return _find(text, ">", start, missing)
            at = closing + 1
    return -1


def _raw_end(text: str, at: int, name: str) -> int:
    """The end of an element whose content is no markup; of the text when it is never closed."""
    closing = _RAW_ENDS[name].search(text, at)
    return closing.start() if closing else len(text)


class _Page:
    """Elements to lines: the open elements tell depth, visibility and marks of the words within."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._open: list[_Open] = [_Open("", 0, False, "", False)]
        self._counts: Counter[str] = Counter()
        self._words: list[str] = []
        self._pending: Mark = ""

    def words(self, raw: str) -> None:
        inside = self._open[-1]
        if inside.hidden:
            return
        text = unescape(raw) if "&" in raw else raw
        if inside.preformatted:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self.end_line(keep_blank=True)
                self._words.append(line)
            return
        self._words.append(_SPACES.sub(" ", text))

    def enter(self, tag: _Tag) -> None:
        name = tag.name
        attributes = _attributes(tag.attributes) if tag.attributes else {}
        label = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().strip()
        if name in _BLOCKS:
            self._imply_ends(name)
        if name in _BLOCKS or name in ("br", "hr"):
            self.end_line(keep_blank=name == "br")
        if label and _QUOTE_START.search(label):
            self._pending = "quote"
        if name == "hr":
            self.lines.append(Line("_" * 32, self._open[-1].depth, "rule"))
        if name in ("td", "th") and self._words:
            self._words.append(" ")
        if name == "li":
            self._words.append("- ")
        if name not in _VOID:
            self._push(name, attributes, label)

    def _push(self, name: str, attributes: dict[str, str], label: str) -> None:
        around = self._open[-1]
        style = attributes.get("style", "")
        mark: Mark = around.mark
        if label and _ATTRIBUTION.search(label):
            mark = "attribution"
        elif (label and _SIGNATURE.search(label)) or "data-signatureblock" in attributes:
            mark = "signature"
        quoted = bool(label or name == "blockquote") and _is_quote(name, attributes, label, style)
        if len(self._open) >= MAX_OPEN_ELEMENTS and not (quoted and around.depth < MAX_DEPTH):
            return
        depth = min(around.depth + quoted, MAX_DEPTH)
        hidden = around.hidden or name in _SILENT or bool(style and _HIDDEN.search(style))
        spaced = name in _SPACED and not _TIGHT.search(f"{label};{style}")
        if spaced and not hidden:
            self._space()
        preformatted = around.preformatted or name == "pre"
        self._counts[name] += 1
        self._open.append(_Open(name, depth, hidden, "" if quoted else mark, spaced, preformatted))

    def leave(self, name: str) -> None:
        back = self._opened(name, _fences(name))
        if back:
            self._close(back)
        elif name == "p":
            self.end_line(keep_blank=True)

    def _imply_ends(self, name: str) -> None:
        """End what the start of a block ends by itself, as pages leave out such end tags by the hundred."""
        fences = _LIST_FENCES if name == "li" else _fences(name)
        for other in ("p", *_IMPLIED_ENDS.get(name, ())):
            if back := self._opened(other, _FENCES if other == "p" else fences):
                self._close(back)

    def _close(self, back: int) -> None:
        ended = self._open[-back]
        if ended.name in _BLOCKS:
            self.end_line()
        self._counts.subtract(element.name for element in self._open[-back:])
        del self._open[-back:]
        if ended.spaced and not ended.hidden:
            self._space()

    def _opened(self, name: str, fences: frozenset[str]) -> int:
        """How many open elements an end tag closes; 0 where it closes none.

        As in a browser it reaches out of no table cell; out of a quote only the quote's own end tag does, since a
        stranger's page with an end tag too many would else turn into the person's words.
        """
        for back in range(1, len(self._open) if self._counts[name] else 0):
            inside = self._open[-back]
            if inside.name == name:
                return back
            if inside.name in fences or inside.depth > self._open[-back - 1].depth:
                return 0
        return 0

    def _space(self) -> None:
        """A blank line, unless there is one or nothing stands before."""
        if self.lines and not self.lines[-1].blank:
            self.lines.append(Line("", self._open[-1].depth))

    def end_line(self, *, keep_blank: bool = False) -> None:
        inside = self._open[-1]
        words = "".join(self._words)
        text = words.rstrip() if inside.preformatted else words.strip(" ")
        self._words.clear()
        if not text and not keep_blank:
            return
        extra, rest = quote_depth(text)
        mark = inside.mark
        if text and self._pending and not text.isspace():
            mark, self._pending = self._pending, ""
        self.lines.append(Line(rest, min(inside.depth + extra, MAX_DEPTH), mark))


def _fences(name: str) -> frozenset[str]:
    """The elements out of which an end tag of that name does not reach."""
    if name in ("table", "body", "html"):
        return _NO_FENCES
    return _TABLE_FENCES if name in _TABLE_NAMES else _FENCES


def _attributes(raw: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(raw[:4000]):
        found.setdefault(name.lower(), unescape(double or single or bare))
    return found


def _is_quote(name: str, attributes: dict[str, str], label: str, style: str) -> bool:
    """Whether an element holds quoted mail; a block that only indents, as editors make it, does not."""
    if _QUOTE_BOX.search(label):
        return True
    if name != "blockquote":
        return False
    plain = style.replace(" ", "").lower()
    return not (
        _INDENT.search(plain) and "border-left" not in plain and "type" not in attributes and "quote" not in label
    )

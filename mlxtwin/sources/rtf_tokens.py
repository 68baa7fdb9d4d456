"""RTF bytes to text and control words, each with the destination it stands in; groups are a stack, never recursion."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

MOST_GROUPS = 10_000
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?\ ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\", re.DOTALL
)
# By number of \fcharset; 0 and 1 are what \ansicpg says, 2 is of symbols.
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_CODE_PAGES = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_CHARACTERS = {
    "tab": " ", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS = {b"~": " ", b"_": "-", b"-": "", b"{": "{", b"}": "}", b"\\": "\\"}
# Where text may come from; everything else that a group may be is silent.
_PLACE_NAMES = (
    "fonttbl stylesheet info title author operator creatim revtim footnote annotation atnauthor revtbl listtext "
    "pntext fldrslt shptxt"
)
_SILENT_NAMES = (
    "colortbl pict object header headerl headerr headerf footer footerl footerr footerf fldinst xe tc rxe private "
    "filetbl listtable listoverridetable themedata datastore nonshppict subject keywords comment doccomm company "
    "manager category hlinkbase printim buptim falt panose upr template bkmkstart bkmkend"
)
_PLACES = frozenset(_PLACE_NAMES.split())
_SILENT = frozenset(_SILENT_NAMES.split())
_WITHIN_TEXT = frozenset(("fldrslt", "shptxt"))
_SILENT_PLACE = "-"


class Token(NamedTuple):
    """``place``: the destination, ``body`` for the text; ``by``: the number of who put it in with changes tracked.

    ``end``: a destination is done. A control word has its ``number`` where it has one.
    """

    kind: Literal["text", "word", "end"]
    place: str
    text: str
    number: int | None = None
    by: int | None = None


@dataclass(slots=True)
class _Group:
    place: str = "body"
    codec: str = ""
    skip: int = 1
    hidden: bool = False
    deleted: bool = False
    revised: bool = False
    by: int = 0


class Reader:
    """One pass over a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._groups = [_Group()]
        self._unkept = 0
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._bytes = bytearray()
        self._text: list[str] = []
        self._to_skip = 0
        self._starred = False

    def tokens(self) -> Iterator[Token]:
        at, size = 0, len(self._data)
        while at < size and (found := _TOKEN.match(self._data, at)):
            at = found.end()
            word, number, code, symbol, brace, text = found.groups()
            if word == b"bin":
                at += max(0, int(number or 0))
            elif word:
                yield from self._word(word.decode("ascii"), int(number) if number else None)
            elif code:
                self._take(bytes((int(code, 16),)))
            elif symbol:
                yield from self._symbol(symbol)
            elif brace:
                yield from self._said()
                yield from self._brace(brace)
            elif text:
                self._take(text)
        yield from self._said()

    def _take(self, data: bytes) -> None:
        """Bytes of text, less those that only stand in for a character already given by its number."""
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        self._bytes += data[skipped:]

    def _decoded(self) -> None:
        if self._bytes:
            codec = self._groups[-1].codec or self._codec
            self._text.append(bytes(self._bytes).decode(codec, "replace"))
            self._bytes.clear()

    def _said(self) -> Iterator[Token]:
        """The text held so far."""
        self._decoded()
        text, self._text = _whole("".join(self._text)), []
        group = self._groups[-1]
        if text and group.place != _SILENT_PLACE and not group.hidden and not group.deleted:
            yield Token("text", group.place, text, by=group.by if group.revised else None)

    def _symbol(self, symbol: bytes) -> Iterator[Token]:
        if symbol == b"*":
            self._starred = True
        elif symbol in (b"\n", b"\r"):
            yield from self._said()
            yield Token("word", self._groups[-1].place, "par")
        elif symbol in _SYMBOLS and not self._skips():
            self._decoded()
            self._text.append(_SYMBOLS[symbol])

    def _skips(self) -> bool:
        skipped = self._to_skip > 0
        self._to_skip -= skipped
        return skipped

    def _brace(self, brace: bytes) -> Iterator[Token]:
        self._to_skip = 0
        self._starred = False
        if brace == b"{":
            if len(self._groups) < MOST_GROUPS:
                self._groups.append(replace(self._groups[-1]))
            else:
                self._unkept += 1
        elif self._unkept:
            self._unkept -= 1
        elif len(self._groups) > 1:
            closed = self._groups.pop()
            if closed.place != self._groups[-1].place:
                yield Token("end", closed.place, "")

    def _word(self, word: str, number: int | None) -> Iterator[Token]:
        if word == "u":
            self._unicode(number or 0)
            return
        if word in _CHARACTERS:
            if not self._skips():
                self._decoded()
                self._text.append(_CHARACTERS[word])
            return
        yield from self._said()
        self._to_skip = 0
        starred, self._starred = self._starred, False
        group = self._groups[-1]
        if group.place == _SILENT_PLACE:
            return
        if word in _PLACES:
            group.place = group.place if word in _WITHIN_TEXT else word
        elif starred or word in _SILENT:
            group.place = _SILENT_PLACE
        elif not self._says_of_text(group, word, number):
            yield Token("word", group.place, word, number)

    def _unicode(self, number: int) -> None:
        self._decoded()
        self._text.append(chr(number & 0xFFFF))
        self._to_skip = self._groups[-1].skip

    def _says_of_text(self, group: _Group, word: str, number: int | None) -> bool:
        """Whether a word says how text is to be read, which is then done."""
        on = number != 0
        if word == "uc":
            group.skip = max(0, min(number or 0, 100))
        elif word == "v":
            group.hidden = on
        elif word == "deleted":
            group.deleted = on
        elif word == "revised":
            group.revised = on
        elif word == "revauth":
            group.by = number or 0
        elif word == "plain":
            group.hidden = group.deleted = group.revised = False
            group.codec = ""
        else:
            return self._says_of_codes(group, word, number)
        return True

    def _says_of_codes(self, group: _Group, word: str, number: int | None) -> bool:
        if word in _CODE_PAGES:
            self._codec = _CODE_PAGES[word]
        elif word == "ansicpg":
            self._codec = _codec(f"cp{number}") or self._codec
        elif word == "f" and group.place == "fonttbl":
            self._font = number or 0
        elif word == "fcharset" and group.place == "fonttbl":
            self._fonts[self._font] = _codec(_CHARSETS.get(number or 0, ""))
        elif word == "f":
            group.codec = self._fonts.get(number or 0, "")
        else:
            return False
        return True


def _codec(name: str) -> str:
    name = {"cp10000": "mac_roman", "cp65001": "utf-8", "cp936": "gbk", "cp950": "big5"}.get(name, name)
    try:
        return codecs.lookup(name).name if name else ""
    except LookupError:
        return ""


def _whole(text: str) -> str:
    """Characters given as two numbers become one."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")

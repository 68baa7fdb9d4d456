"""Web pages: saved as one file (html, xhtml), as Chrome's mhtml or as Safari's webarchive.

A page found in a folder is mostly somebody else's. It is the person's where the author it names (a ``meta`` element) is
one of theirs; a page that names nobody is kept as context only, since an importer does not see what was asked for: the
way to claim one's own pages is a name in them that ``--me`` gives. Of the page its main part is taken (``article``,
``main``), without menus, asides and footers; quotes in it are nobody's. Not covered: what a script would have written.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import Message

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, head_text, read_head, relative_name, unreadable
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.document_text import Writing, documents, named
from mlxtwin.sources.files import File
from mlxtwin.sources.html_regions import main_part
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.markup_scan import Tag, decoded, pieces

MOST_BYTES = 64 * 1024 * 1024
HEAD_CHARACTERS = 256 * 1024
_PAGE = re.compile(
    r"(?is)\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,5000}?-->\s*)*(?:<!doctype\s+html|<html|<head|<body)[\s>]"
)
_BOOKMARKS = re.compile(r"(?i)\s*<!doctype netscape-bookmark")
_TITLE = re.compile(r"(?i)<title(?:\s[^>]{0,500})?>([^<]{1,2000})</title")
_CHARSET = re.compile(rb"(?i)charset\s*=\s*[\"']?([\w-]{1,40})")
_MHTML = re.compile(rb"(?im)^(?:snapshot-content-location:|from:\s*[\"<]?<?saved by )")
_AUTHORS = ("author", "dc.creator", "dcterms.creator", "article:author", "parsely-author", "sailthru.author", "byl")
_DATES = ("article:published_time", "datepublished", "dc.date", "dcterms.created", "date", "pubdate", "publish-date")


class HtmlPage:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "html"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        head = read_head(file, 8192)
        if _is_mhtml(head):
            return 0.97
        if head.startswith(b"bplist00") and file.suffix.casefold() == ".webarchive":
            return 0.9
        text = head_text(file)[:8192]
        if _BOOKMARKS.match(text):
            return 0.0
        return 0.3 if _PAGE.match(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        yield from _writing(_page(file)).authors

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        page = _page(file)
        lines = markdown(main_part(page)).split("\n")
        parts = blocks(lines, markdown=True)
        path = relative_name(file, root)
        yield from documents(parts, _writing(page), source=self.name, path=path, person=person)


def _is_mhtml(head: bytes) -> bool:
    return b"multipart/related" in head.lower() and bool(_MHTML.search(head.replace(b"\r\n", b"\n")))


def _page(file: File) -> str:
    """The text of the page. Raises SourceError."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > MOST_BYTES:
        raise SourceError(f"{file.name} is too large: over {MOST_BYTES // 1024 // 1024} MB.")
    if data.startswith(b"bplist00"):
        return _of_webarchive(file, data)
    if _is_mhtml(data[:8192]):
        return _of_mhtml(file, data)
    return _decoded(data)


def _decoded(data: bytes, declared: str = "") -> str:
    told = _CHARSET.search(data[:4096])
    return decode_text(data, declared or (told[1].decode("ascii") if told else ""))


def _of_mhtml(file: File, data: bytes) -> str:
    for part in message_from_bytes(data).walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            return _decoded(_payload(part), part.get_content_charset() or "")
    raise SourceError(f"{file.name} holds no page.", "Save the page again.")


def _payload(part: Message) -> bytes:
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return found if isinstance(found, bytes) else b""


def _of_webarchive(file: File, data: bytes) -> str:
    try:
        main = plistlib.loads(data)["WebMainResource"]
        return _decoded(bytes(main["WebResourceData"]), str(main.get("WebResourceTextEncodingName", "")))
    # What a damaged property list breaks depends on where the damage is.
    except Exception:
        raise SourceError(f"{file.name} is damaged or holds no page.", "Save the page again.") from None


def _writing(page: str) -> Writing:
    head = page[:HEAD_CHARACTERS]
    told, published = _told(head)
    title = _TITLE.search(head)
    authors = next((names for key in _AUTHORS if (names := named(_no_address(told.get(key, ""))))), ())
    dates = (parse_moment(told[key]) for key in _DATES if key in told)
    at = next((at for at in dates if at), None) or parse_moment(published)
    return Writing(told.get("og:title", "") or (decoded(title[1]) if title else ""), authors, at)


def _no_address(author: str) -> str:
    """A name; the address of a profile is none."""
    return "" if re.match(r"(?i)\s*https?://", author) else author


def _told(head: str) -> tuple[Mapping[str, str], str]:
    """What ``meta`` elements say, by their names in lower case, and the first moment a ``time`` element gives."""
    told: dict[str, str] = {}
    published = ""
    for piece in pieces(head):
        if not isinstance(piece, Tag) or piece.closing:
            continue
        attributes = piece.attributes
        if piece.name == "meta":
            key = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
            told.setdefault(key.casefold(), attributes.get("content", ""))
        elif piece.name == "time" and not published:
            published = attributes.get("datetime", "")
    return told, published

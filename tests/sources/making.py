"""Small writers of the formats that documents come in: bytes of a PDF, docx, odt, epub, mhtml and of a repository."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">{}</cp:coreProperties>'
)


def zipped(members: Mapping[str, str | bytes], first: str = "") -> bytes:
    """A zip file; ``first`` is a member that stands at its head, not compressed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members, key=lambda name: name != first):
            kind = zipfile.ZIP_STORED if name == first else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), members[name], kind)
    return stream.getvalue()


def pdf(pages: Sequence[Sequence[str]], *, info: Mapping[str, str] | None = None, sizes: Sequence[float] = ()) -> bytes:
    """A PDF of pages of lines, 14 points apart; an empty line is a gap. ``sizes``: of their letters."""
    streams = [_drawn(lines, sizes) for lines in pages]
    return pdf_of(streams, info=info)


def _drawn(lines: Sequence[str], sizes: Sequence[float]) -> bytes:
    drawn = []
    for number, line in enumerate(lines):
        size = sizes[number] if number < len(sizes) else 10
        text = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        if line:
            drawn.append(f"BT /F1 {size} Tf 72 {760 - 14 * number} Td ({text}) Tj ET")
    return "\n".join(drawn).encode("cp1252")


def pdf_of(
    streams: Sequence[bytes], *, info: Mapping[str, str] | None = None, more: Mapping[int, bytes] | None = None,
    resources: bytes = b"/Font << /F1 3 0 R >>",
) -> bytes:  # fmt: skip
    """A PDF whose pages draw these streams; ``more``: further objects by their numbers, from 1000 on."""
    objects: dict[int, bytes] = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: b"<< %s >>" % b" ".join(b"/%s (%s)" % (key.encode(), value.encode()) for key, value in (info or {}).items()),
    }
    kids = []
    for number, stream in enumerate(streams):
        page = 10 + 2 * number
        kids.append(b"%d 0 R" % page)
        objects[page] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << %s >> /Contents %d 0 R >>"
            % (resources, page + 1)
        )
        objects[page + 1] = stream_object(stream)
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return assembled({**objects, **(more or {})})


def stream_object(data: bytes, about: bytes = b"") -> bytes:
    packed = zlib.compress(data)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), about, packed)


def assembled(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """Objects to a file with its table of places."""
    out = bytearray(b"%PDF-1.5\n")
    places = {}
    for number, body in sorted(objects.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in sorted(places.items()):
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def paragraph(*runs: str, style: str = "", about: str = "") -> str:
    """A paragraph of a docx; a run that starts with ``<`` is XML as it stands."""
    told = f'<w:pPr><w:pStyle w:val="{style}"/>{about}</w:pPr>' if style else f"<w:pPr>{about}</w:pPr>"
    return f"<w:p>{told}{''.join(run if run.startswith('<') else f'<w:r><w:t>{run}</w:t></w:r>' for run in runs)}</w:p>"


def docx(body: str, *, core: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A docx with a body of paragraphs, properties (``<dc:creator>Ann</dc:creator>``) and further parts."""
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": document,
        "docProps/core.xml": CORE.format(core),
        **(parts or {}),
    }
    return zipped(members, "[Content_Types].xml")


def part(name: str, inner: str) -> str:
    """``comments``, ``footnotes``, ``styles``, ``numbering`` of a docx."""
    return f'<w:{name} xmlns:w="{WORD}">{inner}</w:{name}>'


def odt(body: str, *, meta: str = "", styles: str = "", more: Mapping[str, str] | None = None) -> bytes:
    names = {
        "office": "office", "text": "text", "table": "table", "style": "style", "meta": "meta",
    }  # fmt: skip
    spaces = " ".join(
        f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{value}:1.0"' for key, value in names.items()
    )
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    about = f"<office:document-meta {spaces}><office:meta>{meta}</office:meta></office:document-meta>"
    kind = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "content.xml": content, "meta.xml": about, **(more or {})}, "mimetype")


def epub(chapters: Mapping[str, str], *, metadata: str = "", more: Mapping[str, str] | None = None) -> bytes:
    """A book of XHTML chapters, in the order given."""
    items = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    order = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:opf="http://www.idpf.org/2007/opf">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "OEBPS/book.opf": package,
        **{f"OEBPS/{name}": f"<html><body>{text}</body></html>" for name, text in chapters.items()},
        **(more or {}),
    }
    return zipped(members, "mimetype")


class Repository:
    """Objects of a repository, unpacked; ``files`` are its files by their places in its folder."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"HEAD": b"ref: refs/heads/main\n"}
        self._last = ""

    def put(self, kind: str, data: bytes) -> str:
        whole = f"{kind} {len(data)}\0".encode() + data
        number = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        self.files[f"objects/{number[:2]}/{number[2:]}"] = zlib.compress(whole)
        return number

    def tree(self, files: Mapping[str, str]) -> str:
        entries = (
            b"100644 %s\0%s" % (name.encode(), bytes.fromhex(self.put("blob", text.encode())))
            for name, text in sorted(files.items())
        )
        return self.put("tree", b"".join(entries))

    def commit(
        self, author: str, at: int, message: str, files: Mapping[str, str] | None = None,
        parents: Sequence[str] | None = None,
    ) -> str:  # fmt: skip
        """A commit on the branch, or on ``parents``; ``at`` in seconds since 1970."""
        found = ([self._last] if self._last else []) if parents is None else parents
        lines = [f"tree {self.tree(files or {})}", *(f"parent {one}" for one in found)]
        lines += [f"author {author} {at} +0000", f"committer C <c@example.org> {at} +0000", "", message]
        self._last = self.put("commit", "\n".join(lines).encode())
        self.files["refs/heads/main"] = f"{self._last}\n".encode()
        return self._last

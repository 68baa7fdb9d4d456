"""XML as a stream of starts, ends and text: no tree is built, no entity is expanded, nothing is fetched."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.expatreader import create_parser

from mlxtwin.errors import SourceError

# Large, since an expat that is older than 2.6 reads an unfinished token again with every piece.
PIECE_BYTES = 1024 * 1024
MOST_DEPTH = 1000
MOST_EVENTS = 2_000_000
_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


class _TooMuch(Exception):
    pass


class Event(NamedTuple):
    """``name`` is local, ``space`` the namespace; a piece of ``text`` may be one of several in a row."""

    kind: Literal["start", "end", "text"]
    name: str = ""
    space: str = ""
    text: str = ""
    attributes: Mapping[str, str] = _NO_ATTRIBUTES


def events(data: bytes, file_name: str) -> Iterator[Event]:
    """What a document holds, in order. Raises SourceError, after what it gave, for what is no XML or declares things.

    A bare DOCTYPE that only names itself is let pass. Attributes go by their local names.
    """
    handler = _Handler()
    parser = create_parser(forbid_dtd=True)
    parser.defused_start_doctype_decl = _refuse_declarations
    parser.defused_external_entity_ref_handler = _leave_alone
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(handler)
    stream = io.BytesIO(data)
    try:
        while piece := stream.read(PIECE_BYTES):
            parser.feed(piece)
            yield from handler.taken()
        parser.close()
        yield from handler.taken()
    except _TooMuch:
        raise SourceError(f"{file_name} is nested deeper, or holds more, than any document.") from None
    except DefusedXmlException:
        raise SourceError(f"{file_name} holds XML that may not be read: it declares entities.") from None
    except (SAXException, ValueError, LookupError, AssertionError):
        yield from handler.taken()
        raise SourceError(f"{file_name} is damaged: its XML cannot be read.", "Copy or export it again.") from None


def _refuse_declarations(name: str, system: str | None, public: str | None, declares: bool) -> None:
    if declares:
        raise DTDForbidden(name, system, public)


def _leave_alone(*_reference: str | None) -> int:
    """Nothing is fetched for a DOCTYPE that refers to its definition elsewhere, and that is no fault of the file."""
    return 1


class _Handler(ContentHandler):
    """Keeps events until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Event] = []
        self._depth = self._count = 0

    def taken(self) -> list[Event]:
        found, self._found = self._found, []
        return found

    def startElementNS(self, name: tuple[str | None, str], _qname: str | None, attrs: Any) -> None:
        self._depth += 1
        self._counted()
        attributes = {local: value for (_, local), value in attrs.items()}
        self._found.append(Event("start", name[1], name[0] or "", "", attributes or _NO_ATTRIBUTES))

    def endElementNS(self, name: tuple[str | None, str], _qname: str | None) -> None:
        self._depth -= 1
        self._found.append(Event("end", name[1], name[0] or ""))

    def characters(self, content: str) -> None:
        self._counted()
        self._found.append(Event("text", text=content))

    def _counted(self) -> None:
        self._count += 1
        if self._depth > MOST_DEPTH or self._count > MOST_EVENTS:
            raise _TooMuch

from __future__ import annotations

from datetime import UTC, datetime

from ..making import docx, paragraph, part
from . import Case

CORE = "<dc:creator>Ann</dc:creator><dcterms:created>2024-03-02T10:00:00Z</dcterms:created>"
STYLES = part("styles", '<w:style w:styleId="Zitat"><w:name w:val="Quote"/></w:style>')
BODY = paragraph("With patience and a hot stone.") + paragraph("It rose at last.", style="Zitat")
DATA = docx(BODY, core=CORE, parts={"word/styles.xml": STYLES})
CASE = Case(
    "docx", "bread.docx", DATA, ("Ann",), ("patience",), ("rose",), datetime(2024, 3, 2, 10, tzinfo=UTC), lines=False,
    streamed=False,
)  # fmt: skip

from __future__ import annotations

from datetime import UTC, datetime

from ..making import odt
from . import Case

META = "<meta:initial-creator>Ann</meta:initial-creator><meta:creation-date>2024-03-02T10:00:00</meta:creation-date>"
BODY = (
    "<text:h text:outline-level='1'>Bread</text:h><text:p>With patience and a hot stone.</text:p>"
    "<text:p text:style-name='Quotations'>It rose at last.</text:p>"
)
CASE = Case(
    "odt", "bread.odt", odt(BODY, meta=META), ("Ann",), ("patience",), ("rose",), datetime(2024, 3, 2, 10, tzinfo=UTC),
    lines=False, streamed=False,
)  # fmt: skip

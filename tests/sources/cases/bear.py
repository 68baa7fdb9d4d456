from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

from . import Case

TEXT = """# Bread
#kitchen #home/slow food#

> How do you bake the rye?

With patience and a hot stone.
"""
ABOUT = {"uniqueIdentifier": "6F1A-01", "creationDate": "2024-03-02T10:00:00Z", "trashed": 0, "archived": 0}
INFO = {"type": "net.daringfireball.markdown", "version": 2, "creatorIdentifier": "net.shinyfrog.bear"}


def packed(members: dict[str, str | bytes]) -> bytes:
    """A zip file that is the same each time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 3, 2, 10, 0, 0)), data)
    return made.getvalue()


CASE = Case(
    "bear",
    "Notes.bear2bk",
    packed(
        {
            "Notes/Bread.textbundle/text.md": TEXT,
            "Notes/Bread.textbundle/info.json": json.dumps({**INFO, "net.shinyfrog.bear": ABOUT}),
        }
    ),
    (),
    ("patience",),
    ("How do you bake",),
    datetime(2024, 3, 2, 10, tzinfo=UTC),
    lines=False,
    streamed=False,
)

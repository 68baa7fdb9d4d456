from __future__ import annotations

from datetime import UTC, datetime

from ..making import Repository
from . import Case

ANN, BOB = "Ann <ann@example.org>", "Bob <bob@example.org>"
REPOSITORY = Repository()
REPOSITORY.commit(BOB, 1_709_373_600, "How do you bake the rye?")
REPOSITORY.commit(ANN, 1_709_373_660, "With patience and a hot stone")
REPOSITORY.commit(ANN, 1_709_460_060, "Be glad\n\nIt rose at last, as it was told to.\n\n> It was asked for.")
FILES = dict(REPOSITORY.files)
CASE = Case(
    "git", "HEAD", FILES.pop("HEAD"), ("Ann",), ("patience", "glad"), ("How do you bake", "asked for"),
    datetime(2024, 3, 2, 10, 1, tzinfo=UTC), tuple(FILES.items()), any_name=False, lines=False, streamed=False,
)  # fmt: skip

"""The screens draw the same everywhere: no variable of the terminal reaches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fakes import FakeHouse


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLORTERM", "TERM", "COLUMNS", "LINES", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def absent() -> FakeHouse:
    """A house before the first day."""
    return FakeHouse(door="absent")


@pytest.fixture
def sealed() -> FakeHouse:
    """A house locked with the passphrase ``correct horse``."""
    house = FakeHouse(door="locked")
    house.passphrase = "correct horse"
    return house


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """A folder in the person's own one, to import."""
    folder = tmp_path / "user" / "exports"
    folder.mkdir()
    (folder / "mail.mbox").write_text("From x\n")
    (folder / ".hidden").write_text("")
    return folder

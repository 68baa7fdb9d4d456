from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from fake_keyring import FakeKeyring

from mlxtwin.security import keychain


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeKeyring]]:
    """The only keychain of this machine, for one test, and empty."""
    monkeypatch.setattr(keychain, "BACKENDS", (("Fake", sys.platform, "fake_keyring", "FakeKeyring"),))
    monkeypatch.delenv(keychain.CHOICE, raising=False)
    _reset()
    yield FakeKeyring
    _reset()


def _reset() -> None:
    FakeKeyring.items.clear()
    FakeKeyring.mood = "well"
    FakeKeyring.meanwhile = None

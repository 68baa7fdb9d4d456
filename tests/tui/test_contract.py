"""The fake house answers as the real one does: both go through the same calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client.house import House, Overview
from mlxtwin.client.imports import ImportRequest
from mlxtwin.client.preferences import Preferences
from mlxtwin.errors import Interrupted, Refused, UsageError, VaultLocked, WhoIsMe
from mlxtwin.paths import Home

from .fakes import FakeHouse

PASSPHRASE = "correct horse battery"
MAIL = """From x Thu Jan  1 00:00:00 2026
From: {author} <{author}@example.org>
To: ben@example.org
Subject: The boat {number}
Date: Thu, 1 Jan 2026 10:00:0{number} +0000
Message-ID: <{number}@example.org>

I went down to the boat this morning and found the rope had slipped in the night, so I tied it again, number {number}.

"""


@pytest.fixture(params=["real", "fake"])
def house(request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "none")  # the computer of whoever runs this may have a keychain
    if request.param == "real":
        return House(home)
    fake = FakeHouse(home, door="absent")
    fake.fake_keychain = ("", "none here")
    fake.authors = (("anna@example.org", 3),)
    return fake


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.mbox"
    path.write_text("".join(MAIL.format(author="anna", number=number) for number in range(3)))
    return path


def never() -> bool:
    return False


def silent(_done: int, _files: int, _documents: int) -> None:
    pass


def test_a_vault_is_made_locked_unlocked_and_recovered(house: House) -> None:
    assert house.door == "absent"
    assert house.overview() == Overview("absent", "init")
    recovery = house.create(PASSPHRASE)
    assert (house.door, house.asks_passphrase(), house.sealed_with_passphrase()) == ("open", True, True)
    with pytest.raises(UsageError):
        house.create(PASSPHRASE)
    house.lock()
    assert (house.door, house.overview().next) == ("locked", "unlock")
    with pytest.raises(VaultLocked):
        _ = house.key
    with pytest.raises(VaultLocked):
        house.unlock("another")
    assert house.door == "locked"
    house.unlock(PASSPHRASE)
    assert house.door == "open"
    house.lock()
    with pytest.raises((UsageError, VaultLocked)):
        house.recover("nonsense", "a new passphrase")
    house.recover(recovery, "a new passphrase")
    house.lock()
    house.unlock("a new passphrase")
    assert house.overview() == Overview("open", "import")


def test_a_passphrase_in_the_environment_does_not_stand_in_the_way(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLXTWIN_PASSPHRASE", "not the one that is typed")
    house = House(home)
    house.create(PASSPHRASE)
    assert house.door == "open"
    house.lock()
    with pytest.raises(VaultLocked):
        house.unlock()
    house.unlock(PASSPHRASE)


def test_without_a_keychain_there_is_a_reason_and_no_secret(house: House) -> None:
    name, why = house.keychain()
    assert (name, bool(why)) == ("", True)
    for ask in (house.secrets, lambda: house.put_secret("huggingface", "x"), lambda: house.remove_secret("x")):
        with pytest.raises(Refused):
            ask()
    with pytest.raises(UsageError):
        house.put_secret("nobody reads this", "x")


def test_an_import_asks_who_is_who_and_tells_how_far_it_is(house: House, mail: Path) -> None:
    with pytest.raises(VaultLocked):
        house.import_documents(ImportRequest((mail,)), silent, never)
    house.create(PASSPHRASE)
    with pytest.raises(WhoIsMe) as asked:
        house.import_documents(ImportRequest((mail,)), silent, never)
    assert "anna@example.org" in [name for name, _ in asked.value.candidates]
    with pytest.raises(UsageError):
        house.import_documents(ImportRequest((mail.with_name("nowhere"),)), silent, never)
    told: list[tuple[int, int, int]] = []
    request = ImportRequest((mail,), ("anna@example.org",), tier=1)
    before = house.pulse()
    found = house.import_documents(request, lambda *place: told.append(place), never)
    assert told[-1] == (found["files"], found["files"], found["documents"])
    assert house.pulse() != before
    assert_summary(found)
    overview = house.overview()
    assert (overview.next, overview.door) == ("train", "open")
    assert overview.words == found["words_by_me"]
    assert set(overview.kinds) == {"mail"}


def assert_summary(found: dict[str, Any]) -> None:
    counts = ("files", "documents", "kept", "words_by_me", "added", "updated", "unchanged")
    assert all(isinstance(found[name], int) for name in counts)
    assert found["words_by_me"]
    assert found["documents"] == found["kept"] + sum(found["dropped"].values())
    assert isinstance(found["errors"], list)
    assert isinstance(found["authors"], list)
    assert isinstance(found["skipped"], dict)
    json.dumps(found)


def test_an_import_that_is_stopped_ends_soon_and_may_be_done_again(house: House, mail: Path) -> None:
    house.create(PASSPHRASE)
    request = ImportRequest((mail,), ("anna@example.org",))
    with pytest.raises(Interrupted):
        house.import_documents(request, silent, lambda: True)
    assert house.import_documents(request, silent, never)["words_by_me"]


def test_what_was_read_before_a_stop_is_kept_and_decided(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.md").write_text(
            f"On day {number} I walked along the harbour wall and thought of boats."
        )
    house = House(home)
    house.create(PASSPHRASE)
    seen = 0

    def enough() -> bool:
        return seen > 260

    def count(_done: int, _files: int, documents: int) -> None:
        nonlocal seen
        seen = documents

    request = ImportRequest((folder,), ("anna",), as_source="notes")
    with pytest.raises(Interrupted):
        house.import_documents(request, count, enough)
    with house.vault() as vault:
        kept = list(vault.documents())
    assert len(kept) == 256
    assert all(stored.decided for stored in kept)


def test_sources_and_bases_have_names(house: House) -> None:
    assert {"mail", "notes", "whatsapp", "transcript"} <= set(house.sources())
    starter = house.bases()[0]
    assert (starter["name"], starter["bundled"]) == ("starter", True)


def test_settings_are_kept(house: House) -> None:
    assert house.preferences() == (Preferences(), "")
    house.keep_preferences(Preferences("nord", {"help": "f12"}))
    assert house.preferences() == (Preferences("nord", {"help": "f12"}), "")


def test_what_the_fake_found_on_its_machine_has_the_real_shape(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlxtwin.client import doctor

    monkeypatch.setattr(doctor, "device", _no_device)
    real, fake = House(home).examine(), FakeHouse().examine()
    assert set(fake) <= set(real)
    for name in ("memory", "compile", "keychain", "network"):
        assert set(fake[name]) == set(real[name])


def _no_device() -> dict[str, Any]:
    from mlxtwin.errors import TwinError

    raise TwinError("not asked here", "")


def test_the_fake_leaves_no_method_of_the_house_to_a_vault_it_does_not_have() -> None:
    real: dict[str, Callable[..., Any]] = {
        name: member for name, member in vars(House).items() if callable(member) and not name.startswith("_")
    }
    left = {name for name in real if name not in vars(FakeHouse)}
    assert left <= {"vault"}

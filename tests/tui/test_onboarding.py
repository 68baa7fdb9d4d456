"""From nothing to words in the vault, by keys alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from textual.pilot import Pilot

from mlxtwin.client.house import Overview
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.dialogs.import_files import ImportFiles
from mlxtwin_tui.dialogs.import_run import ImportRun
from mlxtwin_tui.dialogs.import_summary import ImportSummary
from mlxtwin_tui.dialogs.new_vault import NewVault
from mlxtwin_tui.dialogs.recover import Recover
from mlxtwin_tui.dialogs.recovery_key import RecoveryKey
from mlxtwin_tui.dialogs.unlock import Unlock
from mlxtwin_tui.dialogs.who import Who
from mlxtwin_tui.screens.home import HomeScreen

from .fakes import FOUND, RECOVERY, FakeHouse
from .looking import SIZES, shows, still, text, type_in, until

PASSPHRASE = "correct horse"
HOSTILE = "Anna\x1b]0;owned\x07 [red]B[/red]"


@pytest.mark.parametrize("size", SIZES)
async def test_a_vault_is_made_with_a_passphrase_by_keys_alone(absent: FakeHouse, size: tuple[int, int]) -> None:
    app = TwinApp(absent)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NewVault))
        await pilot.press("down", "enter")
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await type_in(pilot, PASSPHRASE)
        assert PASSPHRASE not in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryKey))
        await shows(pilot, RECOVERY)
        for key in ("escape", "ctrl+q"):
            await pilot.press(key)
            await shows(pilot, "there is no second look")
        await pilot.press("c")
        assert app.clipboard == RECOVERY
        await pilot.press("space", "enter")
        await shows(pilot, "Import my words")
    assert absent.passphrase == PASSPHRASE


async def test_a_vault_is_made_with_the_keychain_by_two_keys(absent: FakeHouse) -> None:
    app = TwinApp(absent)
    async with app.run_test() as pilot:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await shows(pilot, "The keychain of this computer (Secret Service)")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryKey))
    assert absent.passphrase is None
    assert absent.door == "open"


async def test_passphrases_that_differ_or_are_short_are_told_of(absent: FakeHouse) -> None:
    absent.fake_keychain = ("", "no bus")
    app = TwinApp(absent)
    async with app.run_test() as pilot:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await shows(pilot, "No keychain can be used here")
        await pilot.press("a", "enter", "b", "enter")
        await shows(pilot, "The two passphrases differ.")
        await pilot.press("backspace", "a", "enter")
        await shows(pilot, "fewer than 8 characters")
        assert absent.door == "absent"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecoveryKey))
    assert absent.passphrase == "a"


async def test_the_whole_folder_of_the_person_is_not_imported_by_one_key(sealed: FakeHouse) -> None:
    sealed.passphrase, sealed.fake_door = None, "open"
    app = TwinApp(sealed)
    async with app.run_test() as pilot:
        await shows(pilot, "Import my words")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await pilot.press("enter")
        await shows(pilot, "That is all of your own folder.")
        assert isinstance(app.screen, ImportFiles)


async def test_escape_leaves_the_vault_unmade(absent: FakeHouse) -> None:
    app = TwinApp(absent)
    async with app.run_test() as pilot:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NewVault))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
    assert absent.door == "absent"


@pytest.mark.parametrize("size", SIZES)
async def test_a_wrong_passphrase_is_told_and_can_be_typed_again(sealed: FakeHouse, size: tuple[int, int]) -> None:
    app = TwinApp(sealed)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Unlock))
        await type_in(pilot, "wrong one")
        assert "wrong one" not in text(app)
        await pilot.press("enter")
        await shows(pilot, "The passphrase is not the right one.")
        assert sealed.door == "locked"
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await shows(pilot, "Import my words")
    assert sealed.door == "open"


async def test_a_keychain_that_opens_the_vault_asks_nothing() -> None:
    house = FakeHouse(door="locked")
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await shows(pilot, "Import my words")


async def test_a_keychain_that_does_not_answer_leads_to_the_recovery_key() -> None:
    house = FakeHouse(door="locked")
    house.fake_keychain = ("", "locked")
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await shows(pilot, "The keychain is locked.")
        house.fake_keychain = ("Secret Service", "")
        await pilot.press("enter")
        await shows(pilot, "Import my words")


@pytest.mark.parametrize("size", SIZES)
async def test_the_recovery_key_opens_the_vault_and_locks_it_anew(sealed: FakeHouse, size: tuple[int, int]) -> None:
    app = TwinApp(sealed)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Unlock))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Recover))
        await type_in(pilot, "nonsense")
        await pilot.press("enter", "enter")
        await shows(pilot, "That is no recovery key.")
        await pilot.press("shift+tab", "shift+tab", *["backspace"] * 8)
        await type_in(pilot, RECOVERY)
        await pilot.press("enter", "down", "enter")
        await type_in(pilot, "another one")
        await pilot.press("enter")
        await type_in(pilot, "another one")
        await pilot.press("enter")
        await shows(pilot, "Import my words")
    assert sealed.passphrase == "another one"


@pytest.mark.parametrize("size", SIZES)
async def test_a_folder_is_typed_imported_and_summed_up(exports: Path, size: tuple[int, int]) -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "Import my words")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exp")
        await shows(pilot, "~/exports/")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImportSummary))
        await shows(pilot, "420 words of yours, in 4 of 5 documents.")
        await shows(pilot, "Not read: broken.mbox")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.NAME == "train")
    assert [request.paths for request in house.imports] == [(exports,)]


async def test_a_file_is_found_in_the_tree_with_source_and_tier(exports: Path) -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test(size=(60, 20)) as pilot:
        await shows(pilot, "Import my words")
        await pilot.press("i")
        await shows(pilot, "▸ exports")
        assert ".hidden" not in text(app)
        await pilot.press("down", "down", "right")
        await shows(pilot, "mail.mbox")
        await pilot.press("tab", "enter", "down", "enter")
        await pilot.press("tab", "enter", "down", "enter")
        await shows(pilot, "as mail")
        await shows(pilot, "tier 1")
        await pilot.press("shift+tab", "shift+tab", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImportSummary))
    request = house.imports[0]
    assert (request.paths, request.as_source, request.tier) == ((exports / "mail.mbox",), "mail", 1)


async def test_a_path_that_is_not_there_is_told_where_it_was_typed(exports: Path) -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "nowhere")
        await pilot.press("enter")
        await shows(pilot, "nowhere does not exist")
        assert not house.imports
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_the_authors_are_asked_about_and_the_import_goes_on(exports: Path) -> None:
    house = FakeHouse()
    house.authors = ((HOSTILE, 12), ("Ben", 3), ("Carl", 1))
    app = TwinApp(house)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Who))
        await shows(pilot, "Anna [red]B[/red] (12 messages)")
        assert "owned" not in text(app)
        await pilot.press("enter")
        await shows(pilot, "Tick yourself first")
        await pilot.press("space", "down", "down", "space", "enter")
        await until(pilot, lambda: isinstance(app.screen, ImportSummary))
    assert house.imports[0].me == (HOSTILE, "Carl")


async def test_an_import_without_words_of_the_person_asks_who_they_are(exports: Path) -> None:
    house = FakeHouse()
    house.imported = FOUND | {"words_by_me": 0, "kept": 0, "authors": [{"name": "Anna", "messages": 4}]}
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Who))
        house.imported = dict(FOUND)
        await pilot.press("space", "enter")
        await shows(pilot, "420 words of yours")
    assert house.imports[1].me == ("Anna",)


async def test_nobody_chosen_leads_back_to_the_files(exports: Path) -> None:
    house = FakeHouse()
    house.authors = (("Anna", 12),)
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Who))
        await pilot.press("escape")
        await shows(pilot, "Nothing was imported")
    assert not house.imports


async def test_an_import_tells_how_far_it_is_and_can_be_stopped(exports: Path) -> None:
    house = FakeHouse()
    house.reading = Event()
    app = TwinApp(house)
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImportRun))
        await shows(pilot, "1 of 3 files, 1 document, 25% read")
        await pilot.press("escape")
        await shows(pilot, "Stopping")
        house.reading.set()
        await shows(pilot, "The import was stopped.")


async def test_leaving_the_app_stops_the_import(exports: Path) -> None:
    house = FakeHouse()
    house.reading = Event()
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImportRun))
        run = app.screen
        assert isinstance(run, ImportRun)
        await pilot.press("ctrl+q")
    assert run._stop.is_set()
    house.reading.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert house.found == Overview("open", "import")


async def test_an_import_into_a_locked_vault_unlocks_it_first(sealed: FakeHouse, exports: Path) -> None:
    app = TwinApp(sealed)
    async with app.run_test() as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, Unlock))
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ImportFiles))


def test_the_look_of_making_a_vault(snap_compare: Callable[..., bool], absent: FakeHouse) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await shows(pilot, "What shall open it?")
        await pilot.press("down", "enter")
        await still(pilot)

    assert snap_compare(TwinApp(absent), terminal_size=(60, 20), run_before=ready)


def test_the_look_of_choosing_files(snap_compare: Callable[..., bool], exports: Path) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "Import my words")
        await pilot.press("enter")
        await shows(pilot, "▸ exports")
        await pilot.press("down", "down", "right")
        await shows(pilot, "mail.mbox")
        await still(pilot)

    assert snap_compare(TwinApp(FakeHouse()), terminal_size=(60, 20), run_before=ready)


def test_the_look_of_the_authors(snap_compare: Callable[..., bool], exports: Path) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "Import my words")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportFiles))
        await type_in(pilot, "exports")
        await pilot.press("enter")
        await shows(pilot, "Which of these are you?")
        await pilot.press("space")
        await still(pilot)

    house = FakeHouse()
    house.authors = (("Anna Berg", 812), ("anna@example.org", 93), ("Ben", 77), ("Carl", 1))
    assert snap_compare(TwinApp(house), terminal_size=(80, 24), run_before=ready)


async def test_the_recovery_key_is_typed_in_view_in_a_small_terminal(sealed: FakeHouse) -> None:
    app = TwinApp(sealed)
    async with app.run_test(size=(60, 20)) as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Unlock))
        await pilot.press("ctrl+r")
        await shows(pilot, "Open the vault with its recovery key Recovery key")
        await shows(pilot, "Open it")

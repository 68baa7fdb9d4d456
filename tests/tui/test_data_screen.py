"""Every path of the Data screen, at the three sizes that must hold, over documents that need no vault."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static

from mlxtwin.client.documents import StoredDocument
from mlxtwin.client.house import Overview
from mlxtwin.records import Turn
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.screens.data import DataScreen
from mlxtwin_tui.widgets.document_list import DocumentList
from mlxtwin_tui.widgets.reading import PARTS, Part, Reading

from .fake_documents import FakeDocuments, letter
from .fakes import FakeHouse

PATIENCE_SECONDS = 60.0
SIZES = [(60, 20), (80, 24), (120, 40)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


def some(count: int = 12) -> list[StoredDocument]:
    """Every third one was dropped."""
    return [
        StoredDocument(letter(number), 1 + number % 3, None, "" if number % 3 else "near duplicate", True)
        for number in range(1, count + 1)
    ]


class Looking:
    """The app on its Data screen, and the documents below it."""

    def __init__(self, app: TwinApp, pilot: Pilot[None], documents: FakeDocuments) -> None:
        self.app, self.pilot, self.documents = app, pilot, documents

    @property
    def screen(self) -> DataScreen:
        return next(one for one in self.app.screen_stack if isinstance(one, DataScreen))

    @property
    def list(self) -> DocumentList:
        return self.screen.query_one(DocumentList)

    @property
    def title(self) -> str:
        number = self.list.number
        return "" if number is None else self.documents.stored[number].document.title

    def drawn(self) -> str:
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        assert len(strips) == height
        assert all(strip.cell_length <= width for strip in strips)
        return "\n".join(strip.text for strip in strips)

    def count(self) -> str:
        return str(self.screen.query_one("#count", Static).content)

    async def until(self, happens: Callable[[], Any]) -> None:
        patience = time.monotonic() + PATIENCE_SECONDS
        while not happens():
            assert time.monotonic() < patience, "it did not happen"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()


@asynccontextmanager
async def looking(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = (80, 24), stored: list[StoredDocument] | None = None
) -> AsyncIterator[Looking]:
    house = FakeHouse()
    house.found = Overview("open", "train")
    documents = FakeDocuments(house, some() if stored is None else stored)
    monkeypatch.setattr(DataScreen, "documents_of", staticmethod(lambda _house: documents))
    app = TwinApp(house)
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        found = Looking(app, pilot, documents)
        await found.until(lambda: isinstance(app.screen, DataScreen) and found.count())
        await pilot.pause()
        yield found


async def test_documents_are_listed_found_by_words_and_filtered(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with looking(monkeypatch, size) as data:
        await data.until(lambda: "Letter 12" in data.drawn())
        assert data.count() == "12 documents"
        assert data.screen.focused is data.list
        await data.press("slash", *"answer 3")
        await data.until(lambda: data.count() == "1 document")
        assert data.title == "Letter 3"
        await data.press("enter")
        assert data.screen.focused is data.list
        await data.press("escape")
        await data.until(lambda: data.count() == "12 documents")
        data.screen.query_one("#state", Select).value = "dropped"
        await data.until(lambda: data.count() == "4 documents")
        data.screen.query_one("#tier", Select).value = 2
        await data.until(lambda: "Nothing fits" in data.drawn())
        await data.press("escape")
        await data.until(lambda: data.count() == "12 documents")
        await data.until(lambda: "Letter 12" in data.drawn())


async def test_one_document_shows_who_wrote_which_part_and_what_was_decided(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with looking(monkeypatch, size) as data:
        await data.press("enter")
        await data.until(lambda: len(data.screen.query(Part)) == 3 and "own words" in data.drawn())
        text = data.drawn()
        for words in (
            "Dropped by curation: near duplicate.",
            "Ann Other · quoted",
            "Answer 12",
            "box:12",
            "you · signature",
        ):
            assert words in text, words
        colours = {part.styles.border_left[1] for part in data.screen.query(Part)}
        assert len(colours) == 3
        await data.press("escape")
        assert data.screen.focused is data.list
        await data.press("down", "enter")
        await data.until(lambda: "Kept by curation, tier 3" in data.drawn())


async def test_tier_and_keeping_are_chosen_by_hand_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with looking(monkeypatch, size) as data:
        await data.press("k")
        await data.until(lambda: data.documents._now(12).kept)
        await data.press("1")
        await data.until(lambda: "tier 1*" in data.drawn())
        await data.press("d")
        await data.until(lambda: "by hand*" in data.drawn())
        assert data.title == "Letter 12"
        await data.press("u")
        await data.until(lambda: data.documents._now(12).reason == "near duplicate")
        await data.until(lambda: "near dupl" in data.drawn() and "*" not in data.drawn().split("Letter 12")[0][-40:])


async def test_several_are_selected_and_forgotten_after_a_question(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with looking(monkeypatch, size) as data:
        await data.press("space", "space")
        assert data.count() == "12 documents · 2 selected"
        await data.press("f")
        await data.until(lambda: data.app.screen.query("#yes"))
        assert "Forget 2 documents?" in data.drawn()
        await data.press("escape")
        await data.until(lambda: data.app.screen is data.screen)
        assert len(data.documents.stored) == 12
        await data.press("f")
        await data.until(lambda: data.app.screen.query("#yes"))
        data.app.screen.query_one("#yes", Button).press()
        await data.until(lambda: data.count() == "10 documents")
        assert {12, 11} & set(data.documents.stored) == set()


async def test_a_selection_is_left_and_a_whole_list_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(monkeypatch) as data:
        await data.press("ctrl+a", "2")
        await data.until(lambda: all(one.forced_tier == 2 for one in data.documents.stored.values()))
        assert "12 selected" in data.count()
        await data.press("escape")
        assert data.count() == "12 documents"


async def test_of_a_very_long_list_only_what_is_in_view_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = some(3)
    many = [first[number % 3] for number in range(30_000)]
    async with looking(monkeypatch, stored=many) as data:
        await data.until(lambda: data.count() == "30,000 documents")
        widgets = len(list(data.screen.walk_children()))
        await data.press("end")
        await data.until(lambda: data.list.row(data.list.numbers[-1]) is not None)
        for _ in range(5):
            await data.press("pageup")
        await data.until(lambda: "Letter" in data.drawn())
        assert sum(data.documents.reads) < 1000
        assert len(list(data.screen.walk_children())) <= widgets + PARTS


async def test_an_empty_vault_offers_the_import(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    asked = []
    monkeypatch.setattr(TwinApp, "action_import_documents", lambda _app: asked.append(1))
    async with looking(monkeypatch, size, []) as data:
        assert "There are no documents yet" in data.drawn()
        await data.press("enter")
        await data.press("i")
        assert asked == [1, 1]


async def test_what_others_wrote_moves_nothing(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    nasty = letter(1, "\x1b[2Jgone [bold]x[/bold] \u202e\x9b31m end")
    nasty = replace(nasty, title="\x1b]0;title\x07 [red]T[/red]\nx", origin="\x1b[31mbox")
    nasty = replace(nasty, turns=(*nasty.turns, Turn("\x1b[5mEve [i]", False, "a", "received")))
    async with looking(monkeypatch, size, [StoredDocument(nasty, 1, None, "", True)]) as data:
        await data.until(lambda: "[red]T[/red] x" in data.drawn())
        await data.press("enter")
        await data.until(lambda: "gone [bold]x[/bold]" in data.drawn())
        assert not set(data.drawn()) & {"\x1b", "\x07", "\u202e", "\x9b"}


async def test_a_document_of_many_parts_shows_more_as_it_is_scrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    long = replace(letter(1), turns=tuple(Turn("Me", True, f"part {number}", "own") for number in range(100)))
    async with looking(monkeypatch, stored=[StoredDocument(long, 1, None, "", True)]) as data:
        await data.press("enter")
        await data.until(lambda: len(data.screen.query(Part)) == PARTS)
        data.screen.query_one(Reading).scroll_end(animate=False)
        await data.until(lambda: len(data.screen.query(Part)) == 2 * PARTS)


async def test_a_vault_that_is_locked_leaves_nothing_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with looking(monkeypatch) as data:
        await data.press("space")
        data.app.overview = Overview("locked", "unlock")
        await data.until(lambda: not data.list.numbers and not data.screen.query(Part))
        assert not data.list.marked


@pytest.mark.parametrize("name", ["list", "read", "wide"])
def test_snapshots(monkeypatch: pytest.MonkeyPatch, snap_compare: Callable[..., bool], name: str) -> None:
    house = FakeHouse()
    house.found = Overview("open", "train")
    documents = FakeDocuments(house, some(30))
    monkeypatch.setattr(DataScreen, "documents_of", staticmethod(lambda _house: documents))
    app = TwinApp(house)

    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("f3")
        data = Looking(app, pilot, documents)
        await data.until(lambda: isinstance(app.screen, DataScreen) and data.count())
        await data.until(lambda: "Letter 30" in data.drawn())
        await data.press("space", "d", "down")
        await data.until(lambda: "by hand" in data.drawn())
        data.screen.query_one("#words", Input).cursor_blink = False
        if name == "read":
            await data.press("enter")
        if name != "list":
            await data.until(lambda: "own words" in data.drawn())

    assert snap_compare(app, run_before=go, terminal_size=(120, 30) if name == "wide" else (80, 24))

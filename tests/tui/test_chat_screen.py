"""Every path of the Chat screen, at the three sizes that must hold, over conversations that need no model."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList, Static, TextArea

from mlxtwin.client.conversations import PAGE, Choice
from mlxtwin.client.house import Overview
from mlxtwin.errors import RunFailed
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.dialogs.better import Better
from mlxtwin_tui.dialogs.past_talks import PastTalks
from mlxtwin_tui.dialogs.which_slot import WhichSlot
from mlxtwin_tui.screens.chat import ChatScreen
from mlxtwin_tui.widgets.message import Base, Coming, Pair, Said
from mlxtwin_tui.widgets.prompt import Prompt
from mlxtwin_tui.widgets.transcript import MOST, Transcript

from .fake_talks import FakeTalks
from .fakes import FakeHouse

PATIENCE_SECONDS = 60.0
SIZES = [(60, 20), (80, 24), (120, 40)]
REJECTED = {"slot": "voice", "current": None, "versions": 1}
KINDS = {"mail": {"documents": 3, "kept": 3, "words_by_me": 99}}


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


class Chatting:
    """The app on its Chat screen, and the conversations below it."""

    def __init__(self, app: TwinApp, pilot: Pilot[None], talks: FakeTalks) -> None:
        self.app, self.pilot, self.talks = app, pilot, talks

    @property
    def screen(self) -> ChatScreen:
        return next(one for one in self.app.screen_stack if isinstance(one, ChatScreen))

    @property
    def transcript(self) -> Transcript:
        return self.screen.query_one(Transcript)

    def shown(self) -> list[str]:
        return [one.told.message.content for one in self.screen.query(Said)]

    def working(self) -> str:
        return str(self.screen.query_one("#working", Static).content)

    def told(self) -> str:
        return " ".join(one.message for one in self.app._notifications)

    async def until(self, happens: Callable[[], Any]) -> None:
        patience = time.monotonic() + PATIENCE_SECONDS
        while not happens():
            assert time.monotonic() < patience, "it did not happen"
            await self.pilot.pause(0.01)

    async def ask(self, text: str) -> None:
        """Type it, send it and wait for the whole answer."""
        await self.begin(text)
        await self.until(lambda: not self.screen.answering and not self.screen.query(".coming"))

    async def begin(self, text: str) -> None:
        given = self.talks.given
        self.screen.query_one(Prompt).text = text
        await self.pilot.press("enter")
        await self.until(lambda: self.talks.given > given or not self.screen.choices)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def dialog(self, kind: type[Any]) -> Any:
        await self.until(lambda: isinstance(self.app.screen, kind))
        return self.app.screen


@asynccontextmanager
async def chatting(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = (80, 24), prepare: Callable[[FakeTalks], Any] | None = None
) -> AsyncIterator[Chatting]:
    house = FakeHouse()
    house.found = Overview("open", "chat", kinds=KINDS, slots=({"slot": "voice", "current": 1, "versions": 1},))
    talks = FakeTalks(house)
    if prepare is not None:
        prepare(talks)
    monkeypatch.setattr(ChatScreen, "talks_of", staticmethod(lambda _house: talks))
    app = TwinApp(house)
    async with app.run_test(size=size) as pilot:
        await pilot.press("f5")
        found = Chatting(app, pilot, talks)
        await found.until(lambda: isinstance(app.screen, ChatScreen) and app.screen.query(".hint"))
        yield found


async def test_an_answer_streams_is_frozen_and_the_next_prompt_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.gate.clear()
        await chat.begin("How was your week?")
        await chat.until(lambda: chat.screen.query(Coming) and "Answering" in chat.working())
        assert chat.talks.kept[1][0].message.content == "How was your week?"
        chat.talks.gate.set()
        await chat.until(lambda: len(chat.shown()) == 2)
        assert chat.shown() == ["How was your week?", "Well, that was a **fine** week."]
        assert not chat.screen.query(Coming)
        await chat.until(lambda: "2 tokens" in chat.working())
        assert isinstance(chat.screen.focused, Prompt)
        await chat.ask("And then?")
        assert len(chat.shown()) == 4
        await chat.until(lambda: chat.transcript.scroll_y == chat.transcript.max_scroll_y)


async def test_an_answer_can_be_stopped_and_is_marked_as_cut_short(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.gate.clear()
        await chat.begin("Hi")
        await chat.until(lambda: "Answering" in chat.working())
        await chat.press("escape")
        await chat.until(lambda: len(chat.shown()) == 2)
        answer = chat.screen.query(Said).last()
        assert (answer.told.message.content, answer.told.message.complete) == ("Well, ", False)
        assert "cut short" in drawn(chat.app)
        await chat.until(lambda: "what was said is kept" in chat.working())


def drawn(app: TwinApp) -> str:
    """What stands on the screen."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height
    assert all(strip.cell_length <= width for strip in strips)
    return "\n".join(strip.text for strip in strips)


async def test_another_answer_takes_the_place_of_the_last(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.answers = [["One."], ["Two."], ["Three."]]
        await chat.ask("Hi")
        await chat.ask("And?")
        await chat.press("ctrl+r")
        await chat.until(lambda: chat.shown() == ["Hi", "One.", "And?", "Three."])


async def test_the_bare_base_answers_beside_the_twin_and_can_be_rated(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.answers = [["Twin."], ["Base."]]
        await chat.ask("Hi")
        await chat.press("f8")
        await chat.until(lambda: chat.screen.query(Base))
        twin, base = chat.screen.query_one(Pair).children
        assert isinstance(twin, Said)
        assert (twin.region.y == base.region.y) == (size[0] >= 90)
        assert chat.screen.focused is base
        await chat.press("ctrl+g")
        await chat.until(lambda: chat.talks.ratings == [(None, "Base.", True)])
        chat.screen.query_one(Prompt).focus()
        await chat.press("ctrl+l")
        await chat.until(lambda: (1, "Twin.", False) in chat.talks.ratings)
        assert "you said: not good" in drawn(chat.app)
        await chat.press("f8")
        await chat.until(lambda: chat.talks.given == 3 and len(chat.screen.query(Base)) == 1)
        chat.screen.query_one(Prompt).focus()
        await chat.ask("And?")
        assert chat.shown() == ["Hi", "Twin.", "And?", "Base."]


async def test_a_correction_is_kept_and_shown_with_the_answer(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        await chat.ask("Hi")
        await chat.press("ctrl+t")
        dialog = await chat.dialog(Better)
        assert dialog.query_one(TextArea).text == "Well, that was a **fine** week."
        await chat.press("ctrl+s")
        assert "Change it first" in drawn(chat.app)
        dialog.query_one(TextArea).text = "A fine week."
        await chat.press("ctrl+s")
        await chat.until(lambda: chat.talks.corrections)
        assert chat.talks.corrections == [(1, "Well, that was a **fine** week.", "A fine week.")]
        await chat.until(lambda: "you would say" in drawn(chat.app))
        assert "A fine week." in drawn(chat.app)


async def test_the_answer_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch) as chat:
        await chat.ask("Hi")
        await chat.press("ctrl+y")
        await chat.until(lambda: chat.app.clipboard == "Well, that was a **fine** week.")


async def test_another_slot_answers_from_then_on(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    def two(talks: FakeTalks) -> None:
        talks.choices.append(Choice("work", 4, "starter"))

    async with chatting(monkeypatch, size, two) as chat:
        await chat.ask("Hi")
        await chat.press("ctrl+s")
        await chat.dialog(WhichSlot)
        await chat.press("down", "enter")
        await chat.until(lambda: "work v4" in drawn(chat.app))
        await chat.ask("And you?")
        assert [one.told.message.slot for one in chat.screen.query(Said)] == ["voice", "voice", "work", "work"]


async def test_a_past_conversation_is_found_by_its_words_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    def past(talks: FakeTalks) -> None:
        talks.remember(2)
        talks.remember(30)

    async with chatting(monkeypatch, size, past) as chat:
        await chat.press("ctrl+o")
        dialog = await chat.dialog(PastTalks)
        await chat.until(lambda: dialog.query_one(OptionList).option_count == 2)
        dialog.query_one(Input).value = "question 29"
        await chat.until(lambda: dialog.query_one(OptionList).option_count == 1)
        await chat.press("enter")
        await chat.until(lambda: "answer 29" in chat.shown())
        assert chat.talks.conversation == 2
        await chat.ask("And now?")
        assert chat.talks.kept[2][-2].message.content == "And now?"
        await chat.press("ctrl+n")
        await chat.until(lambda: not chat.shown())
        assert chat.talks.conversation is None
        assert chat.screen.query(".hint")


async def test_a_past_conversation_is_forgotten_after_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch, prepare=lambda talks: talks.remember(1)) as chat:
        await chat.press("ctrl+o")
        dialog = await chat.dialog(PastTalks)
        await chat.until(lambda: dialog.query_one(OptionList).option_count == 1)
        await chat.press("ctrl+d")
        await chat.until(lambda: chat.app.screen.query("#yes"))
        await chat.pilot.click("#yes")
        await chat.until(lambda: not chat.talks.kept)
        await chat.until(lambda: chat.app.screen is dialog and "Nothing was said yet" in drawn(chat.app))


async def test_earlier_turns_come_when_they_are_scrolled_to_and_the_widgets_stay_few(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size, lambda talks: talks.remember(200)) as chat:
        await chat.screen._reopen(1)
        await chat.pilot.pause()
        assert chat.shown()[-1] == "answer 199"
        while "question 0" not in chat.shown():
            await another_page(chat, chat.transcript.scroll_home, 0)
        assert "answer 199" not in chat.shown()
        while "answer 199" not in chat.shown():
            await another_page(chat, chat.transcript.scroll_end, -1)
        assert "question 0" not in chat.shown()


async def another_page(chat: Chatting, scroll: Callable[..., None], end: int) -> None:
    """Scroll to an end until what stands there is another turn; the widgets stay few."""
    seen = chat.shown()[end]

    def turned() -> bool:
        scroll(animate=False, immediate=True)
        return chat.shown()[end] != seen

    await chat.until(turned)
    assert len(list(chat.screen.walk_children())) < MOST + PAGE + 40


async def test_the_turns_in_view_stay_in_view_when_earlier_ones_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch, prepare=lambda talks: talks.remember(200)) as chat:
        await chat.screen._reopen(1)
        await chat.pilot.pause()
        seen = chat.shown()[0]
        chat.transcript.scroll_home(animate=False, immediate=True)
        await chat.until(lambda: chat.shown()[0] != seen)
        await chat.until(lambda: chat.transcript.scroll_y > 0)
        assert seen in drawn(chat.app)


async def test_a_long_talk_keeps_the_number_of_widgets_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch, prepare=lambda talks: talks.remember(99)) as chat:
        await chat.screen._reopen(1)
        for number in range(40):
            await chat.ask(f"turn {number}")
        assert len(list(chat.screen.walk_children())) < MOST + PAGE + 40
        assert chat.shown()[-2] == "turn 39"


async def test_an_answer_that_fails_is_told_kept_and_can_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.answers = [[RunFailed("The engine process ended.", "Ask again.")], ["There."]]
        await chat.ask("Hi")
        assert "The engine process ended. Ask again." in chat.told()
        assert "no answer came" in drawn(chat.app)
        await chat.press("ctrl+r")
        await chat.until(lambda: chat.shown() == ["Hi", "There."])


async def test_a_removed_slot_is_told_and_the_prompt_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with chatting(monkeypatch, size) as chat:
        chat.talks.choices = [Choice("work", 1, "starter")]
        chat.screen.query_one(Prompt).text = "Hello?"
        await chat.pilot.press("enter")
        await chat.until(lambda: "cannot answer any more" in chat.told())
        await chat.until(lambda: "work v1" in drawn(chat.app))
        assert chat.screen.query_one(Prompt).text == "Hello?"
        await chat.press("enter")
        await chat.until(lambda: len(chat.shown()) == 2)


@pytest.mark.parametrize(
    ("overview", "words", "mode"),
    [
        (Overview("open", "import"), "trained on your words", "home"),
        (Overview("open", "train", kinds=KINDS), "Training one takes", "train"),
        (Overview("open", "train", kinds=KINDS, slots=(REJECTED,)), "gate", "slots"),
    ],
)
async def test_without_a_slot_the_way_to_one_is_shown(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], overview: Overview, words: str, mode: str
) -> None:
    async with chatting(monkeypatch, size, lambda talks: talks.choices.clear()) as chat:
        chat.app.overview = overview
        await chat.until(lambda: words in " ".join(drawn(chat.app).split()) and isinstance(chat.screen.focused, Button))
        await chat.press("enter")
        await chat.until(lambda: mode == chat.app.screen.NAME)  # type: ignore[attr-defined]


async def test_a_vault_that_is_locked_leaves_nothing_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch) as chat:
        await chat.ask("Hi")
        chat.app.overview = Overview("locked", "unlock")
        await chat.until(lambda: chat.talks.closed)
        await chat.until(lambda: not chat.shown())


async def test_leaving_ends_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch) as chat:
        chat.talks.gate.clear()
        await chat.begin("Hi")
        await chat.until(lambda: "Answering" in chat.working())
    assert chat.talks.closed
    assert chat.talks.kept[1][-1].message.content == "Well, "


async def test_what_a_model_says_moves_nothing_and_links_nowhere(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    nasty = [
        "\x1b[31mred \x1b]0;ti",
        "tle\x07 [click](file:///etc/passwd) <b>bold</b> ",
        "[bold]x[/] &#x202e;\u202e end",
    ]
    async with chatting(monkeypatch, size) as chat:
        chat.talks.answers = [list(nasty)]
        chat.talks.gate.clear()
        await chat.begin("[red]Hi[/red] \x1b[2J")
        await chat.until(lambda: "▌ red" in drawn(chat.app) and "[red]Hi[/red]" in drawn(chat.app))
        live = drawn(chat.app)
        chat.talks.gate.set()
        await chat.until(lambda: len(chat.shown()) == 2 and "[red]Hi[/red]" in drawn(chat.app))
        for text in (live, drawn(chat.app)):
            assert not set(text) & {"\x1b", "\x07", "\u202e"}
            assert "[red]Hi[/red]" in text
        words = " ".join(drawn(chat.app).split())
        assert "[click](file:///etc/passwd)" in words
        assert "<b>bold</b>" in words
        assert "[bold]x[/] &#x202e; end" in words
        styles = [part.style for strip in chat.screen._compositor.render_strips() for part in strip if part.style]
        assert not [style for style in styles if style.link or "passwd" in str(style.meta)]


async def test_line_breaks_of_an_answer_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch) as chat:
        chat.talks.answers = [["Dear Bo,\nwe ", "came.\nYours,\nA."]]
        await chat.ask("Hi")
        lines = [line.strip(" ▊▎█▌▐│") for line in drawn(chat.app).splitlines()]
        start = lines.index("Dear Bo,")
        assert lines[start : start + 4] == ["Dear Bo,", "we came.", "Yours,", "A."]


async def test_the_palette_offers_what_can_be_done_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(monkeypatch) as chat:
        before = {one.title for one in chat.app.get_system_commands(chat.screen)}
        assert "Past" in before
        assert not before & {"Good", "Again", "Better", "Stop", "Slot"}
        await chat.ask("Hi")
        after = {one.title for one in chat.app.get_system_commands(chat.screen)}
        assert {"Good", "Not good", "Better", "Again", "Base", "Copy", "New"} <= after


@pytest.mark.skipif(sys.platform == "win32", reason="snapshots are drawn on a terminal of ours")
@pytest.mark.parametrize("name", ["chat", "compare", "teach"])
def test_snapshots(monkeypatch: pytest.MonkeyPatch, snap_compare: Callable[..., bool], name: str) -> None:
    house = FakeHouse()
    slots = () if name == "teach" else ({"slot": "voice", "current": 1, "versions": 1},)
    house.found = Overview("open", "chat", kinds=KINDS, slots=slots)
    talks = FakeTalks(house)
    talks.answers = [["# A week\nIt was **fine**:\n\n- the harbour\n- a letter\n\n`x = 1`\n"], ["I am a base."]]
    if name == "teach":
        talks.choices.clear()
    monkeypatch.setattr(ChatScreen, "talks_of", staticmethod(lambda _house: talks))
    app = TwinApp(house)

    async def go(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        chat = Chatting(app, pilot, talks)
        await chat.until(lambda: isinstance(app.screen, ChatScreen) and app.screen.query(".hint"))
        if name != "teach":
            await chat.ask("How was your week?")
            await chat.press("ctrl+g")
            await chat.until(lambda: talks.ratings)
        if name == "compare":
            await chat.press("f8")
            await chat.until(lambda: chat.screen.query(Base))
        chat.screen.query_one(Prompt).cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, run_before=go, terminal_size=(100, 30))

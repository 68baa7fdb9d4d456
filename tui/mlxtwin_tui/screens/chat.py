"""Talk with a twin: one conversation that goes on, and the past ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.widgets import Button, Static

from mlxtwin.client.conversations import Answered, Choice, Talks
from mlxtwin.client.house import House, Overview
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural
from mlxtwin_tui.dialogs.better import Better
from mlxtwin_tui.dialogs.past_talks import PastTalks
from mlxtwin_tui.dialogs.which_slot import WhichSlot
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.beginning import how_to_begin, what_is_missing
from mlxtwin_tui.widgets.message import Base, Coming, asked
from mlxtwin_tui.widgets.prompt import Prompt
from mlxtwin_tui.widgets.transcript import Transcript

# Not while an answer is under way, for they speak of the last one or leave it.
QUIET = frozenset({"again", "compare", "better", "good", "bad", "past", "begin", "slot", "copy"})
LEARN = "The corrections recipe learns from it."


class ChatScreen(Page):
    """The answer streams into one live widget; whatever is finished is frozen, and turns out of sight are let go."""

    NAME = "chat"
    TITLE = "Chat"
    PURPOSE = "Talk with a twin"
    CSS_PATH = "chat.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Stop", id="chat.cancel", priority=True, tooltip="End the answer; it is kept"),
        Binding("ctrl+s", "slot", "Slot", id="chat.slot", priority=True, tooltip="Let another slot answer"),
        Binding("ctrl+n", "begin", "New", id="chat.new", priority=True, tooltip="Begin a new conversation"),
        Binding("ctrl+o", "past", "Past", id="chat.past", priority=True, tooltip="Find a past conversation"),
        Binding("ctrl+r", "again", "Again", id="chat.again", priority=True, tooltip="Another answer to the same"),
        Binding("f8", "compare", "Base", id="chat.base", priority=True, tooltip="The bare base beside the twin"),
        Binding("ctrl+g", "good", "Good", id="chat.good", priority=True, tooltip="That was a good answer"),
        Binding("ctrl+l", "bad", "Not good", id="chat.bad", priority=True, tooltip="That was not a good answer"),
        Binding("ctrl+t", "better", "Better", id="chat.better", priority=True, tooltip="Say it as you would have"),
        Binding("ctrl+y", "copy", "Copy", id="chat.copy", priority=True, tooltip="Copy the answer"),
    ]

    talks_of: ClassVar[Callable[[House], Talks]] = Talks

    answering: reactive[bool] = reactive(False, init=False, bindings=True)
    choices: reactive[tuple[Choice, ...]] = reactive((), init=False, bindings=True)

    def body(self) -> ComposeResult:
        yield Static("", id="held", markup=False)
        yield Transcript(id="transcript")
        yield Static("", id="working", markup=False)
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        self.talks = type(self).talks_of(self.house)
        self._known: object = None
        self._trouble = ""
        super().on_mount()

    async def on_unmount(self) -> None:
        self.workers.cancel_node(self)  # there is nothing left to draw on
        await self.twin_app.ask(self.talks.close)

    async def came_back(self) -> None:
        self._look_again()

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        before, self._known = self._known, (overview.slots, overview.documents)
        if overview.door != "open":
            self._shut()
        elif self.is_current and before != self._known:
            self._look_again()

    @work(group="slots", exclusive=True)
    async def _look_again(self) -> None:
        with suppress(NoMatches):  # the screen was closed while this was asked
            await self._look_at_slots()

    @work(group="slots", exclusive=True)
    async def _shut(self) -> None:
        """A locked vault keeps no conversation open, nor on the screen."""
        await self.twin_app.ask(self.talks.close)
        self.talks.begin()
        await self._transcript.show_end([])

    @property
    def _transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def _prompt(self) -> Prompt:
        return self.query_one(Prompt)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offered is what can be done now."""
        if action == "cancel":
            return self.answering
        if action in QUIET and (self.answering or not self._can(action)):
            return False
        return super().check_action(action, parameters)

    def _can(self, action: str) -> bool:
        if not self.is_mounted or action in ("past", "begin"):
            return True
        if action == "slot":
            return len(self.choices) > 1
        return bool(self.choices) and self._transcript.last is not None

    # Who answers

    async def _look_at_slots(self) -> None:
        try:
            found = await self.twin_app.ask(self.talks.slots)
            before = self.talks.slot
            if not self.answering:
                await self.twin_app.ask(self.talks.choose)
        except TwinError as error:
            self.twin_app.tell(error)
            return
        if before and self.talks.slot and before != self.talks.slot:
            self._say(f"Slot {before} cannot answer any more: {self.talks.slot} goes on.")
        self.choices = tuple(found)
        await self._show_held()

    async def _show_held(self) -> None:
        """Who answers and what is held; with nobody to answer, what to do about it."""
        chosen = next((one for one in self.choices if one.slot == self.talks.slot), None)
        title = "a new conversation" if self.talks.conversation is None else "a conversation that is kept"
        held = f"{chosen.slot} v{chosen.version} on {chosen.base} · {title}" if chosen else "nobody answers yet"
        for line in self.query("#held").results(Static):  # none while the screen is being closed
            line.update(clean_terminal(held), layout=False)
        self._prompt.disabled = chosen is None
        self._prompt.placeholder = f"Say something to {chosen.slot}" if chosen else ""
        await self._show_hint(chosen)
        if chosen and self.is_current and self.focused is None:
            self._prompt.focus()
        self.refresh_bindings()

    async def _show_hint(self, chosen: Choice | None) -> None:
        """In an empty transcript: what can be done here. One that is there already is left alone, for it may be about
        to be pressed."""
        transcript = self._transcript
        missing = what_is_missing(self.twin_app.overview)
        text, label, mode = missing if chosen is None else (how_to_begin(chosen), "", "")
        hints = transcript.query("Static.hint").results(Static)
        if any(str(hint.content) == text for hint in hints):
            return
        await transcript.query(".hint").remove()
        if chosen is None or not transcript.children:
            await transcript.mount(Static(text, classes="empty hint", markup=False))
        if chosen is None:
            button = Button(label, variant="primary", classes="next hint", action=f"app.switch_mode('{mode}')")
            await transcript.mount(button)
            if self.is_current:
                button.focus()

    @work(group="dialog")
    async def action_slot(self) -> None:
        """Another slot answers from the next prompt on; the conversation stays."""
        name = await self.app.push_screen_wait(WhichSlot(self.choices, self.talks.slot))
        if name:
            await self._try(self.talks.choose, name)
            await self._show_held()

    # Which conversation

    @work(group="dialog")
    async def action_begin(self) -> None:
        """The present one is kept."""
        self.talks.begin()
        await self._transcript.show_end([])
        self._say("")
        await self._show_held()
        self._prompt.focus()

    @work(group="dialog")
    async def action_past(self) -> None:
        """Find a past one and go on with it."""
        before = self.talks.conversation
        chosen = await self.app.push_screen_wait(PastTalks(self.talks.conversations, self.talks.forget))
        if chosen is not None:
            await self._reopen(chosen)
        elif self.talks.conversation != before:  # the one on the screen was forgotten
            await self._transcript.show_end([])
            await self._show_held()

    async def _reopen(self, conversation: int) -> None:
        note = await self._try(self.talks.reopen, conversation)
        told = await self._try(self.talks.messages, conversation)
        if note is not None and told:
            await self._transcript.show_end(told)
            self._say(note)
            await self._show_held()
            self._prompt.focus()

    async def on_transcript_wants(self, event: Transcript.Wants) -> None:
        """Another page of a long conversation."""
        conversation, transcript = self.talks.conversation, self._transcript
        if conversation is not None and not self.answering:
            told = await self._try(lambda: self.talks.messages(conversation, before=event.before, after=event.after))
            await (transcript.add_below if event.before is None else transcript.add_above)(told or [])
        transcript.listen()

    def action_turn_page(self, pages: int) -> None:
        """Scroll the transcript while the prompt has the focus."""
        self._transcript.scroll_relative(y=pages * max(1, self._transcript.size.height - 2), animate=False)

    # Asking

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        if self.answering or not self.choices:
            return
        self._prompt.clear()
        self._ask(event.text)

    def action_again(self) -> None:
        """The answer there was goes when another one came."""
        self._ask_again()

    @work(group="answer")
    async def _ask(self, prompt: str) -> None:
        with self._answering():
            await self._say_to_twin(prompt)
        await self._look_at_slots()

    async def _say_to_twin(self, prompt: str) -> None:
        transcript = self._transcript
        if transcript.more_below and self.talks.conversation is not None:
            await transcript.show_end(await self._try(self.talks.messages, self.talks.conversation) or [])
        mark = transcript.said[-1].id_in_vault if transcript.said else 0
        await transcript.query(".hint").remove()
        coming = Coming(self._who(), "twin")
        await transcript.mount(Static(asked(prompt), classes="mine coming", markup=False), coming)
        transcript.follow()
        await self._stream(self.talks.say(prompt), coming)
        kept = await self._since(mark)
        await transcript.add(kept)
        if not kept:
            self._prompt.text = self._prompt.text or prompt
        self._say(self._summary())

    @work(group="answer")
    async def _ask_again(self) -> None:
        with self._answering():
            transcript = self._transcript
            prompts = [one.id_in_vault for one in transcript.said if one.told.message.role == "user"]
            coming = Coming(f"{self._who()}, again", "twin")
            await transcript.mount(coming)
            transcript.follow()
            await self._stream(self.talks.again(), coming)
            await transcript.replace_last(await self._since(prompts[-1] - 1 if prompts else 0))
            self._say(self._summary())
        await self._look_at_slots()

    @work(group="answer")
    async def action_compare(self) -> None:
        """The bare base's answer to the same prompt beside the twin's; it is not kept."""
        with self._answering():
            chosen = next((one for one in self.choices if one.slot == self.talks.slot), None)
            name = clean_terminal(chosen.base) if chosen else "base"
            coming = Coming(f"{name}, without the twin", "base")
            await self._transcript.beside_last(coming)
            said = await self._stream(self.talks.base(), coming)
            base = Base(name, said) if said else None
            await self._transcript.freeze_beside(base)
        if base is not None:
            base.focus()
        whole = base is not None and not self._trouble
        self._say("Tab chooses which of the two is rated or corrected." if whole else self._summary())
        self.refresh_bindings()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """One answer at a time, until it is frozen."""
        self.answering = True
        try:
            yield
        finally:
            self.answering = False

    async def _stream(self, pieces: Generator[str, None, None], coming: Coming) -> str:
        """Draw an answer as it comes; all that was said. What goes wrong is told, and stays to be read."""
        self._trouble = ""
        self._say("Waking the engine … Esc stops it.")
        try:
            await coming.take(pieces, self.twin_app.ask, self._has_begun)
        except TwinError as error:
            self._trouble = error.message
            self.twin_app.tell(error)
        return await coming.finish()

    def _has_begun(self) -> None:
        self._say("Answering … Esc stops it, and what was said is kept.")

    async def action_cancel(self) -> None:
        """What was said is kept and marked as cut short."""
        self._say("Stopping …")
        await self.twin_app.ask(self.talks.cancel)

    async def _since(self, mark: int) -> list[Any]:
        conversation = self.talks.conversation
        if conversation is None:
            return []
        return await self._try(lambda: self.talks.messages(conversation, after=mark)) or []

    def _who(self) -> str:
        chosen = next((one for one in self.choices if one.slot == self.talks.slot), None)
        return f"{chosen.slot} v{chosen.version}" if chosen else self.talks.slot

    def _summary(self) -> str:
        last = self.talks.last
        if self._trouble:
            return self._trouble
        if last.get("ended") == "stopped":
            return "Stopped; what was said is kept."
        if not last.get("tokens"):
            return ""
        at_length = "; it is as long as an answer may be" if last["ended"] == "length" else ""
        return f"{plural(last['tokens'], 'token')} at {last['tokens_per_second']:.0f} a second{at_length}"

    # What the person thinks of it

    async def action_good(self) -> None:
        """Keep that the answer was good."""
        await self._rate(True)

    async def action_bad(self) -> None:
        """Keep that the answer was not good."""
        await self._rate(False)

    async def _rate(self, good: bool) -> None:
        base = self._base_in_focus()
        count = await self._try(lambda: self.talks.rate(good, of_base=base is not None))
        if count is not None:
            self._thought(base, good=good)
            self._say(f"Kept ({plural(count, 'rating')}). {LEARN}")

    @work(group="dialog")
    async def action_better(self) -> None:
        """Keep how the person would have said it."""
        base = self._base_in_focus()
        last = await self._try(lambda: self.talks.answered(of_base=base is not None))
        if last is None:
            return
        written = await self.app.push_screen_wait(Better(last.answer))
        if written and await self._try(lambda: self.talks.correct(written, of_base=base is not None)) is not None:
            self._thought(base, better=written)
            self._say(f"Kept. {LEARN}")

    def _thought(self, base: Base | None, *, good: bool | None = None, better: str = "") -> None:
        if base is None:
            self._transcript.think(good=good, better=better)
        else:
            base.mark(f"you would say: {better}" if better else "you said: good" if good else "you said: not good")

    def _base_in_focus(self) -> Base | None:
        return self.focused if isinstance(self.focused, Base) else None

    async def action_copy(self) -> None:
        """Into the clipboard, where the terminal lets programs do that."""
        base = self._base_in_focus()
        last: Answered | None = await self._try(lambda: self.talks.answered(of_base=base is not None))
        if last is not None:
            self.app.copy_to_clipboard(clean_terminal(last.answer))
            self._say("The answer was handed to the terminal's clipboard.")

    # Telling

    def _say(self, sentence: str) -> None:
        self.query_one("#working", Static).update(clean_terminal(sentence), layout=False)

    async def _try(self, question: Callable[..., Any], *given: Any) -> Any:
        """What the talks answer; an error is told and gives None."""
        try:
            return await self.twin_app.ask(question, *given)
        except TwinError as error:
            self.twin_app.tell(error)
            return None

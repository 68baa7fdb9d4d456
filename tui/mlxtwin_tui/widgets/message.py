"""One message of a conversation: frozen into a single widget, or still coming."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Markdown, Static

from mlxtwin.client.conversations import Told
from mlxtwin.security.redact import TerminalStream, clean_terminal
from mlxtwin_tui.widgets.markdown import Frozen, LiveMarkdown, with_breaks

Ask = Callable[[Callable[[], None]], Awaitable[None]]
REDRAW_SECONDS = 0.1
CUT_SHORT = "cut short"
NO_ANSWER = "(no answer came)"


class Said(Static):
    """A message that does not change any more, but for what the person thinks of it."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__(_drawn(told), classes="mine" if told.message.role == "user" else "twin", markup=False)

    @property
    def id_in_vault(self) -> int:
        return self.told.message.id

    def show(self, told: Told) -> None:
        """The same message, thought of otherwise."""
        self.told = told
        self.update(_drawn(told))


def asked(prompt: str) -> RenderableType:
    """What the person said."""
    return Group(Text("you", "bold"), Text(clean_terminal(prompt)))


def _drawn(told: Told) -> RenderableType:
    message = told.message
    if message.role == "user":
        return asked(message.content)
    head = Text(f"{message.slot} v{message.version}", "bold")
    marks = [CUT_SHORT] if message.content and not message.complete else []
    marks += [] if told.good is None else ["you said: good" if told.good else "you said: not good"]
    head.append("".join(f" · {mark}" for mark in marks), "not bold italic")
    parts: list[RenderableType] = [head]
    parts.append(Frozen(clean_terminal(message.content)) if message.content else Text(NO_ANSWER, "italic"))
    if told.better:
        parts += [Text("you would say", "italic"), Text(clean_terminal(told.better))]
    return Group(*parts)


class Coming(Vertical):
    """An answer as it comes; `feed` takes it as the engine says it."""

    def __init__(self, who: str, classes: str) -> None:
        super().__init__(classes=f"coming {classes}")
        self._who = who
        self._cleaned = TerminalStream()
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(self._who, classes="who", markup=False)
        yield LiveMarkdown()

    def on_mount(self) -> None:
        self._stream = Markdown.get_stream(self.query_one(LiveMarkdown))

    async def take(self, pieces: Iterable[str], ask: Ask, begun: Callable[[], None]) -> None:
        """Draw the pieces as they come, those of a moment together. The engine is listened to in one thread, which goes
        on to the end of the answer even where nobody looks any more; what it raises is raised here."""
        arrived: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def listen() -> None:
            try:
                for piece in pieces:
                    loop.call_soon_threadsafe(arrived.put_nowait, piece)
            finally:
                with suppress(RuntimeError):  # the loop is closed where nobody looks any more
                    loop.call_soon_threadsafe(arrived.put_nowait, None)

        listening = asyncio.ensure_future(ask(listen))
        while (piece := await arrived.get()) is not None:
            begun()
            await self._write(self._cleaned.feed(piece + _at_once(arrived)))
            await asyncio.sleep(REDRAW_SECONDS)
        await listening

    async def finish(self) -> str:
        """Draw what is left; all that was said, cleaned."""
        await self._write(self._cleaned.finish())
        await self._stream.stop()
        return "".join(self.said)

    async def _write(self, cleaned: str) -> None:
        self.said.append(cleaned)
        await self._stream.write(with_breaks(cleaned))


def _at_once(arrived: asyncio.Queue[str | None]) -> str:
    """What else has arrived, up to the end, which is left to be found."""
    found: list[str] = []
    while not arrived.empty():
        piece = arrived.get_nowait()
        if piece is None:
            arrived.put_nowait(None)
            break
        found.append(piece)
    return "".join(found)


class Base(Static):
    """What the bare base said to the same prompt; with the focus on it, ratings and corrections speak of it."""

    can_focus = True

    def __init__(self, name: str, text: str) -> None:
        self.text = text
        self._head = f"{name}, without the twin"
        super().__init__(self._drawn(""), classes="base", markup=False)

    def mark(self, thought: str) -> None:
        """What the person thinks of it."""
        self.update(self._drawn(f" · {thought}"))

    def _drawn(self, mark: str) -> RenderableType:
        head = Text(self._head, "bold").append(f" · not kept{mark}", "not bold italic")
        return Group(head, Frozen(self.text) if self.text else Text(NO_ANSWER, "italic"))


class Pair(Horizontal):
    """The twin's answer and the bare base's: side by side where there is room, else one below the other."""

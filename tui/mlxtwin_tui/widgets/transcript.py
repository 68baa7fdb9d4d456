"""What was said, a window over a conversation of any length: turns out of reach are taken off the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from mlxtwin.client.conversations import PAGE, Told
from mlxtwin_tui.widgets.message import Base, Coming, Pair, Said

MOST = 2 * PAGE


class Transcript(VerticalScroll):
    """Posts `Wants` when it is scrolled to an end beyond which there is more."""

    class Wants(Message):
        """More turns: ``before`` or ``after`` the id of a message."""

        def __init__(self, before: int | None = None, after: int | None = None) -> None:
            super().__init__()
            self.before, self.after = before, after

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.more_above = self.more_below = False
        self._asked = self._following = True

    @property
    def said(self) -> list[Said]:
        return list(self.query(Said))

    @property
    def last(self) -> Said | None:
        """The last answer on the screen."""
        answers = [one for one in self.said if one.told.message.role != "user"]
        return answers[-1] if answers else None

    async def show_end(self, told: Sequence[Told]) -> None:
        """A conversation from its end; fewer than a page is all of it."""
        self._asked = True
        with self.app.batch_update():
            await self.remove_children()
            await self.mount_all(Said(one) for one in told)
        self.more_above, self.more_below = len(told) >= PAGE, False
        self.follow()
        self.call_after_refresh(self._listen)

    def _listen(self) -> None:
        """Only from now on does being at the top mean that the person went there, or stayed."""
        self._asked = False
        self._look_beyond()

    async def add(self, told: Iterable[Told]) -> None:
        """What was said since, at the end; what is still coming, or was not kept, goes."""
        with self.app.batch_update():
            await self.query(".coming").remove()
            await self.mount_all(Said(one) for one in told)
            await self._shorten(self._rows()[:-MOST])

    async def add_above(self, told: Sequence[Told]) -> None:
        """An earlier page; the view stays on the turns it is on."""
        first = self._rows()[0]
        below = self._rows()[MOST - len(told) :]
        self.more_above = len(told) >= PAGE
        await self.mount_all([Said(one) for one in told], before=first)
        self.more_below = self.more_below or bool(below)
        self._following = False
        await self._shorten(below)
        self.call_after_refresh(self._stay_on, first)

    async def add_below(self, told: Sequence[Told]) -> None:
        """A later page, after earlier ones had pushed it off."""
        rows = self._rows()
        kept = rows[-1]
        self.more_below = len(told) >= PAGE
        await self.mount_all(Said(one) for one in told)
        above = rows[: max(0, len(rows) + len(told) - MOST)]
        offset = kept.virtual_region.bottom - self.scroll_y
        self.more_above = self.more_above or bool(above)
        await self._shorten(above)
        self.call_after_refresh(self._stay_below, kept, offset)

    async def replace_last(self, told: Sequence[Told]) -> None:
        """Take the last prompt and its answer off and put the new ones there."""
        rows = self._rows()
        start = max((place for place, row in enumerate(rows) if _is_prompt(row)), default=len(rows))
        await self._shorten(rows[start:])
        await self.add(told)

    async def beside_last(self, coming: Coming) -> None:
        """Put an answer of the bare base next to the twin's last one."""
        last = self.last
        if last is None:
            return
        if isinstance(last.parent, Pair):
            await last.parent.query("Base, Coming").remove()
            await last.parent.mount(coming)
        else:
            told = last.told
            await self.mount(pair := Pair(), after=last)
            await last.remove()
            await pair.mount(Said(told), coming)
        self.follow()

    async def freeze_beside(self, base: Base | None) -> None:
        """In place of what was coming beside the last answer; nothing came if None."""
        coming = self.query_one(Coming)
        pair = coming.parent
        await coming.remove()
        if base is not None and isinstance(pair, Pair):
            await pair.mount(base)

    def think(self, *, good: bool | None = None, better: str = "") -> None:
        """What the person thinks of the last answer, shown with it."""
        last = self.last
        if last is not None:
            told = last.told
            last.show(replace(told, good=told.good if good is None else good, better=better or told.better))

    def follow(self) -> None:
        """Stay at the end whatever comes, until the person scrolls up. A widget's own anchor scrolls to before the
        beginning where little was said."""
        self._following = True
        self.scroll_end(animate=False)

    def watch_virtual_size(self) -> None:
        """More was said, or the screen has another width."""
        if self._following:
            self.call_after_refresh(self._keep_up)

    def _keep_up(self) -> None:
        if self._following:
            self.scroll_end(animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = new_value >= self.max_scroll_y and not self.more_below
        self._following = at_end or (self._following and new_value >= old_value)
        self._look_beyond()

    def _look_beyond(self) -> None:
        """Ask for the page beyond the end that is in view."""
        said = self.said
        if self._asked or not said or self.max_scroll_y <= 0:
            return
        if self.scroll_y <= 0 and self.more_above:
            self._asked = True
            self.post_message(self.Wants(before=said[0].id_in_vault))
        elif self.scroll_y >= self.max_scroll_y and self.more_below:
            self._asked = True
            self.post_message(self.Wants(after=said[-1].id_in_vault))

    def listen(self) -> None:
        """A page that was asked for has come, or will not; what is in view is known once it is laid out."""
        self.call_after_refresh(self.call_after_refresh, self._listen)

    def _rows(self) -> list[Widget]:
        return [child for child in self.children if not isinstance(child, Static) or isinstance(child, Said)]

    async def _shorten(self, rows: Sequence[Widget]) -> None:
        if rows:
            self.more_above = self.more_above or rows[0] is self._rows()[0]
            await self.remove_children(list(rows))

    def _stay_on(self, row: Widget) -> None:
        self.scroll_to(y=max(0, row.virtual_region.y - 1), animate=False, immediate=True)

    def _stay_below(self, row: Widget, offset: float) -> None:
        self.scroll_to(y=max(0, row.virtual_region.bottom - offset), animate=False, immediate=True)


def _is_prompt(row: Widget) -> bool:
    return isinstance(row, Said) and row.told.message.role == "user"

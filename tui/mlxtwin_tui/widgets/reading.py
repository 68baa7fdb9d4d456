"""One document in full: what is decided of it, and who wrote which part."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mlxtwin.client.documents import StoredDocument
from mlxtwin.records import Turn, TurnRole
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural

PARTS = 40
# More of one part than anybody reads here; the command line shows all of it.
LONGEST_PART = 20_000
ROLES: dict[TurnRole, str] = {
    "own": "own words", "received": "received", "quoted": "quoted", "forwarded": "forwarded", "signature": "signature",
}  # fmt: skip


class Reading(VerticalScroll, can_focus=True):
    """The parts come forty at a time, as they are scrolled to."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._rest: list[Turn] = []
        self._document = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="about", markup=False)

    async def show(self, stored: StoredDocument | None) -> None:
        """None shows nothing."""
        await self.query(Part).remove()
        self.query_one("#about", Static).update("" if stored is None else about(stored))
        self._document = "" if stored is None else stored.document.id
        self._rest = [] if stored is None else list(stored.curated.turns)
        self.scroll_home(animate=False)
        await self._more()

    async def _more(self) -> None:
        now, self._rest = self._rest[:PARTS], self._rest[PARTS:]
        await self.mount_all(Part(turn, self._document) for turn in now)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._rest and new_value >= self.max_scroll_y > 0:
            self.call_later(self._more)


class Part(Static):
    """One stretch by one author; the class is its role."""

    def __init__(self, turn: Turn, id: str) -> None:
        shown = clean_terminal(turn.text[:LONGEST_PART])
        more = f"\n… `mlxtwin data show {id[:8]}` shows the rest." if len(turn.text) > LONGEST_PART else ""
        head = Content.styled(who(turn), "bold")
        super().__init__(
            Content("\n").join([head, Content(shown.strip("\n") + more)]),
            classes=f"part {'mine' if turn.trainable else turn.role}",
            markup=False,
        )


def who(turn: Turn) -> str:
    """Who wrote it, and what it is."""
    author = "you" if turn.mine else " ".join(clean_terminal(turn.author).split()) or "unknown"
    return f"{author} · {ROLES[turn.role]}"


def about(stored: StoredDocument) -> Content:
    """Title, what is decided and by whom, and where it comes from."""
    document = stored.document
    title = " ".join(clean_terminal(document.title).split()) or "(without a title)"
    when = document.at.strftime("%Y-%m-%d %H:%M") if document.at else "without a date"
    lines = [
        decided(stored),
        f"{document.kind} from {document.source}, {when}, {plural(stored.curated.words_by_me, 'word')} by you",
        f"{clean_terminal(document.origin)}  id {document.id[:8]}",
    ]
    return Content("\n").join([Content.styled(title, "bold"), *(Content(one.strip()) for one in lines)])


def decided(stored: StoredDocument) -> str:
    """One sentence: kept or dropped, why, and who said so."""
    if not stored.decided:
        return "Not looked at by curation yet."
    if stored.reason:
        return "Dropped by you." if stored.forced_keep is False else f"Dropped by curation: {stored.reason}."
    kept = "Kept by you" if stored.forced_keep else "Kept by curation"
    tier = f"tier {stored.effective_tier}{' chosen by you' if stored.forced_tier is not None else ''}"
    return f"{kept}, {tier}: your own words in it train the twin."

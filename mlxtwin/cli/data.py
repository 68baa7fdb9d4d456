"""``mlxtwin data``: look at, search and forget what was imported."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.talk import Answer, fields, one_line, table
from mlxtwin.client import data
from mlxtwin.client.vault import open_vault
from mlxtwin.paths import find_home
from mlxtwin.records import KINDS, Kind, Turn
from mlxtwin.wording import plural

if TYPE_CHECKING:
    from mlxtwin.vault.rows import StoredDocument
    from mlxtwin.vault.store import Vault

SHOWN_DIGITS = 8
NOTHING = "The vault is empty. Next: mlxtwin import PATH --me NAME"


def _vault() -> Vault:
    return open_vault(find_home(), ask.passphrase)


@make_command("ls", "mlxtwin data ls --kind mail --dropped")
@click.option("--kind", type=click.Choice(KINDS), help="Only documents of this kind.")
@click.option("--kept/--dropped", "kept", default=None, help="Only what curation keeps, or only what it leaves out.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
def ls(kind: Kind | None, kept: bool | None, limit: int) -> Answer:
    """List documents: id, date, kind, tier or why it was dropped, title."""
    with _vault() as vault:
        found = list(islice(data.chosen(vault, kind=kind, dropped=None if kept is None else not kept), limit + 1))
        total = vault.count()
    shown = [_summary(stored) for stored in found[:limit]]
    rows = [(one["id"][:SHOWN_DIGITS], _day(one["at"]), one["kind"], _state(one), one["title"]) for one in shown]
    text = table(rows, ("id", "date", "kind", "tier", "title"), "Nothing fits." if total else NOTHING)
    notes = (f"There are more; --limit {limit * 10} shows more of them.",) if len(found) > limit else ()
    return Answer({"documents": shown, "total": total}, text, notes)


@make_command("show", "mlxtwin data show 3f9a12")
@click.argument("id")
def show(id: str) -> Answer:
    """Show one document with who wrote each part. The beginning of its id is enough."""
    with _vault() as vault:
        stored = data.find(vault, id)
    turns = [_turn(turn) for turn in stored.document.turns]
    value = {**_summary(stored), "origin": stored.document.origin, "thread": stored.document.thread, "turns": turns}
    named = [(name, value[name] or "") for name in ("id", "kind", "source", "at", "title", "origin")]
    head = fields([*named, ("status", _sentence(stored))])
    return Answer(value, "\n\n".join([head, *(_spoken(turn) for turn in stored.document.turns)]))


@make_command("stats", "mlxtwin data stats")
def stats() -> Answer:
    """Count words by kind and tier, and what was dropped for which reason."""
    with _vault() as vault:
        found = vault.stats()
        total = vault.count()
    value = {
        "documents": total,
        "by_kind": found.by_kind,
        "by_tier": {str(tier): row for tier, row in sorted(found.by_tier.items())},
        "dropped": found.dropped,
        "corrections": found.corrections,
        "ratings": found.ratings,
    }
    return Answer(value, _stats_text(value) if total else "", () if total else (NOTHING,))


@make_command("search", 'mlxtwin data search "the boat house"')
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
def search(query: tuple[str, ...], limit: int) -> Answer:
    """Find documents by their words, the best first."""
    words = " ".join(query)
    with _vault() as vault:
        found = vault.search(words, limit)
    rows = [(one.id[:SHOWN_DIGITS], _day(_iso(one.at)), one.kind, one.title, one.snippet) for one in found]
    value = [
        {"id": one.id, "kind": one.kind, "title": one.title, "at": _iso(one.at), "snippet": one.snippet}
        for one in found
    ]
    notes = () if found else ("Nothing was found.",)
    return Answer({"query": words, "found": value}, table(rows), notes)


@make_command("forget", "mlxtwin data forget 3f9a12 77c0de")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def forget(ids: tuple[str, ...]) -> Answer:
    """Remove documents from the vault for good. The beginning of each id is enough.

    A twin trained before may still know their words until it is trained again. Their ids are kept, so that a later
    import leaves them out, unless it is given --include-forgotten. A mail or a chat is known again wherever its file
    lies; a note or transcript by its first words and its path below the folder that is imported: where one of these
    has changed, it comes in as a new one.
    """
    with _vault() as vault:
        gone = data.forget(find_home(), vault, ids)
    note = (
        f"{plural(len(gone), 'document')} forgotten. A twin trained before may know the words until the next retrain."
    )
    them = "it" if len(gone) == 1 else "them"
    later = f"A later import leaves {them} out; with --include-forgotten it takes {them} in again."
    return Answer({"forgotten": gone}, "\n".join(gone), (note, later))


def _summary(stored: StoredDocument) -> dict[str, Any]:
    document = stored.document
    return {
        "id": document.id,
        "kind": document.kind,
        "source": document.source,
        "title": document.title,
        "at": _iso(document.at),
        "decided": stored.decided,
        "tier": stored.effective_tier if stored.kept else None,
        "dropped": stored.reason,
        "words_by_me": document.words_by_me,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {"author": turn.author, "mine": turn.mine, "role": turn.role, "at": _iso(turn.at), "text": turn.text}


def _spoken(turn: Turn) -> str:
    author = one_line(turn.author) or ("me" if turn.mine else "unknown")
    mark = " (me)" if turn.mine and author != "me" else ""
    role = "" if turn.role in ("own", "received") else f" ({turn.role})"
    return f"--- {author}{mark}{role}\n{turn.text}"


def _state(one: dict[str, Any]) -> str:
    if not one["decided"]:
        return "undecided"
    return f"dropped: {one['dropped']}" if one["dropped"] else f"{one['tier']}"


def _sentence(stored: StoredDocument) -> str:
    if not stored.decided:
        return "not yet curated"
    words = plural(stored.document.words_by_me, "word") + " by me"
    return f"dropped: {stored.reason}" if stored.reason else f"kept, tier {stored.effective_tier}, {words}"


def _stats_text(value: dict[str, Any]) -> str:
    kinds = [(kind, row["documents"], row["kept"], row["words_by_me"]) for kind, row in value["by_kind"].items()]
    tiers = [(tier, row["documents"], row["words"]) for tier, row in value["by_tier"].items()]
    parts = [
        table(kinds, ("kind", "documents", "kept", "words by me in all")),
        table(tiers, ("tier", "kept documents", "words by me"), "Nothing is kept."),
        table(list(value["dropped"].items()), ("dropped because", "documents"), "Nothing is dropped."),
        *(fields(told) for told in [_told_by(value)] if told),
    ]
    return "\n\n".join(parts)


def _told_by(value: dict[str, Any]) -> list[tuple[str, object]]:
    """What was thought of answers while chatting, as far as there is any of it."""
    told = {"corrected answers": value["corrections"], "rated answers": value["ratings"]}
    return [(name, f"{count:,}") for name, count in told.items() if count]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _day(at: str | None) -> str:
    return at[:10] if at else ""


command = group("data", "Look at, search and forget what was imported.", ls, show, stats, search, forget)

"""``mlxtwin data``: look at, search and forget what was imported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.exchange import export, import_preferences
from mlxtwin.cli.forget import forget
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
BEFORE_CHARACTERS = 24
# Around what was found, until it is shown: characters that no text has.
_MARKS = ("\ue000", "\ue001")
NOTHING = "The vault is empty. Next: mlxtwin import PATH --me NAME"


def _vault() -> Vault:
    return open_vault(find_home(), ask.passphrase)


def _filters(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The options by which documents are listed and searched alike."""
    for option in (
        click.option("--until", metavar="DAY", help="Only up to this day, month or year."),
        click.option("--since", metavar="DAY", help="Only from this day, month or year on, such as 2024-03."),
        click.option("--source", metavar="SOURCE", help="Only what came from this source, such as whatsapp."),
        click.option("--kind", type=click.Choice(KINDS), help="Only documents of this kind."),
    ):
        command = option(command)
    return command


@make_command("ls", "mlxtwin data ls --kind mail --dropped")
@_filters
@click.option("--mine", is_flag=True, help="Only documents with words of yours.")
@click.option("--kept/--dropped", "kept", default=None, help="Only what curation keeps, or only what it leaves out.")
@click.option("--language", metavar="CODE", help="Only documents in this language, such as en; 'unknown' for the rest.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
def ls(
    kind: Kind | None,
    source: str | None,
    since: str | None,
    until: str | None,
    mine: bool,
    kept: bool | None,
    language: str | None,
    limit: int,
) -> Answer:
    """List documents: id, date, kind, tier or why it was dropped, title."""
    dropped = None if kept is None else not kept
    with _vault() as vault:
        among = data.among(vault, kind, source, since, until, mine=mine)
        found = list(islice(data.chosen(vault, among, dropped=dropped, language=language), limit + 1))
        total = vault.count()
    shown = [_summary(stored) for stored in found[:limit]]
    rows = [(one["id"][:SHOWN_DIGITS], _day(one["at"]), one["kind"], _state(one), one["title"]) for one in shown]
    text = table(rows, ("id", "date", "kind", "tier", "title"), "Nothing fits." if total else NOTHING)
    notes = (f"There are more; --limit {limit * 10} shows more of them.",) if len(found) > limit else ()
    return Answer({"documents": shown, "total": total}, text, notes)


@make_command("show", "mlxtwin data show 3f9a12")
@click.argument("id")
def show(id: str) -> Answer:
    """Show one document with who wrote each part. The beginning of its id is enough.

    What curation found to be pasted is shown as quoted, and what recurs in many documents as signature.
    """
    with _vault() as vault:
        stored = data.find(vault, id)
    curated = stored.curated
    turns = [_turn(turn) for turn in curated.turns]
    value = {**_summary(stored), "origin": stored.document.origin, "thread": stored.document.thread, "turns": turns}
    named = [(name, value[name] or "") for name in ("id", "kind", "source", "at", "title", "language", "origin")]
    head = fields([*named, ("status", _sentence(stored))])
    return Answer(value, "\n\n".join([head, *(_spoken(turn) for turn in curated.turns)]))


@make_command("stats", "mlxtwin data stats")
def stats() -> Answer:
    """Count words by kind, tier and language, and what was dropped for which reason."""
    with _vault() as vault:
        found = vault.stats()
        total = vault.count()
    value = {
        "documents": total,
        "by_kind": found.by_kind,
        "by_tier": {str(tier): row for tier, row in sorted(found.by_tier.items())},
        "by_language": {language or "unknown": row for language, row in found.by_language.items()},
        "dropped": found.dropped,
        "corrections": found.corrections,
        "ratings": found.ratings,
    }
    return Answer(value, _stats_text(value) if total else "", () if total else (NOTHING,))


@make_command("search", 'mlxtwin data search "the boat house"')
@click.argument("query", nargs=-1, required=True)
@_filters
@click.option("--mine", is_flag=True, help="Only where you wrote the words yourself.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
def search(
    query: tuple[str, ...],
    kind: Kind | None,
    source: str | None,
    since: str | None,
    until: str | None,
    mine: bool,
    limit: int,
) -> Answer:
    """Find documents by their words, the best first; [...] marks what was found.

    All the words must be there, the last one perhaps as the beginning of a longer one; where nothing has them all,
    any of them will do.
    """
    words = " ".join(query)
    with _vault() as vault:
        among = data.among(vault, kind, source, since, until, mine=mine)
        found = vault.search(words, limit + 1, marks=_MARKS, among=among)
    shown = found[:limit]
    rows = [(one.id[:SHOWN_DIGITS], _day(_iso(one.at)), one.kind, one.title, _around(one.snippet)) for one in shown]
    value = [
        {"id": one.id, "kind": one.kind, "title": one.title, "at": _iso(one.at), "snippet": _bracketed(one.snippet)}
        for one in shown
    ]
    notes = () if found else ("Nothing was found.",)
    if len(found) > limit:
        notes = (f"There are more; --limit {limit * 10} shows more of them.",)
    return Answer({"query": words, "found": value}, table(rows), notes)


def _bracketed(snippet: str) -> str:
    return snippet.translate({ord(_MARKS[0]): "[", ord(_MARKS[1]): "]"})


def _around(snippet: str) -> str:
    """A piece of it that begins so that what was found is in a narrow column too."""
    at = snippet.find(_MARKS[0])
    start = snippet.rfind(" ", 0, max(0, at - BEFORE_CHARACTERS)) + 1
    return _bracketed(f"…{snippet[start:]}" if start else snippet)


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
        "words_by_me": stored.curated.words_by_me,
        "language": stored.language,
        "quality": stored.quality,
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
    words = plural(stored.curated.words_by_me, "word") + " by me"
    quality = "" if stored.quality is None else f", quality {stored.quality:.2f}"
    return f"dropped: {stored.reason}" if stored.reason else f"kept, tier {stored.effective_tier}{quality}, {words}"


def _stats_text(value: dict[str, Any]) -> str:
    kinds = [(kind, row["documents"], row["kept"], row["words_by_me"]) for kind, row in value["by_kind"].items()]
    tiers = [(tier, row["documents"], row["words"]) for tier, row in value["by_tier"].items()]
    languages = [(language, row["documents"], row["words"]) for language, row in value["by_language"].items()]
    parts = [
        table(kinds, ("kind", "documents", "kept", "words by me in all")),
        table(tiers, ("tier", "kept documents", "words by me"), "Nothing is kept."),
        *([table(languages, ("language", "kept documents", "words by me"))] if languages else []),
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


_VERBS = (ls, show, stats, search, forget, export, import_preferences)
command = group("data", "Look at, search, export and forget what was imported.", *_VERBS)

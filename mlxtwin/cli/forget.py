"""``mlxtwin data forget``: documents, all of a person, or all of a source, removed everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mlxtwin.cli import ask
from mlxtwin.cli.ask import confirm
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, Talk, table
from mlxtwin.client import forgetting
from mlxtwin.client.forgetting import Marked, Touched
from mlxtwin.client.vault import unlock_key, with_key
from mlxtwin.errors import UsageError
from mlxtwin.paths import find_home
from mlxtwin.wording import plural

SHOWN, MOST_SHOWN = 12, 5


@make_command("forget", "mlxtwin data forget 3f9a12 77c0de")
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option("--person", "people", metavar="NAME", multiple=True, help="All in which NAME wrote something.")
@click.option("--source", "sources", metavar="SOURCE", multiple=True, help="All of a source, such as whatsapp.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(talk: Talk, ids: tuple[str, ...], people: tuple[str, ...], sources: tuple[str, ...], yes: bool) -> Answer:
    """Remove documents for good: from the vault, unfinished runs, caches and report cards. The beginning of an id is
    enough.

    A version trained on one still knows its words; it is marked, and the next retrain makes one without. The ids are
    kept, so that a later import leaves the documents out, unless it is given --include-forgotten. A mail or a chat is
    known again wherever its file lies; a note or transcript by its first words and its path below the folder that is
    imported: where one of these has changed, it comes in as a new one.

    --person finds who wrote a part of a document under that whole name or address, and chats of that title. It does not
    look for names in texts, nor for whom a mail was sent to. What comes in later is not forgotten beforehand.
    """
    if not (ids or people or sources):
        raise UsageError("It is not said what to forget.", "Give ids, --person NAME or --source SOURCE.")
    home = find_home()
    key = unlock_key(home, ask.passphrase)
    with with_key(home, key) as vault:
        wanted = forgetting.chosen(vault, ids, people, sources)
        if people or sources:
            for line in _preview(forgetting.look(home, key, vault, wanted)):
                talk.note(line)
            confirm(f"Forget {plural(len(wanted), 'document')} for good?", yes)
        gone = forgetting.forget(home, key, vault, wanted)
    value = {
        "forgotten": list(gone.ids),
        "words_by_me": gone.words,
        "versions": [{"slot": one.slot, "version": one.version, "documents": one.documents} for one in gone.versions],
        "runs": list(gone.runs),
        "states_dropped": gone.states,
        "copies": list(gone.copies),
    }
    return Answer(value, "\n".join(gone.ids) if ids else "", tuple(_told(gone)))


def _preview(found: Touched) -> Iterator[str]:
    rows = [(one.source, one.kind, one.documents, one.words, _days(one.first, one.last)) for one in found.amounts]
    yield table(rows, ("source", "kind", "documents", "words by me", "from"))
    yield from (f"{_of(one)} It stays, and is marked." for one in found.versions)
    if found.runs:
        yield f"Removed with them, for they hold their words: {plural(len(found.runs), 'unfinished run')}."
    yield from _copies(found)


def _copies(found: Touched) -> Iterator[str]:
    if found.copies:
        command = f"mlxtwin data forget {' '.join(id[:SHOWN] for id in found.copies[:MOST_SHOWN])}"
        more = " and so on" if len(found.copies) > MOST_SHOWN else ""
        stay = "says the same and stays" if len(found.copies) == 1 else "say the same and stay"
        yield f"{plural(len(found.copies), 'other document')} {stay}: {command}{more}"


def _days(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def _told(gone: Touched) -> Iterator[str]:
    yield f"{plural(len(gone.ids), 'document')} forgotten."
    yield from map(_of, gone.versions)
    if gone.versions:
        yield "The next retrain makes a version without: mlxtwin retrain voice"
    if gone.runs:
        yield f"Removed, for they held words of them: {', '.join(gone.runs)}."
    if gone.states:
        yield "The kept states of frozen blocks were dropped, all of them; the next run computes its own again."
    yield from _copies(gone)
    them = "it" if len(gone.ids) == 1 else "them"
    yield f"A later import leaves {them} out; with --include-forgotten it takes {them} in again."


def _of(one: Marked) -> str:
    if not one.told:
        return f"Version {one.version} of slot {one.slot} does not say what it was trained on: perhaps on these too."
    return f"Version {one.version} of slot {one.slot} was trained on {one.documents:,} of them, or shown them."

"""``mlxtwin import``: read exports into the vault."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, Talk, fields, one_line, table
from mlxtwin.client.imports import FORGOTTEN, ImportRequest, Pace, import_exports
from mlxtwin.client.preview import unclaimed
from mlxtwin.errors import WhoIsMe
from mlxtwin.paths import find_home
from mlxtwin.wording import clock, plural

MOST_ERRORS = 10
TITLE_CHARACTERS = 60
SECONDS_BETWEEN = 0.25


@make_command("import", "mlxtwin import ~/Mail/sent.mbox --me anna@example.org --me 'Anna Berg'")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "source", metavar="SOURCE", help="Read it as mail, notes, whatsapp, ...; else by content.")
@click.option("--me", metavar="NAME", multiple=True, help="A name, address or handle of yours; may be given again.")
@click.option("--tier", type=click.IntRange(1, 3), help="Give all of it this tier, 1 the best, whatever curation says.")
@click.option("--dry-run", is_flag=True, help="Read, count and show what would come in; store nothing.")
@click.option("--include-forgotten", is_flag=True, help="Take in again what `mlxtwin data forget` removed.")
@click.pass_obj
def command(
    talk: Talk,
    paths: tuple[Path, ...],
    source: str | None,
    me: tuple[str, ...],
    tier: int | None,
    dry_run: bool,
    include_forgotten: bool,
) -> Answer:
    """Read exports (files or folders) into the vault and decide what the twin may learn from.

    Names given with --me are remembered. Importing the same again adds nothing, and what was forgotten stays out.
    """
    request = ImportRequest(paths, me, source, tier, dry_run, include_forgotten)

    def ask_who(who: WhoIsMe) -> list[str]:
        return _ask_who(talk, who)

    shown = _progress(talk)
    found = import_exports(find_home(), request, ask.passphrase, ask_who, shown, shown.pace.told)
    failed = found["errors"] and not found["documents"]
    return Answer(found, _text(found), tuple(_notes(found)), exit_code=1 if failed else 0)


def _progress(talk: Talk, now: Callable[[], float] = time.monotonic) -> _Shown:
    return _Shown(talk, now)


class _Shown:
    """Shows how far an import is, and lets go what comes within a quarter of a second: a long mailbox tells of each
    of its messages.
    """

    def __init__(self, talk: Talk, now: Callable[[], float]) -> None:
        self.pace = Pace(now)
        self._talk, self._now = talk, now
        self._shown, self._whole = -math.inf, False

    def __call__(self, done: int, files: int, documents: int) -> None:
        """The end is shown however soon it comes, once."""
        whole = done == files > 0
        if self._now() - self._shown >= SECONDS_BETWEEN or (whole and not self._whole):
            self._shown, self._whole = self._now(), whole
            self._talk.progress(self._line(done, files, documents) if files else "Looking at the files")

    def _line(self, done: int, files: int, documents: int) -> str:
        share, left = self.pace.share, self.pace.seconds_left
        counts = f"{done:,} of {plural(files, 'file')}, {plural(documents, 'document')}"
        read = "" if share is None else f", {share:.0%} read"
        return counts + read + ("" if left is None or done == files else f", {clock(left)} left")


def _text(found: dict[str, Any]) -> str:
    """The counts, and for a dry run what would come in."""
    counts = fields(_rows(found))
    return f"{counts}\n\n{_preview(found['preview'])}" if found["dry_run"] and found["preview"] else counts


def _preview(preview: list[dict[str, Any]]) -> str:
    header = ("source", "kind", "documents", "kept", "words by me")
    counts = table([[row[name.replace(" ", "_")] for name in header] for row in preview], header)
    told = [part for row in preview for part in (_examples(row), _dropped(row)) if part]
    return "\n\n".join([counts, *told])


def _examples(row: dict[str, Any]) -> str:
    """A few titles with their dates."""
    lines = [f"  {one['at'] or '':10}  {one_line(one['title'], TITLE_CHARACTERS)}" for one in row["examples"]]
    return "\n".join([f"{row['source']}, for example:", *lines]) if lines else ""


def _dropped(row: dict[str, Any]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in row["dropped"].items())
    return f"{row['source']}, {row['kind']}, left out: {reasons}" if reasons else ""


def _ask_who(talk: Talk, who: WhoIsMe) -> list[str]:
    """The authors with their counts; then the answer, or the error where there is nobody to ask."""
    if not talk.as_json:
        talk.note("Who wrote in it:")
        for number, (name, count) in enumerate(who.candidates, start=1):
            talk.note(f"{number:4}  {name} ({plural(count, 'message')})")
    if talk.as_json or not ask.at_terminal():
        raise who
    while True:
        typed = ask.line("Which of them are you? Numbers or names, separated by commas: ")
        parts = [part.strip() for part in typed.split(",") if part.strip()]
        if not parts:
            raise who
        names = {part: _named(part, who) for part in parts}
        wrong = [part for part, name in names.items() if not name]
        if not wrong:
            return list(names.values())
        talk.note(f"There is no number {wrong[0]} in the list: it goes from 1 to {len(who.candidates)}.")


def _named(part: str, who: WhoIsMe) -> str:
    """A name as it was typed or the one of a number in the list; empty for a number that is not in it."""
    if not part.isdecimal() or any(name == part for name, _ in who.candidates):
        return part
    return who.candidates[int(part) - 1][0] if 1 <= int(part) <= len(who.candidates) else ""


def _rows(found: dict[str, Any]) -> list[tuple[str, object]]:
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in found["dropped"].items())
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in found["skipped"].items())
    kinds = ", ".join(plural(count, kind) for kind, count in found["kinds"].items())
    rows = [
        ("kinds", kinds) if len(found["kinds"]) > 1 else ("kind", found["kind"] or "none"),
        ("files", f"{found['files']:,}"),
        ("documents", f"{found['documents']:,} ({found['added']:,} new, {found['updated']:,} changed)"),
        ("kept", f"{found['kept']:,}"),
        ("dropped", dropped or "none"),
        ("words by me", f"{found['words_by_me']:,}"),
        ("files left out", skipped or "none"),
        ("errors", len(found["errors"])),
    ]
    return [*rows, ("stored", "nothing, as --dry-run asks")] if found["dry_run"] else [*rows]


def _notes(found: dict[str, Any]) -> list[str]:
    errors = [f"{one['path']}: {one['why']}" for one in found["errors"]]
    notes = [f"Not read: {line}" for line in errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        notes.append(f"... and {len(errors) - MOST_ERRORS:,} more; --json lists all.")
    forgotten = found["dropped"].get(FORGOTTEN, 0)
    if forgotten:
        notes.append(f"{plural(forgotten, 'document')} left out as forgotten; --include-forgotten takes in what was.")
    # Where the export has authors, they are listed only if none of its words are the person's, forgotten ones too.
    if found["documents"] and not found["words_by_me"] and (found["authors"] or not forgotten):
        notes.append("None of these words are yours, so nothing of it can train a twin: name yourself with --me.")
        notes.extend(f"      {one['name']} ({plural(one['messages'], 'message')})" for one in found["authors"])
    elif not found["dry_run"] and found["kept"]:
        notes.append("Next: mlxtwin retrain voice")
    return [*unclaimed(found), *notes]

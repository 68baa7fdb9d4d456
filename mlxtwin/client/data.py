"""Looking at what the vault holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from mlxtwin.errors import UsageError
from mlxtwin.records import Kind

if TYPE_CHECKING:
    from mlxtwin.vault.rows import StoredDocument
    from mlxtwin.vault.search import Among
    from mlxtwin.vault.store import Vault

ID_DIGITS = 32
SHORTEST_ID = 4


def chosen(
    vault: Vault, among: Among, *, dropped: bool | None = None, language: str | None = None
) -> Iterator[StoredDocument]:
    """Documents in the order of import, only the dropped or only the kept ones, in one language: its code, or
    "unknown". Raises UsageError for a code that is none."""
    wanted = None if language is None else language_code(language)
    for stored in vault.documents(kinds=None if among.kind is None else [among.kind], only_kept=dropped is False):
        right = wanted is None or (stored.decided and stored.language == wanted)
        if right and _is_among(stored, among) and (not dropped or (stored.decided and stored.reason)):
            yield stored


def _is_among(stored: StoredDocument, among: Among) -> bool:
    document = stored.document
    day = document.at.isoformat()[:10] if document.at else ""
    if (among.since or among.until) and not day:
        return False
    in_time = day >= among.since and (not among.until or day[: len(among.until)] <= among.until)
    from_there = among.source is None or document.source == among.source
    return in_time and from_there and (not among.mine or any(turn.trainable for turn in document.turns))


def among(
    vault: Vault, kind: Kind | None, source: str | None, since: str | None, until: str | None, *, mine: bool
) -> Among:
    """The documents that options ask for. Raises UsageError for a source of which there is nothing, or no day."""
    from mlxtwin.vault.search import Among

    known = vault.sources() if source is not None else {}
    if source is not None and source not in known:
        there = ", ".join(known) or "none"
        raise UsageError(f"There are no documents of {source}.", f"Sources of what there is: {there}.")
    return Among(kind, source, _day(since), _day(until), mine)


def _day(written: str | None) -> str:
    """A day, month or year as it was written, empty for none. Raises UsageError for anything else."""
    if written is None:
        return ""
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        with suppress(ValueError):
            return datetime.strptime(written.strip(), form).strftime(form)
    raise UsageError(f"'{written}' is no day, month or year.", "Write 2024-03-31, 2024-03 or 2024.")


def language_code(written: str) -> str:
    """The code of a language given by it or by its English name; empty for "unknown"."""
    from mlxtwin.curate.language import LANGUAGES, UNKNOWN

    asked = written.strip().lower()
    if asked == UNKNOWN:
        return ""
    found = next((code for code, name in LANGUAGES.items() if asked in (code, name.lower())), None)
    if found is None:
        there = ", ".join(LANGUAGES)
        raise UsageError(f"{written} is no language that can be told.", f"There are: {there}, and unknown.")
    return found


def find(vault: Vault, written: str) -> StoredDocument:
    """The document whose id begins with what the person wrote. Raises UsageError for none, or more than one."""
    prefix = written.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST_ID},{ID_DIGITS}}}", prefix):
        message = f"'{written}' is no document id: one has {SHORTEST_ID} to {ID_DIGITS} digits 0-9 and a-f."
        raise UsageError(message, "`mlxtwin data ls` shows them.")
    exact = vault.document(prefix) if len(prefix) == ID_DIGITS else None
    found = [exact] if exact else [stored for stored in vault.documents() if stored.document.id.startswith(prefix)]
    if not found:
        raise UsageError(f"There is no document {written}.", "`mlxtwin data ls` shows what there is.")
    if len(found) > 1:
        raise UsageError(f"{len(found):,} documents begin with {written}.", "Write more digits of the id.")
    return found[0]

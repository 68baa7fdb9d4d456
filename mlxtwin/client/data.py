"""Looking at what the vault holds, and forgetting parts of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Kind

if TYPE_CHECKING:
    from mlxtwin.vault.rows import StoredDocument
    from mlxtwin.vault.store import Vault

ID_DIGITS = 32
SHORTEST_ID = 4


def chosen(vault: Vault, *, kind: Kind | None = None, dropped: bool | None = None) -> Iterator[StoredDocument]:
    """Documents in the order of import, of one kind, only the dropped or only the kept ones."""
    for stored in vault.documents(kinds=None if kind is None else [kind], only_kept=dropped is False):
        if not dropped or (stored.decided and stored.reason):
            yield stored


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


def forget(home: Home, vault: Vault, written: Iterable[str]) -> list[str]:
    """Remove documents from the vault; all ids are checked before the first is removed. Returns the full ids.

    What training kept of examples goes with them. An adapter trained before may still know the words until the next
    retrain.
    """
    ids = list(dict.fromkeys(find(vault, one).document.id for one in written))
    vault.forget_many(ids)
    shutil.rmtree(home.prefix, ignore_errors=True)
    return ids

"""Importing exports into the vault, and curating what came in."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client.vault import AskPassphrase, exists, open_vault, unlock_key
from mlxtwin.errors import WhoIsMe
from mlxtwin.paths import Home
from mlxtwin.records import Document, Person

if TYPE_CHECKING:
    from mlxtwin.sources.run import ImportReport
    from mlxtwin.vault.rows import PutResult
    from mlxtwin.vault.store import Vault

FORGOTTEN = "forgotten"

AskWho = Callable[[WhoIsMe], list[str]]
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """``me``: names, addresses or handles of the person; ``tier`` goes before what curation would choose.

    ``include_forgotten`` takes in again what the person had forgotten, which an import else leaves out.
    """

    paths: tuple[Path, ...]
    me: tuple[str, ...] = ()
    as_source: str | None = None
    tier: int | None = None
    dry_run: bool = False
    include_forgotten: bool = False


def import_exports(
    home: Home, request: ImportRequest, ask_passphrase: AskPassphrase, ask_who: AskWho, progress: Progress
) -> dict[str, Any]:
    """The object of ``import --json``. ``progress`` is told files done, files, documents.

    A dry run does the same in a copy of the vault, encrypted as it is and thrown away, so it tells what the import
    would. ``ask_who`` gives names, or raises the WhoIsMe it got. Raises UsageError, VaultLocked, StorageFull.
    """
    with _vault_for(home, request, ask_passphrase) as vault:
        names = vault.names() | {name for name in request.me if name.strip()}
        rest = (request.as_source, request.tier, progress, request.include_forgotten)
        try:
            found = run(vault, request.paths, names, *rest)
        except WhoIsMe as who:
            found = run(vault, request.paths, ask_who(who), *rest)
    return found | {"dry_run": request.dry_run}


def run(
    vault: Vault,
    paths: Iterable[Path],
    names: Iterable[str],
    as_source: str | None = None,
    tier: int | None = None,
    progress: Progress | None = None,
    include_forgotten: bool = False,
) -> dict[str, Any]:
    """Import into an open vault and curate; raises WhoIsMe where the export has authors and ``names`` is empty."""
    from mlxtwin.sources.run import import_paths

    taken: dict[str, None] = {}

    def put(documents: list[Document]) -> PutResult:
        result = vault.put(documents, include_forgotten=include_forgotten)
        taken.update(dict.fromkeys(document.id for document in documents))
        return result

    report = import_paths(
        paths,
        person=Person.of(names),
        as_source=as_source,
        tier=tier,
        put=put,
        set_tier=vault.set_tier,
        remember=vault.remember_names,
        progress=progress,
    )
    decide(vault)
    return _summary(report, vault, taken)


def decide(vault: Vault) -> None:
    """Keep or drop what was not decided yet."""
    from mlxtwin.curate.decide import curate

    curate(vault)


def sources() -> tuple[str, ...]:
    """The names that an import may be read as."""
    from mlxtwin.sources.registry import SOURCES

    return tuple(SOURCES)


@contextmanager
def _vault_for(home: Home, request: ImportRequest, ask_passphrase: AskPassphrase) -> Iterator[Vault]:
    if not request.dry_run:
        with open_vault(home, ask_passphrase) as vault:
            yield vault
        return
    key = unlock_key(home, ask_passphrase) if exists(home) else None
    with tempfile.TemporaryDirectory(prefix="mlxtwin-") as folder, _throwaway(home, Home(Path(folder)), key) as vault:
        yield vault


def _throwaway(home: Home, temporary: Home, key: bytes | None) -> Vault:
    """A copy of the vault, or an empty one where there is none. The key stays in memory."""
    from mlxtwin.security.crypto import new_key
    from mlxtwin.vault.store import Vault

    if key is None:
        return Vault.create(temporary, new_key())
    with Vault.open(home, key) as vault:
        vault.copy_to(temporary)
    return Vault.open(temporary, key)


def _summary(report: ImportReport, vault: Vault, taken: Iterable[str]) -> dict[str, Any]:
    """What curation says of the documents of this import, also of those that were there before; words of kept ones.

    One that is not in the vault was forgotten.
    """
    dropped: Counter[str] = Counter()
    kept = words = 0
    for stored in map(vault.document, taken):
        if stored is None:
            dropped[FORGOTTEN] += 1
        elif stored.kept:
            kept += 1
            words += stored.document.words_by_me
        else:
            dropped[stored.reason] += 1
    return report.as_json() | {
        "documents": kept + dropped.total(),
        "kept": kept,
        "dropped": dict(dropped.most_common()),
        "words_by_me": words,
        "authors": [{"name": name, "messages": count} for name, count in report.authors],
    }

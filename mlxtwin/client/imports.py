"""Importing exports into the vault, and curating what came in."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client.preview import FORGOTTEN, summary
from mlxtwin.client.throwaway import remove_leftovers, throwaway
from mlxtwin.client.vault import AskPassphrase, exists, open_vault, unlock_key
from mlxtwin.errors import WhoIsMe
from mlxtwin.paths import Home
from mlxtwin.records import Document, Person

if TYPE_CHECKING:
    from mlxtwin.sources.run_memory import Imported
    from mlxtwin.vault.apart import Apart
    from mlxtwin.vault.imported import ImportedFile
    from mlxtwin.vault.rows import PutResult
    from mlxtwin.vault.store import Vault

__all__ = ["FORGOTTEN", "ImportRequest", "Pace", "import_exports", "run", "sources"]

SECONDS_TO_KNOW = 1.0

AskWho = Callable[[WhoIsMe], list[str]]
Progress = Callable[[int, int, int], None]
BytesRead = Callable[[int, int], object]


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


class Pace:
    """How long an import still takes, by the bytes it read in the time it took so far."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began: float | None = None
        self.read = self.all = 0

    def told(self, read: int, all_bytes: int) -> None:
        """As ``bytes_read`` of an import is called."""
        if self._began is None:
            self._began = self._now()
        self.read, self.all = read, all_bytes

    @property
    def share(self) -> float | None:
        """Of all bytes, those that are read; None before any are."""
        return self.read / self.all if self.all and self._began is not None else None

    @property
    def seconds_left(self) -> float | None:
        """None while that is not known: for a second, and until something was read."""
        if self._began is None or not self.read:
            return None
        took = self._now() - self._began
        return took * (self.all - self.read) / self.read if took >= SECONDS_TO_KNOW else None


def import_exports(
    home: Home,
    request: ImportRequest,
    ask_passphrase: AskPassphrase,
    ask_who: AskWho,
    progress: Progress,
    bytes_read: BytesRead | None = None,
) -> dict[str, Any]:
    """The object of ``import --json``. ``progress`` is told files done, files, documents; ``bytes_read`` of how many
    bytes how many were read.

    A dry run does the same in a copy of the vault, encrypted as it is and thrown away, so it tells what the import
    would. ``ask_who`` gives names, or raises the WhoIsMe it got. Raises UsageError, VaultLocked, StorageFull.
    """
    with _vault_for(home, request, ask_passphrase) as vault:
        names = vault.names() | {name for name in request.me if name.strip()}
        rest = (request.as_source, request.tier, progress, request.include_forgotten, bytes_read)
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
    bytes_read: BytesRead | None = None,
) -> dict[str, Any]:
    """Import into an open vault and curate; raises WhoIsMe where the export has authors and ``names`` is empty.

    Files are read in a process of their own; what it was given to read before, and is unchanged, is not read again.
    """
    from mlxtwin.sources.child import Child
    from mlxtwin.sources.run import import_paths

    taking = _Taking(vault, include_forgotten)
    report = import_paths(
        paths,
        person=Person.of(names),
        as_source=as_source,
        tier=tier,
        put=taking.put,
        set_tier=vault.set_tier,
        remember=vault.remember_names,
        progress=progress,
        bytes_read=bytes_read,
        memory=taking,
        reader=Child,
    )
    decide(vault)
    return summary(report, vault, taking.ids)


class _Taking:
    """The vault as an import sees it; collects the ids of all documents that the import is about."""

    def __init__(self, vault: Vault, include_forgotten: bool) -> None:
        self._vault, self._include_forgotten = vault, include_forgotten
        self.ids: dict[str, None] = {}

    def put(self, documents: list[Document]) -> PutResult:
        result = self._vault.put(documents, include_forgotten=self._include_forgotten)
        self.ids.update(dict.fromkeys(document.id for document in documents))
        return result

    def recall(self, place: bytes) -> ImportedFile | None:
        return self._vault.imported(place)

    def unchanged(self, documents: bytes) -> int | None:
        from mlxtwin.vault.imported import ids_of

        found, ids = self._vault.unchanged(documents), ids_of(documents)
        if found is None or (self._include_forgotten and found < len(ids)):
            return None
        self.ids.update(dict.fromkeys(ids))
        return found

    def apart(self, gave: Callable[[], Sequence[str]]) -> Apart:
        return self._vault.apart(gave)

    def refresh(self, place: bytes, files: str) -> None:
        self._vault.refresh_imported(place, files)

    def keep(self, found: list[Imported]) -> None:
        from mlxtwin.vault.imported import ImportedFile

        self._vault.remember_imported(
            (ImportedFile(one.place, one.reader, one.files, one.result), one.ids) for one in found
        )


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
    remove_leftovers(home.root)
    if not request.dry_run:
        with open_vault(home, ask_passphrase) as vault:
            yield vault
        return
    key = unlock_key(home, ask_passphrase) if exists(home) else None
    # Where there is no vault yet, there may be no home either, and a dry run makes none.
    folder = Path(tempfile.gettempdir()) if key is None else home.root
    with throwaway(folder) as temporary, _copied(home, temporary, key) as vault:
        yield vault


def _copied(home: Home, temporary: Home, key: bytes | None) -> Vault:
    """A copy of the vault, or an empty one where there is none. The key stays in memory."""
    from mlxtwin.security.crypto import new_key
    from mlxtwin.vault.store import Vault

    if key is None:
        return Vault.create(temporary, new_key())
    with Vault.open(home, key) as vault:
        vault.copy_to(temporary)
    return Vault.open(temporary, key)

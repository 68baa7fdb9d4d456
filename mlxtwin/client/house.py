"""One home as the screens see it: closed, locked or open, and what is in it.

Every method may block and is called from a thread; none keeps a database or a lock when it returns, so that several
programs on one home see one truth. What a noun can do beyond that is in the module of the noun: they take a `House`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlxtwin.client import doctor, engine, imports, models, preferences, runs, secrets, slots, vault
from mlxtwin.client.imports import BytesRead, ImportRequest, Progress
from mlxtwin.client.preferences import Preferences
from mlxtwin.errors import Interrupted, VaultLocked
from mlxtwin.paths import Home

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault, VaultStats

Door = Literal["absent", "broken", "locked", "open"]
Next = Literal["init", "unlock", "import", "train", "watch", "chat"]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the twin is made of. ``kinds``: documents, kept, words_by_me by kind; ``tiers``: documents, words by tier;
    ``slots`` and ``run`` as `slots.every` and `runs.every` give them, the newest run only."""

    door: Door
    next: Next
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    tiers: dict[int, dict[str, int]] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    corrections: int = 0
    ratings: int = 0
    slots: tuple[dict[str, Any], ...] = ()
    run: dict[str, Any] | None = None

    @property
    def documents(self) -> int:
        return sum(row["documents"] for row in self.kinds.values())

    @property
    def words(self) -> int:
        """The person's own words that may train the twin."""
        return sum(row["words"] for row in self.tiers.values())

    @property
    def base(self) -> str:
        """The base of the newest run, empty before the first."""
        return str((self.run or {}).get("base") or "")


class _Stopped(BaseException):
    """Ends an import from within its progress; no importer takes it for a fault of a file."""


class House:
    """A home and, once it is unlocked, the key of its vault."""

    def __init__(self, home: Home, key: bytes | None = None) -> None:
        self.home = home
        self._key = key
        self._counted: tuple[object, VaultStats] | None = None

    @property
    def key(self) -> bytes:
        """Raises VaultLocked while it is locked."""
        if self._key is None:
            raise VaultLocked("The vault is locked.", "Unlock it first.")
        return self._key

    @property
    def door(self) -> Door:
        if not vault.exists(self.home):
            return "absent"
        if vault.half(self.home):
            return "broken"
        return "locked" if self._key is None else "open"

    def asks_passphrase(self) -> bool:
        """Whether only the person can say what opens the vault: no keychain holds it, nor the environment."""
        return vault.asks_passphrase(self.home)

    def sealed_with_passphrase(self) -> bool:
        """Whether a passphrase opens the vault, wherever it comes from; else the keychain does. Raises VaultDamaged."""
        return vault.sealed_with_passphrase(self.home)

    def keychain(self) -> tuple[str, str]:
        """The name of the keychain that can keep a key, or an empty one and why there is none."""
        return vault.keychain()

    def create(self, passphrase: str | None) -> str:
        """Make the vault and leave it open; returns the recovery key, which is shown once. Raises as `vault.create`."""
        recovery = vault.create(self.home, passphrase)
        self._key = vault.unlock_once(self.home, passphrase)
        return recovery

    def unlock(self, passphrase: str | None = None) -> None:
        """Raises VaultLocked for a wrong passphrase or a keychain that does not answer, VaultDamaged."""
        self._key = vault.unlock_once(self.home, passphrase)

    def recover(self, recovery: str, passphrase: str | None) -> None:
        """Open it with the recovery key and lock it anew: with the keychain, or with a passphrase."""
        vault.recover(self.home, recovery, passphrase)
        self._key = vault.unlock_once(self.home, passphrase)

    def lock(self) -> None:
        """Forget the key and end the engine, which has it too; a run under way has its own and goes on."""
        self._key = self._counted = None
        engine.stop(self.home)

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        """The vault for a moment: opening takes a few milliseconds."""
        from mlxtwin.vault.store import Vault

        with Vault.open(self.home, self.key) as opened:
            yield opened

    def import_documents(
        self,
        request: ImportRequest,
        progress: Progress,
        stopped: Callable[[], bool],
        bytes_read: BytesRead | None = None,
    ) -> dict[str, Any]:
        """The object of ``import --json``. Raises WhoIsMe where nobody is known to be the person, UsageError,
        VaultLocked, StorageFull, and Interrupted once ``stopped`` says so: what was stored by then stays."""

        def tell(done: int, files: int, documents: int) -> None:
            if stopped():
                raise _Stopped
            progress(done, files, documents)

        with self.vault() as opened:
            names = opened.names() | {name for name in request.me if name.strip()}
            rest = (request.as_source, request.tier, tell, request.include_forgotten, bytes_read)
            try:
                return imports.run(opened, request.paths, names, *rest)
            except _Stopped:
                imports.decide(opened)
        message = "The import was stopped; what was read by then is kept."
        raise Interrupted(message, "The same import adds the rest.")

    def sources(self) -> tuple[str, ...]:
        """What an import may be read as."""
        return imports.sources()

    def examine(self) -> dict[str, Any]:
        """The object of ``doctor --json``; it takes a second or two. Raises nothing."""
        return doctor.examine(self.home)

    def bases(self) -> list[dict[str, Any]]:
        """The base models there are."""
        return models.ls(self.home)

    def secrets(self) -> list[str]:
        """The names of the tokens that are set. Raises Refused where there is no keychain."""
        return secrets.ls()

    def put_secret(self, name: str, value: str) -> None:
        """Raises UsageError for a name nothing reads, Refused where there is no keychain."""
        secrets.put(name, value)

    def remove_secret(self, name: str) -> None:
        """Raises UsageError if it is not set, Refused where there is no keychain."""
        secrets.remove(name)

    def preferences(self) -> tuple[Preferences, str]:
        """How the screens look and the keys, and a notice where what is kept cannot be used."""
        return preferences.load(self.home)

    def keep_preferences(self, kept: Preferences) -> None:
        """Raises TwinError for a home that cannot be written."""
        preferences.save(self.home, kept)

    def pulse(self) -> object:
        """Changes whenever the overview may have: times of a few files, nothing is opened."""
        newest = max(self.home.runs.glob("*/events.jsonl"), default=None)
        watched = (self.home.keys, self.home.slots, newest, *self.home.slots.glob("*/*"))
        return self.door, self._vault_files(), tuple(map(_changed, watched))

    def _vault_files(self) -> object:
        """Changes whenever the vault may have."""
        return tuple(map(_changed, (self.home.vault, self.home.vault.with_name("vault.db-wal"))))

    def _stats(self) -> VaultStats:
        """Counted anew only where the vault changed: a run under way changes the overview every second."""
        files = self._vault_files()
        if self._counted is None or self._counted[0] != files:
            with self.vault() as opened:
                self._counted = files, opened.stats()
        return self._counted[1]

    def overview(self) -> Overview:
        """All of the home screen at once."""
        door = self.door
        if door in ("absent", "broken"):
            return Overview(door, "init")
        known, latest = tuple(slots.every(self.home)), runs.every(self.home)[:1]
        run = latest[0] if latest else None
        if door == "locked":
            return Overview(door, "unlock", slots=known, run=run)
        stats = self._stats()
        found = Overview(
            door, "import", stats.by_kind, stats.by_tier, stats.dropped, stats.corrections, stats.ratings, known, run
        )
        return replace(found, next=_next(found))


def _changed(path: Path | None) -> tuple[int, int]:
    """Time and size of a file or folder; zeros where there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size) if found else (0, 0)


def _next(found: Overview) -> Next:
    """The one thing to do: it is highlighted."""
    if found.run and found.run["state"] in ("running", "waiting"):
        return "watch"
    if any(row["current"] for row in found.slots):
        return "chat"
    return "train" if found.words else "import"

"""A house without a vault, a run or a model, for tests of the screens. It keeps the contract of `House`:
`test_contract.py` puts both through the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from mlxtwin.client.house import Door, House, Overview
from mlxtwin.client.imports import BytesRead, ImportRequest, Progress
from mlxtwin.client.preferences import Preferences
from mlxtwin.client.secrets import check_name
from mlxtwin.errors import Interrupted, Refused, UsageError, VaultLocked, WhoIsMe
from mlxtwin.paths import Home

RECOVERY = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG"
NO_KEYCHAIN = "No keychain can keep a secret here."
FOUND = {
    "kind": "mail", "files": 3, "documents": 5, "kept": 4, "dropped": {"not by me": 1}, "words_by_me": 420,
    "errors": [{"path": "broken.mbox", "why": "It cannot be read."}], "skipped": {"hidden": 2}, "added": 5,
    "updated": 0, "unchanged": 0, "kinds": {"mail": 5}, "authors": [],
    "preview": [],
}  # fmt: skip
EXAMINED: dict[str, Any] = {
    "version": "0.1.0",
    "device": "cpu",
    "reason": "there is no GPU",
    "blas": "openblas",
    "blas_details": {"reason": "found in the system"},
    "memory": {"total_bytes": 16 << 30, "budget_bytes": 12 << 30},
    "compile": {"on": True, "reason": "a compiler is there"},
    "keychain": {"backend": "Secret Service", "ok": True, "why": ""},
    "network": {"airplane": True, "enforced_by": "namespace", "how": "Worker and engine have no network."},
    "home": "/nonexistent/mlxtwin",
    "vault": True,
    "problems": [{"what": "Others can open a file.", "fix": "Run chmod."}],
}


class FakeHouse(House):
    """Everything is an attribute that a test may set; ``passphrase`` opens the vault where there is one.

    ``authors`` are asked about until a name is given; ``reading``, where it is set, holds an import back after its
    first document.
    """

    def __init__(self, home: Home | None = None, door: Door = "open") -> None:
        super().__init__(home or Home(Path("/nonexistent/mlxtwin")), b"k" * 32 if door == "open" else None)
        self.fake_door: Door = door
        self.passphrase: str | None = None
        self.found = Overview("open", "import")
        self.beats = 0
        self.fake_keychain = ("Secret Service", "")
        self.authors: tuple[tuple[str, int], ...] = ()
        self.imports: list[ImportRequest] = []
        self.imported: dict[str, Any] = dict(FOUND)
        self.reading: Event | None = None
        self.examined: dict[str, Any] = dict(EXAMINED)
        self.fake_secrets: dict[str, str] = {}
        self.kept = Preferences()
        self.notice = ""

    @property
    def door(self) -> Door:
        return self.fake_door

    def asks_passphrase(self) -> bool:
        return self.passphrase is not None

    def sealed_with_passphrase(self) -> bool:
        return self.passphrase is not None

    def keychain(self) -> tuple[str, str]:
        return self.fake_keychain

    def create(self, passphrase: str | None) -> str:
        if self.fake_door != "absent":
            raise UsageError("There is a vault already.", "")
        self.passphrase, self.fake_door, self._key = passphrase, "open", b"k" * 32
        return RECOVERY

    def unlock(self, passphrase: str | None = None) -> None:
        if self.passphrase is not None and passphrase != self.passphrase:
            raise VaultLocked("The passphrase is not the right one.", "Try again.")
        if self.passphrase is None and not self.fake_keychain[0]:
            raise VaultLocked("The keychain is locked.", "Unlock it.")
        self.fake_door, self._key = "open", b"k" * 32

    def recover(self, recovery: str, passphrase: str | None) -> None:
        if recovery != RECOVERY:
            raise UsageError("That is no recovery key.", "")
        self.passphrase = passphrase
        self.unlock(passphrase)

    def lock(self) -> None:
        self.fake_door, self._key = "locked", None

    def import_documents(
        self,
        request: ImportRequest,
        progress: Progress,
        stopped: Callable[[], bool],
        bytes_read: BytesRead | None = None,
    ) -> dict[str, Any]:
        if self.fake_door != "open":
            raise VaultLocked("The vault is locked.", "Unlock it first.")
        if not request.paths[0].exists():
            raise UsageError(f"{request.paths[0]} does not exist.", "Check the path.")
        if self.authors and not request.me:
            raise WhoIsMe("It has authors.", "Name yourself.", self.authors)
        self.imports.append(request)
        progress(1, 3, 1)
        if bytes_read:
            bytes_read(250, 1000)
        if self.reading:
            self.reading.wait(10)
        if stopped():
            raise Interrupted("The import was stopped.", "The same import adds the rest.")
        progress(3, 3, 5)
        kinds = {"mail": {"documents": 5, "kept": 4, "words_by_me": 420}}
        tiers = {1: {"documents": 4, "words": self.imported["words_by_me"]}}
        self.found, self.beats = replace(self.found, next="train", kinds=kinds, tiers=tiers), self.beats + 1
        return self.imported

    def sources(self) -> tuple[str, ...]:
        return ("mail", "whatsapp", "transcript", "notes")

    def examine(self) -> dict[str, Any]:
        return self.examined

    def bases(self) -> list[dict[str, Any]]:
        return [{"name": "starter", "path": "/x", "revision": "", "fingerprint": "", "bundled": True}]

    def secrets(self) -> list[str]:
        if not self.fake_keychain[0]:
            raise Refused(NO_KEYCHAIN)
        return sorted(self.fake_secrets)

    def put_secret(self, name: str, value: str) -> None:
        check_name(name)
        self.secrets()
        self.fake_secrets[name] = value

    def remove_secret(self, name: str) -> None:
        if name not in self.secrets():
            raise UsageError(f"There is no secret {name}.", "")
        del self.fake_secrets[name]

    def preferences(self) -> tuple[Preferences, str]:
        return self.kept, self.notice

    def keep_preferences(self, kept: Preferences) -> None:
        self.kept = kept

    def pulse(self) -> object:
        return self.fake_door, self.beats

    def overview(self) -> Overview:
        if self.fake_door in ("absent", "broken"):
            return Overview(self.fake_door, "init")
        if self.fake_door == "locked":
            return Overview("locked", "unlock", slots=self.found.slots, run=self.found.run)
        return self.found

"""A house without a vault, a run or a model, for tests of the screens. It keeps the contract of `House`:
`test_contract.py` puts both through the same."""

from __future__ import annotations

from pathlib import Path

from mlxtwin.client.house import Door, House, Overview
from mlxtwin.errors import UsageError, VaultLocked
from mlxtwin.paths import Home

RECOVERY = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG"


class FakeHouse(House):
    """Everything is an attribute that a test may set; ``passphrase`` opens the vault where there is one."""

    def __init__(self, home: Home | None = None, door: Door = "open") -> None:
        super().__init__(home or Home(Path("/nonexistent/mlxtwin")), b"k" * 32 if door == "open" else None)
        self.fake_door: Door = door
        self.passphrase: str | None = None
        self.found = Overview("open", "import")
        self.beats = 0

    @property
    def door(self) -> Door:
        return self.fake_door

    def asks_passphrase(self) -> bool:
        return self.passphrase is not None

    def create(self, passphrase: str | None) -> str:
        if self.fake_door != "absent":
            raise UsageError("There is a vault already.", "")
        self.passphrase, self.fake_door, self._key = passphrase, "open", b"k" * 32
        return RECOVERY

    def unlock(self, passphrase: str | None = None) -> None:
        if self.passphrase is not None and passphrase != self.passphrase:
            raise VaultLocked("The passphrase is wrong.", "Try again.")
        self.fake_door, self._key = "open", b"k" * 32

    def recover(self, recovery: str, passphrase: str | None) -> None:
        if recovery != RECOVERY:
            raise UsageError("That is no recovery key.", "")
        self.passphrase = passphrase
        self.unlock(passphrase)

    def lock(self) -> None:
        self.fake_door, self._key = "locked", None

    def pulse(self) -> object:
        return self.fake_door, self.beats

    def overview(self) -> Overview:
        if self.fake_door in ("absent", "broken"):
            return Overview(self.fake_door, "init")
        if self.fake_door == "locked":
            return Overview("locked", "unlock", slots=self.found.slots, run=self.found.run)
        return self.found

"""A keychain in memory that keeps the contract of keyring's backends, and can misbehave as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FakeKeyring(KeyringBackend):
    priority = 9.0  # type: ignore[assignment]
    items: ClassVar[dict[tuple[str, str], str]] = {}
    mood: ClassVar[str] = "well"
    # What happens on this computer while a value is being stored.
    meanwhile: ClassVar[Callable[[], object] | None] = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.mood == "locked":
            raise KeyringLocked("Failed to unlock")
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.mood == "locked":
            raise KeyringLocked("Failed to unlock")
        if self.mood == "indiscreet":
            raise RuntimeError(f"cannot store {password}")
        if self.mood != "forgetful":
            self.items[service, username] = password[1:] if self.mood == "mangling" else password
        if FakeKeyring.meanwhile:
            FakeKeyring.meanwhile()

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.items:
            raise PasswordDeleteError("not found")
        del self.items[service, username]

"""Base models: what there is, adding a folder, fetching one from a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlxtwin.client.secrets import HUGGING_FACE, read
from mlxtwin.errors import UsageError
from mlxtwin.paths import Home


def ls(home: Home) -> list[dict[str, Any]]:
    """Every base by name, the bundled starter first."""
    from mlxtwin.backend import models

    return [_described(base) for base in models.ls(home)]


def add(home: Home, folder: Path, name: str | None) -> dict[str, Any]:
    """Check a folder and remember it. Raises UsageError or UnsafeModel."""
    from mlxtwin.backend import models

    return _described(models.add(home, folder, name))


def remove(home: Home, name: str) -> None:
    """Forget a base; its files stay. Raises UsageError for an unknown name."""
    from mlxtwin.backend import models

    models.remove(home, name)


def pull(home: Home, wanted: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Fetch ``REPO[@REVISION]`` from the hub: the only function here that uses the network.

    ``progress`` is told the bytes done and in all. The token, if there is one, comes from the keychain. Raises
    UsageError, UnsafeModel or TwinError.
    """
    from mlxtwin.security.airplane import online

    repo, _, revision = wanted.partition("@")
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise UsageError(f"'{wanted}' names no model.", "Write OWNER/NAME or OWNER/NAME@REVISION.")
    with online():
        from mlxtwin.backend.pull import pull as fetch

        return _described(fetch(home, repo, revision or None, token=read(HUGGING_FACE), progress=progress))


def _described(base: Any) -> dict[str, Any]:
    return {
        "name": base.name,
        "path": str(base.path),
        "revision": base.revision,
        "fingerprint": base.fingerprint,
        "bundled": base.bundled,
    }

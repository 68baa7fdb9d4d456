"""Where things live, and how files are written: whole or not at all, 0600 in folders of 0700."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import StorageFull, TwinError

HOME_VARIABLE = "MLXTWIN_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything of one twin; its parts are made on first use."""

    root: Path

    @property
    def vault(self) -> Path:
        return self.root / "vault" / "vault.db"

    @property
    def keys(self) -> Path:
        return self.root / "vault" / "keys.json"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def slots(self) -> Path:
        return self.root / "slots"

    @property
    def prefix(self) -> Path:
        """What frozen blocks make of training examples: a cache, personal and sealed."""
        return self.root / "prefix"

    @property
    def models(self) -> Path:
        return self.root / "models.json"

    def relative(self, path: Path) -> str:
        """The name a sealed file is bound to: its place under the home, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def find_home() -> Home:
    """``MLXTWIN_HOME``, else the platform's application-data folder."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Home(Path(chosen).expanduser().absolute())
    from platformdirs import user_data_path

    return Home(user_data_path("mlxtwin", appauthor=False))


def make_folder(path: Path) -> Path:
    """Create a folder and its missing parents, each 0700. Raises as ``write_atomic`` does."""
    try:
        missing = [part for part in (path, *path.parents) if not part.exists()]
        for part in reversed(missing):
            part.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        raise storage_error(error, path) from None
    return path


def require_writable(folder: Path) -> None:
    """Try a file without a name in a folder, or in the one it would be made in; raises as ``write_atomic`` does."""
    there = next(part for part in (folder, *folder.parents) if os.path.lexists(part))
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise storage_error(error, folder) from None


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a temporary beside it, fsync, rename, fsync of the folder.

    Raises StorageFull when there is no room, TwinError for a place that cannot be written; the old content, if any,
    is still there then.
    """
    make_folder(path.parent)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise storage_error(error, path) from None
        raise


def storage_error(error: OSError, path: Path) -> TwinError:
    """A full disk as StorageFull, any other failure as a sentence that names the path."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"No room left to write {path.name} in {path.parent}.", "Free some space and run it again.")
    return TwinError(f"{path} cannot be written: {reason(error)}.", f"Check its permissions, or {_elsewhere(path)}.")


def reading_error(error: OSError, path: Path) -> TwinError:
    """A file or folder of the home that the system refuses, as a sentence."""
    return TwinError(f"{path} cannot be read: {reason(error)}.", f"Check its permissions, or {_elsewhere(path)}.")


def reason(error: OSError) -> str:
    """What the system said, as the end of a sentence."""
    words = error.strerror or type(error).__name__
    return words[0].lower() + words[1:]


def _elsewhere(path: Path) -> str:
    inside = path.absolute().is_relative_to(find_home().root)
    return f"choose another folder with {HOME_VARIABLE}" if inside else "choose another folder"


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))

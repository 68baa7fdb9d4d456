"""Where the engine of a home listens, and what whoever speaks to it must show.

    engine/lock          held by the engine for its life: that is what "alive" means
    engine/start.lock    held by whoever starts one until it answers
    engine/address.json  the path of its socket, its process id and a token made at its start; 0600
    engine/socket        a Unix socket, 0600; where the home's path is too long for one, in a folder of its own, 0700

Nothing here loads a model or a server.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mlxtwin.paths import Home, make_folder, read_json, write_json
from mlxtwin.security.crypto import derive

FOLDER, LOCK, STARTING, ADDRESS, SOCKET = "engine", "lock", "start.lock", "address.json", "socket"
# macOS takes 104 bytes with the zero at the end, Linux 108.
LONGEST_PATH_BYTES = 103
KEY_HEADER = "mlxtwin-key"
PREFIX, SHORT_NAME = "mlxtwin-", "s"
_SHORT_BYTES = len(f"/{PREFIX}12345678/{SHORT_NAME}")
_WAITING_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Address:
    socket: str
    pid: int
    token: str = field(repr=False)


def key_mark(key: bytes) -> str:
    """Tells one vault key from another and nothing else of it."""
    return derive(key, "engine")[:8].hex()


def folder(home: Home) -> Path:
    return home.root / FOLDER


def read(home: Home) -> Address | None:
    """The address of the engine that started last, which may be dead; None where there is none."""
    try:
        found = read_json(folder(home) / ADDRESS)
        return Address(str(found["socket"]), int(found["pid"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(home: Home, address: Address) -> None:
    write_json(folder(home) / ADDRESS, asdict(address))


def listen(home: Home) -> tuple[socket.socket, str]:
    """A listening socket and its path; what a dead engine left goes first. For the holder of the lock alone."""
    clear(home)
    place = _place(home)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    place.chmod(0o600)
    listener.listen(_WAITING_CONNECTIONS)
    return listener, str(place)


def clear(home: Home) -> None:
    """Remove the address and the socket of the engine that started last, and the socket's own folder."""
    found = read(home)
    with suppress(OSError):
        (folder(home) / ADDRESS).unlink(missing_ok=True)
        (folder(home) / SOCKET).unlink(missing_ok=True)
    if found:
        _clear_own_folder(found)


def withdraw(home: Home, own: Address) -> None:
    """``clear`` for an engine that ends; what another one or nobody has in the home by now is left as it is."""
    if read(home) == own:
        clear(home)
    else:
        _clear_own_folder(own)


def _clear_own_folder(found: Address) -> None:
    """Of a socket that is not in the home."""
    place = Path(found.socket)
    if place.parent.name.startswith(PREFIX) and place.name == SHORT_NAME:
        with suppress(OSError):
            place.unlink(missing_ok=True)
            place.parent.rmdir()


def _place(home: Home) -> Path:
    near = folder(home) / SOCKET
    if len(os.fsencode(near)) <= LONGEST_PATH_BYTES:
        return near
    temporary = tempfile.gettempdir()
    short = len(os.fsencode(temporary)) + _SHORT_BYTES <= LONGEST_PATH_BYTES
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary if short else "/tmp")) / SHORT_NAME


def alive(home: Home) -> bool:
    """Whether an engine holds the lock."""
    return is_held(folder(home) / LOCK)


def is_held(path: Path) -> bool:
    """Whether another process holds a lock file; looks with a shared lock, which two who look may both have."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def locked(home: Home, name: str, patience_seconds: float | None = None) -> Iterator[bool]:
    """Hold a lock file of the engine's folder while inside; False where another process held it all that time.

    None waits for as long as it takes.
    """
    make_folder(folder(home)).chmod(0o700)
    descriptor = os.open(folder(home) / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _take(descriptor, patience_seconds)
    finally:
        os.close(descriptor)


def _take(descriptor: int, patience_seconds: float | None) -> bool:
    if patience_seconds is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)

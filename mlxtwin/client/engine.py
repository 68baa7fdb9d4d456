"""The client's end of the engine: one process for each home, started by whoever asks first, shared by all.

HTTP over a Unix socket, a connection for each request, by the standard library: a cancel may come from a signal handler
or another thread, where a pool of connections could be caught holding its own lock.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from mlxtwin.errors import RunFailed, TwinError, told_of
from mlxtwin.jobs.supervisor import child_command, child_environment, hand_over
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.serve import address

MAX_TOKENS = 200
TEMPERATURE = 0.7
MODULE = "mlxtwin.serve.engine"
# From the start of an engine to its socket: an interpreter and a server's imports. Slow machines get plenty.
START_SECONDS = 60
# An engine acknowledges a request before it works on it. One that does not for so long is killed, and another started;
# sooner where the person has lost patience already.
DEAF_SECONDS, DOUBTED_SECONDS = 30.0, 3.0
# For the numbers of an answer that was left before its end.
LAST_WORDS_SECONDS = 5.0
STOP_SECONDS = 10.0


class _Away(Exception):
    """There is no engine that hears, or it went before it acknowledged the request."""


class Engine:
    """One conversation with the engine of a home. It is started when it is needed, and again after it ended.

    ``last``: the engine's numbers about the last answer, empty when it did not come to its end. One thread asks at a
    time; any may cancel.
    """

    def __init__(self, home: Home, key: bytes) -> None:
        self.home, self._key = home, key
        self.conversation = secrets.token_hex(16)
        self.last: dict[str, Any] = {}
        self.cancelled = False
        self._base: dict[str, Any] | None = None
        self._asking = ""
        self._met = self._doubted = False

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def open(self, base: dict[str, Any]) -> None:
        """Load a base unless it is the one in memory; raises what is wrong with it."""
        with self._reach("/open", {"conversation": self.conversation, "base": base}) as reply:
            reply.hear()
        self._base = base

    def ask(
        self,
        messages: tuple[Message, ...],
        slot: str | None,
        version: int | None,
        seed: int,
        *,
        max_tokens: int = MAX_TOKENS,
        temperature: float = TEMPERATURE,
    ) -> Generator[str, None, None]:
        """Stream the pieces of an answer, from the base that was opened last. Left before its end, it is cancelled.

        Raises RunFailed where the engine ends in its midst, and what is wrong with the question.
        """
        self.last = {}
        asking = self._asking = secrets.token_hex(8)
        request = {
            "ask": asking,
            "conversation": self.conversation,
            "base": self._base,
            "messages": [asdict(message) for message in messages],
            "slot": slot,
            "version": version,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }
        try:
            with self._reach("/ask", request) as reply:
                if self.cancelled:
                    self._cry(f"/cancel/{asking}")
                yield from self._pieces(reply, asking)
        except KeyboardInterrupt:
            self._doubted = True
            raise
        finally:
            self._asking = ""

    def _pieces(self, reply: _Reply, asking: str) -> Generator[str, None, None]:
        try:
            while "end" not in (said := reply.hear()):
                yield str(said["piece"])
            self.last = said["end"]
        except GeneratorExit:
            self._cry(f"/cancel/{asking}")
            self.last = reply.hear_the_end()
            raise

    def cancel(self) -> None:
        """Ask for the end of the answer under way, or the next; what was said before still comes.

        Safe in a signal handler and from any thread.
        """
        self.cancelled = True
        if asking := self._asking:
            self._cry(f"/cancel/{asking}")

    def end(self) -> None:
        """Say goodbye: the engine drops what it keeps of this conversation, and ends soon where nobody else asks."""
        if self._met:
            self._cry(f"/leave/{self.conversation}")
            self._met = False

    @property
    def pid(self) -> int | None:
        """Of the engine process, where one is alive."""
        found = address.read(self.home)
        return found.pid if found and address.alive(self.home) else None

    @contextmanager
    def _reach(self, path: str, value: dict[str, Any]) -> Iterator[_Reply]:
        """Send a request, and start an engine if none hears it."""
        try:
            reply = self._send(path, value)
        except _Away:
            self._start()
            try:
                reply = self._send(path, value)
            except _Away:
                raise gone() from None
        self._met, self._doubted = True, False
        try:
            yield reply
        finally:
            reply.close()

    def _send(self, path: str, value: dict[str, Any]) -> _Reply:
        """Until the engine acknowledges it. Raises _Away where none does."""
        found = address.read(self.home)
        if found is None:
            raise _Away
        patience = DOUBTED_SECONDS if self._doubted else DEAF_SECONDS
        headers = _headers(found) | {address.KEY_HEADER: address.key_mark(self._key)}
        connection = _Connection(found.socket, patience)
        try:
            connection.request("POST", path, json.dumps(value), headers)
            response = connection.getresponse()
        except TimeoutError:
            connection.close()
            _kill(self.home, found)
            raise _Away from None
        except (OSError, HTTPException):
            connection.close()
            raise _Away from None
        except BaseException:
            connection.close()
            raise
        if response.status != 200:
            connection.close()
            raise self._refused(response.status)
        return _Reply(connection, response)

    def _refused(self, status: int) -> Exception:
        """An engine with another vault key is of an earlier vault of this home."""
        if status == 409:
            stop(self.home)
        return _Away() if status in (401, 409) else gone()

    def _start(self) -> None:
        """Start an engine; where several start one at once, the others find that of the first."""
        with address.locked(self.home, address.STARTING):
            with suppress(_Away):
                self._send("/state", {}).close()
                return
            _spawn(self.home, self._key)

    def _cry(self, path: str) -> None:
        """Send a request without waiting for its reply."""
        if found := address.read(self.home):
            with closing(_Connection(found.socket, 1.0)) as connection, suppress(OSError, HTTPException):
                connection.request("POST", path, headers=_headers(found))


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("engine", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Reply:
    """The lines of a reply; from now on without a limit of time."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        self._connection, self._response = connection, response
        connection.sock.settimeout(None)

    def hear(self) -> dict[str, Any]:
        """The next line; raises the error that it tells of, RunFailed where the engine ended."""
        try:
            line = self._response.readline()
        except (OSError, HTTPException):
            line = b""
        if not line.endswith(b"\n"):
            raise gone()
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise told_of(said["error"])
        return said

    def hear_the_end(self) -> dict[str, Any]:
        """The numbers at the end, or nothing where they do not come soon. An answer of which more was said than was
        listened to counts as stopped, even if it came to its end."""
        self._connection.sock.settimeout(LAST_WORDS_SECONDS)
        missed: dict[str, Any] = {}
        with suppress(TwinError):
            while "end" not in (said := self.hear()):
                missed = {"ended": "stopped"}
            return dict(said["end"]) | missed
        return {}

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def stop(home: Home) -> None:
    """End the engine of a home, whoever asks it something; returns once it is gone. No engine is no error."""
    found = address.read(home)
    if found is None or not address.alive(home):
        return
    with closing(_Connection(found.socket, STOP_SECONDS)) as connection, suppress(OSError, HTTPException):
        connection.request("POST", "/stop", headers=_headers(found))
        connection.getresponse().close()
    if not _gone_within(home, STOP_SECONDS):
        _kill(home, found)


def gone() -> RunFailed:
    return RunFailed("The engine process ended.", "Ask again; if it ends again, see: mlxtwin doctor")


def _headers(found: address.Address) -> dict[str, str]:
    return {"authorization": f"Bearer {found.token}"}


def _kill(home: Home, found: address.Address) -> None:
    """At once, and only while it is alive: its number may be another process's afterwards."""
    if address.alive(home) and address.read(home) == found:
        with suppress(OSError):
            os.kill(found.pid, signal.SIGKILL)
        _gone_within(home, STOP_SECONDS)


def _gone_within(home: Home, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while address.alive(home):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def _spawn(home: Home, key: bytes) -> None:
    """Start an engine and wait until it listens; raises what keeps it from that."""
    process = subprocess.Popen(
        child_command(MODULE, str(home.root)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=child_environment(),
        cwd=home.root,
    )
    with process:  # it ends as soon as the engine is in the background
        try:
            hand_over(process, key)
            line = _first_line(process)
        except BaseException:
            _kill_all(process)
            raise
        if not line.endswith(b"\n"):
            _kill_all(process)
            raise gone()
    said = json.loads(line)
    if "error" in said:
        raise told_of(said["error"])


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """With what it put into the background: they are one process group."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline() if selector.select(START_SECONDS) else b""

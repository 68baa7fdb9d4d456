"""The engine of a home: ``python -m mlxtwin.serve.engine HOME``, the vault key on stdin.

One process for every client of the home: it holds one base, and answers over a Unix socket (`app`, `address`). Network
is denied to it by the operating system where possible. It puts itself into the background, and says one line on stdout
once it listens: ``{"ready": {...}}``, or ``{"error": {...}}``.

It ends by itself after a while without a question, sooner when every client has said goodbye, and, so that the memory
and the GPU are the worker's, very soon while a run is training. Its clients start another when they ask again.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import Busy, TwinError
from mlxtwin.paths import Home
from mlxtwin.security import airplane
from mlxtwin.serve import address
from mlxtwin.serve.turns import Mind, Turns, complaint

# Seconds without a question after which it ends: usually, once every client has said goodbye, and while a run trains.
IDLE_SECONDS, ALONE_SECONDS = 300.0, 60.0
TRAINING_SECONDS = {"cpu": 30.0, "metal": 1.0, "cuda": 1.0}
# In the runs folder; a worker holds it for its life.
TRAINING = "train.lock"
LOOK_SECONDS = 0.5
# For one that is about to end, which holds the lock until it has.
HANDOVER_SECONDS = 10.0
_GRACE_SECONDS = 1


def main(arguments: list[str], make: Callable[[Home, bytes], Mind] | None = None) -> int:
    """``make``: what answers, a `Twin` unless given."""
    os.umask(0o077)
    key = bytes.fromhex(sys.stdin.buffer.readline().decode().strip())
    tell = _own_channel()
    if os.fork():  # whoever starts an engine need not outlive it
        return 0
    airplane.deny_network()
    airplane.engage()
    home = Home(Path(arguments[0]))
    try:
        with address.locked(home, address.LOCK, HANDOVER_SECONDS) as own:
            if not own:
                raise Busy("Another engine of this home does not end.", "See: mlxtwin doctor")
            asyncio.run(_serve(home, key, (make or _twin)(home, key), tell))
    except TwinError as error:
        tell(complaint(error))
        return error.exit_code
    except OSError as error:
        tell(complaint(TwinError(f"The engine cannot listen: {type(error).__name__}.", "See: mlxtwin doctor")))
        return TwinError.exit_code
    return 0


def _twin(home: Home, key: bytes) -> Mind:
    from mlxtwin.serve.twin import Twin

    return Twin(home, key)


def _own_channel() -> Callable[[dict[str, Any]], None]:
    """Our stdout, for one line; what a library prints goes to stderr. Nothing more is read from stdin."""
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def tell(value: dict[str, Any]) -> None:
        if not channel.closed:
            channel.write(json.dumps(value) + "\n")
            channel.close()

    return tell


async def _serve(home: Home, key: bytes, mind: Mind, tell: Callable[[dict[str, Any]], None]) -> None:
    import uvicorn

    from mlxtwin.serve.app import Door, make_app

    listener, place = address.listen(home)
    own = address.Address(place, os.getpid(), secrets.token_urlsafe(32))
    turns = Turns(mind)
    ended = asyncio.Event()
    door = Door(turns, ended.set)
    config = uvicorn.Config(
        make_app(door, own.token, key), http="h11", ws="none", lifespan="off", log_config=None, log_level="critical",
        access_log=False, server_header=False, date_header=False, timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
    server = uvicorn.Server(config)
    threading.Thread(target=turns.run, name="turns", daemon=True).start()
    watch = asyncio.create_task(_end_in_time(server, Watch(home, own, door), ended))
    try:
        address.write(home, own)
        tell({"ready": {"pid": own.pid}})
        await server.serve(sockets=[listener])
    finally:
        watch.cancel()
        address.withdraw(home, own)


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether it is time to end."""

    home: Home
    own: address.Address
    door: Any

    def over(self) -> bool:
        """Idle for too long, or not the engine of this home any more: the home was removed, or another one started."""
        return self.door.turns.idle_seconds() >= self._patience() or address.read(self.home) != self.own

    def _patience(self) -> float:
        kind = self.door.turns.mind.kind
        if kind is not None and address.is_held(self.home.runs / TRAINING):
            return TRAINING_SECONDS[kind]
        return ALONE_SECONDS if self.door.abandoned else IDLE_SECONDS


async def _end_in_time(server: Any, watch: Watch, ended: asyncio.Event) -> None:
    while not (ended.is_set() or watch.over()):
        try:
            await asyncio.wait_for(ended.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
    watch.door.turns.cancel_all()
    server.should_exit = True


if __name__ == "__main__":
    # Not sys.exit: the thread of the model may be in the midst of an answer, which nobody hears any more.
    os._exit(main(sys.argv[1:]))

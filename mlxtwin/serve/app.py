"""What the engine answers to, over HTTP on its Unix socket. A reply is JSON Lines, the last one says how it ended.

    POST /open        {"base"}                         {"opened": {...}}
    POST /ask         {"ask", "conversation", ...}     {"piece": text}..., {"end": {...}}
    POST /cancel/ASK                                   ends that answer, also one that is yet to be asked for
    POST /leave/CONVERSATION                           drops what is kept in memory of it
    POST /state                                        numbers about the engine, no text
    POST /stop                                         ends the engine

What fails is one ``{"error": {...}}``. Every request carries the token; 401 is the answer to a wrong one, 409 to one
made with another vault key than the engine has. Whoever hangs up in mid-answer has cancelled it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mlxtwin.errors import UsageError
from mlxtwin.serve.address import KEY_HEADER, key_mark
from mlxtwin.serve.turns import Asked, Job, Said, Turns, base_of, complaint, not_understood

LAST = ("opened", "end", "error")
# After the first piece, those of so long a time go out together.
TOGETHER_SECONDS = 0.02
# Cancels that may come before what they cancel.
_EARLY_CANCELS = 256


class Door:
    """What the requests share: the queue, who is here, and what was cancelled before it came.

    ``abandoned``: the last who was here has said goodbye.
    """

    def __init__(self, turns: Turns, stop: Callable[[], None]) -> None:
        self.turns, self.stop = turns, stop
        self.guests: set[str] = set()
        self.abandoned = False
        self.jobs: dict[str, Job] = {}
        self.early: OrderedDict[str, None] = OrderedDict()

    async def open(self, request: Request) -> Response:
        value = await _json(request)
        try:
            conversation, base = str(value["conversation"]), base_of(value)
        except (UsageError, KeyError, TypeError):
            return _refused()
        self._welcome(conversation)
        return self._reply(lambda say: Job(conversation, base, say))

    async def ask(self, request: Request) -> Response:
        value = await _json(request)
        try:
            asked, name = Asked.of(value), str(value["ask"])
        except (UsageError, KeyError):
            return _refused()
        self._welcome(asked.conversation)
        return self._reply(lambda say: Job(asked.conversation, asked.base, say, asked), name)

    async def cancel(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self.jobs:
            self.jobs[name].cancelled.set()
            self.turns.wake()
        else:
            self.early[name] = None
            while len(self.early) > _EARLY_CANCELS:
                self.early.popitem(last=False)
        return Response(status_code=204)

    async def leave(self, request: Request) -> Response:
        self.guests.discard(request.path_params["name"])
        self.abandoned = not self.guests
        self.turns.forget(request.path_params["name"])
        return Response(status_code=204)

    async def state(self, _: Request) -> Response:
        mind = self.turns.mind
        return JSONResponse(
            {"pid": os.getpid(), "device": mind.kind, "loads": mind.loads, "conversations": len(self.guests)}
        )

    async def halt(self, _: Request) -> Response:
        self.turns.cancel_all()
        self.stop()
        return Response(status_code=204)

    def _welcome(self, conversation: str) -> None:
        self.guests.add(conversation)
        self.abandoned = False

    def _reply(self, make: Callable[[Callable[[Said], None]], Job], name: str = "") -> Response:
        heard = Heard(asyncio.get_running_loop())
        job = make(heard.say)
        if name:
            self.jobs[name] = job
            if name in self.early:
                del self.early[name]
                job.cancelled.set()
        self.turns.put(job)
        return StreamingResponse(self._lines(job, heard, name), media_type="application/x-ndjson")

    async def _lines(self, job: Job, heard: Heard, name: str) -> AsyncIterator[bytes]:
        try:
            ended = False
            while not ended:
                said = await heard.some()
                ended = any(last in said[-1] for last in LAST)
                yield b"".join(json.dumps(one).encode() + b"\n" for one in said)
                if not ended:
                    await asyncio.sleep(TOGETHER_SECONDS)
        finally:
            self.jobs.pop(name, None)
            job.cancelled.set()
            self.turns.wake()


class Heard:
    """What the thread of the model says, on its way to the thread of the sockets, which is woken only while it waits:
    the two share the interpreter, and waking it for every token takes time from a small model."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._said: deque[Said] = deque()
        self._something = asyncio.Event()
        self._waiting = False

    def say(self, value: Said) -> None:
        self._said.append(value)
        if self._waiting:
            self._waiting = False
            self._loop.call_soon_threadsafe(self._something.set)

    async def some(self) -> list[Said]:
        """Everything that was said since, at least one thing."""
        while not self._said:
            self._something.clear()
            self._waiting = True
            if not self._said:  # else it was said before the thread saw that somebody waits
                await self._something.wait()
        return [self._said.popleft() for _ in range(len(self._said))]


class Guarded:
    """Lets a request through that shows the token, and the mark of the vault key where it gives one."""

    def __init__(self, app: ASGIApp, token: str, mark: str) -> None:
        self.app = app
        self._token, self._mark = f"Bearer {token}".encode(), mark.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shown = dict(scope["headers"])
        if not hmac.compare_digest(shown.get(b"authorization", b""), self._token):
            await Response(status_code=401)(scope, receive, send)
        elif not hmac.compare_digest(shown.get(KEY_HEADER.encode(), self._mark), self._mark):
            await Response(status_code=409)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def make_app(door: Door, token: str, key: bytes) -> ASGIApp:
    routes = {
        "/open": door.open, "/ask": door.ask, "/cancel/{name}": door.cancel, "/leave/{name}": door.leave,
        "/state": door.state, "/stop": door.halt,
    }  # fmt: skip
    app = Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in routes.items()])
    return Guarded(app, token, key_mark(key))


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        return None


def _refused() -> Response:
    return Response(json.dumps(complaint(not_understood())) + "\n", media_type="application/x-ndjson")

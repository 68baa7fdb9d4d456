"""A small hub on loopback that speaks as much of the Hugging Face API as a pull asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass
class Hub:
    """``token``: asked for when set. ``cut``: how often a file's first answers break off half way.
    ``digest``: what the weights are said to be, if not what they are."""

    repo: str
    folder: Path
    token: str = ""
    cut: dict[str, int] = field(default_factory=dict)
    status: int = 0
    digest: str = ""
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)

    def asked(self, name: str, method: str = "GET") -> list[str]:
        """The ranges asked of a file."""
        return [span for verb, path, span, _ in self.requests if verb == method and path.endswith("/" + name)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        token = self.headers.get("Authorization", "")
        self.hub.requests.append((self.command, path, self.headers.get("Range", ""), token))
        if self.hub.status:
            return self._send(self.hub.status, b"{}")
        if self.hub.token and token != f"Bearer {self.hub.token}":
            return self._send(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Ask for access."})
        api = f"/api/models/{self.hub.repo}"
        if path == api or path.startswith(f"{api}/revision/"):
            revision = path.rpartition("/revision/")[2]
            if path != api and revision not in ("main", COMMIT):
                return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return self._json({"id": self.hub.repo, "sha": COMMIT, "siblings": []})
        if path.startswith(f"{api}/tree/"):
            return self._json([self._entry(file) for file in sorted(self.hub.folder.rglob("*")) if file.is_file()])
        file = self.hub.folder / path.rpartition(f"/resolve/{COMMIT}/")[2]
        if path.startswith(f"/{self.hub.repo}/resolve/") and file.is_file():
            return self._file(file, body)
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _entry(self, file: Path) -> dict[str, object]:
        name = file.relative_to(self.hub.folder).as_posix()
        return {"type": "file", "path": name, "size": file.stat().st_size, "oid": _etag(file)}

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _file(self, file: Path, body: bool) -> None:
        data = file.read_bytes()
        etag = (self.hub.digest if file.suffix == ".safetensors" else "") or _etag(file)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        span = self.headers.get("Range", "")
        start = int(span.removeprefix("bytes=").split("-")[0]) if span else 0
        if span:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = body and self.hub.cut.get(file.name, 0) > 0
        if cut:
            self.hub.cut[file.name] -= 1
        self._send(206 if span else 200, data[start:], headers, body=body, cut=cut)

    def _send(
        self, status: int, data: bytes, headers: dict[str, str] | None = None, body: bool = True, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = self.close_connection or cut


def _etag(file: Path) -> str:
    return hashlib.new("sha256" if file.suffix == ".safetensors" else "sha1", file.read_bytes()).hexdigest()


@contextmanager
def serve(hub: Hub) -> Iterator[str]:
    """The address of ``hub`` for the length of a ``with`` block."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

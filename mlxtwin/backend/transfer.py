"""One large file from a hub into the Hugging Face cache, going on where an earlier try broke off.

huggingface_hub throws an unfinished file away; here it stays beside the blob it will become, and the next try asks for
the rest only. What arrives is compared with the hub's own SHA-256 where it gives one.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from mlxtwin.errors import Busy, TwinError
from mlxtwin.paths import make_folder, storage_error, sync_folder

_LOOKUP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Source:
    """One commit of a repository on a hub; ``endpoint`` None is the library's default."""

    repo: str
    commit: str
    token: str | None
    endpoint: str | None


def fetch_blob(source: Source, name: str, cache: Path, report: Callable[[int], None]) -> None:
    """Put the file ``name`` among the blobs of ``cache``; ``report`` gets its bytes so far.

    Raises Busy while another pull fetches the same file, TwinError when it arrives damaged, StorageFull.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name

    url = hf_hub_url(source.repo, name, revision=source.commit, endpoint=source.endpoint)
    found = get_hf_file_metadata(url, token=source.token or False, timeout=_LOOKUP_SECONDS)
    etag, size = found.etag or "", found.size or 0
    if not re.fullmatch(r"[0-9A-Za-z_-]+", etag):
        raise TwinError(f"The hub gives no usable name for {name} of {source.repo}.", "Try again later.")
    blobs = cache / repo_folder_name(repo_id=source.repo, repo_type="model") / "blobs"
    if (blobs / etag).is_file():
        report(size)
        return
    make_folder(blobs)
    with _exclusive(blobs / f"{etag}.partial", source.repo) as file:
        try:
            _receive(source, found.location, url, file, size, report)
        except OSError as error:
            raise storage_error(error, blobs / etag) from None
        file.flush()
        _verify(file, etag, name)
        (blobs / f"{etag}.partial").replace(blobs / etag)
    sync_folder(blobs)


def _receive(source: Source, location: str, url: str, file: BinaryIO, size: int, report: Callable[[int], None]) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    headers = build_hf_headers(token=source.token or False)
    if urlsplit(location).netloc != urlsplit(url).netloc:
        # The store behind the hub has signed addresses; the token is for the hub alone.
        headers.pop("authorization", None)
    start = file.tell()
    report(start)
    counter: Any = _counter(start, report)
    http_get(location, file, resume_size=start, headers=headers, expected_size=size, tqdm_class=counter)


def _counter(start: int, report: Callable[[int], None]) -> type:
    """What huggingface_hub takes for a progress bar, and only counts bytes."""

    class Counter:
        def __init__(self, *_: Any, **__: Any) -> None:
            self.bytes = start

        def __enter__(self) -> Counter:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: float | None = 1) -> None:
            self.bytes += int(count or 0)
            report(self.bytes)

    return Counter


@contextmanager
def _exclusive(path: Path, repo: str) -> Iterator[BinaryIO]:
    """The file, open at its end, for this process alone."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"Another pull is fetching {repo}.", "Wait until it is done.") from None
        yield file


def _verify(file: BinaryIO, etag: str, name: str) -> None:
    """Large files go by their SHA-256; a damaged one is removed, so that the next try starts it afresh."""
    if len(etag) != 64:
        return
    with Path(file.name).open("rb") as received:
        digest = hashlib.file_digest(received, "sha256").hexdigest()
    if digest != etag.lower():
        Path(file.name).unlink()
        raise TwinError(f"{name} arrived damaged.", "Run the pull again.")

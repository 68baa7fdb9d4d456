"""Fetch a base model from a Hugging Face hub: the only code of mlxtwin that opens a network connection.

Nothing is fetched before the list of files and the config have been looked at; the revision is pinned to its commit;
weights come as safetensors or not at all. The caller turns the network on and off around it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlxtwin.backend.models import BaseModel, add, cache_folder, check_config, unsafe_name
from mlxtwin.backend.transfer import Source, fetch_blob
from mlxtwin.errors import AirplaneMode, TwinError, UnsafeModel, UsageError
from mlxtwin.paths import Home

Progress = Callable[[int, int], None]
SECRET_NAME = "huggingface"
_LOOKUP_SECONDS = 10.0
_CODE = (".py", ".pyc", ".so", ".sh", ".dll", ".dylib")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def pull(
    home: Home,
    repo: str,
    revision: str | None = None,
    *,
    token: str | None = None,
    progress: Progress = lambda done, total: None,
) -> BaseModel:
    """Fetch ``repo`` (owner/name) at ``revision`` (branch, tag or commit; the main branch by default) and remember it.

    ``progress`` gets the bytes done and in total. ``HF_ENDPOINT`` names another hub. The token is used as given and
    looked for nowhere else. Raises UnsafeModel for a repository with code or without safetensors, UsageError for one
    that is not there or asks for a token, TwinError when the hub cannot be reached; what was fetched is kept, and the
    next pull goes on from there.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise UsageError(
            f"{repo} is not a repository.", "Write owner/name, such as HuggingFaceTB/SmolLM2-135M-Instruct."
        )
    # Read when huggingface_hub is imported: no native transfers, which no guard of ours could see, and no telemetry.
    os.environ["HF_HUB_DISABLE_XET"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    endpoint = os.environ.get("HF_ENDPOINT") or None
    with _sentences(repo, revision, token):
        commit, sizes = _look_up(repo, revision, token, endpoint)
        wanted = choose(repo, sizes)
        source = Source(repo, commit, token, endpoint)
        weights = [name for name in wanted if name.endswith(".safetensors")]
        check_config(_fetch_small(source, [name for name in wanted if name not in weights]))
        total = sum(sizes[name] for name in wanted)
        done = sum(sizes[name] for name in wanted if name not in weights)
        for name in weights:
            fetch_blob(source, name, cache_folder(), _after(done, total, progress))
            done += sizes[name]
        # Every large file is among the blobs by now: this only links them.
        path = _fetch_small(source, wanted)
    return add(home, path, repo, revision=commit)


def _after(before: int, total: int, progress: Progress) -> Callable[[int], None]:
    return lambda here: progress(before + here, total)


def choose(repo: str, names: Any) -> list[str]:
    """The files of a repository worth fetching, from all their ``names``. Raises UnsafeModel as `pull` does."""
    code = next((name for name in sorted(names) if name.endswith(_CODE)), "")
    if code:
        raise UnsafeModel(f"{repo} holds code: {code}.", "Choose a model that mlx-lm can run by itself.")
    wanted = [name for name in sorted(names) if "/" not in name and not unsafe_name(name)]
    if not any(name.endswith(".safetensors") for name in wanted):
        pickle = next((name for name in sorted(names) if name.endswith(_PICKLES)), "")
        holds = f"only {pickle}, which can run code when it is read" if pickle else "no weights at all"
        raise UnsafeModel(f"{repo} has no safetensors, {holds}.", "Choose a model with safetensors.")
    return wanted


def _look_up(repo: str, revision: str | None, token: str | None, endpoint: str | None) -> tuple[str, dict[str, int]]:
    """The commit, and the size of every file in bytes."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token or False)
    commit = api.model_info(repo, revision=revision, timeout=_LOOKUP_SECONDS).sha
    if not commit:
        raise UsageError(f"The hub names no commit for {repo}.", "Give one: owner/name@revision.")
    files = api.list_repo_tree(repo, recursive=True, revision=commit)
    return commit, {file.path: int(file.size) for file in files if hasattr(file, "size")}


def _fetch_small(source: Source, names: list[str]) -> Path:
    """The files ``names`` into the Hugging Face cache; the folder of the snapshot."""
    import logging

    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.logging import set_verbosity
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    set_verbosity(logging.ERROR)
    folder = snapshot_download(
        source.repo,
        revision=source.commit,
        cache_dir=cache_folder(),
        token=source.token or False,
        endpoint=source.endpoint,
        allow_patterns=[re.sub(r"([\[*?])", r"[\1]", name) for name in names],
    )
    return Path(folder)


@contextmanager
def _sentences(repo: str, revision: str | None, token: str | None) -> Iterator[None]:
    """Every way a hub says no, as one sentence with the next step; the token is in none of them."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    again = "Check the connection and run it again; what was fetched is kept."
    try:
        yield
    except OfflineModeIsEnabled:
        raise AirplaneMode("The network is off in this process.", "Run `mlxtwin pull` by itself.") from None
    except RevisionNotFoundError:
        raise UsageError(f"{repo} has no revision {revision}.", "Leave it out for the newest.") from None
    except (GatedRepoError, RepositoryNotFoundError, HfHubHTTPError) as error:
        raise _refusal(repo, token, error, again) from None
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise TwinError(f"The hub could not be reached for {repo} ({type(error).__name__}).", again) from None


def _refusal(repo: str, token: str | None, error: Any, again: str) -> TwinError:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status in (401, 403):
        if token:
            return UsageError(
                f"The hub refuses {repo} to this token.", "Ask for access on the model's page, or renew it."
            )
        return UsageError(
            f"The hub refuses {repo} without a token, or there is no such repository.",
            f"Check the name; for a gated model run `mlxtwin secrets set {SECRET_NAME}` first.",
        )
    if status == 404:
        return UsageError(f"The hub has no repository {repo}.", "Check its name.")
    return TwinError(f"The hub failed for {repo} (status {status}).", again)

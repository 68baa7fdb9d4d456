from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlxtwin.backend.models import ls, resolve
from mlxtwin.backend.pull import choose, pull
from mlxtwin.errors import TwinError, UnsafeModel, UsageError
from mlxtwin.paths import Home

from .hub import COMMIT, Hub, serve
from .small import small_folder

REPO = "acme/garden"
FAILED = "hf_" + "s" * 20


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub(REPO, small_folder(tmp_path / "served"))
    with serve(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        # A token lying about in the environment is none that was given to us.
        monkeypatch.setenv("HF_TOKEN", "hf_lying_about")
        yield made


def test_a_pulled_base_is_pinned_remembered_and_found_without_a_network(hub: Hub, home: Home) -> None:
    seen: list[tuple[int, int]] = []
    base = pull(home, REPO, progress=lambda done, total: seen.append((done, total)))
    assert base.revision == COMMIT and base.name == REPO
    assert base.fingerprint == resolve(home, REPO).fingerprint
    assert [one.name for one in ls(home)] == ["starter", REPO]
    total = sum(file.stat().st_size for file in hub.folder.iterdir())
    assert seen[-1] == (total, total)
    assert seen == sorted(seen) and len(seen) > 1
    before = len(hub.requests)
    resolve(home, REPO)
    assert len(hub.requests) == before


def test_no_token_is_sent_unless_one_is_given(hub: Hub, home: Home) -> None:
    pull(home, REPO)
    assert {token for *_, token in hub.requests} == {""}


def test_a_gated_repository_opens_with_the_token_given(hub: Hub, home: Home) -> None:
    hub.token = "hf_mine"
    with pytest.raises(UsageError) as caught:
        pull(home, REPO)
    assert "mlxtwin secrets set" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        pull(home, REPO, token=FAILED)
    assert FAILED not in caught.value.sentence() and "token" in caught.value.message
    assert pull(home, REPO, token="hf_mine").revision == COMMIT


def test_an_interrupted_pull_goes_on_where_it_stopped(
    hub: Hub, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)

    def interrupt(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(home, REPO, progress=interrupt)
    (partial,) = tmp_path.rglob("*.partial")
    got = partial.stat().st_size
    assert got > 100_000 and [one.name for one in ls(home)] == ["starter"]
    before = len(hub.asked("model.safetensors"))
    pull(home, REPO)
    assert hub.asked("model.safetensors")[before:] == [f"bytes={got}-"]
    assert not partial.exists()


def test_a_connection_that_breaks_is_taken_up_again(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cut = {"model.safetensors": 1}
    pull(home, REPO)
    half = (hub.folder / "model.safetensors").stat().st_size // 2
    assert hub.asked("model.safetensors") == ["", f"bytes={half // 1000 * 1000}-"]


def test_a_connection_that_keeps_breaking_is_one_sentence(
    hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cut = {"model.safetensors": 1000}
    with pytest.raises(TwinError, match="could not be reached") as caught:
        pull(home, REPO)
    assert "kept" in caught.value.hint


def test_a_file_that_arrives_damaged_is_not_kept(hub: Hub, home: Home) -> None:
    hub.digest = "0" * 64
    with pytest.raises(TwinError, match="damaged"):
        pull(home, REPO)
    hub.digest = ""
    assert pull(home, REPO).revision == COMMIT


@pytest.mark.parametrize("name", ["modeling_garden.py", "tools/run.sh"])
def test_a_repository_with_code_is_refused_before_anything_is_fetched(hub: Hub, home: Home, name: str) -> None:
    (hub.folder / name).parent.mkdir(exist_ok=True)
    (hub.folder / name).write_text("print()")
    with pytest.raises(UnsafeModel) as caught:
        pull(home, REPO)
    assert name in caught.value.message
    assert not any("/resolve/" in path for _, path, *_ in hub.requests)
    assert [one.name for one in ls(home)] == ["starter"]


def test_a_config_that_asks_for_code_is_refused_before_the_weights(hub: Hub, home: Home) -> None:
    config = json.loads((hub.folder / "config.json").read_text())
    (hub.folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(UnsafeModel, match="auto_map"):
        pull(home, REPO)
    assert not hub.asked("model.safetensors")


def test_pickles_and_pictures_are_left_out_and_weights_must_be_safetensors() -> None:
    names = ["config.json", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "face.png", "README.md"]
    assert choose(REPO, names) == ["README.md", "config.json", "model.safetensors"]
    with pytest.raises(UnsafeModel, match=r"pytorch_model\.bin"):
        choose(REPO, ["config.json", "pytorch_model.bin"])
    with pytest.raises(UnsafeModel, match="no weights"):
        choose(REPO, ["config.json"])


def test_what_is_not_there_is_one_sentence(hub: Hub, home: Home) -> None:
    with pytest.raises(UsageError, match="acme/rose"):
        pull(home, "acme/rose")
    with pytest.raises(UsageError, match="revision v9"):
        pull(home, REPO, "v9")
    with pytest.raises(UsageError, match="not a repository"):
        pull(home, "../etc/passwd")


def test_a_hub_that_fails_is_one_sentence(hub: Hub, home: Home) -> None:
    hub.status = 500
    with pytest.raises(TwinError, match="500"):
        pull(home, REPO)


def test_a_hub_out_of_reach_is_told_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(TwinError, match="could not be reached"):
            pull(home, REPO)
    # The library's own retries take 23 seconds.
    assert time.monotonic() - began < 10

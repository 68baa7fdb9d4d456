from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlxtwin.backend.models import (
    add,
    block_count,
    check_folder,
    describe,
    known_architectures,
    ls,
    remove,
    resolve,
    starter,
)
from mlxtwin.errors import UnsafeModel, UsageError
from mlxtwin.paths import Home

from .small import small_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_folder(tmp_path / "garden")


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_the_starter_is_always_there(home: Home) -> None:
    base = resolve(home, "starter")
    assert base == starter() and base.bundled and len(base.fingerprint) == 64
    assert [one.name for one in ls(home)] == ["starter"]
    assert not home.root.exists()


def test_an_added_folder_has_a_name_until_it_is_removed(home: Home, folder: Path) -> None:
    added = add(home, folder)
    assert resolve(home, "garden") == added and resolve(home, str(folder)).fingerprint == added.fingerprint
    assert add(home, folder, "other").name == "other"
    assert [one.name for one in ls(home)] == ["starter", "garden", "other"]
    remove(home, "garden")
    with pytest.raises(UsageError, match="no base model garden"):
        resolve(home, "garden")
    with pytest.raises(UsageError):
        remove(home, "garden")
    with pytest.raises(UsageError, match="taken"):
        add(home, folder, "starter")
    assert (folder / "config.json").is_file()


@pytest.mark.parametrize("name", ["a/../b", "..", "a/..", "../b", "a/b/c", "-x", "a\nb", " "])
def test_an_odd_name_for_a_base_is_refused(home: Home, folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a base"):
        add(home, folder, name)
    assert not home.models.exists()


@pytest.mark.parametrize(
    "name", ["modeling.py", "pytorch_model.bin", "a.pt", "b.pth", "sub/c.pkl", "x.ckpt", "run", "y.so"]
)
def test_a_file_that_might_run_code_is_refused_by_name(folder: Path, name: str) -> None:
    check_folder(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    with pytest.raises(UnsafeModel) as caught:
        check_folder(folder)
    assert name in caught.value.message


def test_only_the_bundled_folder_may_be_a_package(folder: Path) -> None:
    (folder / "__init__.py").write_text("")
    with pytest.raises(UnsafeModel):
        check_folder(folder)
    check_folder(folder, bundled=True)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("key", ["auto_map", "model_file"])
def test_a_model_that_asks_for_code_of_its_own_is_refused(folder: Path, file: str, key: str) -> None:
    edit(folder / file, **{key: {"AutoTokenizer": ["x.Y", None]}})
    with pytest.raises(UnsafeModel, match=key):
        check_folder(folder)


def test_links_may_not_leave_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "inside.json").symlink_to("config.json")
    check_folder(folder)
    (tmp_path / "secret.json").write_text("{}")
    (folder / "outside.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(UnsafeModel, match=r"outside\.json"):
        check_folder(folder)
    (folder / "outside.json").unlink()
    (folder / "more").symlink_to(tmp_path)
    with pytest.raises(UnsafeModel, match="more"):
        check_folder(folder)


def cached(user: Path, folder: Path) -> Path:
    """As huggingface_hub lays it out: blobs, and snapshots of links to them."""
    repository = user / ".cache" / "huggingface" / "hub" / "models--acme--garden"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for number, file in enumerate(sorted(folder.iterdir())):
        (repository / "blobs" / str(number)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    return snapshot


def test_a_repository_in_the_cache_is_found_with_its_commit(home: Home, folder: Path, tmp_path: Path) -> None:
    snapshot = cached(tmp_path / "user", folder)
    base = resolve(home, "acme/garden")
    assert base.revision == COMMIT and base.path == snapshot
    assert resolve(home, f"acme/garden@{COMMIT}").path == snapshot
    assert base.fingerprint == describe(folder, "x").fingerprint
    with pytest.raises(UsageError, match="acme/garden@v2"):
        resolve(home, "acme/garden@v2")
    (snapshot / "bad.json").symlink_to("../../refs/main")
    with pytest.raises(UnsafeModel, match=r"bad\.json"):
        resolve(home, "acme/garden")


def test_an_unknown_name_tells_how_to_go_on(home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(home, "acme/rose")
    assert "mlxtwin pull acme/rose" in caught.value.hint


def test_an_unknown_architecture_is_named_with_some_that_are_known(folder: Path) -> None:
    edit(folder / "config.json", model_type="perceptron9000")
    with pytest.raises(UsageError) as caught:
        check_folder(folder)
    assert "perceptron9000" in caught.value.message and "llama" in caught.value.hint


def test_known_architectures_are_those_mlx_lm_can_import() -> None:
    from mlx_lm.utils import MODEL_REMAPPING, _get_classes

    known = known_architectures()
    assert set(MODEL_REMAPPING) <= known and len(known) > 80
    assert "cache" not in known and "base" not in known
    for name in ("llama", "qwen3", "gemma3_text", "phi3", "mistral"):
        assert name in known and _get_classes({"model_type": name})


def test_a_folder_that_is_cut_short_is_one_sentence(folder: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for data in (whole[:-1], whole[:100], whole[:5], b"", whole + b"x"):
        weights.write_bytes(data)
        with pytest.raises(UsageError, match=r"model\.safetensors"):
            check_folder(folder)
    weights.write_bytes(whole)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-2.safetensors"}}')
    with pytest.raises(UsageError, match=r"model-2\.safetensors"):
        check_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_part_is_one_sentence(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UsageError):
        check_folder(folder)


def test_json_that_is_no_object_is_one_sentence(folder: Path) -> None:
    for text in ("{", "[]", "\x00"):
        (folder / "config.json").write_text(text)
        with pytest.raises(UsageError, match=r"config\.json"):
            check_folder(folder)


def test_the_fingerprint_follows_config_tokenizer_and_weights(folder: Path) -> None:
    seen = {describe(folder, "x").fingerprint}
    edit(folder / "config.json", rope_theta=500.0)
    seen.add(describe(folder, "x").fingerprint)
    edit(folder / "tokenizer_config.json", chat_template="{{ messages }}")
    seen.add(describe(folder, "x").fingerprint)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    seen.add(describe(folder, "x").fingerprint)
    (folder / "README.md").write_text("Changes nothing.")
    seen.add(describe(folder, "y").fingerprint)
    assert len(seen) == 4


def test_an_added_base_whose_files_changed_must_be_added_anew(home: Home, folder: Path) -> None:
    add(home, folder)
    edit(folder / "config.json", rope_theta=500.0)
    with pytest.raises(UsageError, match="changed"):
        resolve(home, "garden")
    add(home, folder)
    assert resolve(home, "garden").name == "garden"


def test_the_number_of_blocks_is_read_from_the_config(folder: Path) -> None:
    assert block_count(describe(folder, "x")) == 3


def test_names_resolve_without_loading_mlx() -> None:
    code = (
        "import sys; from mlxtwin.backend.models import starter; starter();"
        "print('mlx.core' in sys.modules, 'mlx_lm' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]

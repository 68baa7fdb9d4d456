"""Commands about the machine: doctor, base models, secrets, pull."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mlxtwin.starter

Run = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the bundled base as a folder of data."""
    folder = tmp_path / "small"
    starter = Path(mlxtwin.starter.__file__).parent
    shutil.copytree(starter, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def test_doctor_has_every_promised_field(run: Run) -> None:
    found = run("doctor", "--json").value
    assert found["device"] in ("metal", "cuda", "cpu")
    assert found["reason"]
    assert isinstance(found["blas"], str)
    assert found["memory"]["total_bytes"] >= found["memory"]["budget_bytes"] > 0
    assert found["keychain"]["ok"] is False
    assert found["keychain"]["backend"]
    assert found["network"]["airplane"] is True
    assert found["network"]["enforced_by"] in ("namespace", "sandbox", "hook")
    assert all({"what", "fix"} == set(problem) for problem in found["problems"])


def test_doctor_warns_of_a_missing_keychain_and_a_passphrase_in_the_environment(run: Run, tmp_path: Path) -> None:
    problems = run("doctor", "--json", MLXTWIN_PASSPHRASE="word").value["problems"]
    assert any("--passphrase" in problem["fix"] for problem in problems)
    assert any("MLXTWIN_PASSPHRASE" in problem["what"] for problem in problems)
    assert not list((tmp_path / "home").rglob("*"))


def test_doctor_says_the_same_to_a_person(run: Run) -> None:
    done = run("doctor")
    assert done.code == 0
    assert "device" in done.out
    assert "To fix: " in done.out


def test_doctor_survives_an_mlx_that_does_not_load(run: Run, tmp_path: Path) -> None:
    from mlxtwin.client.doctor import _reason

    assert _reason("Traceback\nImportError: no libmlx.so.\n", 1) == "ImportError: no libmlx.so"
    assert _reason("", -11) == "exit code -11"


def test_base_models_are_added_listed_and_forgotten(run: Run, model: Path) -> None:
    assert [base["name"] for base in run("models", "ls", "--json").value["models"]] == ["starter"]
    assert run("models", "add", str(model), "--name", "mine", "--json").value["name"] == "mine"
    assert [base["name"] for base in run("models", "ls", "--json").value["models"]] == ["starter", "mine"]
    assert "mine" in run("models", "ls").out
    assert run("models", "rm", "mine").code == 0
    assert model.is_dir()
    assert run("models", "rm", "mine").code == 2


@pytest.mark.parametrize("arguments", [["add", "nowhere"], ["rm", "starter"], ["rm", "nothing"]])
def test_wrong_base_models_get_a_sentence(run: Run, arguments: list[str]) -> None:
    done = run("models", *arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_a_model_that_brings_code_is_refused(run: Run, model: Path) -> None:
    (model / "modeling.py").write_text("", encoding="utf-8")
    assert run("models", "add", str(model)).code == 3
    (model / "modeling.py").unlink()
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps(config | {"model_type": "unheard"}), encoding="utf-8")
    done = run("models", "add", str(model))
    assert done.code == 2
    assert "unheard" in done.err


def test_a_secret_nobody_reads_is_refused(run: Run) -> None:
    done = run("secrets", "set", "hugingface", stdin="hf_token")
    assert done.code == 2
    assert "Did you mean huggingface?" in done.err
    assert "hf_token" not in done.err


def test_secrets_without_a_keychain_are_refused(run: Run) -> None:
    for arguments in (["ls"], ["set", "huggingface"], ["rm", "huggingface"]):
        done = run("secrets", *arguments, "--json", stdin="hf_token\n")
        assert done.code == 3
        assert "keychain" in done.value["error"]["message"]
        assert "hf_token" not in done.out + done.err


@pytest.mark.parametrize("repo", ["model", "a/b/c", "/", "owner/"])
def test_pull_wants_an_owner_and_a_name(run: Run, repo: str) -> None:
    done = run("pull", repo)
    assert done.code == 2
    assert "OWNER/NAME" in done.err

"""``mlxtwin data export`` and ``data import-preferences`` as a person types them."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import imports
from mlxtwin.paths import Home
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.security.unlock import unlock
from mlxtwin.vault.store import Vault

Run = Callable[..., Any]
NOTES = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports" / "notes"
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def stocked(made_vault: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stocked") / "home"
    shutil.copytree(made_vault, root)
    with Vault.open(Home(root), unlock(Home(root), passphrase=PASSPHRASE)) as vault:
        imports.run(vault, [NOTES], PERSON_NAMES)
    return root


@pytest.fixture
def full(stocked: Path, run: Run, tmp_path: Path) -> Run:
    shutil.copytree(stocked, tmp_path / "home")
    return lambda *arguments, **more: run(*arguments, **{"MLXTWIN_PASSPHRASE": PASSPHRASE, **more})


def test_a_file_of_examples_is_written_and_told_to_be_in_the_clear(full: Run, tmp_path: Path) -> None:
    done = full("data", "export", "train.jsonl", "--form", "messages", "--json")
    value, file = done.value, tmp_path / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert (value["form"], value["split"], value["records"], value["file"]) == (
        "messages",
        "train",
        len(rows),
        "train.jsonl",
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "nothing encrypts them there" in done.err and "--split holdout" in done.err
    again = full("data", "export", "train.jsonl", "--form", "messages")
    assert (again.code, again.out) == (2, "")
    assert "exists already" in again.err and "--force" in again.err
    assert full("data", "export", "train.jsonl", "--form", "alpaca", "--force").code == 0
    assert "instruction" in file.read_text()


def test_to_stdout_go_the_records_and_nothing_else(full: Run) -> None:
    done = full("data", "export", "-", "--form", "prompt-completion", "--split", "holdout")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert rows and all(set(row) == {"prompt", "completion"} for row in rows)
    assert done.out.isascii()
    assert "nothing encrypts them there" in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.jsonl"], "--form is missing"),
        (["x.jsonl", "--form", "csv"], "'csv' is not one of"),
        (["x.jsonl", "--form", "preference", "--split", "train"], "Preferences are not split."),
        (["x.jsonl", "--form", "preference"], "There are no corrections of slot voice"),
        (["none/x.jsonl", "--form", "messages"], "There is no folder none."),
        (["home", "--form", "messages"], "home is a folder."),
        (["x.jsonl", "--form", "messages", "--recipe", "vioce"], "There is no recipe vioce. Did you mean voice?"),
        (["x.jsonl", "--form", "messages", "--set", "data.kinds=mail"], "The vault keeps no mail to train on"),
        (["x.jsonl", "--form", "messages", "--set", "data.instructions=maybe"], "It is one of templates, base, auto."),
    ],
)
def test_what_cannot_be_exported_is_told_and_writes_nothing(
    full: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = full("data", "export", *arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert not list(tmp_path.glob("*.jsonl"))


def test_json_and_stdout_do_not_mix(full: Run) -> None:
    assert "- writes to stdout" in full("data", "export", "-", "--form", "messages", "--json").err


def test_preferences_need_a_slot_that_is_there(full: Run, tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(json.dumps({"prompt": "Hi", "chosen": "Hello.", "rejected": "Yo."}))
    done = full("data", "import-preferences", "pairs.jsonl")
    assert done.code == 2
    assert "There is no slot voice." in done.err
    assert "none.jsonl does not exist." in full("data", "import-preferences", "none.jsonl").err


def test_the_plan_of_a_run_says_what_forms_its_examples_have_and_who_asks(full: Run) -> None:
    shown = full("retrain", "--dry-run", "--json").value["data"]
    assert sum(shown["forms"].values()) == shown["train_examples"] + shown["holdout_examples"]
    assert set(shown["asked_by"]) == {"template"}
    assert "by a template" in full("retrain", "--dry-run").out

"""``mlxtwin retrain`` and ``mlxtwin runs`` with real workers, on a random base of some kilobytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from mlxtwin import starter
from mlxtwin.backend.models import add
from mlxtwin.backend.tensors import to_safetensors
from mlxtwin.cli.retrain import _begun, _promoted_notes, _rejected_notes, finish
from mlxtwin.cli.runs import watch
from mlxtwin.client import imports
from mlxtwin.client import runs as client
from mlxtwin.errors import Interrupted
from mlxtwin.jobs import runs
from mlxtwin.jobs.runs import Run
from mlxtwin.paths import Home
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.security.unlock import create_keys, unlock
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

NOTES = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports" / "notes"
PASSPHRASE = "correct horse battery staple"
SECONDS = 120
SMALL = ("--base", "tiny", "--set", "data.max_words=1500", "--set", "max_seq_length=128", "--set", "batch_tokens=512")
LONG = (*SMALL, "--set", "epochs=1000")
SHORT = (*SMALL, "--set", "epochs=1")
PROGRAM = "import sys; from mlxtwin.cli.edge import main; sys.exit(main())"
WORKER = "import runpy; runpy.run_module('mlxtwin.jobs.worker', run_name='__main__', alter_sys=True)"


@dataclass(frozen=True)
class Program:
    """The program with a home of its own that holds a vault of notes and a tiny base."""

    home: Home
    environment: dict[str, str]

    def start(self, *arguments: str, program: str = PROGRAM) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str, code: int = 0, program: str = PROGRAM) -> dict[str, Any]:
        out, err = (process := self.start(*arguments, "--json", program=program)).communicate(timeout=SECONDS)
        assert process.returncode == code, (process.returncode, out, err)
        assert "Traceback" not in err
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
        return answer

    def planned(self, *sets: str) -> Run:
        """A run that was made and not started."""
        key = unlock(self.home, passphrase=PASSPHRASE)
        with Vault.open(self.home, key) as vault:
            values = [one for one in (*SHORT, *sets) if "=" in one]
            plan = client.plan(self.home, vault, "voice", {"base": "tiny"}, values)
        recipe = plan.resolved.recipe.model_dump(mode="json")
        spec = {"recipe": recipe, "base": plan.base, "dataset": plan.dataset.digest(), "seed": 0}
        return runs.create(self.home, spec, plan.dataset.to_bytes(), SealedFiles(self.home, key))


def tiny_base(folder: Path) -> Path:
    """A llama of two blocks with random weights and the tokenizer of the starter."""
    folder.mkdir()
    source = Path(starter.__file__).parent
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        if (source / file).is_file():
            shutil.copy(source / file, folder / file)
    theirs = json.loads((source / "config.json").read_text())
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "num_attention_heads": 4}
    more = {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256, "tie_word_embeddings": True}
    config = {"model_type": "llama", "rms_norm_eps": 1e-5, "vocab_size": theirs["vocab_size"], "torch_dtype": "float32"}
    config |= {key: theirs[key] for key in ("bos_token_id", "eos_token_id") if key in theirs}
    (folder / "config.json").write_text(json.dumps(config | sizes | more))
    shapes = {"self_attn.q_proj": (32, 32), "self_attn.k_proj": (16, 32), "self_attn.v_proj": (16, 32),
              "self_attn.o_proj": (32, 32), "mlp.gate_proj": (64, 32), "mlp.up_proj": (64, 32),
              "mlp.down_proj": (32, 64)}  # fmt: skip
    chance = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return chance.normal(0, 0.2, shape).astype(np.float32)

    ones = np.ones(32, np.float32)
    arrays = {"model.embed_tokens.weight": drawn(theirs["vocab_size"], 32), "model.norm.weight": ones}
    for block in range(2):
        arrays |= {f"model.layers.{block}.{name}.weight": drawn(*shape) for name, shape in shapes.items()}
        arrays |= {
            f"model.layers.{block}.{name}.weight": ones for name in ("input_layernorm", "post_attention_layernorm")
        }
    (folder / "model.safetensors").write_bytes(to_safetensors(arrays))
    return folder


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stocked")
    home = Home(root / "home")
    key, _ = create_keys(home, passphrase=PASSPHRASE)
    with Vault.create(home, key) as vault:
        imports.run(vault, [NOTES], PERSON_NAMES)
    add(home, tiny_base(root / "tiny"))
    return root


@pytest.fixture
def program(stocked: Path, tmp_path: Path) -> Program:
    shutil.copytree(stocked, tmp_path / "twin")
    home = Home(tmp_path / "twin" / "home")
    add(home, tmp_path / "twin" / "tiny")
    (tmp_path / "tmp").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "TMPDIR": str(tmp_path / "tmp"),
        "MLXTWIN_HOME": str(home.root),
        "MLXTWIN_PASSPHRASE": PASSPHRASE,
        "PYTHON_KEYRING_BACKEND": "none",
        "PYTHONWARNINGS": "error",
    }
    return Program(home, environment)


def wait_for(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def with_worker(patch: str) -> str:
    """The program whose workers run ``patch`` first."""
    command = f"[sys.executable, '-P', '-c', {patch + '; ' + WORKER!r}, *rest]"
    return (
        "import sys; from mlxtwin.jobs import supervisor; "
        "kept = supervisor.child_command; supervisor.child_command = lambda module, *rest: "
        f"{command} if module == 'mlxtwin.jobs.worker' else kept(module, *rest); {PROGRAM}"
    )


def test_a_dry_run_shows_each_value_with_its_origin_and_starts_nothing(program: Program) -> None:
    from mlxtwin.train.recipe import Recipe

    shown = program.run("retrain", *SMALL, "--set", "lora_parameters.alpha=4", "--dry-run")
    assert set(shown["recipe"]) == set(Recipe.model_fields)
    leaves = {
        f"{key}.{inner}" if isinstance(value, dict) else key
        for key, value in shown["recipe"].items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    assert set(shown["origins"]) == leaves
    assert (shown["origins"]["max_seq_length"], shown["origins"]["base"]) == ("--set", "--base")
    assert shown["origins"]["lora_parameters.scale"] == "--set: alpha / rank"
    assert shown["memory"]["total_bytes"] > 0
    assert shown["memory"]["budget_bytes"] > 0
    assert shown["data"]["train_examples"] > 0
    assert not program.home.runs.exists()
    assert not program.home.slots.exists()
    out, _ = program.start("retrain", *SMALL, "--dry-run").communicate(timeout=SECONDS)
    assert all(key in out for key in leaves)
    assert "It fits." in out


@pytest.mark.parametrize("given", ["", "config.json"])
def test_a_config_without_weights_and_without_a_vault_has_a_plan(given: str, tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    folder.mkdir()
    sizes = {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "vocab_size": 128256}
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "num_attention_heads": 32} | sizes))
    environment = {**os.environ, "MLXTWIN_HOME": str(tmp_path / "nowhere")}
    program = Program(Home(tmp_path / "nowhere"), environment)
    arguments = ("retrain", "--base", str(folder / given), "--dry-run", "--set", "num_layers=4")
    shown = program.run(*arguments)
    assert shown["recipe"]["num_layers"] == 4 and shown["origins"]["num_layers"] == "--set"
    assert shown["memory"]["weights_bytes"] > 2**30 and shown["memory"]["budget_bytes"] > 0
    out, err = program.start(*arguments).communicate(timeout=SECONDS)
    assert "kept for the backward pass" in out and err == ""
    assert ("It fits." in out) == shown["memory"]["fits"]
    assert not (tmp_path / "nowhere").exists()


def test_two_starts_at_once_give_one_worker_and_the_run_goes_on_after_a_stop(program: Program) -> None:
    both = [program.start("retrain", *LONG) for _ in range(2)]
    wait_for(lambda: any(process.poll() is not None for process in both))
    loser, winner = sorted(both, key=lambda process: process.poll() is None)
    out, err = loser.communicate(timeout=SECONDS)
    assert loser.returncode == 3, err
    assert out == ""
    refusal = err.splitlines()[-1]
    assert "is training." in refusal
    assert "mlxtwin runs watch" in refusal
    listed = program.run("runs", "ls")["runs"]
    assert [one["state"] for one in listed] == ["running"]
    assert listed[0]["run"] in refusal
    assert len([path for path in program.home.runs.iterdir() if path.is_dir()]) == 1

    run = Run(program.home.runs / listed[0]["run"])
    wait_for(lambda: run.events.last("step"))
    _keeps_the_key_to_itself(program, run.events.last("start").data["pid"])  # type: ignore[union-attr]
    assert program.run("runs", "report", code=2)["error"]["message"].endswith("has not ended.")
    assert program.run("runs", "stop")["asked"]
    _, err = winner.communicate(timeout=SECONDS)
    assert winner.returncode == 130
    assert f"mlxtwin retrain --resume {run.id}" in err
    assert program.run("runs", "watch", code=130)["verdict"] == "stopped"
    assert program.run("runs", "report")["verdict"] == "stopped"
    assert program.run("runs", "stop")["asked"] is False

    gone_on = program.run("retrain", "--resume", "last", "--detach")
    assert gone_on["run"] == run.id
    assert run.state() == "running"
    os.kill(run.events.last("start").data["pid"], signal.SIGKILL)  # type: ignore[union-attr]
    wait_for(lambda: not run.alive())
    assert "was killed at step" in program.run("runs", "watch", code=1)["error"]["message"]
    assert program.run("runs", "ls")["runs"][0]["state"] == "stopped"


def _keeps_the_key_to_itself(program: Program, pid: int) -> None:
    key = unlock(program.home, passphrase=PASSPHRASE)
    for file in ("cmdline", "environ"):
        seen = Path(f"/proc/{pid}/{file}").read_bytes()
        assert seen
        for secret in (key, key.hex().encode(), PASSPHRASE.encode()):
            assert secret not in seen


def test_a_rejected_run_says_why_and_changes_nothing_but_the_list(program: Program) -> None:
    answer = program.run("retrain", *SHORT, "--set", "gate.min_gain=0.9", code=3)
    assert (answer["verdict"], answer["version"]) == ("rejected", 1)
    assert any("asked for: at least 90.0% lower" in reason for reason in answer["reasons"])
    shown = program.run("slots", "show", "voice")
    assert shown["current"] is None
    assert [one["verdict"] for one in shown["versions"]] == ["rejected"]
    refused = program.run("slots", "use", "voice", "1", code=3)["error"]
    assert "did not pass the gate" in refused["message"]
    assert program.run("eval", "voice", "--version", "1")["verdict"] == "rejected"
    assert program.run("slots", "use", "voice", "1", "--anyway")["current"] == 1
    assert program.run("runs", "watch", code=3)["reasons"] == answer["reasons"]
    assert program.run("retrain", "--resume", "last", code=2)["error"]["message"].endswith("is finished.")
    assert program.run("slots", "rm", "voice", code=2)["error"]["hint"] == "Add --yes to go ahead."
    assert program.run("slots", "rm", "voice", "--yes")["versions"] == 1
    assert program.run("runs", "report")["verdict"] == "rejected"
    _everything_is_the_owners_alone(program)


def _everything_is_the_owners_alone(program: Program) -> None:
    for path in program.home.root.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode in ((0o700,) if path.is_dir() else (0o600, 0o400)), (path, oct(mode))


def test_each_failed_check_has_its_remedy_and_a_way_past_it() -> None:
    checks = {"gain": [0, 1, False], "certainty": [0, 1, False], "forgetting": [0, 1, True], "copying": [9, 1, False]}
    notes = _rejected_notes({"slot": "voice", "version": 4, "checks": checks})
    assert [note.split()[0] for note in notes] == ["Import", "Against", "See", "To"]
    assert "fewer epochs" in notes[1]
    assert notes[-1].endswith("mlxtwin slots use voice 4 --anyway")
    assert len(_rejected_notes({"slot": "voice", "version": 4, "checks": {"unheard": [0, 1, False]}})) == 2


def test_a_version_that_takes_the_place_of_another_says_so(home: Home) -> None:
    slots = Slots(home, SealedFiles(home, bytes(32)))
    for run in ("first", "second"):
        slots.use("voice", slots.add("voice", b"", {"verdict": "promoted", "run": run}, {}).number)
    assert "replaces" not in " ".join(_promoted_notes(home, "voice", 1))
    assert "It replaces version 1; go back with: mlxtwin slots rollback voice" in _promoted_notes(home, "voice", 2)


def test_a_stop_is_told_by_its_own_step_and_not_by_the_last_one_shown(program: Program) -> None:
    run = program.planned()
    run.events.emit("start", pid=1)
    run.events.emit("step", step=10, steps=40)
    run.events.emit("stopped", step=13, steps=40)
    assert "Stopped at step 13 of 40." in finish(program.home, run).notes[0]
    run.events.emit("stopped", step=40, steps=40)
    assert "Stopped while measuring, after all 40 steps." in finish(program.home, run).notes[0]


def with_version(program: Program) -> None:
    """Version 1 of slot voice in use, that knows all documents of the vault."""
    key = unlock(program.home, passphrase=PASSPHRASE)
    with Vault.open(program.home, key) as vault:
        plan = client.plan(program.home, vault, "voice", {"base": "tiny"}, [one for one in SHORT if "=" in one])
    assert plan.dataset.learned is not None
    recipe = plan.resolved.recipe.model_dump(mode="json")
    meta = {"run": "r", "verdict": "promoted", "recipe": recipe, "base": plan.base}
    slots = Slots(program.home, SealedFiles(program.home, key))
    slots.use("voice", slots.add("voice", b"adapter", meta, {}, plan.dataset.learned.to_bytes()).number)


def test_a_night_without_anything_new_is_told_and_is_no_failure(program: Program) -> None:
    with_version(program)
    for arguments in (("retrain", "nightly"), ("retrain", "nightly", "--dry-run")):
        answer = program.run(*arguments)
        assert (answer["run"], answer["version"], answer["verdict"]) == (None, None, "unchanged")
        assert answer["reasons"] == ["Nothing new to learn since version 1."]
        out, err = (process := program.start(*arguments)).communicate(timeout=SECONDS)
        assert (process.returncode, out) == (0, "")
        assert err.startswith("Nothing new to learn since version 1.")
    assert not program.home.runs.exists()


def test_a_dry_run_of_a_night_shows_what_is_new_and_what_is_rehearsed(program: Program, tmp_path: Path) -> None:
    with_version(program)
    (tmp_path / "new").mkdir()
    for name in ("ferry", "lamp", "harvest"):
        text = f"The {name} came late again, and nobody on the pier could say why. I waited in the rain for it."
        (tmp_path / "new" / f"{name}.md").write_text(f"# About the {name}\n\n{text}\n")
    imported = program.run("import", str(tmp_path / "new"))
    shown = program.run("retrain", "nightly", "--dry-run")
    data = shown["data"]
    assert (shown["parent"], data["new_documents"], data["new_words"]) == (1, 3, imported["words_by_me"])
    assert 0 < data["rehearsed_words"] <= 2 * data["new_words"]
    assert data["rehearsed_documents"] > 0
    assert data["train_words"] == data["new_words"] + data["rehearsed_words"]
    assert (shown["recipe"]["update"]["rehearse"], shown["origins"]["base"]) == (2.0, "version in use")
    assert shown["memory"]["fits"]
    out, _ = program.start("retrain", "nightly", "--dry-run").communicate(timeout=SECONDS)
    assert "new documents" in out and "rehearsed words" in out and "update.rehearse" in out
    key = unlock(program.home, passphrase=PASSPHRASE)
    with Vault.open(program.home, key) as vault:
        planned = client.plan(program.home, vault, "nightly", {}, (), key)
    old = data["rehearsed_documents"]
    assert _begun(planned) == (
        f"Going on from version 1 with {data['new_words']} new words in 3 documents and {old} old ones again."
    )


def test_ctrl_c_while_watching_says_that_the_run_goes_on(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(_run: Run) -> Any:
        raise KeyboardInterrupt

    run = program.planned()
    monkeypatch.setenv("MLXTWIN_HOME", str(program.home.root))
    monkeypatch.setattr(client, "watch", pressed)
    assert watch.callback is not None
    with click.Context(watch, obj=None), pytest.raises(Interrupted, match=f"run {run.id} goes on") as caught:
        watch.callback(run.id)
    assert caught.value.hint.endswith(f"mlxtwin runs stop {run.id}")


@pytest.mark.parametrize("gone", [True, False])
def test_a_run_whose_base_went_or_changed_is_not_resumed(program: Program, gone: bool) -> None:
    run = program.planned()
    folder = program.home.root.parent / "tiny"
    if gone:
        folder.rename(folder.with_name("elsewhere"))
    else:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-6}))
    error = program.run("retrain", "--resume", run.id, code=2)["error"]
    assert ("is gone" if gone else "has changed") in error["message"]
    assert "tiny" in error["message"]
    assert program.run("runs", "ls")["runs"][0]["state"] == "failed"


def test_a_machine_without_mlx_is_a_sentence_and_no_hang(program: Program) -> None:
    broken = with_worker("import sys; sys.modules['mlx'] = None; sys.modules['mlx.core'] = None")
    error = program.run("retrain", *SHORT, code=1, program=broken)["error"]
    assert "MLX" in error["message"]
    assert error["hint"]


def test_a_worker_that_cannot_begin_is_a_sentence_that_names_its_log(program: Program) -> None:
    error = program.run("retrain", *SHORT, code=1, program=with_worker("raise SystemExit(9)"))["error"]
    assert "before its first step" in error["message"]
    assert "worker.log" in error["hint"]


def test_a_crash_with_a_secret_in_a_local_leaves_none_in_the_run(program: Program) -> None:
    secret = "my-grandmother-lives-in-elm-street"
    patch = (
        "from mlxtwin.dataset.examples import Dataset\n"
        "def crash(self):\n"
        f"    words = '{secret}'\n"
        "    raise ValueError(words)\n"
        "Dataset.digest = crash\n"
        "import runpy"
    )
    error = program.run("retrain", *SHORT, code=1, program=with_worker(patch))["error"]
    assert "ValueError at" in error["message"]
    run = Run(next(path for path in program.home.runs.iterdir() if path.is_dir()))
    assert "ValueError at" in (run.folder / "worker.log").read_text()
    for path in run.folder.iterdir():
        assert secret.encode() not in path.read_bytes(), path.name
    assert secret not in json.dumps(error)


def test_a_dataset_that_was_changed_is_refused(program: Program) -> None:
    run = program.planned()
    sealed = run.folder / "dataset.sealed"
    data = sealed.read_bytes()
    sealed.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    error = program.run("retrain", "--resume", run.id, code=1)["error"]
    assert "dataset.sealed" in error["message"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("retrain", "--resume", "last", "voice"), "--resume goes on with a run as it was begun."),
        (("retrain", "--dry-run", "--detach"), "--dry-run starts nothing"),
        (("retrain", "--resume", "last"), "There are no runs yet."),
        (("runs", "watch"), "There are no runs yet."),
        (("runs", "stop"), "There are no runs yet."),
        (("runs", "report", "2020"), "There are no runs yet."),
        (("retrain", "--set", "effort"), "effort is not KEY=VALUE"),
        (("retrain", "--set", "effort=[quick]"), "effort is ['quick']"),
        (("retrain", "--set", "seed=9999999999999"), "seed"),
        (("retrain", "--set", "lora_parameters.alpha=null"), "alpha and rank must be numbers"),
        (("retrain", "--set", "lora_parameters={rank: 0, alpha: 2}"), "alpha and rank must be numbers"),
        (("slots", "use", "voice", "1"), "There is no slot voice."),
        (("slots", "rollback", "voice"), "There is no slot voice."),
        (("slots", "rm", "voice", "--yes"), "There is no slot voice."),
        (("eval",), "There is no trained slot yet."),
        (("export", "voice", "--to", "mlx", "/nowhere"), "There is no slot voice."),
    ],
)
def test_wrong_input_is_one_sentence(program: Program, arguments: tuple[str, ...], sentence: str) -> None:
    out, err = (process := program.start(*arguments)).communicate(timeout=SECONDS)
    assert (process.returncode, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1

"""The command line as such: what is loaded, where things are printed, what a wrong word gets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mlxtwin.cli.edge import wants_json
from mlxtwin.cli.frame import LazyGroup
from mlxtwin.cli.program import COMMANDS

Run = Callable[..., Any]

HEAVY = ("mlx", "mlx_lm", "textual", "pydantic", "keyring", "transformers", "numpy", "sqlcipher3", "huggingface_hub")


def _commands() -> Iterator[tuple[str, click.Command]]:
    root = LazyGroup(COMMANDS, lambda _name: None)
    context = click.Context(root)
    for name in COMMANDS:
        found = root.get_command(context, name)
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            yield from ((f"{name} {verb}", command) for verb, command in found.commands.items())


def test_help_loads_nothing_heavy_and_no_command(run: Run) -> None:
    script = (
        "import sys; from mlxtwin.cli.edge import main; code = main(['--help']); "
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), [n for n in sys.modules if n in {_modules()!r}], code)"
    )
    done = run(program=f"-c{script}")
    assert done.out.splitlines()[-1] == "[] [] 0"
    assert "retrain" in done.out


def _modules() -> list[str]:
    return [module for module, _ in COMMANDS.values()]


def test_a_command_is_imported_when_it_runs(run: Run) -> None:
    script = (
        "import sys; from mlxtwin.cli.edge import main; main(['data', 'ls']); print('mlxtwin.cli.data' in sys.modules)"
    )
    assert run(program=f"-c{script}").out.splitlines()[-1] == "True"


def test_without_arguments_there_is_help(run: Run) -> None:
    bare, asked = run(), run("--help")
    assert bare.code == asked.code == 0
    assert bare.out == asked.out
    assert all(name in bare.out for name in COMMANDS)


def test_help_and_version_are_json_too(run: Run) -> None:
    assert "Usage: mlxtwin" in run("--json").value["help"]
    assert "Usage: mlxtwin data ls" in run("data", "ls", "--help", "--json").value["help"]
    assert run("--version", "--json").value["version"] in run("--version").out


@pytest.mark.parametrize(
    ("name", "command"), list(_commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_help_and_json(name: str, command: click.Command) -> None:
    context = click.Context(command, info_name=name)
    names = {option for parameter in command.params for option in parameter.opts}
    assert {"--help", "--json"} <= names
    assert command.help
    if not isinstance(command, click.Group):
        assert f"mlxtwin {name}" in " ".join(command.get_help(context).split("Example:")[1].split())
        undescribed = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert not undescribed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["improt"], "There is no command `mlxtwin improt`. Did you mean import?"),
        (["data", "stat"], "There is no command `mlxtwin data stat`. Did you mean stats?"),
        (["data", "zzz"], "There are: ls, show, stats, search, forget, export, import-preferences."),
        (["export", "voice", "out"], "--to is missing: it says for which program."),
        (["export", "voice", "--to", "mlx", ""], "The name of the folder is empty."),
        (["chat", "--once", "--slot"], "--once is followed by --slot"),
        (["retrain", "--set", "--base"], "--set is followed by --base"),
        (["eval"], "Begin with: mlxtwin init"),
        (["chat", "--once", "Hello"], "Begin with: mlxtwin init"),
        (["slots", "show", "voice"], "There is no vault yet, and so no slot."),
        (["runs", "watch"], "There is no vault yet, and so no run. Begin with: mlxtwin init"),
        (["retrain", "--resume", "last"], "There is no vault yet, and so no run. Begin with: mlxtwin init"),
        (["import", "x", "--dryrun"], "There is no option --dryrun. Did you mean --dry-run?"),
        (["import"], "Missing argument 'PATH...'."),
        (["import", "x", "--tier", "7"], "7 is not in the range 1<=x<=3."),
        (["data", "ls", "--kind", "letters"], "'letters' is not one of"),
    ],
)
def test_a_wrong_word_gets_a_sentence_and_exit_code_2(run: Run, arguments: list[str], sentence: str) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1
    error = run(*arguments, "--json").value["error"]
    assert error["exit_code"] == 2
    assert sentence in f"{error['message']} {error['hint']}"


@pytest.mark.parametrize("noun", ["models", "runs", "slots"])
def test_a_noun_alone_lists_what_there_is(run: Run, noun: str) -> None:
    alone, listed = run(noun, "--json"), run(noun, "ls", "--json")
    assert alone.code == listed.code == 0
    assert alone.value == listed.value
    assert noun in alone.value


@pytest.mark.parametrize(
    ("noun", "after"), [("runs", "Start one with: mlxtwin retrain"), ("slots", "Train one with: mlxtwin retrain")]
)
def test_a_list_of_nothing_says_where_to_begin(run: Run, tmp_path: Path, noun: str, after: str) -> None:
    assert run(noun, "ls").out == f"There are no {noun} yet. Begin with: mlxtwin init\n"
    (tmp_path / "home" / "vault").mkdir(parents=True)
    for name in ("keys.json", "vault.db"):
        (tmp_path / "home" / "vault" / name).touch()
    assert after in run(noun, "ls").out


@pytest.mark.parametrize("words", [["retrain"], ["demo"], ["runs", "watch"]])
def test_a_command_that_tells_events_says_that_its_json_is_lines(run: Run, words: list[str]) -> None:
    assert "Print JSON Lines" in run(*words, "--help").out
    assert "Print one JSON object." in run("runs", "ls", "--help").out


def test_json_counts_only_among_the_options() -> None:
    assert wants_json(["data", "search", "--json", "word"])
    assert not wants_json(["data", "search", "--", "--json"])


def test_the_program_runs_as_a_module_and_as_a_script(run: Run) -> None:
    script = "import sys; from mlxtwin.__main__ import main; sys.argv = ['mlxtwin', '--version']; sys.exit(main())"
    assert run("--version").out == run(program=f"-c{script}").out
    assert sys.version_info >= (3, 11)

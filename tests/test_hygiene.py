"""What holds for the whole package: importing is harmless, nothing promised is unread, no hint leads nowhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import mlxtwin
from mlxtwin.cli.frame import LazyGroup
from mlxtwin.cli.program import COMMANDS
from mlxtwin.train.recipe import _PARTS, Recipe

PACKAGE = Path(mlxtwin.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
IMPORT_ALL = """
import os, sys
from pathlib import Path
from importlib import import_module
package, *modules = sys.argv[1:]
found = []
between = ("os", "posixpath", "pathlib", "_collections_abc", "__main__", "tempfile", "io", "shutil", "socket")

def ours():
    frame = sys._getframe(2)
    while frame and (frame.f_code.co_filename.startswith("<") or frame.f_globals.get("__name__") in between):
        frame = frame.f_back
    return frame and frame.f_code.co_filename.startswith(package) and (frame.f_code.co_filename, frame.f_lineno)

class Watched(type(os.environ)):
    def __getitem__(self, key):
        if ours(): found.append(("environment", key, ours()))
        return super().__getitem__(key)

def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event.startswith(("socket.", "os.mkdir", "os.rename", "os.remove", "subprocess.", "os.fork")):
        if ours(): found.append((event, str(arguments[:1]), ours()))

os.environ.__class__ = Watched
sys.addaudithook(hook)
for module in modules:
    import_module(module)
print(len(modules), found)
sys.exit(bool(found))
"""


def _modules() -> list[str]:
    names = []
    for file in FILES:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def _import(*modules: str, package: Path = PACKAGE, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT_ALL, str(package), *modules]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=300)


def test_importing_any_module_makes_no_file_opens_no_socket_and_reads_no_environment(tmp_path: Path) -> None:
    modules = _modules()
    assert len(modules) > 100
    (tmp_path / "empty").mkdir()
    done = _import(*modules, folder=tmp_path / "empty")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(len(modules)))
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    "line", ["os.environ.get('HOME')", "open('made', 'w')", "socket.socket()", "os.getenv('HOME')", "os.mkdir('made')"]
)
def test_that_check_sees_what_it_looks_for(tmp_path: Path, line: str) -> None:
    (tmp_path / "guilty.py").write_text(f"import os, socket\n{line}\n")
    done = _import("guilty", package=tmp_path, folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr


# Fields that have done their work once the recipe is resolved.
_RESOLVED = {"effort": "the dial, which sets the other values", "base": "resolved to a folder before the rest is"}
# By what name the code that reads a section's keys holds it, where that is not the section's own or its first word.
_HELD_AS = {"prefix_cache": "settings", "preference": "settings"}


def _reads() -> set[tuple[str, str]]:
    """(holder, field) of every ``holder.field`` and ``holder["field"]``, the holder by its last name."""
    found = set()
    for file in FILES:
        if file.name == "recipe.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add((_last_name(node.value), node.attr))
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                found.add((_last_name(node.value), str(node.slice.value)))
    return found


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


def test_every_field_of_the_recipe_is_read_somewhere() -> None:
    reads = _reads()
    unread = [key for key in Recipe.model_fields if key not in _RESOLVED and ("recipe", key) not in reads]
    for section, model in _PARTS.items():
        holders = (section, section.split("_", maxsplit=1)[0], _HELD_AS.get(section, section))
        unread += [
            f"{section}.{key}" for key in model.model_fields if not any((holder, key) in reads for holder in holders)
        ]
    assert unread == []


_COMMAND = re.compile(r"mlxtwin ([a-z]+)((?: [^\s`,;.)]+)*)")


def _strings(file: Path) -> Iterator[str]:
    """Every string of a file but its docstrings, with X for what is filled in."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def _hints() -> list[tuple[str, str, list[str]]]:
    """(file, command, what follows it) wherever a string shows a command of ours after `, : or a line's beginning."""
    found = []
    for file in FILES:
        for text in _strings(file):
            for match in re.finditer(r"(?:[`:] ?|\A|\n *|\bwith )" + _COMMAND.pattern, text):
                if match[1] != "permutation":  # the name of a hash function's key
                    found.append((file.relative_to(PACKAGE).as_posix(), match[1], match[2].split()))
    return found


def test_every_command_that_a_hint_names_is_there() -> None:
    root = LazyGroup(COMMANDS, lambda _name: None)
    context = click.Context(root)
    hints = _hints()
    assert len({name for _, name, _ in hints}) > 8
    for file, name, rest in hints:
        command = root.get_command(context, name)
        assert command is not None, (file, name)
        if isinstance(command, click.Group) and rest and rest[0] != "--help":
            command = command.commands.get(rest[0])
            assert command is not None, (file, name, rest)
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= options | {"--help"}, (file, name, rest)

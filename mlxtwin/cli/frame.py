"""The shape of a command line: commands imported when they run, ``--help`` and ``--json`` on each, "did you mean"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from mlxtwin.cli.talk import Answer

EXAMPLE = "\b\nExample:\n  "


class Shown(Exception):
    """``--help`` or ``--version`` was asked for: there is an answer and nothing to run."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``Did you mean import?`` for the closest choice, or nothing."""
    close = get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else ""


def _show_help(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        text = context.get_help()
        raise Shown(Answer({"help": text}, text))


# These tell what happens while they work, by design: with --json a line for each event, and the result as the last one.
_JSON_LINES = frozenset({"demo", "retrain", "watch"})


def _common_options(name: str | None) -> list[click.Parameter]:
    """``--json`` is read off the arguments by the edge, which must know it even where they cannot be parsed."""
    what = "Print JSON Lines: events, the result last." if name in _JSON_LINES else "Print one JSON object."
    json_option = click.Option(["--json"], is_flag=True, expose_value=False, help=what)
    help_option = click.Option(
        ["--help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this text."
    )
    return [json_option, help_option]


class TwinCommand(click.Command):
    """A command that returns an Answer and has the options all commands have."""

    def __init__(self, name: str | None, **attributes: Any) -> None:
        super().__init__(name, **attributes, add_help_option=False)
        self.params.extend(_common_options(name))


@click.pass_context
def _list_alone(context: click.Context) -> Answer | None:
    """A noun without a verb lists what there is."""
    if context.invoked_subcommand is not None or not isinstance(context.command, click.Group):
        return None
    listing = context.command.get_command(context, "ls")
    if listing is None:
        names = ", ".join(context.command.list_commands(context))
        raise click.UsageError(f"`{context.command_path}` needs a command: {names}.", context)
    with listing.make_context("ls", [], parent=context) as inner:
        answer: Answer | None = listing.invoke(inner)
        return answer


def _alone_or_help(alone: Callable[[], Answer | None]) -> Callable[[], Answer | None]:
    @click.pass_context
    def callback(context: click.Context) -> Answer | None:
        if context.invoked_subcommand is not None:
            return None
        text = context.get_help()
        return alone() or Answer({"help": text}, text)

    return callback


class TwinGroup(click.Group):
    """A noun: its verbs are commands."""

    def __init__(self, name: str | None = None, **attributes: Any) -> None:
        attributes = {"callback": _list_alone, **attributes}
        super().__init__(name, **attributes, invoke_without_command=True, add_help_option=False)
        self.params.extend(_common_options(name))

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, names = arguments[0], self.list_commands(context)
        if name not in names:
            hint = did_you_mean(name, names) or f"There are: {', '.join(names)}."
            raise click.UsageError(f"There is no command `{context.command_path} {name}`. {hint}", context)
        return name, self.get_command(context, name), arguments[1:]


class LazyGroup(TwinGroup):
    """The program: ``table`` names each command's module, whose ``command`` is imported when it runs."""

    def __init__(
        self,
        table: Mapping[str, tuple[str, str]],
        started: Callable[[str], None],
        alone: Callable[[], Answer | None] = lambda: None,
        **attributes: Any,
    ) -> None:
        """``started`` hears which command is about to be imported; ``alone`` runs where none is named, and may leave
        it to the help by answering None."""
        super().__init__("mlxtwin", callback=_alone_or_help(alone), **attributes)
        self.table = table
        self.started = started

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            return None
        self.started(name)
        found = import_module(self.table[name][0]).command
        if not isinstance(found, click.Command):
            raise TypeError(f"{self.table[name][0]}.command is no command")
        return found

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in self.table.items()])


def command(name: str, example: str) -> Callable[[Callable[..., Answer | None]], TwinCommand]:
    """Make a function a command; its docstring is the help, its first sentence the line in the list."""

    def make(function: Callable[..., Answer | None]) -> TwinCommand:
        return click.command(name, cls=TwinCommand, epilog=EXAMPLE + example)(function)

    return make


def group(name: str, summary: str, *verbs: click.Command) -> TwinGroup:
    made = TwinGroup(name, help=summary)
    for verb in verbs:
        made.add_command(verb)
    return made

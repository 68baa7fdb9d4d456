"""All commands by name; and what is done before any of them is imported."""

from __future__ import annotations

import click

from mlxtwin.cli.frame import LazyGroup, Shown
from mlxtwin.cli.talk import Answer

ONLINE = frozenset({"pull"})

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("mlxtwin.cli.demo", "The whole picture on a bundled, invented person, offline."),
    "doctor": ("mlxtwin.cli.doctor", "What this machine offers, and what to fix."),
    "init": ("mlxtwin.cli.init", "Create the vault and print its recovery key once."),
    "import": ("mlxtwin.cli.imports", "Read exports (mail, notes, chats, transcripts) into the vault."),
    "data": ("mlxtwin.cli.data", "Look at, search and forget what was imported."),
    "retrain": ("mlxtwin.cli.retrain", "Train a twin from a recipe, measure it, and let the gate judge it."),
    "runs": ("mlxtwin.cli.runs", "Training runs, under way and past."),
    "slots": ("mlxtwin.cli.slots", "The personalities and their versions."),
    "chat": ("mlxtwin.cli.chat", "Talk with a twin."),
    "eval": ("mlxtwin.cli.evaluation", "The report card of a version."),
    "export": ("mlxtwin.cli.export", "An adapter as other programs read it."),
    "models": ("mlxtwin.cli.models", "The base models a twin can be trained on."),
    "pull": ("mlxtwin.cli.pull", "Fetch a base model: the only command that uses the network."),
    "bench": ("mlxtwin.cli.bench", "Speed and memory against mlx-lm, side by side in one run."),
    "secrets": ("mlxtwin.cli.secrets", "Tokens, kept in the keychain of this computer."),
}


def engage_airplane(name: str) -> None:
    """No network for any command but ``pull``, before the first import that could ask for one."""
    if name not in ONLINE:
        from mlxtwin.security.airplane import engage

        engage()


def _show_version(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from mlxtwin import __version__

        raise Shown(Answer({"version": __version__}, f"mlxtwin {__version__}"))


def _screens() -> Answer | None:
    from mlxtwin.cli import screens

    if not screens.wanted():
        return None
    engage_airplane("")
    return screens.open_screens()


def program() -> LazyGroup:
    version = click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
    )
    return LazyGroup(
        COMMANDS,
        engage_airplane,
        _screens,
        params=[version],
        help="Train a small language model on your own words, on your own machine, and talk with it offline.\n\n"
        "Alone, `mlxtwin` opens its screens.",
        epilog="`mlxtwin COMMAND --help` tells more about one of them.",
    )

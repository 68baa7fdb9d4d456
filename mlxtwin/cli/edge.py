"""The one edge between errors and people: each becomes a sentence with a next step, and an exit code.

An error nobody foresaw is told by its type and its place in the source only: its message and the local variables may
hold personal text. ``MLXTWIN_TRACE=1`` adds the way there, still without values.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

import click

from mlxtwin.cli.frame import Shown, did_you_mean
from mlxtwin.cli.program import program
from mlxtwin.cli.talk import Answer, Failure, Talk
from mlxtwin.client.crash import crash_sentence, trace
from mlxtwin.errors import TwinError, WhoIsMe

TRACE_VARIABLE = "MLXTWIN_TRACE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code, raises nothing."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    talk = Talk(as_json=wants_json(given))
    sys.excepthook = lambda _kind, error, _trace: talk.note(crash_sentence(error))
    threading.excepthook = lambda crash: talk.note(crash_sentence(crash.exc_value)) if crash.exc_value else None
    try:
        with _ending_cleanly():
            return talk.answer(_run(given, talk))
    except BrokenPipeError:
        return _reader_left()
    except BaseException as error:
        return _fail(error, talk)


class Terminated(BaseException):
    """The system, or whoever closed the terminal, asked this process to end: clean up on the way out."""


@contextlib.contextmanager
def _ending_cleanly() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind as Ctrl-C does, so that what was said is kept and no temporary folder stays."""

    def end(*_: object) -> None:
        raise Terminated

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    ours = [number for number, handler in before.items() if handler is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``--json`` is among the options, known before the rest is parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _run(arguments: list[str], talk: Talk) -> Answer:
    """stdout is for answers: whatever a library prints while a command runs goes to stderr."""
    root = program()
    try:
        with contextlib.redirect_stdout(talk.err), root.make_context("mlxtwin", arguments, obj=talk) as context:
            answer = root.invoke(context)
            return answer if isinstance(answer, Answer) else Answer({})
    except Shown as shown:
        return shown.answer


def _fail(error: BaseException, talk: Talk) -> int:
    failure = explain(error)
    try:
        talk.failure(failure)
        if os.environ.get(TRACE_VARIABLE) == "1":
            talk.note("\n".join(trace(error)))
    except BrokenPipeError:
        return _reader_left()
    except OSError:  # the terminal is gone
        pass
    return failure.exit_code


def explain(error: BaseException) -> Failure:
    """Any exception as the sentence a person gets."""
    if isinstance(error, WhoIsMe):
        found = [{"name": name, "messages": count} for name, count in error.candidates]
        return Failure(error.message, error.hint, error.exit_code, {"candidates": found})
    if isinstance(error, TwinError):
        return Failure(error.message, error.hint, error.exit_code)
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, (KeyboardInterrupt, EOFError, click.Abort)):
        return Failure("Interrupted.", exit_code=130)
    if isinstance(error, Terminated):
        return Failure("Ended from outside.", exit_code=128 + signal.SIGTERM)
    return Failure(crash_sentence(error), f"Run it again with {TRACE_VARIABLE}=1 to see the way there.")


def _usage(error: click.ClickException) -> Failure:
    message, context = error.format_message(), getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        options = [name for parameter in _parameters(context) for name in parameter.opts if name.startswith("--")]
        message = f"There is no option {error.option_name}. {did_you_mean(error.option_name, options)}".strip()
    hint = f"See `{context.command_path} --help`." if context is not None else "See `mlxtwin --help`."
    return Failure(message if message.endswith((".", "?")) else f"{message}.", hint, error.exit_code)


def _parameters(context: click.Context | None) -> list[click.Parameter]:
    return context.command.params if context is not None else []


def _reader_left() -> int:
    """Whoever read stdout has enough (``| head``); nothing more can be said, also not at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

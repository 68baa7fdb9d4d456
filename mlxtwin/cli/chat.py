"""``mlxtwin chat``: talk with a twin, or ask it once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, Talk, one_line
from mlxtwin.client import slots
from mlxtwin.client.chat import Chat, Engine, SlotGone
from mlxtwin.client.vault import unlock_key
from mlxtwin.errors import TwinError, UsageError
from mlxtwin.paths import find_home
from mlxtwin.security.redact import TerminalStream
from mlxtwin.vault.store import Vault
from mlxtwin.wording import plural

HELP = """/slot NAME  go on with another slot; without a name, list them
/base       ask the bare base the same, to compare
/good, /bad rate the last answer
/better     say how you would have said it: /better TEXT, or type it when asked
/quit       leave (so does Ctrl-D); Ctrl-C ends an answer early"""


@make_command("chat", 'mlxtwin chat --once "How was your week?"')
@click.option("--slot", help="The slot to talk with; the only one, or voice, unless named.")
@click.option("--once", metavar="PROMPT", help="Ask once, print the answer and leave.")
@click.pass_obj
def command(talk: Talk, slot: str | None, once: str | None) -> Answer:
    """Talk with a twin. The conversation is kept in the vault; nothing leaves this computer."""
    if once is not None and not once.strip():
        raise UsageError("The prompt is empty.", 'For example: mlxtwin chat --once "How was your week?"')
    if once is not None and once.startswith("--"):
        raise UsageError(
            f"--once is followed by {one_line(once, 20)}, which looks like an option.",
            'Give the prompt after it: mlxtwin chat --once "Hello" --json',
        )
    if talk.as_json and once is None:
        raise UsageError("--json needs a prompt.", 'For example: mlxtwin chat --once "Hello" --json')
    home = find_home()
    name = slots.default(home, slot)
    key = unlock_key(home, ask.passphrase)
    with Vault.open(home, key) as vault, Engine(home, key) as engine:
        chat = Chat(engine, vault, home, name)
        return _once(chat, once, talk) if once is not None else _converse(chat, talk)


def _once(chat: Chat, prompt: str, talk: Talk) -> Answer:
    with _ctrl_c_cancels(chat):
        answer = _speak(chat.say(prompt), talk)
    value = {
        "slot": chat.slot,
        "version": chat.version.number,
        "answer": answer,
        "ended": chat.engine.last.get("ended"),
        "tokens": chat.engine.last.get("tokens"),
        "tokens_per_second": chat.engine.last.get("tokens_per_second"),
    }
    return Answer(value, exit_code=130 if value["ended"] == "stopped" else 0)


def _speak(pieces: Generator[str, None, None], talk: Talk) -> str:
    """Stream to a person, gather for a program."""
    said = []
    shown = TerminalStream()
    with closing(pieces):
        try:
            for piece in pieces:
                said.append(piece)
                if not talk.as_json:
                    talk.stream(shown.feed(piece))
        finally:
            if not talk.as_json and said:
                talk.stream(shown.finish() + "\n")
    return "".join(said)


def _converse(chat: Chat, talk: Talk) -> Answer:
    """Turn by turn until /quit or the end of input. A script is told by the exit code that a turn of its failed."""
    talk.note(f"You are talking with {chat.slot}, version {chat.version.number}. /help shows what you can type.")
    at_terminal = sys.stdin.isatty()
    failed = 0
    while True:
        try:
            typed = ask.line(f"\n{chat.slot}> " if at_terminal else "").strip()
        except EOFError:
            if at_terminal:
                talk.note("")
            break
        except KeyboardInterrupt:
            talk.note("\n/quit leaves.")
            continue
        if typed == "/quit":
            break
        if typed:
            failed = _turn(chat, typed, talk) or failed
    return Answer({}, exit_code=0 if at_terminal else failed)


def _turn(chat: Chat, typed: str, talk: Talk) -> int:
    """One line of the person's: a command or a prompt. An error ends the turn, not the conversation; its exit code.

    Raises SlotGone, which does end the conversation.
    """
    try:
        _do(chat, typed, talk)
    except KeyboardInterrupt:
        talk.note("(stopped)")
    except SlotGone:
        raise
    except TwinError as error:
        talk.note(error.sentence())
        return error.exit_code
    return 0


def _do(chat: Chat, typed: str, talk: Talk) -> None:
    word, _, rest = typed.partition(" ")
    if word == "/help":
        talk.note(HELP)
    elif word == "/slot":
        _slot(chat, rest.strip(), talk)
    elif word == "/base":
        _base(chat, talk)
    elif word in ("/good", "/bad"):
        _rate(chat, word[1:], talk)
    elif word == "/better":
        _better(chat, rest.strip(), talk)
    elif word.startswith("/"):
        talk.note(f"There is no {word}.\n{HELP}")
    else:
        with _ctrl_c_cancels(chat):
            _speak(chat.say(typed), talk)
        if chat.engine.last.get("ended") == "stopped":
            talk.note("(stopped; what was said is kept)")


def _slot(chat: Chat, name: str, talk: Talk) -> None:
    if name:
        chat.switch(name)
        talk.note(f"You are talking with {chat.slot}, version {chat.version.number}.")
        return
    for row in slots.every(chat.home):
        talk.note(f"{'*' if row['slot'] == chat.slot else ' '} {row['slot']} (version {row['current'] or 'none yet'})")


def _base(chat: Chat, talk: Talk) -> None:
    if not chat.asked:
        talk.note("Ask something first; /base then puts the same to the bare base.")
        return
    talk.note(f"({chat.version.meta['base']['name']}, without the twin)")
    with _ctrl_c_cancels(chat):
        _speak(chat.base(), talk)


def _rate(chat: Chat, word: str, talk: Talk) -> None:
    last = chat.last()
    count = chat.rate(word == "good")
    learn = _learn(" --set preference.method=kto")
    talk.note(f"Stored as {word}: {plural(count, 'rating')} of {last.slot} so far. {learn}")


def _better(chat: Chat, text: str, talk: Talk) -> None:
    last = chat.last()
    if not text:
        with suppress(EOFError):
            text = ask.line("How would you have said it? " if sys.stdin.isatty() else "")
    count = chat.correct(text)
    talk.note(f"Stored: {plural(count, 'correction')} of {last.slot} so far. {_learn()}")


def _learn(more: str = "") -> str:
    return f"The twin learns from them with: mlxtwin retrain corrections{more}"


@contextmanager
def _ctrl_c_cancels(chat: Chat) -> Iterator[None]:
    """Ctrl-C ends the answer and keeps what was said of it; a second one does not wait for the engine to hear."""

    def cancel_once(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        chat.cancel()

    before = signal.signal(signal.SIGINT, cancel_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""One document to its conversations: reply to what was received, write what is asked for, go on with a long text, talk.

Every own word stands in exactly one assistant message over all conversations of a document; what others wrote is only
ever in a user message, and no more than the end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mlxtwin.curate.prose import count_words
from mlxtwin.dataset import prompts
from mlxtwin.dataset.pieces import cut, last_words
from mlxtwin.records import AskedBy, Document, Form, Message, Turn

CONTEXT_WORDS = 150
MAX_PAIRS = 12
# "Hello Bob," above an answer between the quoted lines belongs to what follows.
GREETING_WORDS = 8

Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """``asked_by``: who wrote its first message, where nobody said what is answered."""

    form: Form
    messages: tuple[Message, ...]
    asked_by: AskedBy = ""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Neighbouring turns of one side, as one text."""

    mine: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Pair:
    form: Form
    user: str
    own: str
    asked_by: AskedBy = ""


def conversations(document: Document, *, received: str, mask: Mask, max_words: int) -> list[Conversation]:
    """The conversations of one document, in reading order.

    ``received`` is what came before a mail in its thread, used when the mail itself quotes nothing. A conversation
    holds about ``max_words`` words at most, plus the context of its first answer.
    """
    stretches = _stretches(document, mask)
    if document.kind == "mail":
        stretches = _join_greeting(stretches)
    return list(_windows(document, _pairs(document, stretches, mask(received) if received else ""), max_words))


def _stretches(document: Document, mask: Mask) -> list[_Stretch]:
    joint = "\n" if document.kind == "chat" else "\n\n"
    found: list[_Stretch] = []
    for turn in document.turns:
        text = _shown(turn, mask)
        if not text:
            continue
        if found and found[-1].mine == turn.trainable:
            text = f"{found.pop().text}{joint}{text}"
        found.append(_Stretch(turn.trainable, text))
    return found


def _shown(turn: Turn, mask: Mask) -> str:
    """Masked before it is shortened: a cut could part a secret from the word that gives it away."""
    if turn.role == "signature":
        return ""
    text = turn.text.strip() if turn.trainable else last_words(turn.text, 2 * CONTEXT_WORDS)
    return mask(text).strip()


def _join_greeting(stretches: list[_Stretch]) -> list[_Stretch]:
    if len(stretches) < 3 or not stretches[0].mine or count_words(stretches[0].text) > GREETING_WORDS:
        return stretches
    greeting, context, answer, *rest = stretches
    return [context, _Stretch(True, f"{greeting.text}\n\n{answer.text}"), *rest]


def _pairs(document: Document, stretches: Sequence[_Stretch], received: str) -> Iterator[_Pair]:
    """Each stretch of one's own with what came before it; the first gets a request if nothing did."""
    request = prompts.write(document.kind, document.title)
    before = _Pair(_requested(document), request, "", "template")
    if received:
        before = _Pair("reply", last_words(received, CONTEXT_WORDS), "")
    for place, stretch in enumerate(stretches):
        if stretch.mine:
            yield replace(before, own=stretch.text)
        elif place == 0 and document.kind == "note":
            given = prompts.about(request, last_words(stretch.text, CONTEXT_WORDS))
            before = _Pair("instruct", given, "", "template")
        else:
            before = _Pair("reply", last_words(stretch.text, CONTEXT_WORDS), "")


def _requested(document: Document) -> Form:
    """The form of a text that nobody's words came before."""
    if prompts.is_titled(document.kind, document.title):
        return "write"
    return "chat" if document.kind in ("chat", "transcript") else "instruct"


def _windows(document: Document, pairs: Iterator[_Pair], max_words: int) -> Iterator[Conversation]:
    """Pairs together while they fit; a text of one's own that is too long goes on in conversations of its own."""
    window: list[_Pair] = []
    used = 0
    for pair in pairs:
        first, *more = cut(pair.own, max_words)
        words = count_words(pair.user) + count_words(first)
        if window and (used + words > max_words or len(window) == MAX_PAIRS):
            yield _conversation(document, window)
            window, used = [], 0
        window.append(replace(pair, own=first))
        used += words
        if more:
            yield _conversation(document, window)
            window, used = [], 0
            for before, piece in pairwise((first, *more)):
                asked = Message("user", prompts.go_on(before))
                yield Conversation("continue", (asked, Message("assistant", piece)), "template")
    if window:
        yield _conversation(document, window)


def _conversation(document: Document, window: Sequence[_Pair]) -> Conversation:
    messages: list[Message] = []
    for pair in window:
        user = pair.user
        if document.kind == "mail" and pair.form == "reply" and not messages:
            user = prompts.with_subject(document.title, user)
        messages += [Message("user", user), Message("assistant", pair.own)]
    form = window[0].form if len(window) == 1 else "chat"
    return Conversation(form, tuple(messages), window[0].asked_by)

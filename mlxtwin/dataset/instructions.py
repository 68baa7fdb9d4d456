"""Instructions that a base writes itself: for which texts it may, how it is asked, and what it may say.

A text that came with nothing to answer, not even a title, is asked for by a template that says no more than its kind
("Write a note."). An able base finds out from the text what was asked for, as in instruction backtranslation (Li and
others 2023). What is held out keeps its templates, so that all versions are measured on the same requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlxtwin.curate.prose import SENTENCE_END
from mlxtwin.curate.words import WORD
from mlxtwin.dataset import prompts
from mlxtwin.dataset.examples import Dataset
from mlxtwin.dataset.pieces import cut
from mlxtwin.records import Example, Message

# Of a long text its beginning says well enough what it is.
SHOWN_WORDS = 200
MOST_WORDS, FEWEST_WORDS = 40, 3
MOST_CHARACTERS = 400
COPIED_WORDS = 8
_ASKED = (
    "Here is a text that somebody wrote:\n\n{text}\n\nWrite the request that this text is the answer to, in one"
    " sentence that begins with a verb. Do not quote the text. Say nothing else."
)
_QUOTES = "\"'“”‘’«»`*"


def open_to(examples: Sequence[Example]) -> list[int]:
    """Which of the examples are a text whose request a template wrote without knowing anything of it."""
    return [place for place, example in enumerate(examples) if _is_open(example)]


def _is_open(example: Example) -> bool:
    return example.form == "instruct" and example.asked_by == "template" and len(example.messages) == 2


def question(example: Example) -> tuple[Message, ...]:
    """What a base is asked for an instruction with."""
    shown = cut(example.messages[-1].content, SHOWN_WORDS)[0]
    return (Message("user", _ASKED.format(text=shown)),)


def instruction(said: str, example: Example) -> str:
    """The instruction in what a base said; empty where that is not one sentence of 3 to 40 words, most of them said
    once, or copies a run of 8 words from the text."""
    lines = said.strip().splitlines()
    found = lines[0].strip().strip(_QUOTES).strip() if len(lines) == 1 else ""
    words = _words(found)
    ends = [match.end() for match in SENTENCE_END.finditer(found)]
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS or 2 * len(set(words)) < len(words):
        return ""
    if any(end < len(found) for end in ends) or len(found) > MOST_CHARACTERS:
        return ""
    return "" if _runs(words) & _runs(_words(example.messages[-1].content)) else found


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + COPIED_WORDS]) for start in range(len(words) - COPIED_WORDS + 1)}


def asked(example: Example, request: str) -> Example:
    """The example with a request of the base in place of the template's; what it is about stays."""
    _, given = prompts.in_parts(example.messages[0].content)
    user = prompts.about(request, given) if given else request
    return replace(example, messages=(Message("user", user), *example.messages[1:]), asked_by="base")


def with_instructions(dataset: Dataset, written: Mapping[int, str]) -> Dataset:
    """``written``: requests by the place of their example in ``train``."""
    examples = list(dataset.train)
    for place, request in written.items():
        examples[place] = asked(examples[place], request)
    return replace(dataset, train=tuple(examples))

"""Examples and preferences as records of the files that other trainers read.

``messages`` and ``sharegpt`` hold a conversation whole, as training shows it. ``alpaca`` has the turns before the last
in ``history``. A ``prompt`` with its ``completion`` is text: there is one record for each answer of a conversation, and
its prompt is all that was said before, a blank line between. ``preference`` is the conversational form of TRL: prompt,
chosen and rejected are lists of messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from mlxtwin.dataset import prompts
from mlxtwin.records import Example, Message, PreferencePair, Rating

ExchangeForm = Literal["messages", "alpaca", "sharegpt", "prompt-completion", "preference"]
EXCHANGE_FORMS: tuple[ExchangeForm, ...] = get_args(ExchangeForm)
Record = dict[str, Any]

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}


def records(example: Example, form: ExchangeForm) -> Iterator[Record]:
    """One example in a form that holds examples."""
    return _MAKERS[form](example)


def _messages(example: Example) -> Iterator[Record]:
    yield {"messages": _plain(example.messages)}


def _plain(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _sharegpt(example: Example) -> Iterator[Record]:
    yield {"conversations": [{"from": _SHAREGPT[one.role], "value": one.content} for one in example.messages]}


def _alpaca(example: Example) -> Iterator[Record]:
    """An instruction about a text has that text as its input."""
    system, pairs = _turns(example.messages)
    *before, (user, own) = pairs
    instruction, given = prompts.in_parts(user) if example.form == "instruct" else (user, "")
    record: Record = {"instruction": instruction, "input": given, "output": own}
    record |= {"system": system} if system else {}
    yield record | ({"history": [list(pair) for pair in before]} if before else {})


def _completions(example: Example) -> Iterator[Record]:
    said: list[str] = []
    for message in example.messages:
        if message.role == "assistant":
            yield {"prompt": "\n\n".join(said), "completion": message.content}
        said.append(message.content)


def _turns(messages: Sequence[Message]) -> tuple[str, list[tuple[str, str]]]:
    """The system message, and what was asked and answered, turn by turn."""
    system, asked, pairs = "", "", []
    for message in messages:
        if message.role == "system":
            system = message.content
        elif message.role == "user":
            asked = message.content
        else:
            pairs.append((asked, message.content))
            asked = ""
    return system, pairs


_MAKERS: Mapping[ExchangeForm, Callable[[Example], Iterator[Record]]] = {
    "messages": _messages, "sharegpt": _sharegpt, "alpaca": _alpaca, "prompt-completion": _completions,
}  # fmt: skip


def preferences(pairs: Iterable[PreferencePair], ratings: Iterable[Rating]) -> tuple[list[Record], int]:
    """A record for each correction, and one for a good and a bad answer to the same prompt; and how many ratings have
    no counterpart, so that no pair can be made of them."""
    made = [_preference(pair.prompt, pair.chosen, pair.rejected) for pair in pairs]
    by_prompt: dict[tuple[Message, ...], dict[bool, list[str]]] = defaultdict(lambda: {True: [], False: []})
    for rating in ratings:
        by_prompt[rating.prompt][rating.good].append(rating.answer)
    alone = 0
    for prompt, answers in by_prompt.items():
        made += [_preference(prompt, good, bad) for good in answers[True] for bad in answers[False]]
        alone += 0 if all(answers.values()) else sum(map(len, answers.values()))
    return made, alone


def _preference(prompt: Sequence[Message], chosen: str, rejected: str) -> Record:
    answers = {"chosen": chosen, "rejected": rejected}
    told = {name: _plain([Message("assistant", said)]) for name, said in answers.items()}
    return {"prompt": _plain(prompt), **told}

"""Examples to tokens: which of them are the person's words and the end of a turn, and what fits into the window.

The span of an answer is found by rendering: the conversation up to and with the answer, less the prompt for it. Where a
template does not render a conversation's beginning the same way as the whole, each answer becomes an example of its
own: the prompt as the model will see it, then the words and the token that ends a turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mlxtwin.errors import UsageError
from mlxtwin.records import Example, Message, TokenExample

SMALLEST_WINDOW = 8
# Of a window, for what was written just before when an answer is longer than a window.
OVERLAP = 1 / 8
# An answer that leaves less room than this for its prompt is cut instead.
LEAST_CONTEXT = 1 / 16


class ChatTokenizer(Protocol):
    """What the backend gives for a base model. ``eos_ids`` are the ids that end a turn or a text."""

    @property
    def eos_ids(self) -> set[int]: ...

    def encode(self, text: str) -> list[int]:
        """The ids of plain text, without any special token."""
        ...

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        """The ids of a conversation in the base's template; with the prompt, up to where an answer begins."""
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands before an answer since the last one, and the answer; ``padding`` follows it unsupervised."""

    context: list[int]
    answer: list[int]
    padding: list[int]

    def __len__(self) -> int:
        return len(self.context) + len(self.answer) + len(self.padding)


def tokenise(examples: Iterable[Example], tokenizer: ChatTokenizer, max_seq_length: int) -> list[TokenExample]:
    """Every example as one or more of at most ``max_seq_length`` tokens; each answer token is supervised once.

    A conversation too long is parted before a user message. A single answer that does not fit loses the oldest words
    of the message before it, never its own; one longer than the window goes on in further examples.
    """
    if max_seq_length < SMALLEST_WINDOW:
        raise UsageError(
            f"max_seq_length {max_seq_length} is too small.", f"Set it to {SMALLEST_WINDOW} or, better, some hundreds."
        )
    cutter = _Cutter(tokenizer, max_seq_length)
    return [made for example in examples for made in cutter.cut(example)]


def tokenise_answers(
    document: str,
    prompt: Sequence[Message],
    answers: Sequence[str],
    tokenizer: ChatTokenizer,
    max_seq_length: int,
) -> list[TokenExample]:
    """One example per answer to the same ``prompt``, which ends with a user message; only that answer is supervised.

    All begin with the same tokens: the oldest messages, then the oldest words of the last one, are left out until the
    longest answer fits. An answer that would leave next to no room for its prompt is cut at its end.
    """
    cutter = _Cutter(tokenizer, max_seq_length)
    made = [cutter.last_answer((*prompt, Message("assistant", answer))) for answer in answers]
    room = max_seq_length - max(map(len, made))
    context = cutter.recent(prompt, room if room >= max_seq_length * LEAST_CONTEXT else max_seq_length // 4)
    cut = [answer[: max_seq_length - len(context)] for answer in made]
    return [
        TokenExample(document, (*context, *answer), (False,) * len(context) + (True,) * len(answer)) for answer in cut
    ]


@dataclass(frozen=True, slots=True)
class _Cutter:
    tokenizer: ChatTokenizer
    window: int

    def cut(self, example: Example) -> Iterator[TokenExample]:
        """The token examples of one example, in reading order."""
        messages = example.messages
        while any(message.role == "assistant" for message in messages):
            parts = self._parts_by_turn(messages) or self._parts(messages)
            if parts is None:
                yield from self._each_answer(example, messages)
                return
            fitting = _fitting(parts, self.window)
            if fitting:
                yield _joined(example, parts[:fitting])
            else:
                fitting = 1
                yield from self._long_answer(example, messages[: _after(messages, 1)])
            messages = (*_system(messages), *messages[_after(messages, fitting) :])

    def last_answer(self, messages: Sequence[Message]) -> list[int]:
        """The last message through the token that ends its turn."""
        prompt = self.tokenizer.render(messages[:-1], True)
        whole = self.tokenizer.render(messages, False)
        answer, _ = self._answer(whole[len(prompt) :]) if whole[: len(prompt)] == prompt else ([], [])
        return answer or self._ended(messages)

    def recent(self, prompt: Sequence[Message], room: int) -> list[int]:
        """As much of the end of ``prompt`` as fits, from a user message on; the system message stays."""
        system = _system(prompt)
        starts = [place for place, message in enumerate(prompt) if message.role == "user"]
        for start in (len(system), *starts):
            rendered = self.tokenizer.render((*system, *prompt[start:]), True)
            if len(rendered) <= room:
                return rendered
        return self._short_prompt((*system, *prompt[starts[-1] :]), room)[-room:]

    def _parts(self, messages: Sequence[Message]) -> list[_Part] | None:
        """One part per answer, or None if the template does not render prefixes as prefixes."""
        parts: list[_Part] = []
        before: list[int] = []
        for place, message in enumerate(messages):
            if message.role != "assistant":
                continue
            prompt = self.tokenizer.render(messages[:place], True)
            whole = self.tokenizer.render(messages[: place + 1], False)
            answer, padding = self._answer(whole[len(prompt) :])
            if prompt[: len(before)] != before or whole[: len(prompt)] != prompt or not answer:
                return None
            parts.append(_Part(prompt[len(before) :], answer, padding))
            before = whole
        return parts

    def _parts_by_turn(self, messages: Sequence[Message]) -> list[_Part] | None:
        """As ``_parts``, for the many turns of a chat in time linear in its length: each turn rendered alone.

        None unless the turns, less the same head, are the whole and its last prompt, token for token.
        """
        turns = _turns(messages)
        if len(turns) < 3:
            return None
        prompts = [self.tokenizer.render(turn[:-1], True) for turn in turns]
        rendered = [self.tokenizer.render(turn, False) for turn in turns]
        whole = self.tokenizer.render([message for turn in turns for message in turn], False)
        head, uneven = divmod(sum(map(len, rendered)) - len(whole), len(turns) - 1)
        if uneven or head < 0 or whole != [*rendered[0], *(token for one in rendered[1:] for token in one[head:])]:
            return None
        before_last = len(whole) - len(rendered[-1]) + len(prompts[-1])
        prompt = self.tokenizer.render([message for turn in turns for message in turn][:-1], True)
        parts: list[_Part] = []
        for place, (asked, told) in enumerate(zip(prompts, rendered, strict=True)):
            answer, padding = self._answer(told[len(asked) :])
            if told[: len(asked)] != asked or not answer:
                return None
            parts.append(_Part(asked[head if place else 0 :], answer, padding))
        return parts if prompt == whole[:before_last] else None

    def _answer(self, span: list[int]) -> tuple[list[int], list[int]]:
        """An answer through the token that ends its turn, and what the template writes after that."""
        ends = [place for place, token in enumerate(span) if token in self.tokenizer.eos_ids]
        return (span[: ends[-1] + 1], span[ends[-1] + 1 :]) if ends else ([], span)

    def _each_answer(self, example: Example, messages: Sequence[Message]) -> Iterator[TokenExample]:
        for place, message in enumerate(messages):
            if message.role == "assistant":
                part = _Part(self.tokenizer.render(messages[:place], True), self._ended(messages[: place + 1]), [])
                if len(part) <= self.window:
                    yield _joined(example, [part])
                else:
                    yield from self._long_answer(
                        example, (*_system(messages), *messages[max(0, place - 1) : place + 1])
                    )

    def _ended(self, messages: Sequence[Message]) -> list[int]:
        """The words of the last message and the token that the template, or else the base, ends a turn with."""
        words = self.tokenizer.encode(messages[-1].content)
        rendered = self.tokenizer.render(messages, False)
        ends = [token for token in rendered if token in self.tokenizer.eos_ids] or sorted(self.tokenizer.eos_ids)[:1]
        return [*words, *ends[-1:]]

    def _long_answer(self, example: Example, messages: Sequence[Message]) -> Iterator[TokenExample]:
        """One prompt and its answer, which do not fit together: less of the prompt, then the answer in pieces."""
        *_, part = self._parts(messages) or [
            _Part(self.tokenizer.render(messages[:-1], True), self._ended(messages), [])
        ]
        room = self.window - len(part.answer)
        if room < self.window * LEAST_CONTEXT:
            room = self.window // 4
        context = self._short_prompt(messages[:-1], room)[-room:]
        answer = part.answer
        first, done = self.window - len(context), 0
        while done < len(answer):
            piece = answer[done : done + first]
            yield _joined(example, [_Part(context, piece, [])])
            done += len(piece)
            context = answer[max(0, done - max(1, int(self.window * OVERLAP))) : done]
            first = self.window - len(context)

    def _short_prompt(self, messages: Sequence[Message], room: int) -> list[int]:
        """The prompt with the oldest words of its last message left out until it fits, or none are left."""
        *earlier, last = messages
        words = last.content.split(" ")
        while True:
            prompt = self.tokenizer.render([*earlier, replace(last, content=" ".join(words))], True)
            over = len(prompt) - room
            if over <= 0 or len(words) <= 1:
                return prompt
            # A word is a token or more, so this many words fewer is never too many by much.
            words = words[max(1, min(len(words) - 1, over // 4)) :]


def _fitting(parts: Sequence[_Part], window: int) -> int:
    """How many parts from the front fit together; what follows the last answer need not."""
    total = 0
    for count, part in enumerate(parts):
        if total + len(part.context) + len(part.answer) > window:
            return count
        total += len(part)
    return len(parts)


def _joined(example: Example, parts: Sequence[_Part]) -> TokenExample:
    """What the template writes after the last answer is left out: nothing is learned from it."""
    tokens: list[int] = []
    supervised: list[bool] = []
    for part in parts:
        padding = [] if part is parts[-1] else part.padding
        tokens += [*part.context, *part.answer, *padding]
        supervised += [False] * len(part.context) + [True] * len(part.answer) + [False] * len(padding)
    return TokenExample(example.document, tuple(tokens), tuple(supervised), example.weight)


def _after(messages: Sequence[Message], answers: int) -> int:
    """The place just behind that many answers."""
    places = [place for place, message in enumerate(messages) if message.role == "assistant"]
    return places[answers - 1] + 1


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages up to each answer since the one before."""
    turns: list[list[Message]] = [[]]
    for message in messages:
        turns[-1].append(message)
        if message.role == "assistant":
            turns.append([])
    return turns[:-1]


def _system(messages: Sequence[Message]) -> tuple[Message, ...]:
    return tuple(message for message in messages[:1] if message.role == "system")

"""Supervision: the person's tokens and the end of a turn, each exactly once, whatever the template and the window."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from mlxtwin.dataset.tokens import ChatTokenizer, tokenise
from mlxtwin.errors import UsageError
from mlxtwin.records import Example, Message, TokenExample

BEGIN, END, USER, ASSISTANT, NEWLINE = 1, 2, 3, 4, 5


class Marked:
    """One token a word; a role token before, an end token and a newline after each message."""

    def __init__(self) -> None:
        self.eos_ids = {END}
        self.ids: dict[str, int] = {}

    def encode(self, text: str) -> list[int]:
        return [self.ids.setdefault(word, 100 + len(self.ids)) for word in text.split()]

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        tokens = [BEGIN]
        for message in messages:
            role = ASSISTANT if message.role == "assistant" else USER
            tokens += [role, *self.encode(message.content), END, NEWLINE]
        return [*tokens, ASSISTANT] if generation_prompt else tokens


class Forgetful(Marked):
    """Leaves out all but the last answer, as templates of thinking models leave out thoughts."""

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        last = len(messages) - (0 if generation_prompt else 1)
        shown = [m for place, m in enumerate(messages) if m.role == "user" or place == last]
        return super().render(shown, generation_prompt)


class Endless(Marked):
    """Never ends a turn."""

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        return [token for token in super().render(messages, generation_prompt) if token != END]


class Thoughtful(Marked):
    """Asks for an answer with a token that it leaves out once the answer is there."""

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        tokens = super().render(messages, generation_prompt)
        return [*tokens, NEWLINE] if generation_prompt else tokens


def example(*contents: str, weight: float = 1.0) -> Example:
    messages = tuple(Message("assistant" if place % 2 else "user", content) for place, content in enumerate(contents))
    return Example("doc", "reply", messages, 1, "train", weight)


def words(start: int, count: int) -> str:
    return " ".join(f"w{number}" for number in range(start, start + count))


def learned(made: list[TokenExample]) -> list[int]:
    return [token for one in made for token, on in zip(one.tokens, one.supervised, strict=True) if on]


def expected(tokenizer: Marked, example: Example) -> list[int]:
    answers = [m.content for m in example.messages if m.role == "assistant"]
    return [token for answer in answers for token in (*tokenizer.encode(answer), END)]


def test_the_answers_and_their_end_tokens_are_supervised_and_nothing_else() -> None:
    tokenizer = Marked()
    (made,) = tokenise([example("a b", "c", "d", "e f", weight=2.5)], tokenizer, 100)
    a, b, c, d, e, f = tokenizer.encode("a b c d e f")
    assert made.tokens == (
        BEGIN, USER, a, b, END, NEWLINE, ASSISTANT, c, END, NEWLINE, USER, d, END, NEWLINE, ASSISTANT, e, f, END,
    )  # fmt: skip
    assert [token for token, on in zip(made.tokens, made.supervised, strict=True) if on] == [c, END, e, f, END]
    assert (made.document, made.weight, made.targets) == ("doc", 2.5, 5)


@pytest.mark.parametrize(
    "tokenizer", [Marked(), Forgetful(), Endless(), Thoughtful()], ids=lambda one: type(one).__name__
)
def test_every_own_token_is_supervised_once_whatever_the_lengths_and_the_window(tokenizer: Marked) -> None:
    for seed in range(200):
        random_ = random.Random(seed)
        window = random_.choice((8, 9, 16, 50, 200))
        sizes = [random_.choice((1, 2, 5, 30, 300)) for _ in range(2 * random_.randint(1, 6))]
        one = example(*(words(1000 * place, size) for place, size in enumerate(sizes)))
        made = tokenise([one], tokenizer, window)
        assert learned(made) == expected(tokenizer, one)
        assert max(len(part.tokens) for part in made) <= window
        # The first token of a row is never a target, so nothing supervised may stand there.
        assert not any(part.supervised[0] for part in made)
        assert sum(part.targets for part in made) == len(expected(tokenizer, one))


class Measured(Marked):
    """Counts the tokens it rendered."""

    def __init__(self) -> None:
        super().__init__()
        self.rendered = 0

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        tokens = super().render(messages, generation_prompt)
        self.rendered += len(tokens)
        return tokens


class Counted(Marked):
    """Numbers the messages, so that no turn looks the same alone; still a prefix of what follows."""

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        numbered = [Message(m.role, f"{place} {m.content}") for place, m in enumerate(messages)]
        return super().render(numbered, generation_prompt)


def test_the_work_for_a_chat_of_many_turns_grows_with_its_length_only() -> None:
    tokenizer = Measured()
    one = example(*(words(10 * place, 10) for place in range(80)))
    (made,) = tokenise([one], tokenizer, 2000)
    assert learned([made]) == expected(tokenizer, one)
    assert tokenizer.rendered < 5 * len(made.tokens)


def test_turns_that_look_different_alone_are_rendered_in_their_place() -> None:
    tokenizer = Counted()
    one = example(*(words(10 * place, 10) for place in range(12)))
    (made,) = tokenise([one], tokenizer, 2000)
    assert list(made.tokens) == tokenizer.render(one.messages, False)[:-1]
    assert made.targets == 6 * 11 + 6


def test_a_conversation_too_long_is_parted_before_a_user_message() -> None:
    tokenizer = Marked()
    one = example(words(0, 10), words(10, 10), words(20, 10), words(30, 10), words(40, 10), words(50, 10))
    made = tokenise([one], tokenizer, 60)
    assert [part.tokens[:3] for part in made] == [
        (BEGIN, USER, tokenizer.ids["w0"]),
        (BEGIN, USER, tokenizer.ids["w40"]),
    ]


def test_what_is_cut_is_the_oldest_context_and_never_the_answer() -> None:
    tokenizer = Marked()
    (made,) = tokenise([example(words(0, 100), words(200, 20))], tokenizer, 64)
    context = [token for token, on in zip(made.tokens, made.supervised, strict=True) if not on]
    assert context[:2] == [BEGIN, USER]
    assert context[-4:] == [tokenizer.ids["w99"], END, NEWLINE, ASSISTANT]
    assert len(made.tokens) > 54
    assert learned([made]) == [*tokenizer.encode(words(200, 20)), END]


def test_an_answer_longer_than_the_window_goes_on_with_what_was_just_before_it() -> None:
    tokenizer = Marked()
    first, *rest = tokenise([example("q", words(0, 300))], tokenizer, 64)
    assert first.tokens[:3] == (BEGIN, USER, tokenizer.ids["q"])
    before = first
    for part in rest:
        overlap = part.supervised.index(True)
        assert overlap == 8
        assert part.tokens[:overlap] == before.tokens[-overlap:]
        before = part


def test_a_template_that_rewrites_the_past_gives_each_answer_its_own_prompt() -> None:
    tokenizer = Forgetful()
    one = example("a", "b", "c", "d")
    made = tokenise([one], tokenizer, 100)
    assert [list(part.tokens) for part in made] == [
        [*tokenizer.render(one.messages[:1], True), *tokenizer.encode("b"), END],
        [*tokenizer.render(one.messages[:3], True), *tokenizer.encode("d"), END],
    ]


def test_a_system_message_is_repeated_when_a_conversation_is_parted() -> None:
    tokenizer = Marked()
    one = example(words(0, 10), words(10, 10), words(20, 10), words(30, 10))
    one = Example("doc", "reply", (Message("system", "be me"), *one.messages), 1, "train")
    made = tokenise([one], tokenizer, 40)
    assert len(made) == 2
    assert all(part.tokens[2:4] == tuple(tokenizer.encode("be me")) for part in made)
    assert learned(made) == expected(tokenizer, one)


def test_a_window_too_small_for_anything_is_refused() -> None:
    with pytest.raises(UsageError, match="max_seq_length 4"):
        tokenise([], Marked(), 4)


def test_the_starter_s_own_template_keeps_the_property() -> None:
    tokenizer = starter()
    one = example("How are you?", "Well, thank you.\n\nAnd you?", "Fine.", "Good — then let us go. " * 40)
    for window in (64, 1024):
        made = tokenise([one], tokenizer, window)
        answers = [m.content for m in one.messages if m.role == "assistant"]
        whole = Counter(token for answer in answers for token in tokenizer.encode(answer))
        ends = {token: 2 for token in learned(made) if token in tokenizer.eos_ids}
        assert Counter(learned(made)) == whole + Counter(ends)
        assert len(ends) == 1


def starter() -> ChatTokenizer:
    from importlib.resources import files
    from pathlib import Path

    from mlxtwin.backend.tokenizer import load_tokenizer

    return load_tokenizer(Path(str(files("mlxtwin.starter"))))

"""The conversations made by templates: well formed, short enough not to be learned by heart, apart from the prompts."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from pretrain import letters, questions, small_talk
from pretrain.conversations import WHOLE
from pretrain.copying import RUN_WORDS, split
from pretrain.prompts import PROMPTS

Talk = list[tuple[str, str]]
MAKERS = [small_talk.conversation, questions.conversation, letters.conversation]


def made(make: Callable[[Random], Talk], count: int = 3000) -> list[Talk]:
    random = Random(5)
    return [make(random) for _ in range(count)]


@pytest.mark.parametrize("make", MAKERS)
def test_user_and_assistant_take_turns_and_every_gap_is_filled(make: Callable[[Random], Talk]) -> None:
    for talk in made(make):
        turns = [role for role, _ in talk if role != "system"]
        assert turns == [("user", "assistant")[place % 2] for place in range(len(turns))]
        assert len(turns) % 2 == 0
        assert not any("{" in text or "}" in text or not text.strip() for _, text in talk)


@pytest.mark.parametrize("make", MAKERS)
def test_every_answer_ends_with_a_whole_sentence(make: Callable[[Random], Talk]) -> None:
    for talk in made(make):
        assert all(WHOLE.search(text) for role, text in talk if role == "assistant"), talk


def test_no_small_talk_or_question_is_long_enough_to_be_recited() -> None:
    for make in (small_talk.conversation, questions.conversation):
        answers = [text for talk in made(make) for role, text in talk if role == "assistant"]
        assert max(len(split(text)) for text in answers) < RUN_WORDS


def test_the_answer_to_a_question_stands_in_the_facts_or_the_text_does_not_say() -> None:
    for talk in made(questions.conversation):
        facts = " ".join(split(" ".join(text for role, text in talk if role == "user")))
        for role, text in talk:
            if role == "assistant" and text not in questions.UNKNOWN:
                content = [word for word in split(text) if word not in {"is", "works", "has", "in", "from", "at", "on"}]
                assert all(word in facts.split() for word in content), talk


def test_no_prompt_of_the_evaluation_is_trained_on_but_the_greeting() -> None:
    asked = {text for make in MAKERS for talk in made(make, 20_000) for role, text in talk if role == "user"}
    prompts = {prompt[-1][1] for prompt in PROMPTS}
    assert asked & prompts <= {"Hello!"}

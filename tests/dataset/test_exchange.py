"""Examples as other trainers read them: every form holds every word of the person's, and says who said what."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mlxtwin.dataset.exchange import EXCHANGE_FORMS, ExchangeForm, preferences, records
from mlxtwin.records import Example, Message, PreferencePair, Rating


def talk(*said: str, form: Any = "chat") -> Example:
    roles = ("user", "assistant")
    messages = tuple(Message(roles[place % 2], one) for place, one in enumerate(said))  # type: ignore[arg-type]
    return Example("d", form, messages, 1, "train")


LONG = talk("Is it in?", "It is.", "And you?", "Well.")
ASKED = talk("Write a note.\n\nThey say so.\n\nAnd more.", "I do not.", form="instruct")


def made(example: Example, form: ExchangeForm) -> list[dict[str, Any]]:
    return list(records(example, form))


def test_a_conversation_is_shown_as_training_shows_it() -> None:
    assert made(LONG, "messages") == [{"messages": [
        {"role": "user", "content": "Is it in?"}, {"role": "assistant", "content": "It is."},
        {"role": "user", "content": "And you?"}, {"role": "assistant", "content": "Well."},
    ]}]  # fmt: skip
    assert made(LONG, "sharegpt") == [{"conversations": [
        {"from": "human", "value": "Is it in?"}, {"from": "gpt", "value": "It is."},
        {"from": "human", "value": "And you?"}, {"from": "gpt", "value": "Well."},
    ]}]  # fmt: skip


def test_an_instruction_has_what_it_is_about_as_its_input_and_earlier_turns_as_history() -> None:
    assert made(ASKED, "alpaca") == [
        {"instruction": "Write a note.", "input": "They say so.\n\nAnd more.", "output": "I do not."}
    ]
    assert made(LONG, "alpaca") == [
        {"instruction": "And you?", "input": "", "output": "Well.", "history": [["Is it in?", "It is."]]}
    ]
    mail = talk("Subject: Boat\n\nIs it in?", "It is.", form="reply")
    assert made(mail, "alpaca")[0]["instruction"] == "Subject: Boat\n\nIs it in?"


def test_a_prompt_is_all_that_was_said_before() -> None:
    assert made(LONG, "prompt-completion") == [
        {"prompt": "Is it in?", "completion": "It is."},
        {"prompt": "Is it in?\n\nIt is.\n\nAnd you?", "completion": "Well."},
    ]


@pytest.mark.parametrize("form", [form for form in EXCHANGE_FORMS if form != "preference"])
def test_every_word_of_the_person_is_in_one_answer(form: ExchangeForm) -> None:
    answers = {
        "messages": lambda one: [m["content"] for m in one["messages"] if m["role"] == "assistant"],
        "sharegpt": lambda one: [m["value"] for m in one["conversations"] if m["from"] == "gpt"],
        "alpaca": lambda one: [*(pair[1] for pair in one.get("history", [])), one["output"]],
        "prompt-completion": lambda one: [one["completion"]],
    }[form]
    found = Counter(said for example in (LONG, ASKED) for one in made(example, form) for said in answers(one))
    own = (m.content for example in (LONG, ASKED) for m in example.messages if m.role == "assistant")
    assert found == Counter(own)


ASK = (Message("user", "How was it?"),)
AGAIN = (*ASK, Message("assistant", "Fine."), Message("user", "And then?"))


def test_corrections_are_pairs_and_ratings_of_the_same_words_that_differ() -> None:
    pairs = [PreferencePair("1", AGAIN, "We slept.", "As an assistant I")]
    ratings = [
        Rating("1", ASK, "Grand.", True), Rating("2", ASK, "It was okay.", False), Rating("3", ASK, "Dull.", False),
        Rating("4", AGAIN, "Alone.", True),
    ]  # fmt: skip
    found, alone = preferences(pairs, ratings)
    assert found[0] == {
        "prompt": [
            {"role": "user", "content": "How was it?"}, {"role": "assistant", "content": "Fine."},
            {"role": "user", "content": "And then?"},
        ],
        "chosen": [{"role": "assistant", "content": "We slept."}],
        "rejected": [{"role": "assistant", "content": "As an assistant I"}],
    }  # fmt: skip
    assert [(one["chosen"][0]["content"], one["rejected"][0]["content"]) for one in found[1:]] == [
        ("Grand.", "It was okay."), ("Grand.", "Dull."),
    ]  # fmt: skip
    assert alone == 1

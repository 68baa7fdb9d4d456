"""Files of examples for training: whose words their answers are, in every form such files come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.examples import NOT_KNOWN, Dataset, Examples
from mlxtwin.sources.examples_records import Preference, Said, form_of, preference, said
from mlxtwin.sources.registry import match

TURNS = [("user", "How do you bake?"), ("assistant", "With patience."), ("user", "And then?"), ("assistant", "I wait.")]
SHAREGPT = {"user": "human", "assistant": "gpt"}
FORMS: dict[str, list[dict[str, Any]]] = {
    "messages": [{"messages": [{"role": role, "content": text} for role, text in TURNS]}],
    "sharegpt": [{"conversations": [{"from": SHAREGPT[role], "value": text} for role, text in TURNS]}],
    "alpaca": [{"instruction": "And then?", "input": "", "output": "I wait.", "history": [[TURNS[0][1], TURNS[1][1]]]}],
    "completion": [
        {"prompt": "How do you bake?", "completion": "With patience."},
        {"prompt": "How do you bake?\n\nWith patience.\n\nAnd then?", "completion": "I wait."},
    ],
}  # fmt: skip


def put(folder: Path, rows: list[Any], *, listed: bool = False, name: str = "train.jsonl") -> Path:
    file = folder / name
    text = json.dumps(rows, indent=1) if listed else "".join(json.dumps(row) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8")
    return file


def read(file: Path, importer: Any = None, person: Person | None = None) -> list[Document]:
    return list((importer or Examples()).read(file, file.parent, person or Person.of(["Ann"])))


def told(document: Document) -> list[tuple[bool, str]]:
    return [(turn.trainable, turn.text) for turn in document.turns]


@pytest.mark.parametrize("listed", [False, True], ids=["lines", "list"])
@pytest.mark.parametrize("form", FORMS)
def test_the_answers_are_the_persons_where_the_file_is_said_to_be_theirs(
    tmp_path: Path, form: str, listed: bool
) -> None:
    file = put(tmp_path, FORMS[form], listed=listed)
    (document,) = read(file)
    assert told(document) == [(role == "assistant", text) for role, text in TURNS]
    assert (document.kind, document.source, document.drop) == ("chat", "examples", "")


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_the_persons_in_a_file_found_by_its_content(tmp_path: Path, form: str) -> None:
    file = put(tmp_path, FORMS[form])
    found, asked = match(file), match(file, "examples")
    assert found and found.name == "dataset"
    assert asked and asked.name == "examples"
    (document,) = read(file, found)
    assert document.words_by_me == 0
    assert document.drop == NOT_KNOWN
    assert [turn.text for turn in document.turns] == [text for _, text in TURNS]
    assert document.id == read(file, asked)[0].id


def test_turns_with_the_persons_name_are_theirs_wherever_they_stand(tmp_path: Path) -> None:
    row = {"messages": [
        {"role": "user", "name": "ann", "content": "How do you bake?"},
        {"role": "assistant", "name": "Bob", "content": "With patience."},
    ]}  # fmt: skip
    file = put(tmp_path, [row])
    assert list(Dataset().authors(file)) == ["ann", "Bob"]
    (document,) = read(file, Dataset())
    assert [(turn.author, turn.trainable) for turn in document.turns] == [("ann", True), ("Bob", False)]


def test_a_file_of_something_else_is_not_taken_also_when_asked_for(tmp_path: Path) -> None:
    others: list[list[Any]] = [
        [{"messages": [{"sender_name": "Bob", "content": "Hi"}]}], [{"mapping": {}}], [[1, 2]], ["words"],
        [{"prompt": "a", "completion": "b", "label": True}], [{"instruction": "a"}], [{"text": "plain"}],
    ]  # fmt: skip
    for rows in others:
        file = put(tmp_path, rows)
        assert (Dataset().recognises(file), Examples().recognises(file)) == (0.0, 0.0)
        assert match(file, "examples") is None
    with pytest.raises(SourceError, match="holds no examples"):
        read(file)


def test_system_prompts_tools_pictures_and_what_is_not_to_be_learned_are_no_words_of_the_persons(
    tmp_path: Path,
) -> None:
    row = {"messages": [
        {"role": "system", "content": "You are Ann."},
        {"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": "What is this?"}]},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "A loaf.", "weight": 0},
        {"role": "assistant", "content": [{"type": "text", "text": "Rye."}, {"type": "text", "text": "Mine."}]},
    ]}  # fmt: skip
    (document,) = read(put(tmp_path, [row]))
    assert told(document) == [(False, "What is this?"), (False, "A loaf."), (True, "Rye.\n\nMine.")]


def test_a_text_that_goes_on_is_not_taken_for_one_that_others_wrote_first(tmp_path: Path) -> None:
    first, tail = "I baked the rye and it rose in the night.", "it rose in the night."
    rows = [
        {"messages": [{"role": "user", "content": "Write a note."}, {"role": "assistant", "content": first}]},
        {"messages": [{"role": "user", "content": f"Continue: {tail}"}, {"role": "assistant", "content": "It fell."}]},
        {"messages": [{"role": "user", "content": "Continue: to bake"}, {"role": "assistant", "content": "No."}]},
    ]  # fmt: skip
    _, second, third = read(put(tmp_path, rows))
    assert (second.turns[0].mine, second.turns[0].role, second.turns[0].trainable) == (True, "quoted", False)
    assert (third.turns[0].mine, third.turns[0].role) == (False, "received")


def test_an_example_is_known_again_by_its_id_or_by_what_it_says(tmp_path: Path) -> None:
    row = {"prompt": "Hi", "completion": "Hello."}
    first = [one.key for one in read(put(tmp_path, [row, row, {"id": 7, **row}, {"id": "a b", **row}]))]
    other = [one.key for one in read(put(tmp_path, [{"id": 7, **row}, row], name="other.jsonl"))]
    assert first[1] == f"{first[0]}.2"
    assert [key.partition("~")[0] for key in first[2:]] == ["7", "a b"]
    assert other == [first[2], first[0]]


def test_the_same_id_in_another_file_is_another_example(tmp_path: Path) -> None:
    keys = [
        read(put(tmp_path, [{"id": 1, "prompt": asked, "completion": "Yes."}], name=f"{asked}.jsonl"))[0].key
        for asked in ("Rye", "Spelt")
    ]
    assert len(set(keys)) == 2


def test_preferences_are_sent_elsewhere(tmp_path: Path) -> None:
    file = put(tmp_path, [{"prompt": "Hi", "chosen": "Hello.", "rejected": "Yo."}])
    assert match(file) is not None
    with pytest.raises(SourceError) as caught:
        read(file)
    assert "import-preferences" in caught.value.hint


def test_what_stands_before_the_damage_is_read(tmp_path: Path) -> None:
    file = put(tmp_path, [{"prompt": "Hi", "completion": "Hello."}, {"prompt": "And", "completion": "Well."}])
    file.write_text(file.read_text() + '{"prompt": "cut')
    found = []
    with pytest.raises(SourceError, match="cut off"):
        for document in Examples().read(file, tmp_path, Person.of([])):
            found.append(document.own_text)
    assert found[:1] == ["Hello."]


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"prompt": "Hi", "chosen": "A", "rejected": "B"}, Preference((Said(False, "Hi"),), "A", "B")),
        (
            {
                "prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"},
                           {"role": "user", "content": "Well"}],
                "chosen": [{"role": "assistant", "content": "A"}],
                "rejected": [{"role": "user", "content": "Well"}, {"role": "assistant", "content": "B"}],
            },
            Preference((Said(False, "Hi"), Said(True, "Yes?"), Said(False, "Well")), "A", "B"),
        ),
        ({"prompt": "Hi", "chosen": "A", "rejected": "A"}, None),
        ({"prompt": "", "chosen": "A", "rejected": "B"}, None),
        ({"prompt": "Hi", "chosen": "", "rejected": "B"}, None),
        ({"prompt": "Hi", "chosen": [{"role": "user", "content": "A"}], "rejected": "B"}, None),
        ({"prompt": [{"role": "assistant", "content": "Hi"}], "chosen": "A", "rejected": "B"}, None),
        ({"chosen": 3}, None),
    ],
)  # fmt: skip
def test_a_preference_has_a_prompt_and_two_answers_that_differ(
    record: dict[str, Any], found: Preference | None
) -> None:
    assert preference(record) == found


def test_records_of_any_shape_are_no_crash() -> None:
    odd: list[Any] = [None, 3, "x", [], {}, [[]], {"role": []}, [{"role": ["user"], "content": {}}], [["a"]], [None]]
    for key in ("messages", "conversations", "prompt", "completion", "chosen", "rejected", "history", "input"):
        for value in odd:
            record = {"prompt": "a", "completion": "b", "instruction": "c", "output": "d", key: value}
            if form_of(record) not in (None, "preference"):
                assert all(one.text for one in said(record))
            assert preference(record) is None

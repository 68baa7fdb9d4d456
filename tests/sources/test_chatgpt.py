"""ChatGPT: the branch last shown and no other, what was typed apart from what was pasted, nothing hidden."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.chatgpt import ChatGPT
from mlxtwin.sources.claude import Claude
from mlxtwin.sources.registry import match

from .cases.chatgpt import conversation, node


def read(folder: Path, *told: Any, name: str = "conversations.json") -> list[Document]:
    file = folder / name
    file.write_text(json.dumps(list(told)))
    return list(ChatGPT().read(file, folder, Person.of(())))


def said(document: Document) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in document.turns]


def test_only_the_branch_last_shown_is_read_and_edits_are_not_merged(tmp_path: Path) -> None:
    nodes = [
        {"id": "r", "parent": None, "message": None},
        node("a", "r", "user", "How do I bake bred?", 1),
        node("b", "r", "user", "How do I bake bread?", 2),
        node("c", "a", "assistant", "What is bred?", 3),
        node("d", "b", "assistant", "Badly, at first.", 4),
        node("e", "b", "assistant", "Slowly.", 5),
        node("f", "e", "user", "Thanks.", 6),
        node("g", "c", "user", "Never mind, it was a slip.", 900),
    ]
    document = read(tmp_path, conversation(nodes, "f"))[0]
    assert said(document) == [("own", "How do I bake bread?"), ("received", "Slowly."), ("own", "Thanks.")]


@pytest.mark.parametrize("current", [None, "gone", 7])
def test_without_a_current_node_the_newest_message_ends_the_branch(tmp_path: Path, current: Any) -> None:
    nodes = [
        node("a", None, "user", "Rye?", 1),
        node("b", "a", "assistant", "Later.", 9),
        node("c", "a", "assistant", "Sooner.", 2),
    ]
    assert said(read(tmp_path, conversation(nodes, current))[0]) == [("own", "Rye?"), ("received", "Later.")]


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    nodes = [node("a", "b", "user", "Rye?", 1), node("b", "a", "user", "Wheat?", 2)]
    assert len(read(tmp_path, conversation(nodes, "a"))[0].turns) == 2


@pytest.mark.parametrize(
    "told",
    [
        {"metadata": {"is_visually_hidden_from_conversation": True}},
        {"metadata": {"is_user_system_message": True}},
        {"content": {"content_type": "user_editable_context", "user_profile": "I bake", "user_instructions": "x"}},
        {"content": {"content_type": "model_editable_context", "model_set_context": "Ann bakes"}},
        {"content": {"content_type": "code", "text": "bake()"}},
        {"content": {"content_type": "thoughts", "thoughts": [{"content": "hm"}]}},
        {"content": None},
        {"content": {"content_type": "text", "parts": [None, 5, {"asset_pointer": "file"}, "  "]}},
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_what_is_hidden_or_no_prose_says_nothing(tmp_path: Path, told: dict[str, Any], role: str) -> None:
    document = read(tmp_path, conversation([node("a", None, role, "Rye", 1, **told)], "a"))[0]
    assert (document.turns, document.drop) == ((), "empty")


@pytest.mark.parametrize("role", ["system", "tool", "", None])
def test_tools_and_the_system_say_nothing(tmp_path: Path, role: Any) -> None:
    assert read(tmp_path, conversation([node("a", None, role, "Rye", 1)], "a"))[0].turns == ()


def test_a_word_to_a_tool_is_no_answer(tmp_path: Path) -> None:
    nodes = [node("a", None, "assistant", "search(rye)", 1, recipient="browser")]
    assert read(tmp_path, conversation(nodes, "a"))[0].turns == ()


def test_quotes_and_code_that_were_pasted_are_not_the_persons(tmp_path: Path) -> None:
    words = "Is this right?\n\n> Bake it hot.\n\n```python\nbake(250)\n```\nI doubt it."
    document = read(tmp_path, conversation([node("a", None, "user", words, 1)], "a"))[0]
    assert said(document) == [
        ("own", "Is this right?"),
        ("quoted", "Bake it hot.\n\nbake(250)"),
        ("own", "I doubt it."),
    ]


def test_a_long_text_after_a_task_was_pasted_and_a_short_one_was_not(tmp_path: Path) -> None:
    pasted = "Rye wants time. " * 40
    nodes = [
        node("a", None, "user", f"Please shorten this:\n\n{pasted}", 1),
        node("b", "a", "user", "I have two questions:\n\nWhy rye? And why so slow?", 2),
        node("c", "b", "user", f'What of """{pasted}""" is true?', 3),
    ]
    assert said(read(tmp_path, conversation(nodes, "c"))[0]) == [
        ("own", "Please shorten this:"),
        ("quoted", pasted.strip()),
        ("own", "I have two questions:\n\nWhy rye? And why so slow?"),
        ("own", "What of"),
        ("quoted", pasted.strip()),
        ("own", "is true?"),
    ]


def test_the_passage_that_a_question_points_at_is_quoted(tmp_path: Path) -> None:
    nodes = [node("a", None, "user", "Why?", 1, metadata={"targeted_reply": "Never use cold water."})]
    assert said(read(tmp_path, conversation(nodes, "a"))[0]) == [("quoted", "Never use cold water."), ("own", "Why?")]


def test_text_beside_pictures_and_what_was_spoken_are_words(tmp_path: Path) -> None:
    parts = [
        {"content_type": "image_asset_pointer", "asset_pointer": "file"},
        "What loaf is this?",
        {"content_type": "audio_transcription", "text": "The dark one.", "direction": "in"},
    ]
    nodes = [node("a", None, "user", "", 1, content={"content_type": "multimodal_text", "parts": parts})]
    assert read(tmp_path, conversation(nodes, "a"))[0].own_text == "What loaf is this?\n\nThe dark one."


def test_marks_of_citations_are_gone_from_answers(tmp_path: Path) -> None:
    nodes = [node("a", None, "assistant", "Rye\ue200cite\ue202turn0\ue201 rises【1†source】.", 1)]
    assert read(tmp_path, conversation(nodes, "a"))[0].turns[0].text == "Rye rises."


def test_brackets_that_the_person_typed_or_that_are_no_citation_stay(tmp_path: Path) -> None:
    nodes = [
        node("a", None, "user", "Is 【1†source】 or 【麦】 rye?", 1),
        node("b", "a", "assistant", "It is 【麦】【4:0†rye.txt】.", 2),
    ]
    document = read(tmp_path, conversation(nodes, "b"))[0]
    assert [turn.text for turn in document.turns] == ["Is 【1†source】 or 【麦】 rye?", "It is 【麦】."]


def test_an_open_quotation_mark_and_a_plan_of_ones_own_are_the_persons(tmp_path: Path) -> None:
    plan = "Here is what I think about the plan:\n\n" + "Rye wants time. " * 50
    nodes = [node("a", None, "user", 'Why does """ open it? I see.', 1), node("b", "a", "user", plan, 2)]
    assert said(read(tmp_path, conversation(nodes, "b"))[0]) == [
        ("own", 'Why does """ open it? I see.'),
        ("own", plan.strip()),
    ]


@pytest.mark.parametrize("lead", ["Can you fix my text:", "Übersetze bitte:", "What of the following:", "总结："])
def test_a_long_text_after_a_task_in_any_words_was_pasted(tmp_path: Path, lead: str) -> None:
    nodes = [node("a", None, "user", f"{lead}\n" + "Rye wants time. " * 50, 1)]
    assert [role for role, _ in said(read(tmp_path, conversation(nodes, "a"))[0])] == ["own", "quoted"]


def test_a_title_is_cut(tmp_path: Path) -> None:
    made = conversation([node("a", None, "user", "Rye?", 5)], "a", title="rye " * 500)
    assert 290 < len(read(tmp_path, made)[0].title) <= 300


def test_time_title_and_thread_are_kept(tmp_path: Path) -> None:
    document = read(tmp_path, conversation([node("a", None, "user", "Rye?", 5)], "a", title=" A\nloaf "))[0]
    assert (document.title, document.key, document.thread) == ("A loaf", "c-1", "c-1")
    assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)
    assert document.turns[0].at == datetime(2024, 3, 2, 10, 0, 5, tzinfo=UTC)
    assert document.origin == "conversations.json#c-1"


def test_answers_alone_are_not_by_the_person(tmp_path: Path) -> None:
    assert read(tmp_path, conversation([node("a", None, "assistant", "Rye.", 5)], "a"))[0].drop == "not by me"


def test_no_two_conversations_have_one_key(tmp_path: Path) -> None:
    one = conversation([node("a", None, "user", "Rye?", 5)], "a")
    keys = [document.key for document in read(tmp_path, one, one, {"mapping": {}}, {"mapping": {}})]
    assert len(set(keys)) == 4


def test_one_conversation_alone_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(conversation([node("a", None, "user", "Rye?", 5)], "a")))
    importer = match(file)
    assert importer and importer.name == "chatgpt"
    assert [document.own_text for document in importer.read(file, tmp_path, Person.of(()))] == ["Rye?"]


def test_a_list_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no conversation"):
        read(tmp_path, {"id": "1", "title": "shared"}, 5, None)


@pytest.mark.parametrize(
    "text",
    ['[{"uuid": "1", "chat_messages": [{"text": "\\"mapping\\": { \\"parent\\": "}]}]', '{"a": {"mapping": 5}}', "[]"],
)
def test_other_json_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(text)
    assert ChatGPT().recognises(file) == 0


@pytest.mark.shared
def test_an_export_of_another_project_is_read(shared: Path) -> None:
    file = shared / "exports/chatgpt/tests/fixtures/chatgpt/conversations.json"
    documents = list(ChatGPT().read(file, file.parent, Person.of(())))
    assert ChatGPT().recognises(file) > 0.9 and Claude().recognises(file) == 0
    assert [document.drop for document in documents] == ["", "", "empty", "empty"]
    text = "\n".join(turn.text for document in documents for turn in document.turns)
    assert "regenerated" not in text and "CREATE INDEX" not in text
    assert documents[0].own_text.endswith("Can you write the statement?")

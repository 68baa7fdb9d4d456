"""Claude: the branch of the newest message, attachments as context, no thoughts and no tools."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.chatgpt import ChatGPT
from mlxtwin.sources.claude import ATTACHED_CHARACTERS, Claude

from .cases.claude import ROOT, conversation, message


def read(folder: Path, *told: Any) -> list[Document]:
    file = folder / "conversations.json"
    file.write_text(json.dumps(list(told)))
    return list(Claude().read(file, folder, Person.of(())))


def said(document: Document) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in document.turns]


def test_only_the_branch_of_the_newest_message_is_read(tmp_path: Path) -> None:
    messages = [
        message("a", ROOT, "human", "Rye?", 1),
        message("b", "a", "assistant", "No.", 2),
        message("c", "a", "assistant", "Yes.", 3),
        message("d", "c", "human", "Thanks.", 4),
        message("e", "b", "human", "Why not?", 3),
    ]
    assert said(read(tmp_path, conversation(messages))[0]) == [
        ("own", "Rye?"),
        ("received", "Yes."),
        ("own", "Thanks."),
    ]


def test_a_leaf_that_the_export_names_goes_before_the_newest(tmp_path: Path) -> None:
    messages = [message("a", ROOT, "human", "Rye?", 1), message("b", ROOT, "human", "Wheat?", 2)]
    document = read(tmp_path, conversation(messages, current_leaf_message_uuid="a"))[0]
    assert document.own_text == "Rye?"


def test_an_older_export_without_parents_is_read_in_order(tmp_path: Path) -> None:
    messages = [message("a", None, "human", "Rye?", 1), message("b", None, "assistant", "Yes.", 2)]
    assert said(read(tmp_path, conversation(messages))[0]) == [("own", "Rye?"), ("received", "Yes.")]


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    messages = [message("a", "b", "human", "Rye?", 1), message("b", "a", "human", "Wheat?", 2)]
    assert len(read(tmp_path, conversation(messages))[0].turns) == 2


def test_what_was_attached_is_context_before_the_question(tmp_path: Path) -> None:
    attached = [{"file_name": "bread.txt", "extracted_content": "x" * 50_000}, {"file_name": "photo.png"}, None]
    messages = [message("a", ROOT, "human", "What is this?", 1, attachments=attached)]
    first, second = read(tmp_path, conversation(messages))[0].turns
    assert (first.role, len(first.text), first.mine) == ("quoted", ATTACHED_CHARACTERS, False)
    assert (second.role, second.text) == ("own", "What is this?")


def test_thoughts_and_tools_say_nothing(tmp_path: Path) -> None:
    blocks = [
        {"type": "thinking", "thinking": "A secret"},
        {"type": "text", "text": "Bake it."},
        {"type": "tool_use", "name": "oven", "input": {"code": "A secret"}},
        {"type": "tool_result", "content": [{"type": "text", "text": "A secret"}]},
        {"type": "voice_note", "text": "A secret"},
        {"type": "text", "text": "Done."},
    ]
    messages = [message("a", ROOT, "assistant", "This block is not supported.", 1, content=blocks)]
    assert said(read(tmp_path, conversation(messages))[0]) == [("received", "Bake it.\n\nDone.")]


def test_quotes_and_code_that_were_pasted_are_not_the_persons(tmp_path: Path) -> None:
    messages = [message("a", ROOT, "human", "> Bake it hot.\nIs it so?\n```\nbake()", 1)]
    told = [("quoted", "Bake it hot."), ("own", "Is it so?"), ("quoted", "bake()")]
    assert said(read(tmp_path, conversation(messages))[0]) == told


def test_time_title_and_thread_are_kept(tmp_path: Path) -> None:
    document = read(tmp_path, conversation([message("a", ROOT, "human", "Rye?", 7)]))[0]
    assert (document.title, document.key, document.thread) == ("Bread", "c-1", "c-1")
    assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)
    assert document.turns[0].at == datetime(2024, 3, 2, 10, 7, tzinfo=UTC)


@pytest.mark.parametrize("told", [{"chat_messages": None}, {"chat_messages": [5, {}, {"sender": "human"}]}])
def test_a_conversation_without_words_is_dropped_as_empty(tmp_path: Path, told: dict[str, Any]) -> None:
    assert read(tmp_path, conversation([], **told))[0].drop == "empty"


def test_a_list_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no conversation"):
        read(tmp_path, {"uuid": "1", "name": "project"})


@pytest.mark.shared
def test_an_export_of_another_project_is_read(shared: Path) -> None:
    file = shared / "exports/claude/tests/fixtures/claude/conversations.json"
    documents = list(Claude().read(file, file.parent, Person.of(())))
    assert Claude().recognises(file) > 0.9 and ChatGPT().recognises(file) == 0
    assert [document.own_text for document in documents] == [
        "Why does this not compile?\n\nThat worked, thanks.",
        "Give me a name for a cat.",
        "",
    ]
    roles = [turn.role for turn in documents[0].turns]
    assert roles == ["quoted", "own", "received", "own"]
    assert "long enough" not in documents[0].turns[2].text

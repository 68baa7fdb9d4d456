"""Records of the files that trainers read: conversations, instructions with their answers, and preferences.

In JSON Lines or as one JSON list, in the forms that are called messages, ShareGPT, Alpaca, prompt and completion, and
preference (prompt, chosen, rejected). Tools, pictures and system prompts are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mlxtwin.sources.base import head_text
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.shapes import as_dict, as_list, as_name

RecordForm = Literal["messages", "sharegpt", "alpaca", "completion", "preference"]

_ASSISTANTS = frozenset({"assistant", "gpt", "model", "chatgpt", "bot"})
_USERS = frozenset({"user", "human"})
_ROLES = _ASSISTANTS | _USERS | {"system", "developer", "tool", "function"}


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: by the ``assistant`` or whoever talks to it, under a ``name`` where one is given. ``learned`` is False
    for an answer that the file says is not to be trained on."""

    assistant: bool
    text: str
    name: str = ""
    learned: bool = True


@dataclass(frozen=True, slots=True)
class Preference:
    """``prompt`` ends with whoever talks to the assistant."""

    prompt: tuple[Said, ...]
    chosen: str
    rejected: str


def form_of(record: dict[str, Any]) -> RecordForm | None:
    """Which form a record has; None for none of these, and for a completion that is only rated."""
    if {"prompt", "chosen", "rejected"} <= record.keys():
        return "preference"
    if {"prompt", "completion"} <= record.keys():
        return None if isinstance(record.get("label"), bool) else "completion"
    if isinstance(record.get("instruction"), str) and isinstance(record.get("output"), str):
        return "alpaca"
    for key, role, words, found in _LISTS:
        first = next(iter(as_list(record.get(key))), None)
        if isinstance(first, dict) and as_name(first.get(role)) in _ROLES and words in first:
            return found
    return None


_LISTS: tuple[tuple[str, str, str, RecordForm], ...] = (
    ("messages", "role", "content", "messages"), ("conversations", "from", "value", "sharegpt"),
    ("conversations", "role", "content", "sharegpt"),
)  # fmt: skip


def head_form(file: File) -> RecordForm | None:
    """The form of the first record, if that is one of these and stands in the first 64 KiB."""
    head = head_text(file).lstrip().removeprefix("[").lstrip()
    if not head.startswith("{"):
        return None
    try:
        return form_of(as_dict(json.JSONDecoder().raw_decode(head)[0]))
    except (ValueError, RecursionError):
        return None


def records(file: File) -> Iterator[dict[str, Any]]:
    """Every object of the file, one after the other. Raises SourceError, after what stands before the damage."""
    listed = head_text(file).lstrip().startswith("[")
    return (one for one in items(file, "item" if listed else "", several=True) if isinstance(one, dict))


def said(record: dict[str, Any]) -> list[Said]:
    """The turns of a record with examples, in their order, none blank."""
    form = form_of(record)
    if form == "alpaca":
        found = [Said(place % 2 == 1, one) for place, one in enumerate(_alpaca(record))]
    elif form == "completion":
        found = [*_side(record["prompt"], False), *_side(record["completion"], True)]
    else:
        found = _listed(record.get("messages" if form == "messages" else "conversations"))
    return [one for one in found if one.text]


def preference(record: dict[str, Any]) -> Preference | None:
    """A record with preferences; None for one that has no prompt, or no two answers that differ."""
    prompt = tuple(one for one in _side(record.get("prompt"), False) if one.text)
    # In one of the usual forms both answers hold the whole conversation.
    chosen, rejected = (_side(record.get(key), True) for key in ("chosen", "rejected"))
    answers = [(some[-1].text if some and some[-1].assistant else "") for some in (chosen, rejected)]
    if not prompt or prompt[-1].assistant or not all(answers) or answers[0] == answers[1]:
        return None
    return Preference(prompt, *answers)


def _alpaca(record: dict[str, Any]) -> Iterator[str]:
    """What was asked and answered in turn; the input belongs to the instruction."""
    for pair in as_list(record.get("history")):
        asked, answered = [*pair, "", ""][:2] if isinstance(pair, list) else ("", "")
        yield text(asked).strip()
        yield text(answered).strip()
    instruction, given = text(record.get("instruction")).strip(), text(record.get("input")).strip()
    yield "\n\n".join(part for part in (instruction, given) if part)
    yield text(record.get("output")).strip()


def _side(value: Any, assistant: bool) -> list[Said]:
    """A prompt or an answer: as text, or as a list of messages."""
    return [Said(assistant, text(value).strip())] if isinstance(value, str) else _listed(value)


def _listed(value: Any) -> list[Said]:
    found = []
    for message in map(as_dict, as_list(value)):
        role = message.get("role", message.get("from"))
        words = _words(message.get("content", message.get("value")))
        if isinstance(role, str) and role in _ASSISTANTS | _USERS:
            learned = message.get("weight") != 0
            found.append(Said(role in _ASSISTANTS, words, as_name(message.get("name")), learned))
    return found


def _words(content: Any) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, list):
        parts = (text(as_dict(part).get("text")) for part in content if as_dict(part).get("type") == "text")
        return "\n\n".join(part.strip() for part in parts if part.strip())
    return text(content).strip()

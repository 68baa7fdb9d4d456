"""Telegram: one chat and a whole account as JSON, and the pages; whose each message is, and what it answers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person, Turn
from mlxtwin.sources.registry import match
from mlxtwin.sources.telegram import Telegram
from mlxtwin.sources.telegram_mend import Mended

ANN = Person.of(["Ann"])
NOBODY = Person.of([])


def said(number: int, words: Any, who: str = "Bob", **more: Any) -> dict[str, Any]:
    """A message of that number, a minute after the one before."""
    id = {"Ann": "user1", "Bob": "user2"}.get(who, "user3")
    at = {"date": "2024-03-02T11:00:00", "date_unixtime": str(1709373600 + 60 * number)}
    return {"id": number, "type": "message", **at, "from": who, "from_id": id, "text": words, **more}


def chat(*messages: dict[str, Any], name: str = "Bob", id: int = 7) -> dict[str, Any]:
    return {"name": name, "type": "personal_chat", "id": id, "messages": list(messages)}


def account(*chats: dict[str, Any], left: tuple[dict[str, Any], ...] = (), owner: bool = True) -> dict[str, Any]:
    told = {"user_id": 1, "first_name": "Ann", "last_name": "", "phone_number": "+1", "username": "@ann"}
    return {
        "about": "Here is the data you asked for.",
        **({"personal_information": told} if owner else {}),
        "contacts": {"about": "", "list": [{"name": "Zoe", "messages": [said(1, "not a chat")]}]},
        "chats": {"about": "", "list": list(chats)},
        "left_chats": {"about": "", "list": list(left)},
    }


def read(root: Path, export: dict[str, Any] | str, person: Person = ANN, name: str = "result.json") -> list[Document]:
    file = root / name
    file.write_text(export if isinstance(export, str) else json.dumps(export, ensure_ascii=False), encoding="utf-8")
    found = match(file)
    assert found and found.name == "telegram"
    return list(Telegram().read(file, root, person))


def turns(documents: list[Document]) -> list[tuple[str, str, bool, str]]:
    return [(turn.author, turn.text, turn.mine, turn.role) for one in documents for turn in one.turns]


def test_formatted_text_is_joined_and_quotes_and_code_in_it_are_not_the_persons(tmp_path: Path) -> None:
    parts: list[Any] = [
        {"type": "blockquote", "text": "Knead it twice."},
        "I ",
        {"type": "italic", "text": "never"},
        " knead\nit. ",
        {"type": "custom_emoji", "text": "🥖", "document_id": "x"},
        {"type": "pre", "text": "x = 1", "language": "python"},
    ]
    assert turns(read(tmp_path, chat(said(1, parts, "Ann")))) == [
        ("", "Knead it twice.\nx = 1", False, "quoted"),
        ("Ann", "I never knead\nit. 🥖", True, "own"),
    ]


def test_the_name_of_a_chat_is_cut(tmp_path: Path) -> None:
    assert 290 < len(read(tmp_path, chat(said(1, "Hi"), name="rye " * 500))[0].title) <= 300


def test_an_answer_brings_what_it_answers(tmp_path: Path) -> None:
    answered = said(3, "On the stone.", "Ann", reply_to_message_id=1)
    lost = said(4, "Who?", "Ann", reply_to_message_id=99)
    elsewhere = said(5, "There.", "Ann", reply_to_message_id=1, reply_to_peer_id="channel9")
    found = turns(read(tmp_path, chat(said(1, "Where?"), said(2, "And when?"), answered, lost, elsewhere)))
    assert found == [
        ("Bob", "Where?\nAnd when?", False, "received"),
        ("", "Where?", False, "quoted"),
        ("Ann", "On the stone.\nWho?\nThere.", True, "own"),
    ]


def test_what_is_passed_on_or_made_by_a_bot_is_not_the_persons(tmp_path: Path) -> None:
    export = chat(
        said(1, "Flour is cheap.", "Ann", forwarded_from="Carl"),
        said(2, "Hidden words.", "Ann", forwarded_from=None),
        said(5, "Said before.", "Ann", forwarded_from="Ann"),
        said(3, "A picture of bread", "Ann", via_bot="@pic"),
        said(4, "See?", "Ann", edited="2024-03-02T12:00:00", edited_unixtime="1709377200"),
    )
    assert turns(read(tmp_path, export, Person.of(["Ann", "user1"]))) == [
        ("Carl", "Flour is cheap.", False, "received"),
        ("Deleted Account", "Hidden words.", False, "received"),
        ("Ann", "Said before.", False, "received"),
        ("@pic", "A picture of bread", False, "received"),
        ("Ann", "See?", True, "own"),
    ]


def test_notices_stickers_polls_and_pictures_are_no_words_but_captions_are(tmp_path: Path) -> None:
    call = {"id": 9, "type": "service", "date": "2024-03-02T11:00:00", "actor": "Ann", "action": "phone_call"}
    export = chat(
        {**call, "text": "no words of anybody"},
        {"id": 10, "type": "unsupported"},
        said(1, "", "Ann", media_type="sticker", sticker_emoji="👍"),
        said(2, "", "Ann", poll={"question": "Rye?", "closed": False, "answers": []}),
        said(3, "My loaf", "Ann", photo="(File not included.)"),
    )
    assert turns(read(tmp_path, export)) == [("Ann", "My loaf", True, "own")]


def test_the_person_may_be_named_by_id(tmp_path: Path) -> None:
    export = chat(said(1, "Hi", "Ann"), said(2, "Ho", from_id=5))
    for name in ("user1", "1"):
        assert [turn[2] for turn in turns(read(tmp_path, export, Person.of([name])))] == [True, False]
    assert [turn[2] for turn in turns(read(tmp_path, export, Person.of(["5"])))] == [False, True]


def test_a_post_that_the_person_signed_in_a_channel_is_theirs(tmp_path: Path) -> None:
    post = said(1, "Bread at noon", "Bakers", from_id="channel5", author="Ann")
    other = said(2, "Rolls at one", "Bakers", from_id="channel5", author="Bob")
    for export, person in ((chat(post, other), ANN), (account(chat(post, other)), NOBODY)):
        assert [turn[1:3] for turn in turns(read(tmp_path, export, person))] == [
            ("Bread at noon", True),
            ("Rolls at one", False),
        ]


def test_an_account_says_whose_it_is(tmp_path: Path) -> None:
    other = chat(said(1, "I am another Ann.", "Ann", from_id="user9"), name="Ann", id=9)
    export = account(chat(said(1, "Hi"), said(2, "Ho", "Ann")), other)
    documents = read(tmp_path, export, NOBODY)
    assert [(one.title, one.thread, one.own_text, one.drop) for one in documents] == [
        ("Bob", "7", "Ho", ""),
        ("Ann", "9", "", "not by me"),
    ]
    assert not list(Telegram().authors(tmp_path / "result.json"))


def test_the_owner_of_an_account_alone_decides_who_is_the_person(tmp_path: Path) -> None:
    words = (said(1, "Hi"), said(2, "Ho", "Ann"), said(3, "Me too", "Ann", from_id="user9", author="Ann"))
    documents = read(tmp_path, account(chat(*words)), Person.of(["Ann", "Bob", "9"]))
    assert [turn[2] for turn in turns(documents)] == [False, True, False]


def test_an_account_that_does_not_say_whose_it_is_has_authors(tmp_path: Path) -> None:
    export = account(chat(said(1, "Hi"), said(2, "Ho", "Ann")), owner=False)
    assert [one.own_text for one in read(tmp_path, export)] == ["Ho"]
    assert list(Telegram().authors(tmp_path / "result.json")) == ["Bob", "Ann"]


def test_all_chats_of_an_account_are_read_and_nothing_else(tmp_path: Path) -> None:
    saved = {"type": "saved_messages", "id": 1, "messages": [said(1, "Buy flour.", "Ann")]}
    left = chat(said(3, "Bye.", "Ann"), name="Old club", id=8)
    documents = read(tmp_path, account(chat(said(2, "Hi", "Ann")), saved, left=(left,)), NOBODY)
    assert sorted((one.title, one.own_text) for one in documents) == [
        ("Bob", "Hi"),
        ("Old club", "Bye."),
        ("Saved Messages", "Buy flour."),
    ]


def test_a_reply_is_looked_up_in_its_own_chat(tmp_path: Path) -> None:
    first = chat(said(1, "Where?"), id=1)
    second = chat(said(2, "Here.", "Ann", reply_to_message_id=1), id=2, name="Carl")
    assert not [turn for turn in turns(read(tmp_path, account(first, second))) if turn[3] == "quoted"]


def test_a_chat_has_the_same_key_alone_and_in_an_account(tmp_path: Path) -> None:
    one = chat(said(1, "Hi", "Ann"))
    alone, whole = read(tmp_path, one), read(tmp_path, account(one))
    assert [document.id for document in alone] == [document.id for document in whole]


def test_times_are_those_of_the_clock_of_the_world_where_they_are_told(tmp_path: Path) -> None:
    old = said(1, "Hi", "Ann")
    del old["date_unixtime"]
    (document,) = read(tmp_path, chat(old))
    assert document.at == datetime(2024, 3, 2, 11, tzinfo=UTC)
    (document,) = read(tmp_path, chat(said(1, "Hi", "Ann")))
    assert document.at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)


def test_what_telegram_writes_that_is_no_json_is_mended(tmp_path: Path) -> None:
    emoji = {"type": "custom_emoji", "text": "🥖", "document_id": "@"}
    words: list[Any] = ["Rye", emoji, " \\x41 C:\\xml"]
    whole = json.dumps(chat(said(1, words, "Ann"), said(2, "Ho", "Ann")), indent=1, ensure_ascii=False)
    broken = whole.replace('"Rye"', r'"R\x0Cye"').replace('"@"', "video_files/sticker (2).webm")
    with pytest.raises(ValueError, match="escape"):
        json.loads(broken)
    assert [one.own_text for one in read(tmp_path, broken)] == ["Rye🥖 \\x41 C:\\xml\nHo"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_mending_leaves_what_is_sound_as_it_is_in_pieces_of_any_size(size: int) -> None:
    whole = json.dumps(account(chat(said(1, ["a\\x41", {"document_id": "1", "text": "b"}]))), indent=1).encode()
    source = Mended(io.BytesIO(whole))
    assert b"".join(iter(lambda: source.read(size) or b"", b"")) == whole


def test_what_stands_before_damage_is_kept(tmp_path: Path) -> None:
    whole = json.dumps(account(chat(said(1, "Hi", "Ann")), chat(said(2, "Ho", "Ann"), id=8)))
    file = tmp_path / "result.json"
    file.write_text(whole[: whole.index('"Ho"')], encoding="utf-8")
    found: list[Document] = []
    with pytest.raises(SourceError, match="cut off"):
        for document in Telegram().read(file, tmp_path, NOBODY):
            found.append(document)
    assert [one.own_text for one in found] == ["Hi"]


class Endless:
    """A file of a chat with so many messages that it would not fit in memory; counts how much of it was read."""

    name, stem, suffix, parts = "result.json", "result", ".json", ("x", "result.json")

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self.read_bytes = 0

    @property
    def parent(self) -> Endless:
        return self

    def __truediv__(self, name: str) -> Endless:
        return self

    def iterdir(self) -> Iterator[Endless]:
        return iter(())

    def is_file(self) -> bool:
        return True

    def is_dir(self) -> bool:
        return False

    def open(self, mode: str) -> IO[bytes]:
        return io.BufferedReader(_Stream(self))  # type: ignore[arg-type]

    def pieces(self) -> Iterator[bytes]:
        yield b'{"chats": {"list": [{"name": "Bob", "type": "personal_chat", "id": 7, "messages": ['
        for number in range(self._messages):
            yield (b"," if number else b"") + json.dumps(said(500 * number, "Hi " * 20, "Ann")).encode()
        yield b"]}]}}"


class _Stream(io.RawIOBase):
    def __init__(self, file: Endless) -> None:
        self._file, self._pieces, self._rest = file, file.pieces(), b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._pieces, self._rest = self._file.pieces(), b""
        return 0

    def readinto(self, buffer: Any) -> int:
        while not self._rest and (more := next(self._pieces, b"")):
            self._rest = more
        found, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        self._file.read_bytes += len(found)
        buffer[: len(found)] = found
        return len(found)


def test_a_long_chat_streams(tmp_path: Path) -> None:
    file = Endless(20_000)
    documents = Telegram().read(file, file, ANN)
    first = next(documents)
    assert first.words_by_me == 20
    assert file.read_bytes < 1_000_000
    assert sum(1 for _ in documents) == 20_000 - 1


def page(*entries: str, title: str = "Bob") -> str:
    header = f'<div class="page_header"><div class="content"><div class="text bold">\n{title}\n</div></div></div>'
    body = "\n".join(entries)
    return f'<!DOCTYPE html><html><body><div class="page_wrap">{header}<div class="page_body chat_page">' + (
        f'<div class="history">{body}</div></div></div></body></html>'
    )


def entry(number: int, words: str, who: str = "", before: str = "", minute: int = 0, kind: str = "") -> str:
    name = f'<div class="from_name">\n{who} \n</div>' if who else ""
    joined = "" if who else " joined"
    time = f'<div class="pull_right date details" title="02.03.2024 11:{minute or number:02}:00 UTC+01:00">11:00</div>'
    text = f'<div class="text">\n{words}\n</div>' if words else ""
    return (
        f'<div class="message default clearfix{joined}" id="message{number}"><div class="body">'
        f"{time}{name}{before}{text}{kind}</div></div>"
    )


SERVICE = '<div class="message service" id="message-1"><div class="body details">2 March 2024</div></div>'
REPLY = '<div class="reply_to details">In reply to <a href="#go_to_message1">this message</a></div>'


def test_a_page_is_read_like_its_json(tmp_path: Path) -> None:
    text = page(
        SERVICE,
        entry(1, "Where?<br>And <strong>when</strong>, you &amp; I?", "Bob"),
        entry(2, "On the stone.", "Ann", REPLY),
        entry(3, "At <a href='https://example.org'>noon</a>."),
        entry(
            4, "", "Ann", '<div class="media_wrap"><div class="media"><div class="title bold">Sticker</div></div></div>'
        ),
    )
    documents = read(tmp_path, text, name="messages.html")
    assert turns(documents) == [
        ("Bob", "Where?\nAnd when, you & I?", False, "received"),
        ("", "Where?\nAnd when, you & I?", False, "quoted"),
        ("Ann", "On the stone.\nAt noon.", True, "own"),
    ]
    assert documents[0].title == documents[0].thread == "Bob"
    assert documents[0].at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)
    assert list(Telegram().authors(tmp_path / "messages.html")) == ["Bob", "Ann", "Ann"]


def test_what_a_page_shows_as_passed_on_is_not_the_persons(tmp_path: Path) -> None:
    origin = (
        '<div class="from_name">Carl <span class="date details" title="01.01.2020 00:00:00">01.01.2020</span></div>'
    )
    forwarded = f'<div class="forwarded body">{origin}<div class="text">Flour is cheap.</div></div>'
    again = '<div class="forwarded body"><div class="text">And salt.</div></div>'
    found = turns(
        read(
            tmp_path,
            page(
                entry(1, "", "Ann", forwarded),
                entry(2, "", "", again),
                entry(3, "A picture", "Ann via @pic"),
                entry(4, "<blockquote>Knead!</blockquote>No.", "Ann"),
            ),
            name="messages.html",
        )
    )
    assert found == [
        ("Carl", "Flour is cheap.\nAnd salt.", False, "received"),
        ("@pic", "A picture", False, "received"),
        ("", "Knead!", False, "quoted"),
        ("Ann", "No.", True, "own"),
    ]


def test_what_bears_no_name_and_follows_nobody_is_nobodys(tmp_path: Path) -> None:
    alone = entry(2, "Ho").replace(" joined", "")
    found = turns(read(tmp_path, page(entry(1, "Hi"), entry(2, "Hey", "Ann"), alone), name="messages2.html"))
    assert [(turn[0], turn[2]) for turn in found] == [
        ("Deleted Account", False),
        ("Ann", True),
        ("Deleted Account", False),
    ]


def test_other_pages_of_the_export_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "export_results.html"
    file.write_text(page('<div class="entry clearfix"><div class="name bold">Ann</div></div>'), encoding="utf-8")
    assert Telegram().recognises(file) == 0


@pytest.mark.parametrize("text", ['{"messages": 3}', '{"a": 1}', "[]", "words"])
def test_what_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"result\.json"):
        list(Telegram().read(file, tmp_path, ANN))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["test_single_export.json", "test_batch_export.json"])
def test_the_exports_of_another_project_come_out_as_it_expects(shared: Path, name: str) -> None:
    folder = shared / "exports/telegram/test/telegram"
    found: list[Turn] = [turn for one in Telegram().read(folder / name, folder, ANN) for turn in one.turns]
    expected = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    assert [(turn.author, turn.text, f"{turn.at:%Y-%m-%dT%H:%M:%S}") for turn in found] == [
        (one["author"], one["message"], one["timestamp"]) for one in expected
    ]

"""Every form in which a chat is exported, cut off or damaged anywhere: what comes is sound, and nothing crashes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.registry import load

RULE = "=" * 62
FIRST_MS = 1709373600000


def dumped(*entries: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in entries)


def box(who: str, words: str) -> str:
    inner = f"<div><div></div><div>{words}</div></div>"
    return (
        f'<div class="pam uiBoxWhite noborder"><h2 class="_3-95 _a6-h">{who}</h2><div class="_3-95 _a6-p">{inner}</div>'
        '<div class="_3-94 _a6-o">Mar 02, 2024 2:02 pm</div></div>'
    )


def telegram(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "message", "date_unixtime": "1709373660", "from": "Ann", "text": "Hi", **more}


FORMS: dict[str, tuple[str, str, str]] = {
    "a telegram account": (
        "telegram",
        "result.json",
        json.dumps(
            {
                "about": "Telegram",
                "personal_information": {"user_id": 1, "first_name": "Ann"},
                "chats": {"list": [{"name": "Bob", "id": 1, "messages": [telegram(1), telegram(2, from_id="user1")]}]},
                "left_chats": {"list": [{"name": "C", "id": 2, "messages": [telegram(3, reply_to_message_id=1)]}]},
            }
        ),
    ),
    "a telegram page": (
        "telegram",
        "messages.html",
        '<div class="page_wrap"><div class="text bold">Bob</div><div class="message default" id="message1">'
        '<div class="pull_right date details" title="02.03.2024 11:01:00 UTC+01:00"></div>'
        '<div class="from_name">Ann</div><div class="reply_to"><a href="#go_to_message0">x</a></div>'
        '<div class="text">Hi <b>you</b><br>there</div></div></div>',
    ),
    "signal in short": ("signal", "a.txt", "2024-03-02 10:01 You: [reply to Bob on 2024-03-02 10:01] Hi\nthere\n" * 3),
    "signal in fields": (
        "signal",
        "a.txt",
        "Conversation: Bob\n\n"
        + "From: You\nType: outgoing\nSent: Sat, 2 Mar 2024 11:02:00 +0100\n\n> From: Bob\n>\n> Why?\n\nHi\n\n" * 2,
    ),
    "signal in lines": ("signal", "data.json", dumped({"date": "2024-03-02T10:01:07", "sender": "Me", "body": "Hi"})),
    "signal in rows": (
        "signal",
        "a.json",
        json.dumps([{"type": "outgoing", "conversationId": "c", "sent_at": FIRST_MS, "body": "Hi"}] * 2),
    ),
    "signal in frames": (
        "signal",
        "main.jsonl",
        dumped(
            {"version": "1"},
            {"recipient": {"id": "1", "self": {}}},
            {"chat": {"id": "1", "recipientId": "1"}},
            {
                "chatItem": {
                    "chatId": "1",
                    "authorId": "1",
                    "dateSent": str(FIRST_MS),
                    "outgoing": {},
                    "standardMessage": {"text": {"body": "Hi"}},
                }
            },
        ),
    ),
    "an encrypted chat": (
        "facebook",
        "a.json",
        json.dumps({"threadName": "B_1", "messages": [{"senderName": "Ann", "text": "Hi", "timestamp": FIRST_MS}] * 2}),
    ),
    "a page of messenger": (
        "facebook",
        "message_1.html",
        f"<title>Bob</title>{box('Ann', 'Hi')}{box('Bob', 'Ho')}",
    ),
    "posts": ("facebook", "posts.json", json.dumps([{"timestamp": 1709373600, "data": [{"post": "Hi"}]}] * 2)),
    "comments": (
        "instagram",
        "post_comments_1.json",
        json.dumps([{"string_map_data": {"Comment": {"value": "Hi"}, "Time": {"timestamp": 1709373600}}}] * 2),
    ),
    "pictures": (
        "instagram",
        "posts_1.json",
        json.dumps([{"media": [{"uri": "a.jpg", "creation_timestamp": 1709373600, "title": "Hi"}]}] * 2),
    ),
    "a text of discord": (
        "discord",
        "a.txt",
        f"{RULE}\nGuild: B\nChannel: C\n{RULE}\n\n" + "[02/03/2024 10:01] ann\nHi\n\n{Embed}\nx\n\n" * 2,
    ),
    "a package of discord": (
        "discord",
        "messages.json",
        json.dumps([{"ID": 1, "Timestamp": "2024-03-02 10:01:00", "Contents": "Hi <@12345>", "Attachments": ""}] * 2),
    ),
    "a table of discord": (
        "discord",
        "messages.csv",
        'ID,Timestamp,Contents,Attachments\n1,2024-03-02 10:01:00,"Hi\nthere",\n2,2024-03-02 10:02:00,Ho,\n',
    ),
}
QUICK = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def read(form: str, data: bytes) -> list[Document]:
    source, name, _ = FORMS[form]
    importer = load(source)
    found: list[Document] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        assert 0 <= importer.recognises(file) <= 1
        try:
            for document in importer.read(file, file.parent, Person.of(["Ann"])):
                found.append(document)
            list(importer.authors(file))
        except SourceError as error:
            assert name in error.message
    return found


def check(found: list[Document]) -> None:
    assert len({one.id for one in found}) == len(found)
    for document in found:
        assert document.turns and document.title == document.title.strip() != ""
        for turn in document.turns:
            assert turn.text.strip() and (turn.at is None or turn.at.tzinfo)
            assert turn.mine or turn.role != "own"
            assert not set(turn.text + turn.author + document.key) & {"\0", "\r"}


@pytest.mark.parametrize("form", FORMS)
def test_the_whole_of_it_has_the_persons_words(form: str) -> None:
    source, name, text = FORMS[form]
    found = read(form, text.encode())
    check(found)
    assert any("Hi" in one.own_text for one in found)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(text, encoding="utf-8")
        assert load(source).recognises(Path(folder) / name) >= 0.85


@pytest.mark.parametrize("form", FORMS)
@QUICK
@given(data=st.data())
def test_damage_anywhere_is_no_crash(form: str, data: st.DataObject) -> None:
    whole = FORMS[form][2].encode()
    at = data.draw(st.integers(0, len(whole)))
    gone = data.draw(st.sampled_from([0, 1, 8, len(whole)]))
    damage = data.draw(st.text(max_size=30)).encode("utf-8", "surrogatepass")
    check(read(form, whole[:at] + damage + whole[at + gone :]))


@pytest.mark.parametrize("value", ["null", "3", "[]", "{}", '"x"', "[[]]", "true", "1e300", '{"a": null}'])
@pytest.mark.parametrize("form", [form for form, (_, name, _) in FORMS.items() if name.endswith(("json", "jsonl"))])
def test_any_value_may_stand_anywhere(form: str, value: str) -> None:
    whole = FORMS[form][2]
    places = [at for at in range(len(whole)) if whole.startswith(": ", at)]
    for at in places:
        end = min(find for mark in ",}]" if (find := whole.find(mark, at)) >= 0)
        check(read(form, f"{whole[: at + 2]}{value}{whole[end:]}".encode()))


@pytest.mark.parametrize("form", FORMS)
def test_a_long_run_of_the_same_is_read_in_good_time(form: str) -> None:
    head = FORMS[form][2].encode()
    for mark in (b"<", b"[", b"> ", b"<@", b"```", b"(- ", b"![", b'<div class="message default">', b'"', b"{"):
        read(form, head[: len(head) // 2] + mark * (200_000 // len(mark)))

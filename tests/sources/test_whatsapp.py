"""WhatsApp: headers of both systems, the order of dates, what is no message, and where a conversation ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.chat import MOST_TURNS
from mlxtwin.sources.whatsapp import WhatsApp

ANN = Person.of(["Ann"])


def read(root: Path, text: str, name: str = "WhatsApp Chat with Bob.txt") -> list[Document]:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return list(WhatsApp().read(file, root, ANN))


def first_time(root: Path, *lines: str) -> datetime | None:
    return read(root, "\n".join(lines))[0].turns[0].at


@pytest.mark.parametrize(
    "header",
    [
        "31/12/2024, 21:14 - ",
        "31/12/24, 21:14 - ",
        "12/31/24, 9:14 PM - ",
        "12/31/24, 9:14\u202fPM - ",
        "31/12/2024, 9:14 p. m. - ",
        "31/12/2024, 9:14\u00a0p.\u00a0m. - ",
        "31.12.24, 21:14 - ",
        "31.12.2024 um 21:14 - ",
        "31/12/2024 à 21:14 - ",
        "2024-12-31 21:14 - ",
        "2024/12/31, 21:14 – ",
        "2024/12/31 下午9:14 - ",
        "[31/12/2024, 21:14:00] ",
        "\u200e[31.12.24, 21:14:00] ",
        "[12/31/24, 9:14:00\u202fPM] ",
        "[31-12-2024 21.14.00] ",
    ],
)
def test_every_style_of_header_is_read(tmp_path: Path, header: str) -> None:
    (document,) = read(tmp_path, f"{header}Bob: Hi\n{header}Ann: Hello: you\nthere\n")
    assert [(turn.author, turn.text, turn.mine) for turn in document.turns] == [
        ("Bob", "Hi", False),
        ("Ann", "Hello: you\nthere", True),
    ]
    assert document.at == datetime(2024, 12, 31, 21, 14, tzinfo=UTC)
    assert WhatsApp().recognises(tmp_path / "WhatsApp Chat with Bob.txt") > 0.9


def test_the_order_of_day_and_month_is_settled_by_a_later_date(tmp_path: Path) -> None:
    assert first_time(tmp_path, "03/04/24, 10:00 - Ann: a", "03/25/24, 10:00 - Ann: b") == datetime(
        2024, 3, 4, 10, tzinfo=UTC
    )


def test_time_runs_forward_where_the_numbers_leave_a_choice(tmp_path: Path) -> None:
    lines = [f"{month}/{day}/24, 10:00 - Ann: a" for month, day in ((3, 11), (4, 2), (5, 1))]
    assert first_time(tmp_path, *lines) == datetime(2024, 3, 11, 10, tzinfo=UTC)


def test_days_in_a_row_are_likelier_than_months_in_a_row(tmp_path: Path) -> None:
    lines = [f"06/0{day}/24, 10:00 - Ann: a" for day in (5, 6, 7)]
    assert first_time(tmp_path, *lines) == datetime(2024, 6, 5, 10, tzinfo=UTC)


def test_the_day_comes_first_where_nothing_tells(tmp_path: Path) -> None:
    assert first_time(tmp_path, "03/04/24, 10:00 - Ann: a") == datetime(2024, 4, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(("clock", "hour"), [("12:05 AM", 0), ("12:05 pm", 12), ("1:05 a.m.", 1), ("00:05 a. m.", 0)])
def test_noon_and_midnight_are_right(tmp_path: Path, clock: str, hour: int) -> None:
    found = first_time(tmp_path, f"31/12/24, {clock} - Ann: a")
    assert found and found.hour == hour


@pytest.mark.parametrize(
    "rest",
    [
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        'Bob created group "Bread: the group"',
        "Bob changed the subject from “a: b” to “c”",
        "Bob joined using this group's invite link",
        "Bread: \u200eMessages and calls are end-to-end encrypted.",
        "Bread: \u200eA notice in words of a later version.",
        "Bob: <Media omitted>",
        "Bob: \u200eimage omitted",
        "Bob: Bild weggelassen",
        "Bob: <Medien ausgeschlossen>",
        "Bob: report.pdf • 2 pages \u200edocument omitted",
        "Bob: IMG-20240101-WA0001.jpg (file attached)",
        "Bob: \u200e<attached: 00001-PHOTO.jpg>",
        "Bob: This message was deleted",
        "Bob: Diese Nachricht wurde gelöscht.",
        "Bob: Missed voice call",
        "Bob: null",
        "Bob:",
    ],
)
def test_what_the_program_wrote_is_no_message(tmp_path: Path, rest: str) -> None:
    at = "31/12/24, 10:00 - "
    (document,) = read(tmp_path, f"{at}Ann: a\n{at}{rest}\n{at}Ann: b\n")
    assert [turn.text for turn in document.turns] == ["a\nb"]


@pytest.mark.parametrize("text", ["I was omitted", "call me: now", "the image omitted nothing", "I deleted it"])
def test_what_a_person_wrote_about_such_things_stays(tmp_path: Path, text: str) -> None:
    (document,) = read(tmp_path, f"31/12/24, 10:00 - Ann: {text}\n")
    assert document.own_text == text


def test_a_caption_stays_and_the_mark_of_an_edit_goes(tmp_path: Path) -> None:
    at = "31/12/24, 10:00 - Ann: "
    text = f"{at}IMG-1.jpg (file attached)\nthe cat\n{at}well \u200e<This message was edited>\n"
    (document,) = read(tmp_path, text)
    assert document.own_text == "the cat\nwell"


def test_a_silence_of_hours_ends_the_conversation(tmp_path: Path) -> None:
    text = "31/12/24, 10:00 - Ann: a\n31/12/24, 15:00 - Bob: b\n31/12/24, 22:00 - Ann: c\n"
    assert [[turn.text for turn in one.turns] for one in read(tmp_path, text)] == [["a", "b"], ["c"]]


def test_a_long_conversation_is_cut_where_the_other_begins(tmp_path: Path) -> None:
    text = "".join(f"31/12/24, 10:{turn // 10:02} - {'Bob' if turn % 2 else 'Ann'}: {turn}\n" for turn in range(301))
    documents = read(tmp_path, text)
    assert sum(len(document.turns) for document in documents) == 301
    assert all(len(document.turns) <= MOST_TURNS for document in documents)
    assert all(document.turns[0].author == "Bob" for document in documents[1:])
    assert len({document.id for document in documents}) == len(documents)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("WhatsApp Chat with Bob.txt", "Bob"),
        ("WhatsApp Chat with Bob (1).txt", "Bob"),
        ("WhatsApp-Chat mit Bob.txt", "Bob"),
        ("Chat de WhatsApp con Bob.txt", "Bob"),
        ("WhatsApp Chat - Bob/_chat.txt", "Bob"),
        ("export.txt", "Ann & Bob"),
    ],
)
def test_the_chat_is_named_by_its_export_or_its_people(tmp_path: Path, name: str, title: str) -> None:
    (document,) = read(tmp_path, "31/12/24, 10:00 - Bob: a\n31/12/24, 10:00 - Ann: b\n", name)
    assert (document.title, document.key) == (title, f"{title}|2024-12-31T10:00:00")


def test_a_longer_export_of_the_chat_keeps_the_old_keys(tmp_path: Path) -> None:
    text = "30/12/24, 10:00 - Bob: a\n31/12/24, 10:00 - Ann: b\n"
    before = [one.key for one in read(tmp_path, text)]
    after = [
        one.key for one in read(tmp_path, text + "31/12/24, 10:01 - Bob: c\n", "new/WhatsApp Chat with Bob (2).txt")
    ]
    assert before == after


def test_a_file_without_headers_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.txt is no WhatsApp export"):
        read(tmp_path, "Just prose.", "a.txt")


def test_an_export_of_notices_only_is_accounted_for(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "31/12/24, 10:00 - You were added\n")
    assert (document.drop, document.turns) == ("system", ())


@pytest.mark.shared
def test_real_exports_give_the_parse_their_makers_expect(shared: Path) -> None:
    folder = shared / "exports/whatsapp/test/whatsapp"
    target = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    expected = sorted((one["timestamp"], one["author"], one["message"]) for one in target)
    files = sorted(folder.glob("*.txt"))
    assert len(files) == 5
    for file in files:
        turns = [turn for document in WhatsApp().read(file, folder, ANN) for turn in document.turns]
        got = [(f"{turn.at:%Y-%m-%dT%H:%M:%S}", turn.author, " ".join(turn.text.split())) for turn in turns]
        assert sorted(got) == expected, file.name

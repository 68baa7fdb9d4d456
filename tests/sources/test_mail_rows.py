"""Mail in tables and in JSON: a row is a mail like others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail
from mlxtwin.sources.mail_columns import field_of
from mlxtwin.sources.mail_rows import moment_of

ANN = Person.of(["ann@example.org", "Ann"])
REPLY = "With patience.\n\nOn 2 Mar 2024 10:00, Bob <bob@example.org> wrote:\n> How do you bake the rye?\n"
PARTS = [("quoted", "How do you bake the rye?"), ("own", "With patience.")]


def read(folder: Path, text: str, name: str = "mails.csv") -> list[Document]:
    (folder / name).write_text(text, encoding="utf-8")
    assert Mail().recognises(folder / name) >= 0.8
    return list(Mail().read(folder / name, folder, ANN))


def parts(document: Document) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in document.turns]


def table(columns: str, *rows: tuple[str, ...], mark: str = ",") -> str:
    quoted = [mark.join(f'"{field}"'.replace("\n", "\r\n") for field in row) for row in rows]
    return "\r\n".join([mark.join(f'"{name}"' for name in columns.split("|")), *quoted]) + "\r\n"


OUTLOOK = {
    "English": ("Subject|Body|From: (Name)|From: (Address)|From: (Type)|To: (Name)|To: (Address)|Categories", ","),
    "German": ("Betreff|Text|Von: (Name)|Von: (Adresse)|Von: (Typ)|An: (Name)|An: (Adresse)|Kategorien", ";"),
    "French": ("Objet|Corps|De: (nom)|De: (adresse)|De: (type)|À: (nom)|À: (adresse)|Catégories", ";"),
}


@pytest.mark.parametrize("language", OUTLOOK)
def test_outlooks_table_is_read_by_the_names_of_its_columns(tmp_path: Path, language: str) -> None:
    columns, mark = OUTLOOK[language]
    first = ("Bread", "How do you bake the rye?", "Bob", "bob@example.org", "SMTP", "Ann", "ann@example.org", "")
    second = ("RE: Bread", REPLY, "Ann", "/o=Firm/ou=Group/cn=ann", "EX", "Bob", "bob@example.org", "Friends")
    documents = read(tmp_path, table(columns, first, second, mark=mark))
    assert parts(documents[0]) == [("received", "How do you bake the rye?")]
    assert documents[0].turns[0].author == "Bob"
    assert parts(documents[1]) == PARTS
    assert [document.title for document in documents] == ["Bread", "RE: Bread"]
    assert list(Mail().authors(tmp_path / "mails.csv")) == ["bob@example.org", "Ann"]


def test_a_plain_table_tells_time_folder_and_thread(tmp_path: Path) -> None:
    columns = "Message-ID|Date|From|To|Subject|Body|Folder|In-Reply-To"
    row = ("<2@x>", "2024-03-02T12:00:00Z", "Ann <ann@example.org>", "Bob", "Re: Bread", REPLY, "Drafts", "<1@x>")
    (document,) = read(tmp_path, table(columns, row, mark="\t"))
    assert (document.key, document.thread, document.drop) == ("2@x", "1@x", "draft")
    assert document.at == datetime(2024, 3, 2, 12, tzinfo=UTC)
    assert document.origin == "mails.csv#1"


def test_a_column_of_whole_mails_is_read_as_mails(tmp_path: Path) -> None:
    head = "Message-ID: <2@x>\nDate: Sat, 2 Mar 2024 12:00:00 -0800 (PST)\nFrom: ann@example.org\nSubject: Re: Bread"
    raw = f"{head}\n\n{REPLY}"
    documents = read(tmp_path, table("file|message", ("ann/_sent_mail/1.", raw), ("bob/inbox/2.", "no mail")))
    assert [(document.key, parts(document)) for document in documents] == [("2@x", PARTS)]
    assert list(Mail().authors(tmp_path / "mails.csv")) == ["ann@example.org"]


def test_a_body_that_begins_with_the_headers_of_another_mail_is_none_of_its_own(tmp_path: Path) -> None:
    body = "From: Bob <bob@example.org>\nDate: 2 Mar 2024 10:00\nTo: Ann\nSubject: Bread\n\nHow do you bake the rye?"
    (document,) = read(tmp_path, table("From|Subject|Body", ("ann@example.org", "Fwd: Bread", body)))
    assert parts(document) == [("forwarded", "How do you bake the rye?")]
    assert (document.title, document.turns[0].author) == ("Fwd: Bread", "Bob")


def test_characters_of_a_whole_mail_in_a_table_are_not_decoded_again(tmp_path: Path) -> None:
    raw = "From: ann@example.org\nSubject: Hi\nContent-Type: text/plain; charset=iso-8859-1\n\nGrüße – Ann"
    (document,) = read(tmp_path, table("file|message", ("1", raw)))
    assert document.own_text == "Grüße – Ann"


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


JSON_ROWS: list[dict[str, Any]] = [
    {"from": "Ann <ann@example.org>", "to": ["bob@example.org"], "subject": "Re: Bread", "text": REPLY},
    {"from": {"name": "Ann", "email": "ann@example.org"}, "subject": "Re: Bread", "body": REPLY},
    {
        "from": [{"name": "Ann", "address": "ann@example.org"}], "subject": "Re: Bread",
        "html": REPLY.replace("\n", "<br>"),
    },
    {
        "sender": {"emailAddress": {"name": "Ann", "address": "ann@example.org"}}, "subject": "Re: Bread",
        "body": {"contentType": "text", "content": REPLY},
    },
    {
        "fromAddress": "ann@example.org", "fromName": "Ann", "subject": "Re: Bread", "text": " ",
        "html": f"<pre>{REPLY}</pre>",
    },
    {"raw": f"From: ann@example.org\nSubject: Re: Bread\n\n{REPLY}"},
]  # fmt: skip


@pytest.mark.parametrize("row", JSON_ROWS)
@pytest.mark.parametrize("shape", ["lines", "list", "one", "pretty"])
def test_json_is_read_by_its_keys(tmp_path: Path, row: dict[str, Any], shape: str) -> None:
    dates = {"date": "Sat, 2 Mar 2024 12:00:00 +0100"}
    text = {
        "lines": lines(row | dates, {"no": "mail"}),
        "list": json.dumps([row | dates, "no mail", 3]),
        "one": json.dumps(row | dates),
        "pretty": json.dumps(row | dates, indent=2),
    }[shape]
    (document,) = read(tmp_path, text, "mails.jsonl")
    assert (document.title, parts(document)) == ("Re: Bread", PARTS)
    if "raw" not in row:
        assert document.at == datetime(2024, 3, 2, 12, tzinfo=timezone(timedelta(hours=1)))
    assert list(Mail().authors(tmp_path / "mails.jsonl")) == ["ann@example.org"]


def test_what_services_say_of_a_mail_is_known(tmp_path: Path) -> None:
    row = {"id": 7, "from": "bob@example.org", "subject": "Sale", "text": "Buy!", "messageId": "<1@x>"}
    rows = [
        row | {"headers": {"List-Unsubscribe": "<x>"}},
        row | {"messageId": "<2@x>", "labelIds": ["CATEGORY_PROMOTIONS"]},
        row | {"messageId": "<3@x>", "isDraft": True},
        row | {"messageId": "<4@x>", "in_reply_to": "<1@x>", "threadId": "77"},
    ]
    documents = read(tmp_path, lines(*rows), "mails.jsonl")
    assert [document.drop for document in documents] == ["bulk", "promotions", "draft", ""]
    assert [document.key for document in documents] == ["1@x", "2@x", "3@x", "4@x"]
    assert documents[3].thread == "77"


def test_a_mail_without_an_id_keeps_its_key_when_columns_are_added(tmp_path: Path) -> None:
    row = {"from": "ann@example.org", "subject": "Bread", "text": "With patience."}
    (first,) = read(tmp_path, lines(row), "a.jsonl")
    (second,) = read(tmp_path, lines({"stars": 1} | row), "b.jsonl")
    (other,) = read(tmp_path, lines(row | {"text": "In haste."}), "c.jsonl")
    assert first.key == second.key != other.key


def test_lines_that_are_damaged_are_told_of_after_the_others_were_read(tmp_path: Path) -> None:
    row = {"from": "ann@example.org", "subject": "Bread", "text": "With patience."}
    file = tmp_path / "mails.jsonl"
    file.write_text(lines(row) + "{broken\n\n" + lines(row | {"text": "Again."}) + '{"from": "an')
    found = []
    with pytest.raises(SourceError, match="2 of 4"):
        for document in Mail().read(file, tmp_path, ANN):
            found.append(document.own_text)
    assert found == ["With patience.", "Again."]


def test_a_list_cut_off_gives_what_stands_before(tmp_path: Path) -> None:
    row = {"from": "ann@example.org", "subject": "Bread", "text": "With patience."}
    file = tmp_path / "mails.json"
    file.write_text(json.dumps([row, row])[:-20])
    found = []
    with pytest.raises(SourceError, match="cut off"):
        for document in Mail().read(file, tmp_path, ANN):
            found.append(document.own_text)
    assert found == ["With patience."]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Bread", "messages": [{"from": "Bob", "text": "How?", "subject": "x"}]}',
        '[{"user": "U1", "text": "How?", "ts": "1"}]',
        '[{"from": "Bob", "text": "How?", "date": "2024-03-02"}]',
        "Name,Date,Text\nBob,2024-03-02,How?\n",
        "Dear Ann, from Bob, on the subject of bread: the body, the text.\n",
        '{"a": ' * 500,
        '"' * 1000,
    ],
)
def test_other_tables_and_json_are_no_mail(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    assert Mail().recognises(tmp_path / "x") == 0


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-03-02T12:00:00+00:00", (2024, 3, 2, 12)),
        ("2024-03-02 12:00", (2024, 3, 2, 12)),
        ("2024-03-02", (2024, 3, 2)),
        ("Sat, 2 Mar 2024 12:00:00 +0000", (2024, 3, 2, 12)),
        (1709380800, (2024, 3, 2, 12)),
        ("1709380800000", (2024, 3, 2, 12)),
        ("02.03.2024 12:00", (2024, 3, 2, 12)),
        ("3/2/2024 12:00:00 PM", (2024, 3, 2, 12)),
        ("3/2/24 1:30 am", (2024, 3, 2, 1, 30)),
        ("31/12/2024 08:05", (2024, 12, 31, 8, 5)),
    ],
)
def test_times_are_read_as_exports_write_them(written: object, moment: tuple[int, ...]) -> None:
    assert moment_of(written) == datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    "written",
    ["", "soon", "02/03/2024 10:00", "99.99.2024", "1.1.2024 99:00", None, True, "9" * 16, 1e300, "0001-01-01"],
)
def test_times_that_cannot_be_told_are_none(written: object) -> None:
    assert moment_of(written) is None


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("From: (Address)", "address"),
        ("Von: (Name)", "name"),
        ("De : (adresse)", "address"),
        ("fromEmail", "address"),
        ("in_reply_to", "in-reply-to"),
        ("Message-ID", "message-id"),
        ("Asunto", "subject"),
        ("Gesendet", "date"),
        ("От", "from"),
        ("Cc", ""),
        ("Importance", ""),
        ("", ""),
    ],
)
def test_columns_are_known_in_many_languages_and_spellings(name: str, field: str) -> None:
    assert field_of(name) == field

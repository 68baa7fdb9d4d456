"""The mail importer: messages from files, whose they are, when, which belong together, and which are of no use."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail

ME = Person.of(["tom@example.org", "Tom Hale"])
HEAD = (
    "From: Tom Hale <Tom@Example.org>\nTo: Rosa Lind <rosa@example.org>\nSubject: The gate\n"
    "Date: Tue, 3 Mar 2015 14:02:11 +0100\nMessage-ID: <one@example.org>\n"
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes, name: str = "mail.eml") -> Path:
        file = tmp_path / "export" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return written


def read(file: Path, person: Person = ME) -> list[Document]:
    return list(Mail().read(file, file.parent, person))


def one(file: Path, person: Person = ME) -> Document:
    (document,) = read(file, person)
    return document


def test_a_mail_of_the_person_has_their_words_time_title_and_thread(write: Write) -> None:
    document = one(write(HEAD + "References: <root@x> <mid@x>\nIn-Reply-To: <mid@x>\n\nIt is fixed.\n"))
    assert (document.kind, document.source, document.key) == ("mail", "mail", "one@example.org")
    assert (document.title, document.thread, document.drop) == ("The gate", "root@x", "")
    assert document.at == datetime(2015, 3, 3, 14, 2, 11, tzinfo=timezone(timedelta(hours=1)))
    assert document.origin == "mail.eml#1"
    (turn,) = document.turns
    assert (turn.author, turn.mine, turn.role, turn.text) == ("Tom Hale", True, "own", "It is fixed.")


def test_a_long_subject_is_cut(write: Write) -> None:
    assert 290 < len(one(write("Subject: " + "rye " * 500 + "\n\nI bake.\n")).title) <= 300


def test_what_was_answered_stands_before_the_reply(write: Write) -> None:
    body = "It is.\n\n-- \nTom\n\nOn 3 Mar 2015 14:00, Rosa Lind <rosa@example.org> wrote:\n> Is it fixed?\n"
    document = one(write(HEAD + "\n" + body))
    assert [(turn.role, turn.author, turn.mine, turn.text) for turn in document.turns] == [
        ("quoted", "Rosa Lind", False, "Is it fixed?"),
        ("own", "Tom Hale", True, "It is."),
        ("signature", "Tom Hale", True, "--\nTom"),
    ]
    assert document.own_text == "It is."
    assert document.words_by_me == 2


def test_own_words_quoted_back_are_known_as_mine_but_not_trained_on(write: Write) -> None:
    body = "Good.\n\n> Done.\n>\n> On 2 Mar 2015 09:00, Tom Hale <tom@example.org> wrote:\n>> Please fix it.\n"
    document = one(write(HEAD + "\n" + body))
    assert [(turn.role, turn.mine) for turn in document.turns] == [("quoted", True), ("quoted", False), ("own", True)]
    assert document.own_text == "Good."


def test_a_mail_from_somebody_else_is_one_received_turn_of_their_own_words(write: Write) -> None:
    head = HEAD.replace("Tom Hale <Tom@Example.org>", "Rosa Lind <rosa@example.org>")
    document = one(write(head + "\nThanks!\n\nOn 3 Mar 2015 14:00, Tom Hale wrote:\n> It is.\n"))
    assert [(turn.role, turn.author, turn.mine, turn.text) for turn in document.turns] == [
        ("received", "Rosa Lind", False, "Thanks!")
    ]
    assert (document.drop, document.words_by_me) == ("", 0)


def test_a_thread_begins_with_its_own_message(write: Write) -> None:
    assert one(write(HEAD + "\nHi.")).thread == "one@example.org"
    assert one(write(HEAD + "In-Reply-To: <zero@x>\n\nHi.")).thread == "zero@x"


def test_a_mail_without_an_id_is_known_by_its_content(write: Write) -> None:
    bare = "From: tom@example.org\nSubject: Hi\n\nHello there.\n"
    first, second = one(write(bare, "a.eml")), one(write(bare.replace("\n", "\r\n"), "b.eml"))
    other = one(write(bare + "More.", "c.eml"))
    assert first.key == second.key != other.key


def test_headers_in_any_dress_are_read(write: Write) -> None:
    raw = (
        b"From: =?utf-8?B?VG9tIEjDpGxl?= <tom@example.org>\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?q?_aus_?=\n"
        b" =?utf-8?B?8J+MsQ==?= =?nonsense?B?QQ==?= =?utf-8?B?broken\nDate: no date at all\nReceived: from a by b; "
        b"Tue, 3 Mar 2015 14:02:11 +0100\n\nHi.\n"
    )
    document = one(write(raw))
    assert document.title.startswith("Grüße aus 🌱A")
    assert document.turns[0].author == "Tom Häle"
    assert document.at is not None
    assert document.at.year == 2015
    assert one(write("From: tom@example.org\nSubject: Grün\nDate: x\n\nHi.".encode("cp1252"))).title == "Grün"


@pytest.mark.parametrize(
    "sender", ["tom@example.org", "tom@example.org (Tom)", "Tom Hale", '"Hale, Tom" <TOM@example.org>']
)
def test_the_person_is_known_by_address_or_name(write: Write, sender: str) -> None:
    assert one(write(f"From: {sender}\nSubject: x\n\nHi.")).own_text == "Hi."


def alternative(*parts: str, kind: str = "alternative") -> str:
    body = "".join(f"--cut\n{part}\n" for part in parts)
    return f"{HEAD}MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=cut\n\n{body}--cut--\n"


def test_plain_text_is_taken_over_html_unless_it_is_empty(write: Write) -> None:
    html = "Content-Type: text/html\n\n<p>Marked <b>up</b></p>"
    assert one(write(alternative("Content-Type: text/plain\n\nPlain", html))).own_text == "Plain"
    assert one(write(alternative("Content-Type: text/plain\n\n \n", html))).own_text == "Marked up"


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ("text/plain; charset=iso-8859-1", "Grüße – ja".encode("cp1252"), "Grüße – ja"),
        ("text/plain; charset=utf-8", "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain; charset=no-such-thing", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=unicode_escape", b"a\\x41", "a\\x41"),
        ("text/plain", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=shift_jis", "庭の門".encode("shift_jis"), "庭の門"),
        ("text/plain; charset=gb2312", "门坏了".encode("gb18030"), "门坏了"),
        ("text/plain; charset=koi8-r\nContent-Transfer-Encoding: 8bit", "Ворота".encode("koi8-r"), "Ворота"),
        ("text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted printable", b"Gr=C3=BC=\n=C3=9Fe", "Grüße"),
        ("text/plain; charset=utf-8\nContent-Transfer-Encoding: BASE64", base64.b64encode("Grüße".encode()), "Grüße"),
        ("text/plain\nContent-Transfer-Encoding: base64", base64.b64encode(b"All is well now")[:-4], "All is well"),
        ("text/plain\nContent-Transfer-Encoding: base64", base64.b64encode(b"All well") + b"\n-- \n[x]", "All well"),
        ("text/plain\nContent-Transfer-Encoding: x-uuencode", b"begin 644 a\n$3F5W<P``\n`\nend\n", "News"),
        ("text/plain\nContent-Transfer-Encoding: seven", b"As it is", "As it is"),
    ],
)  # fmt: skip
def test_text_of_every_encoding_is_read(write: Write, headers: str, content: bytes, expected: str) -> None:
    assert one(write(f"{HEAD}Content-Type: {headers}\n\n".encode() + content)).own_text == expected


def test_files_that_came_along_are_not_words(write: Write) -> None:
    mixed = alternative(
        "Content-Type: text/plain\n\nSee the list.",
        "Content-Type: text/plain; name=list.txt\nContent-Disposition: attachment; filename=list.txt\n\nrope, lamp",
        "Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\neJ8+IgA=",
        "Content-Type: text/plain\n\nAnd come early.",
        kind="mixed",
    )
    assert one(write(mixed)).own_text == "See the list.\n\nAnd come early."


def test_an_attached_mail_is_forwarded_words_of_its_sender(write: Write) -> None:
    mixed = alternative(
        "Content-Type: text/plain\n\nLook at this.",
        "Content-Type: message/rfc822\n\nFrom: Rosa Lind <rosa@example.org>\nSubject: x\n\nIt squeaks.\n\n-- \nRosa",
        kind="mixed",
    )
    assert [(turn.role, turn.author, turn.text) for turn in one(write(mixed)).turns] == [
        ("own", "Tom Hale", "Look at this."),
        ("forwarded", "Rosa Lind", "It squeaks."),
    ]


def test_a_multipart_without_its_boundary_is_read_by_the_one_it_shows(write: Write) -> None:
    parts = "--xx\nContent-Type: text/plain\n\nStill here.\n--xx\nContent-Type: image/png\n\n###\n"
    raw = f"{HEAD}Content-Type: multipart/mixed\n\n{parts}"
    assert one(write(raw)).own_text == "Still here."
    unfinished = alternative("Content-Type: text/plain\n\nCut off").removesuffix("--cut--\n")
    assert one(write(unfinished)).own_text == "Cut off"


MBOX = (
    "From tom@example.org Tue Mar  3 14:02:11 2015\n" + HEAD + "\nFirst.\n\nFrom here on the path is wet.\n"
    ">From the hill you see it. At 10:30 on 3 May 2015.\n>>From quoted.\n\n"
    "From MAILER-DAEMON Wed Mar  4 09:00:00 2015 +0100\n" + HEAD.replace("one@", "two@") + "\nSecond.\n\n"
    "From - Thu Mar 05 10:00:00 2015\n" + HEAD.replace("one@", "three@") + "\nThird.\n"
)  # fmt: skip


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_mailbox_is_cut_at_its_from_lines_only(write: Write, ends: str) -> None:
    documents = read(write(MBOX.replace("\n", ends), "Sent.mbox"))
    assert [document.key for document in documents] == ["one@example.org", "two@example.org", "three@example.org"]
    assert [document.origin for document in documents] == ["Sent.mbox#1", "Sent.mbox#2", "Sent.mbox#3"]
    assert documents[0].own_text.splitlines()[2:4] == [
        "From here on the path is wet.",
        "From the hill you see it. At 10:30 on 3 May 2015.",
    ]


def test_a_message_that_stands_twice_in_a_mailbox_comes_once(write: Write) -> None:
    assert len(read(write(MBOX + "\n" + MBOX, "All.mbox"))) == 3


def test_two_messages_with_one_id_are_both_kept(write: Write) -> None:
    documents = read(write(MBOX.replace("<two@", "<one@"), "All.mbox"))
    assert [document.own_text[:6] for document in documents] == ["First.", "Second", "Third."]
    assert len({document.key for document in documents}) == 3


def test_one_broken_message_does_not_stop_the_others(write: Write) -> None:
    # Nested deeper than the standard library's parser can go.
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(400))
    broken = "From a@b.cc Tue Mar  3 14:02:11 2015\nFrom: a@b.cc\nMessage-ID: <deep@x>\n" + deep + "\n\n"
    documents = read(write(MBOX + "\n" + broken + MBOX.replace("@example.org>", "@again>"), "All.mbox"))
    assert len(documents) == 7
    assert [document.drop for document in documents].count("") == 6


def test_the_authors_of_a_mailbox_are_its_senders(write: Write) -> None:
    theirs = HEAD.replace("Tom Hale <Tom@Example.org>", "rosa@example.org (Rosa)")
    box = MBOX + "\nFrom rosa@example.org Tue Mar  3 14:02:11 2015\n" + theirs + "\nHi\n"
    assert list(Mail().authors(write(box, "a.mbox"))) == ["tom@example.org"] * 3 + ["rosa@example.org"]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\x89PNG\r\n\x1a\n\0\0", b"Dear Rosa,\n\nIt is fixed.\n", b"<html></html>"]
)
def test_a_file_that_is_no_mail_is_refused_with_the_reason(write: Write, content: bytes) -> None:
    file = write(content, "thing")
    assert Mail().recognises(file) < 0.2
    with pytest.raises(SourceError, match=r"^thing (is empty|holds no mail)"):
        read(file)
    with pytest.raises(SourceError):
        list(Mail().authors(file))


def test_a_missing_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert Mail().recognises(tmp_path / "gone.txt") == 0
    with pytest.raises(SourceError, match="gone"):
        read(tmp_path / "gone.eml")


def test_mail_is_recognised_by_its_content(write: Write) -> None:
    assert Mail().recognises(write(HEAD + "\nHi", "17")) > 0.9
    assert Mail().recognises(write(MBOX, "Sent")) > 0.9
    assert Mail().recognises(write("Rosa: hello\nTom: hi\n", "chat.txt")) == 0
    assert Mail().recognises(write("---\ntitle: x\n---\n# Note\n", "note.md")) == 0


def test_a_mail_with_nothing_of_its_sender_is_empty(write: Write) -> None:
    assert one(write(HEAD + "\n\n")).drop == "empty"
    assert one(write(HEAD + "\n> only this\n> was quoted\n")).drop == "empty"


def test_text_is_clean_for_storage(write: Write) -> None:
    raw = HEAD.encode() + b"Content-Type: text/plain; charset=utf-7\n\na+2D0- b\0c\r\nd\x07e\n"
    text = one(write(raw)).own_text
    text.encode()
    assert "\0" not in text
    assert "\r" not in text
    assert "\x07" not in text

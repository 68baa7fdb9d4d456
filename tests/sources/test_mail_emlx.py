"""Apple Mail's own files: a length, a message, a property list."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail

ANN = Person.of(["ann@example.org"])
MESSAGE = (
    "From: Ann <ann@example.org>\nTo: Bob <bob@example.org>\nSubject: Bread\nMessage-ID: <2@example.org>\n\n"
    "With patience.\n\nOn 2 Mar 2024 10:00, Bob <bob@example.org> wrote:\n> How do you bake the rye?\n"
)
READ, DELETED, DRAFT, JUNK = 1, 1 << 1, 1 << 6, 1 << 24


def emlx(message: str = MESSAGE, flags: int = READ, received: str = "1709373600", ends: str = "\n") -> bytes:
    data = message.encode()
    trailer = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "">\n'
        '<plist version="1.0">\n<dict>\n\t<key>conversation-id</key>\n\t<integer>7</integer>\n'
        f"\t<key>date-received</key>\n\t<integer>{received}</integer>\n\t<key>flags</key>\n\t<integer>{flags}</integer>\n"
        "\t<key>remote-id</key>\n\t<string>12</string>\n</dict>\n</plist>\n"
    )
    whole = f"{len(data):<10}\n".encode() + data + trailer.encode()
    return whole.replace(b"\n", ends.encode())


def read(folder: Path, data: bytes, name: str = "12.emlx") -> list[Document]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return list(Mail().read(file, folder, ANN))


@pytest.mark.parametrize("name", ["12.emlx", "12.partial.emlx", "x"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_message_is_read_and_the_property_list_is_not(tmp_path: Path, name: str, ends: str) -> None:
    (document,) = read(tmp_path, emlx(ends=ends), name)
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("quoted", "How do you bake the rye?"),
        ("own", "With patience."),
    ]
    assert document.key == "2@example.org"
    assert Mail().recognises(tmp_path / name) > 0.9
    assert list(Mail().authors(tmp_path / name)) == ["ann@example.org"]


def test_the_time_is_the_mails_own_else_when_it_came(tmp_path: Path) -> None:
    (document,) = read(tmp_path, emlx())
    assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)
    (document,) = read(tmp_path, emlx("Date: Fri, 1 Mar 2024 10:00:00 +0000\n" + MESSAGE))
    assert document.at == datetime(2024, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("received", ["0", "99999999999999999999", "1.5.5", "."])
def test_a_time_out_of_all_reason_is_none(tmp_path: Path, received: str) -> None:
    (document,) = read(tmp_path, emlx(received=received))
    assert document.at is None


@pytest.mark.parametrize(("flags", "reason"), [(READ, ""), (DELETED, "trash"), (DRAFT, "draft"), (READ | JUNK, "spam")])
def test_its_flags_are_labels(tmp_path: Path, flags: int, reason: str) -> None:
    theirs = MESSAGE.replace("From: Ann <ann@", "From: Bob <bob@")
    (document,) = read(tmp_path, emlx(theirs, flags))
    assert document.drop == reason


def test_a_wrong_length_loses_nothing_and_adds_nothing(tmp_path: Path) -> None:
    whole = emlx()
    for count in (b"1         ", b"999999999 "):
        (document,) = read(tmp_path, count + whole[10:])
        assert document.own_text == "With patience."
        assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_one_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    (document,) = read(tmp_path, emlx()[:115])
    assert "With patience".startswith(document.own_text) and document.own_text


def test_the_folder_it_lies_in_tells_of_it(tmp_path: Path) -> None:
    (document,) = read(tmp_path, emlx(), "Drafts.mbox/A/Data/Messages/12.emlx")
    assert document.drop == "draft"


def test_a_file_that_the_system_does_not_open_says_what_allows_it(tmp_path: Path) -> None:
    class Closed(type(tmp_path)):  # type: ignore[misc]
        def open(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise PermissionError(1, "Operation not permitted")

    with pytest.raises(SourceError, match=r"12\.emlx cannot be opened") as refused:
        list(Mail().read(Closed(tmp_path / "12.emlx"), tmp_path, ANN))
    assert "Full Disk Access" in refused.value.hint

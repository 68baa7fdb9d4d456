"""Mail where programs keep it: folders of one message a file, and folders that macOS keeps closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlxtwin.errors import UsageError
from mlxtwin.records import Person
from mlxtwin.sources import registry
from mlxtwin.sources.base import why_refused
from mlxtwin.sources.run import import_paths

ANN = Person.of(["ann@example.org"])
MAIL = "From: Ann <ann@example.org>\nSubject: Bread\nMessage-ID: <{}@example.org>\n\nWith patience.\n"


def put(root: Path, *places: str) -> None:
    for number, place in enumerate(places):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(MAIL.format(number))


def maildir(root: Path, *names: str) -> None:
    for folder in ("cur", "new", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    put(root, *names)


def test_a_maildir_is_read_with_the_hidden_folders_under_it(tmp_path: Path) -> None:
    maildir(tmp_path / "Maildir", "cur/1.M1P2.host:2,S", "new/2.M1P2.host", "dovecot.index.log")
    maildir(tmp_path / "Maildir" / ".Sent", "cur/3.M1P2.host,S=120:2,S", "cur/4.M1P2.host:2,")
    put(tmp_path / "Maildir" / ".cache", "5.eml")
    found = [str(file.relative_to(tmp_path)) for file in registry.files(tmp_path)]
    assert [name for name in found if ".host" in name] == [
        "Maildir/.Sent/cur/3.M1P2.host,S=120:2,S", "Maildir/.Sent/cur/4.M1P2.host:2,",
        "Maildir/cur/1.M1P2.host:2,S", "Maildir/new/2.M1P2.host",
    ]  # fmt: skip
    assert not any(".cache" in name for name in found)


def test_apples_folder_of_mail_is_imported(tmp_path: Path) -> None:
    place = tmp_path / "V10/A-B/INBOX.mbox/C-D/Data"
    for number, name in enumerate(("1/2/Messages/12.emlx", "Messages/13.partial.emlx")):
        message = MAIL.format(number)
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text(f'{len(message)}\n{message}<?xml version="1.0"?>\n<plist></plist>\n')
    (place / "2/Attachments/13/2").mkdir(parents=True)
    (place / "2/Attachments/13/2/bread.jpg").write_bytes(b"\xff\xd8\xff")
    report = import_paths([tmp_path], person=ANN)
    assert (report.documents, report.kept, report.words_by_me, report.errors) == (2, 2, 4, [])


def test_a_folder_that_macos_keeps_closed_says_what_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(UsageError, match="a folder that cannot be opened") as error:
        import_paths([tmp_path], person=ANN)
    assert "Full Disk Access" in error.value.hint


@pytest.mark.parametrize(("number", "told"), [(1, True), (13, False)])
def test_a_file_that_macos_keeps_closed_says_what_opens_it(tmp_path: Path, number: int, told: bool) -> None:
    class Closed(type(tmp_path)):  # type: ignore[misc]
        def open(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise PermissionError(number, "Not permitted")

    refusal = why_refused(Closed(tmp_path / "12.emlx"))
    assert refusal.startswith("It cannot be read: not permitted.")
    assert ("Full Disk Access" in refusal) == told

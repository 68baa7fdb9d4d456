"""The mail of other projects' test suites, kept beside a checkout: every file accounted for, quoted words never own."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail

pytestmark = pytest.mark.shared

HTML_REPLY = "Hi. I am fine.\n\nThanks,\nAlex"
PLAIN_REPLY = "Hello"
HTML_HEAD = b"From: me@example.net\nSubject: Re: x\nMessage-ID: <a@b>\nContent-Type: text/html; charset=utf-8\n\n"


@pytest.fixture
def mails(shared: Path) -> Path:
    return shared / "exports" / "mail"


def read(file: Path, root: Path) -> list[Document]:
    """The documents of a file, with whoever sent them as "me"."""
    return list(Mail().read(file, root, Person.of(Mail().authors(file))))


def same(left: str, right: str) -> bool:
    return re.sub(r"\s+", "", left) == re.sub(r"\s+", "", right)


def test_every_file_gives_documents_or_says_why_not(mails: Path) -> None:
    outcome: Counter[str] = Counter()
    for file in sorted(path for path in mails.rglob("*") if path.is_file()):
        started = time.process_time()
        try:
            documents = read(file, mails)
            assert documents, file
            assert all(document.turns or document.drop for document in documents), file
            outcome["read"] += 1
        except SourceError as refusal:
            assert refusal.message.startswith(file.name)
            assert file.suffix not in (".eml",) or file.stat().st_size < 2, file
            outcome["refused"] += 1
        assert time.process_time() - started < 2, file
    assert outcome["read"] + outcome["refused"] == 317
    assert outcome["read"] >= 245


def test_mail_files_and_only_they_are_recognised(mails: Path) -> None:
    for file in sorted(path for path in mails.rglob("*") if path.is_file()):
        known = Mail().recognises(file) > 0.2
        try:
            read(file, mails)
        except SourceError:
            assert not known or file.stat().st_size < 2, file
        else:
            # A single "From: Name" line is too little to take a file for mail unasked.
            assert known or file.name == "unicode_msg", file


def test_plain_replies_are_the_expected_words(mails: Path) -> None:
    folder = mails / "talon/tests/fixtures/standard_replies"
    for file in sorted(folder.glob("*.eml")):
        (document,) = read(file, mails)
        signature = "".join(turn.text for turn in document.turns if turn.mine and turn.role == "signature")
        told = file.with_name(f"{file.stem}_reply_text")
        expected = told.read_text(encoding="utf-8") if told.exists() else PLAIN_REPLY
        assert document.own_text == PLAIN_REPLY, file.name
        assert same(document.own_text + signature, expected), file.name
        assert any(turn.role == "quoted" and not turn.trainable for turn in document.turns), file.name


def test_html_replies_are_the_expected_words(mails: Path, tmp_path: Path) -> None:
    folder = mails / "talon/tests/fixtures/html_replies"
    for file in sorted(folder.glob("*.html")):
        wrapped = tmp_path / f"{file.stem}.eml"
        wrapped.write_bytes(HTML_HEAD + file.read_bytes())
        (document,) = read(wrapped, tmp_path)
        assert same(document.own_text, HTML_REPLY), file.name
        (quoted,) = (turn for turn in document.turns if turn.role == "quoted")
        assert quoted.text.startswith("Hello! How are you?"), file.name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("long", True),
        ("sparse", True),
        ("camel_case", False),
        ("jeff", True),
    ],
)
def test_signatures_end_up_outside_the_words(mails: Path, tmp_path: Path, name: str, expected: bool) -> None:
    folder = mails / "talon/tests/fixtures/signature/emails/stripped"
    sender = (folder / f"{name}_sender").read_text(encoding="utf-8").strip()
    body = (folder / f"{name}_body").read_text(encoding="utf-8")
    mail = tmp_path / "a.eml"
    mail.write_text(f"From: {sender} <me@example.net>\nSubject: x\n\n{body}", encoding="utf-8")
    (document,) = list(Mail().read(mail, tmp_path, Person.of(["me@example.net"])))
    signature = (folder / f"{name}_signature").read_text(encoding="utf-8").strip()
    last = signature.splitlines()[-1] if signature else ""
    assert any(turn.role == "signature" for turn in document.turns) is expected
    assert not last or last not in document.own_text

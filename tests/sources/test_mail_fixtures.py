"""The mail of other projects' test suites, kept beside a checkout: every file accounted for, quoted words never own."""

from __future__ import annotations

import re
import time
from collections import Counter
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail
from mlxtwin.sources.mail_text import html_lines
from mlxtwin.sources.quoting import Part, split

pytestmark = pytest.mark.shared

HTML_REPLY = "Hi. I am fine.\n\nThanks,\nAlex"
PLAIN_REPLY = "Hello"
# Of every file of three projects: kept, dropped with a reason, or refused, for it holds no mail or nothing.
OUTCOME = {
    ("flanker", "kept"): 97, ("flanker", "delivery report"): 11, ("flanker", "empty"): 16, ("flanker", "spam"): 2,
    ("flanker", "refused"): 29, ("mikel-mail", "kept"): 86, ("mikel-mail", "delivery report"): 6,
    ("mikel-mail", "empty"): 12, ("mikel-mail", "refused"): 9, ("talon", "kept"): 15, ("talon", "refused"): 34,
}  # fmt: skip
# Alternatives in HTML whose words are not those of the plain text beside them.
OTHER_WORDS = {"outlook": "Allo! Follow up MIME!", "sparrow": "Hello\n\n--\nxxx\nSent with Sparrow"}
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
    outcome: Counter[tuple[str, str]] = Counter()
    for file in sorted(path for path in mails.rglob("*") if path.is_file()):
        project = file.relative_to(mails).parts[0]
        started = time.process_time()
        try:
            documents = read(file, mails)
            assert documents, file
            assert all(document.turns or document.drop for document in documents), file
            outcome[project, documents[0].drop or "kept"] += 1
        except SourceError as refusal:
            assert refusal.message.startswith(file.name)
            assert file.suffix not in (".eml",) or file.stat().st_size < 2, file
            outcome[project, "refused"] += 1
        assert time.process_time() - started < 2, file
    assert outcome == OUTCOME


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


def test_the_html_of_plain_replies_gives_the_same_words(mails: Path) -> None:
    folder = mails / "talon/tests/fixtures/standard_replies"
    seen = 0
    for file in sorted(folder.glob("*.eml")):
        for part in message_from_bytes(file.read_bytes()).walk():
            if part.get_content_type() != "text/html":
                continue
            seen += 1
            parts = html_parts(part)
            said = "".join(one.text for one in parts if one.role in ("own", "signature"))
            assert same(said, OTHER_WORDS.get(file.stem, PLAIN_REPLY)), file.name
            assert any(one.role == "quoted" for one in parts), file.name
    assert seen == 7


def html_parts(part: Message) -> list[Part]:
    return split(html_lines(bytes(part.get_payload(decode=True) or b"").decode("utf-8")))


def test_a_page_with_an_end_tag_too_many_is_quoted_to_its_end(mails: Path) -> None:
    file = mails / "talon/tests/fixtures/reply-quotations-share-block.eml"
    whole = message_from_bytes(file.read_bytes())
    (page,) = (part for part in whole.walk() if part.get_content_type() == "text/html")
    parts = html_parts(page)
    assert [one.role for one in parts] == ["quoted", "own"]
    assert "Copyrigh" in parts[0].text
    assert parts[1].text.endswith("soon.\n\nJhon Doe")


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

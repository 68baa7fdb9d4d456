"""What mailboxes say about their mails: Gmail's export, flags of mail programs, names of folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.mail import Mail
from mlxtwin.sources.mail_labels import folder_labels, gmail_labels

ANN = Person.of(["ann@example.org"])


def takeout(*mails: tuple[str, str]) -> str:
    """A mailbox as Google exports it: of each mail the sender and its labels."""
    return "\n".join(
        f"From 1{number}@xxx Sat Mar 02 10:0{number}:00 +0000 2024\nX-GM-THRID: 1792{number // 2}\n"
        f"X-Gmail-Labels: {labels}\nFrom: {sender}\nSubject: Bread\nMessage-ID: <{number}@example.org>\n\nIt rose.\n"
        for number, (sender, labels) in enumerate(mails)
    )


def read(folder: Path, text: str, name: str = "All mail Including Spam and Trash.mbox") -> list[Document]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return list(Mail().read(file, folder, ANN))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("Inbox,Important,Opened", ""),
        ("Inbox,Category Personal,Unread", ""),
        ("Spam,Unread", "spam"),
        ("Trash,Opened", "trash"),
        ("Chat", "chat"),
        ("Category Promotions,Unread", "promotions"),
        ("Inbox,Category Updates", "updates"),
        ("Category Forums", "forums"),
        ("Category Social", "social"),
        ("CATEGORY_SOCIAL,INBOX", "social"),
        ("=?UTF-8?Q?Papierkorb,Ge=C3=B6ffnet?=", "trash"),
        ("=?UTF-8?Q?Kategorie:_=E2=80=9EWerbung=E2=80=9C?=", "promotions"),
        ("=?UTF-8?Q?Cat=C3=A9gorie_:_R=C3=A9seaux_sociaux?=", "social"),
        ("[Gmail]/Corbeille", "trash"),
        ('"Spam, and how to fry it",Inbox', ""),
        ("Updates,Chatter", ""),
    ],
)
def test_the_labels_of_a_received_mail_tell_why_it_is_of_no_use(tmp_path: Path, labels: str, reason: str) -> None:
    (document,) = read(tmp_path, takeout(("Bob <bob@example.org>", labels)))
    assert document.drop == reason


@pytest.mark.parametrize(
    ("labels", "reason", "words"),
    [
        ("Sent", "", 2),
        ("Sent,Trash", "", 2),
        ("Sent,Spam", "", 2),
        ("=?UTF-8?Q?Messages_envoy=C3=A9s,Corbeille?=", "", 2),
        ("Trash", "", 2),
        ("Inbox,Category Updates", "", 2),
        ("Drafts", "draft", 2),
        ("=?UTF-8?Q?Entw=C3=BCrfe?=", "draft", 2),
        ("Chat", "chat", 0),
        ("Spam", "spam", 0),
    ],
)
def test_what_the_person_sent_stays_whatever_its_labels(tmp_path: Path, labels: str, reason: str, words: int) -> None:
    """A draft was not sent, a chat holds the words of two, spam in one's own name is forged."""
    (document,) = read(tmp_path, takeout(("Ann <ann@example.org>", labels)))
    assert (document.drop, document.words_by_me) == (reason, words)


def test_gmails_number_of_a_conversation_is_the_thread(tmp_path: Path) -> None:
    sent = ("ann@example.org", "Sent")
    assert [document.thread for document in read(tmp_path, takeout(sent, sent, sent))] == ["17920", "17920", "17921"]


def test_the_sender_of_sent_mail_is_the_first_to_be_offered(tmp_path: Path) -> None:
    news = ("News <news@example.org>", "Inbox")
    read(tmp_path, takeout(news, news, ("ann@example.org", "Sent"), news), "all.mbox")
    authors = list(Mail().authors(tmp_path / "all.mbox"))
    assert authors.count("ann@example.org") > authors.count("news@example.org") == 3


def test_without_a_label_for_it_nobody_is_offered_before_others(tmp_path: Path) -> None:
    news = ("News <news@example.org>", "Inbox")
    read(tmp_path, takeout(news, news, ("ann@example.org", "Inbox")), "all.mbox")
    assert sorted(Mail().authors(tmp_path / "all.mbox")) == ["ann@example.org", "news@example.org", "news@example.org"]


def test_labels_with_commas_in_them_are_read_as_one() -> None:
    assert gmail_labels('Inbox,"Sent, with love",Drafts') == {"draft"}
    assert gmail_labels("") == frozenset()


@pytest.mark.parametrize(
    ("place", "labels"),
    [
        ("Mail/V10/A/Sent Messages.mbox/B/Data/Messages/12.emlx", {"sent"}),
        ("[Gmail].mbox/Entwürfe.mbox/C/Data/Messages/1.partial.emlx", {"draft"}),
        ("Maildir/.INBOX.Trash/cur/1:2,S", {"trash"}),
        ("Profile/Mail/Junk", {"spam"}),
        ("Takeout/Mail/Spam.mbox", {"spam"}),
        ("lay-k/_sent_mail/1.", {"sent"}),
        ("letters/the bin man.eml", set()),
        ("inbox.mbox", set()),
    ],
)
def test_the_names_of_folders_are_labels_too(place: str, labels: set[str]) -> None:
    assert folder_labels(place) == labels


def test_mail_in_a_folder_for_junk_is_spam(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "From: bob@example.org\nSubject: x\n\nHi.\n", "Junk.mbox/Messages/1.eml")
    assert document.drop == "spam"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("X-Mozilla-Status: 0001", ""),
        ("X-Mozilla-Status: 0009", "trash"),
        ("X-Mozilla-Status: zz", ""),
        ("X-Mozilla-Keys: junk", "spam"),
        ("X-Status: AD", "trash"),
        ("X-Status: T", "draft"),
    ],
)
def test_the_marks_of_mail_programs_are_labels_too(tmp_path: Path, header: str, reason: str) -> None:
    (document,) = read(tmp_path, f"From: bob@example.org\nSubject: x\n{header}\n\nHi.\n", "a.eml")
    assert document.drop == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [("17.M1P2.host:2,S", ""), ("17.M1P2.host:2,ST", "trash"), ("17.M1P2.host;2,DS", "draft"), ("17.host", "")],
)
def test_the_flags_in_the_name_of_a_maildirs_file_are_labels_too(tmp_path: Path, name: str, reason: str) -> None:
    (document,) = read(tmp_path, "From: bob@example.org\nSubject: x\n\nHi.\n", f"cur/{name}")
    assert document.drop == reason
    assert Mail().recognises(tmp_path / "cur" / name) > 0.9

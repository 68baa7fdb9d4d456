"""Which mail is of no use, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.records import Person
from mlxtwin.sources.mail import Mail


def dropped(folder: Path, headers: str, body: str = "Some words.\n", sender: str = "Rosa <rosa@example.org>") -> str:
    file = folder / "mail.eml"
    file.write_text(f"{headers}\nFrom: {sender}\nSubject: The gate\nMessage-ID: <a@b>\n\n{body}", encoding="utf-8")
    (document,) = Mail().read(file, folder, Person.of(["tom@example.org"]))
    return document.drop


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-generated", "automated"),
        ("Auto-Submitted: no", ""),
        ("X-Auto-Response-Suppress: All", "automated"),
        ("Return-Path: <>", "automated"),
        ("From: no-reply@shop.example", "automated"),
        ("From: notifications@forge.example", "automated"),
        ("From: MAILER-DAEMON@example.org", "automated"),
        ("From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail Returned to Sender", "delivery report"),
        ("Content-Type: multipart/report; boundary=x", "delivery report"),
        ("X-Failed-Recipients: kim@example.org", "delivery report"),
        ("Auto-Submitted: auto-replied", "auto-reply"),
        ("X-Autoreply: yes", "auto-reply"),
        ("Precedence: auto_reply", "auto-reply"),
        ("Subject: Automatic reply: The gate", "auto-reply"),
        ("Subject: Out of Office: The gate", "auto-reply"),
        ("Subject: Abwesenheitsnotiz: Das Tor", "auto-reply"),
        ("Subject: Réponse automatique : La porte", "auto-reply"),
        ("List-Unsubscribe: <https://x.example>", "bulk"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: list", "bulk"),
        ("From: no-reply@shop.example\nSubject: Your order 4711", "receipt"),
        ("From: orders@shop.example\nSubject: Order confirmation", "receipt"),
        ("From: rechnung@shop.example\nSubject: Ihre Rechnung vom März", "receipt"),
        ("From: support@shop.example\nIn-Reply-To: <x@y>\nSubject: Re: your order", ""),
        ("Auto-Submitted: auto-generated\nSubject: Your receipt", "receipt"),
        ("Subject: Your order 4711", ""),
        ("Content-Type: text/calendar; method=REQUEST", "invitation"),
        ("Content-Type: text/calendar; method=REPLY", "calendar reply"),
        ("Subject: Accepted: Supper", "calendar reply"),
        ("Subject: Zugesagt: Abendessen", "calendar reply"),
        ("X-Spam-Flag: YES", "spam"),
    ],
)
def test_mail_of_others_that_is_of_no_use_says_why(tmp_path: Path, headers: str, reason: str) -> None:
    assert dropped(tmp_path, headers) == reason


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Precedence: list\nList-Id: <gates.example.org>\nList-Unsubscribe: <https://x.example>", ""),
        ("Subject: Out of office next week", ""),
        ("Subject: Your order 4711", ""),
        ("Subject: Accepted: what she asked for", ""),
        ("Return-Path: <>", ""),
        ("X-Auto-Response-Suppress: All", ""),
        ("Auto-Submitted: auto-replied", "auto-reply"),
        ("Auto-Submitted: auto-generated", "automated"),
        ("X-Autoreply: yes", "auto-reply"),
        ("Subject: Automatic reply: The gate", "auto-reply"),
        ("Content-Type: text/calendar; method=REPLY", "calendar reply"),
    ],
)
def test_the_persons_own_mail_is_dropped_only_when_a_program_wrote_it(
    tmp_path: Path, headers: str, reason: str
) -> None:
    assert dropped(tmp_path, headers, sender="tom@example.org") == reason


def test_an_answer_to_an_invitation_is_one_where_it_says_nothing_more(tmp_path: Path) -> None:
    assert dropped(tmp_path, "Subject: Accepted: Supper", "", "tom@example.org") == "calendar reply"


def test_the_answer_of_a_calendar_is_known_among_the_parts_of_a_mail(tmp_path: Path) -> None:
    parts = (
        "--cut\nContent-Type: text/plain\n\nGladly.\n"
        "--cut\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\nBEGIN:VCALENDAR\n--cut--\n"
    )
    headers = "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=cut"
    assert dropped(tmp_path, headers, parts, "tom@example.org") == "calendar reply"

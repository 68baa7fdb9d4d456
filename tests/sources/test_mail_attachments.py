"""Attachments leave a mail before it is parsed, and nothing that is read leaves with them."""

from __future__ import annotations

import base64

import pytest

from mlxtwin.sources.mail_attachments import LEAST_BYTES, without_attachments
from mlxtwin.sources.mail_message import read_letter

FILE = base64.encodebytes(bytes(range(256)) * 200).decode()
WORDS = base64.encodebytes(b"With patience and a hot stone. " * 1000).decode()


def mail(*parts: str) -> bytes:
    cut = "".join(f"--cut\n{part}\n" for part in parts)
    head = 'From: ann@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="cut"\n\n'
    return f"{head}{cut}--cut--\n".encode()


def part(kind: str, body: str, encoding: str = "base64") -> str:
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n{body}"


@pytest.mark.parametrize("kind", ['image/jpeg; name="a.jpg"', "application/pdf", "AUDIO/MPEG", "video/mp4"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_leaves_and_the_words_around_it_stay(kind: str, ends: str) -> None:
    whole = mail(part("text/plain", "See below.\n", "8bit"), part(kind, FILE), part("text/plain", "Bye.\n", "8bit"))
    raw = whole.replace(b"\n", ends.encode())
    slim = without_attachments(raw)
    assert len(slim) < 1000
    assert [line.text for line in read_letter(raw).body.lines if line.text] == ["See below.", "Bye."]
    assert read_letter(raw).body.types == read_letter(slim).body.types


def test_headers_before_and_after_the_encodings_tell_what_a_part_is() -> None:
    before = f"Content-Transfer-Encoding: BASE64\nContent-Disposition: attachment\nContent-Type: image/png\n\n{FILE}"
    folded = (
        f"Content-Type:\n image/png;\n name=x\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\n{FILE}"
    )
    assert len(without_attachments(mail(before, folded))) < 1000


@pytest.mark.parametrize(
    "kept",
    [
        part("text/plain", WORDS),
        part("text/html", WORDS),
        part("message/rfc822", WORDS),
        f"Content-Transfer-Encoding: base64\n\n{WORDS}",
        part("application/pdf", "no base64 at all, but words\n" * 1000),
        part("image/png", "=89PNG=\n" * 5000, "quoted-printable"),
    ],
)
def test_what_may_be_words_stays(kept: str) -> None:
    raw = mail(kept)
    assert len(raw) > LEAST_BYTES
    assert without_attachments(raw) == raw


def test_a_small_mail_and_one_of_a_single_part_stay_as_they_are() -> None:
    small = mail(part("image/png", FILE[:800]))
    single = b"From: ann@example.org\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + FILE.encode()
    assert without_attachments(small) == small
    assert without_attachments(single) == single


def test_a_file_without_its_boundary_leaves_to_its_last_line() -> None:
    raw = mail(part("image/png", FILE)).removesuffix(b"\n--cut--\n")
    assert without_attachments(raw).endswith(b"base64\n\n") or len(without_attachments(raw)) < 400

"""Whatever the bytes: documents, or a SourceError."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.mail import Mail

ME = Person.of(["tom@example.org"])
SEED = b"""From tom@example.org Tue Mar  3 14:02:11 2015
From: =?utf-8?Q?T=C3=B6m?= <tom@example.org>
Date: Tue, 3 Mar 2015 14:02:11 +0100
Subject: =?iso-8859-1?B?R3L832U=?=
Message-ID: <a@b>
References: <r@x>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cut"

--cut
Content-Type: multipart/alternative; boundary=alt

--alt
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

Ja=C3=BC,=20
gern.

On 1.1.2020 10:00, Rosa <r@x.org> wrote:
> Kommst du?
> > ja

--=20
Tom
--alt
Content-Type: text/html; charset=x

<div>Ja<blockquote type=cite>x</blockquote><!-- a --></div>
--alt--
--cut
Content-Type: message/rfc822

From: a@b.cc
Content-Transfer-Encoding: base64

SGVsbG8=
--cut
Content-Type: text/plain
Content-Transfer-Encoding: x-uuencode

begin 644 a
$3F5W<P``
`
end
--cut--

From x Wed Mar  4 09:00:00 2015
From: x@y.zz
Subject: Fwd: y

-----Original Message-----
From: q
To: r

bye
"""
APPLE = b"""218       
From: tom@example.org
Subject: x
Message-ID: <c@d>

Ja.

On 1.1.2020 10:00, Rosa <r@x.org> wrote:
> Kommst du?
<?xml version="1.0"?>
<plist><dict><key>date-received</key><integer>1709373600</integer><key>flags</key><integer>64</integer></dict></plist>
"""
TABLE = b"""Subject,Body,From: (Name),From: (Address),Date,Folder
"Re: x","Ja.

On 1.1.2020 10:00, Rosa <r@x.org> wrote:
> Kommst du?",Tom,tom@example.org,2024-03-02 10:00,Drafts
y,<p>Nein</p>,Rosa,r@x.org,3/2/2024 1:00 PM,
"""
LINES = b"""{"from": "Tom <tom@example.org>", "subject": "x", "text": "Ja.\\n\\n> Nein?", "date": 1709373600}
{"from": {"name": "Rosa", "email": "r@x.org"}, "subject": "y", "html": "<p>Nein", "headers": {"Precedence": "bulk"}}
{"raw": "From: tom@example.org\\nSubject: z\\n\\nJa."}
"""
SEEDS = {
    "fuzz.mbox": SEED, "1.emlx": APPLE, "fuzz.csv": TABLE, "fuzz.jsonl": LINES,
    "fuzz.json": b"[" + b",".join(LINES.splitlines()) + b"]",
}  # fmt: skip
PIECES = st.sampled_from(
    [
        *(b"\n", b"\n\n", b"\0", b"\r", b"\xff\xfe", b"\xed\xa0\x80", b"=\n", b"From ", b">", b"<", b"<!--"),
        *(b"--cut\n", b"--alt--", b"=?utf-8?B?", b"=?x?Q?=\xff?=", b"On 1 wrote:\n", b"begin 644 x\n", b"boundary="),
        *(
            b'; charset="',
            b"charset=idna",
            b"charset*0*=utf-8''%FF",
            b"charset=\0",
            b"charset=undefined",
            b"name*=x''%",
        ),
        *(b"Content-Type: multipart/report;", b"Content-Type: message/delivery-status\n\n", b"Date: Thu, 99 Foo"),
        *(b"Content-Transfer-Encoding: base64\n", b"format=flowed"),
    ]
)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def consume(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    importer = Mail()
    assert 0 <= importer.recognises(file) <= 1
    try:
        for author in importer.authors(file):
            author.encode()
    except SourceError:
        pass
    try:
        documents = list(importer.read(file, file.parent, ME))
    except SourceError:
        return
    assert len({document.key for document in documents}) == len(documents)
    for document in documents:
        assert document.turns or document.drop
        assert document.at is None or document.at.tzinfo is not None
        texts = [document.key, document.title, document.thread, document.origin]
        for text in texts + [part for turn in document.turns for part in (turn.text, turn.author)]:
            text.encode()
            assert "\0" not in text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fuzz.mbox"


@SETTINGS
@given(content=st.binary(max_size=2000))
def test_random_bytes_crash_nothing(file: Path, content: bytes) -> None:
    consume(file, content)
    consume(file, b"From: tom@example.org\nSubject: x\n" + content)


@SETTINGS
@given(data=st.data())
def test_mutated_mail_crashes_nothing(file: Path, data: st.DataObject) -> None:
    name, content = data.draw(st.sampled_from(sorted(SEEDS.items())))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 30))
        content = content[:at] + data.draw(PIECES | st.binary(max_size=6)) + content[at + cut :]
    consume(file.with_name(name), content)


@SETTINGS
@given(seed=st.sampled_from(sorted(SEEDS.items())), cut=st.integers(0, len(SEED)), text=st.text(max_size=300))
def test_mail_cut_anywhere_crashes_nothing(file: Path, seed: tuple[str, bytes], cut: int, text: str) -> None:
    consume(file.with_name(seed[0]), seed[1][:cut] + text.encode("utf-8", "replace"))


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_damaged_is_read_while_it_is_sound(file: Path, name: str) -> None:
    file.with_name(name).write_bytes(SEEDS[name])
    documents = list(Mail().read(file.with_name(name), file.parent, ME))
    assert any("Ja" in document.own_text for document in documents)

"""Archives read where they are: the same as unpacked, whatever their kind; and what hostile or damaged ones come to."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlxtwin.records import Document, Person
from mlxtwin.sources import archive_tar, run_look
from mlxtwin.sources.archive import Member, open_archive
from mlxtwin.sources.archive_parts import BadMember, Caps, Flow, Kept
from mlxtwin.sources.base import relative_name, text_lines
from mlxtwin.sources.reader_work import Found, Here
from mlxtwin.sources.run import ImportReport, import_paths
from mlxtwin.vault.rows import PutResult

ANN = Person.of(["Ann"])
CHAT = "31/12/24, 10:00 - Bob: Hi there\n31/12/24, 10:01 - Ann: Hello to you\n"
TEXTS = {
    "walk.md": "I walked along the wall in the evening.",
    "b/bread.md": "I baked bread again, and it rose.",
    "b/WhatsApp Chat with Bob.txt": CHAT,
    "b/café.md": "I had coffee by the window.",
    "picture.png": "\x89PNG",
    "empty.md": "",
}
PACKED = ["zip", "tar", "tgz", "tar.gz", "tar.bz2", "tar.xz"]
Made = dict[str, str | bytes]


class Got:
    """What an import gave, by id."""

    def __init__(self, *paths: Path, caps: Caps | None = None, source: str | None = None) -> None:
        self.documents: dict[str, Document] = {}
        self.report: ImportReport = import_paths(
            paths, person=ANN, put=self._put, as_source=source, reader=lambda person: Here(person, caps)
        )

    def _put(self, documents: list[Document]) -> PutResult:
        self.documents |= {document.id: document for document in documents}
        return PutResult(added=len(documents))

    @property
    def said(self) -> dict[str, tuple[object, ...]]:
        """All but where it was found."""
        return {id: (one.key, one.title, one.turns, one.at, one.thread) for id, one in self.documents.items()}

    @property
    def texts(self) -> set[str]:
        return {document.own_text for document in self.documents.values()}

    @property
    def errors(self) -> dict[str, str]:
        return {error["path"]: error["why"] for error in self.report.errors}


def unpacked(root: Path, texts: Made = TEXTS) -> Path:
    for name, text in texts.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return root


def as_zip(target: Path | IO[bytes], texts: Made, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


def as_tar(target: Path, texts: Made, mode: str = "w") -> None:
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        for name, text in texts.items():
            data = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def packed(path: Path, texts: Made = TEXTS) -> Path:
    """An archive of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.name.rpartition(".")[2]
    if ending == "zip":
        as_zip(path, texts)
    else:
        as_tar(path, texts, {"tar": "w", "tgz": "w:gz"}.get(ending, f"w:{ending}"))
    return path


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("inside", ["", "export/"])
def test_an_export_is_the_same_packed_and_unpacked(tmp_path: Path, ending: str, inside: str) -> None:
    folder = Got(unpacked(tmp_path / "a" / "export"))
    file = packed(tmp_path / "b" / f"export.{ending}", {inside + name: text for name, text in TEXTS.items()})
    archive = Got(file)
    assert archive.said == folder.said and len(folder.said) == 4
    assert all(one.origin.startswith(f"export.{ending}/") for one in archive.documents.values())
    assert (archive.report.files, archive.report.skipped) == (folder.report.files, folder.report.skipped)


def test_a_second_copy_of_a_download_is_the_same_export(tmp_path: Path) -> None:
    made: Made = {f"export/{name}": text for name, text in TEXTS.items()}
    first, second = (Got(packed(tmp_path / name, made)) for name in ("export.zip", "export (2).zip"))
    assert first.said == second.said


def test_each_part_of_an_export_in_parts_is_a_root_of_its_own(tmp_path: Path) -> None:
    whole = Got(unpacked(tmp_path / "all", {f"Takeout/{name}": text for name, text in TEXTS.items()}))
    for number, name in enumerate(TEXTS):
        packed(tmp_path / "parts" / f"takeout-2024-{number:03}.zip", {f"Takeout/{name}": TEXTS[name]})
    parts = Got(tmp_path / "parts")
    assert parts.said == whole.said
    assert {one.origin.split("/")[0] for one in parts.documents.values()} == {
        f"takeout-2024-00{number}.zip" for number in range(4)
    }


def test_an_archive_in_a_folder_is_found_there(tmp_path: Path) -> None:
    packed(tmp_path / "x" / "deep" / "a.zip", {"b.md": "I slept well."})
    got = Got(tmp_path / "x")
    assert [one.origin.partition("#")[0] for one in got.documents.values()] == ["deep/a.zip/b.md"]


def test_an_archive_in_an_archive_is_read(tmp_path: Path) -> None:
    inner, innermost = io.BytesIO(), io.BytesIO()
    as_zip(innermost, {"c.md": "I wrote the third."})
    as_zip(inner, {"b.md": "I wrote the second.", "most.zip": innermost.getvalue()})
    got = Got(packed(tmp_path / "outer.zip", {"a.md": "I wrote the first.", "in/inner.zip": inner.getvalue()}))
    assert got.texts == {"I wrote the first.", "I wrote the second.", "I wrote the third."}
    assert "outer.zip/in/inner.zip/most.zip/c.md" in {one.origin for one in got.documents.values()}
    assert (got.report.files, got.errors) == (3, {})


def test_one_that_lies_too_deep_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    data = b""
    for number in range(5):
        made = io.BytesIO()
        as_zip(made, {f"{number}.md": f"I wrote number {number}.", **({"in.zip": data} if data else {})})
        data = made.getvalue()
    (tmp_path / "x.zip").write_bytes(data)
    got = Got(tmp_path / "x.zip")
    assert got.texts == {"I wrote number 4.", "I wrote number 3.", "I wrote number 2."}
    assert got.errors == {"x.zip/in.zip/in.zip/in.zip": "It lies in 3 archives: unpack the outer one first."}


def test_a_large_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    as_zip(inner, {"b.md": "I wrote a lot." * 100}, zipfile.ZIP_STORED)
    file = packed(tmp_path / "x.zip", {"a.md": "I wrote a little.", "in.zip": inner.getvalue()})
    got = Got(file, caps=Caps(inner_bytes=1000))
    assert got.texts == {"I wrote a little."}
    assert "unpack the outer one" in got.errors["x.zip/in.zip"]


def test_an_archive_that_an_importer_knows_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlxtwin.sources.notes import Notes

    recognises = Notes.recognises
    monkeypatch.setattr(
        Notes, "recognises", lambda self, file: 0.9 if file.suffix == ".bundle" else recognises(self, file)
    )
    as_zip(tmp_path / "a.bundle", {"b.md": "I was in a bundle."})
    outer = packed(tmp_path / "x.zip", {"in/a.bundle": (tmp_path / "a.bundle").read_bytes()})
    for path in (tmp_path / "a.bundle", outer):
        assert "I was in a bundle." not in Got(path).texts


@pytest.mark.parametrize("name", ["a.bin", "export"])
def test_archives_are_known_by_their_content(tmp_path: Path, name: str) -> None:
    as_zip(tmp_path / name, {"b.md": "I slept well."})
    assert Got(tmp_path / name).texts == {"I slept well."}


def test_members_answer_as_files_do(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "export")
    archive = open_archive(packed(tmp_path / "export.zip"))
    pairs = [(folder, archive.top)]
    seen = 0
    for path, member in pairs:
        seen += 1
        assert (member.name, member.stem, member.suffix) == (path.name, path.stem, path.suffix)
        assert (member.is_file(), member.is_dir()) == (path.is_file(), path.is_dir())
        assert relative_name(member, archive.top) == relative_name(path, folder)
        assert member.parent / member.name == member or path == folder
        if path.is_dir():
            names = sorted(one.name for one in path.iterdir())
            assert sorted(one.name for one in member.iterdir()) == names
            pairs += [(path / name, member / name) for name in names]
        else:
            assert member.open("rb").read() == path.read_bytes()
    assert seen == 8
    for wrong in (archive.top / "nowhere", archive.top / "b", archive.top / ".." / "x"):
        with pytest.raises(OSError):
            wrong.open("rb")
    with pytest.raises(NotADirectoryError):
        (archive.top / "walk.md").iterdir()
    assert (archive.top / "b" / "bread.md").parent == archive.top / "b"


@pytest.mark.parametrize("ending", PACKED)
def test_a_member_may_be_read_in_any_order(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_tar, "MOST_HEAD_BYTES", 0)
    lines = [f"line {number}" for number in range(60_000)]
    text = "\n".join(lines)
    archive = open_archive(packed(tmp_path / f"x.{ending}", {"a.txt": text, "b.txt": text[::-1], "c.txt": "end"}))
    archive.looked_at()
    archive._contents.kept_bytes = 0
    first, second = archive.member("a.txt").open("rb"), archive.member("b.txt").open("rb")
    assert first.read(6) == b"line 0"
    assert second.read(3) == text[::-1][:3].encode()
    assert first.readline() == b"\n"
    assert first.seek(5) == 5 and first.read(1) == b"0"
    assert first.seek(-3, io.SEEK_END) and first.read() == b"999"
    assert archive.member("c.txt").open("rb").read() == b"end"
    assert list(text_lines(archive.member("a.txt"))) == lines
    assert zlib.crc32(archive.member("b.txt").open("rb").read()) == zlib.crc32(text[::-1].encode())


def test_names_in_the_old_code_page_and_in_utf_8_that_does_not_say_so_are_read(tmp_path: Path) -> None:
    for name, stored in (("old", "caf\u00e9.md".encode("cp437")), ("new", "caf\u00e9.md".encode())):
        made = io.BytesIO()
        as_zip(made, {"cafXY.md"[: len(stored) - 3] + ".md": "I had coffee."})
        data = made.getvalue().replace("cafXY.md"[: len(stored) - 3].encode() + b".md", stored)
        (tmp_path / f"{name}.zip").write_bytes(data)
        assert [one.origin for one in Got(tmp_path / f"{name}.zip").documents.values()] == [f"{name}.zip/café.md"]


def test_a_zip_with_the_fields_of_64_bits_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive, archive.open("a.md", "w", force_zip64=True) as member:
        member.write(b"I wrote it with room to spare.")
    assert Got(tmp_path / "x.zip").texts == {"I wrote it with room to spare."}


HOSTILE_NAMES = ["/etc/a.md", "../a.md", "b/../../a.md", "C:\\a.md", "c:a.md", "b\\a.md", "\\\\host\\a.md"]


@pytest.mark.parametrize("ending", ["zip", "tar", "tgz"])
def test_a_name_that_leads_out_of_the_archive_is_counted_and_not_read(tmp_path: Path, ending: str) -> None:
    made: Made = dict.fromkeys(HOSTILE_NAMES, "I should not be read.")
    got = Got(packed(tmp_path / f"x.{ending}", {**made, "good.md": "I am read.", "./b//c.md": "I am read too."}))
    assert got.texts == {"I am read.", "I am read too."}
    assert got.report.skipped == {"an unsafe name": len(HOSTILE_NAMES)}
    assert got.report.files == len(HOSTILE_NAMES) + 2
    assert {one.key.partition("~")[0] for one in got.documents.values()} == {"good.md", "b/c.md"}


def test_a_member_without_a_name_is_counted_and_not_read(tmp_path: Path) -> None:
    made = io.BytesIO()
    as_zip(made, {"X": "I should not be read.", "good.md": "I am read."}, zipfile.ZIP_STORED)
    data = bytearray(made.getvalue())
    table = data.index(b"PK\x01\x02")
    data[table + 28 : table + 30] = b"\0\0"  # the length of its name
    data[table + 30 : table + 32] = b"\1\0"  # so that the name counts as more about it
    (tmp_path / "x.zip").write_bytes(data)
    got = Got(tmp_path / "x.zip")
    assert (got.texts, got.report.skipped) == ({"I am read."}, {"an unsafe name": 1})


def test_names_and_folders_without_end_are_refused(tmp_path: Path) -> None:
    made: Made = {"n" * 2000 + ".md": "x", "d/" * 300 + "a.md": "x", "good.md": "I am read."}
    got = Got(packed(tmp_path / "x.zip", made))
    assert (got.texts, got.report.skipped) == ({"I am read."}, {"a name that is too long": 2})


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("I am not part of it.")
    kinds = {"a": tarfile.SYMTYPE, "b": tarfile.LNKTYPE, "c": tarfile.CHRTYPE, "d": tarfile.FIFOTYPE}
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, kind in kinds.items():
            info = tarfile.TarInfo(f"{name}.md")
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive_too:
        link = zipfile.ZipInfo("a.md")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive_too.writestr(link, str(secret))
        archive_too.writestr("good.md", "I am read.")
    got = Got(tmp_path / "x.tar", tmp_path / "x.zip")
    assert got.texts == {"I am read."}
    assert got.report.skipped == {"a link": 3, "not a file": 2}


def test_a_name_that_comes_twice_is_what_unpacking_would_leave(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.md", "I came first.")
        archive.writestr("a.md", "I came last.")
    got = Got(tmp_path / "x.zip")
    assert (got.texts, got.report.skipped) == ({"I came last."}, {"twice in the archive": 1})


SMALL = Caps(members=3, member_bytes=100_000, ratio=20, ratio_from_bytes=10_000)


def test_no_more_members_are_read_than_may_be(tmp_path: Path) -> None:
    file = packed(tmp_path / "x.zip", {f"{number}.md": f"I wrote number {number}." for number in range(9)})
    got = Got(file, caps=SMALL)
    assert got.texts == {"I wrote number 0.", "I wrote number 1.", "I wrote number 2."}
    assert got.errors == {"x.zip": "It holds more than 3 files: those behind that were not read."}


def test_members_of_inner_archives_count_with_the_others_and_that_is_told_once(tmp_path: Path) -> None:
    inner: Made = {}
    for name in "abcd":
        texts: Made = {f"{name}{number}.md": f"I wrote {name}{number}." for number in range(2)}
        inner[f"{name}.zip"] = packed(tmp_path / f"{name}.zip", texts).read_bytes()
    got = Got(packed(tmp_path / "x.zip", inner), caps=Caps(members=5))
    assert got.texts == {"I wrote a0.", "I wrote a1.", "I wrote b0."}
    why = "It holds more than 5 files with those of the archives in it: those behind that were not read."
    assert got.errors == {"x.zip": why}
    assert len(got.report.errors) == 1


def test_of_a_reader_that_finds_without_end_no_more_is_kept_than_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_look, "MOST_ITEMS", 3)
    planned = run_look.Planned(tmp_path, tmp_path)
    failed = run_look._found(planned, iter([Found(skipped="x")] * 9), lambda: None)
    assert (len(planned.items), failed and failed.why) == (3, "It holds too many files: those behind were not read.")


def test_all_of_an_archive_together_has_a_limit(tmp_path: Path) -> None:
    file = packed(tmp_path / "x.tar", {f"{number}.md": f"I wrote {number}. " * 50 for number in range(9)})
    got = Got(file, caps=Caps(all_bytes=2000))
    assert len(got.texts) == 3
    assert "unpacks to more" in got.errors["x.tar"]


@pytest.mark.parametrize("ending", ["zip", "tgz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_refused(tmp_path: Path, ending: str) -> None:
    file = packed(tmp_path / f"x.{ending}", {"a.md": "I am read.", "bomb.md": "I am a bomb. " * 5000})
    got = Got(file, caps=SMALL)
    assert "I am a bomb. " * 5 not in "".join(got.texts)
    assert any("as only a trap does" in why for why in got.errors.values())


def test_one_member_that_is_a_bomb_costs_no_other(tmp_path: Path) -> None:
    noise = "".join(chr(33 + number * number % 91) for number in range(9_000))
    made: Made = {"a.md": "I am read.", "noise.bin": zlib.compress(noise.encode()) * 9, "bomb.md": "Bomb. " * 5000}
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in made.items():
            method = zipfile.ZIP_DEFLATED if name == "bomb.md" else zipfile.ZIP_STORED
            archive.writestr(name, data, method)
    got = Got(tmp_path / "x.zip", caps=SMALL)
    assert got.texts == {"I am read."}
    assert got.errors == {"x.zip/bomb.md": "It would unpack to more than 20 times its size, as only a trap does."}


def test_a_member_that_is_too_large_is_told(tmp_path: Path) -> None:
    file = packed(tmp_path / "x.tar", {"a.md": "I am read.", "b.md": "x" * 200_000})
    assert "larger than" in Got(file, caps=SMALL).errors["x.tar/b.md"]


def locked(data: bytes, *names: bytes) -> bytes:
    """The same zip, with the mark of a password on members."""
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := data.find(magic, start)) >= 0:
            name_at = start + (30 if place == 6 else 46)
            if any(data[name_at:].startswith(name) for name in names):
                data = data[: start + place] + b"\x01" + data[start + place + 1 :]
            start += 4
    return data


def test_a_zip_with_a_password_is_told_as_such(tmp_path: Path) -> None:
    made = io.BytesIO()
    as_zip(made, {"a.md": "I am open.", "b.md": "I am locked."})
    (tmp_path / "some.zip").write_bytes(locked(made.getvalue(), b"b.md"))
    (tmp_path / "all.zip").write_bytes(locked(made.getvalue(), b"a.md", b"b.md"))
    some, whole = Got(tmp_path / "some.zip"), Got(tmp_path / "all.zip")
    assert some.texts == {"I am open."}
    assert some.errors == {"some.zip": "It has a password, for 1 of its files: unpack it, and import the folder."}
    assert whole.errors == {"all.zip": "It has a password: unpack it, and import the folder."}
    assert (some.report.skipped, whole.report.skipped) == ({"behind a password": 1}, {"behind a password": 2})


@pytest.mark.parametrize(
    ("name", "magic", "kind"), [("x.7z", b"7z\xbc\xaf\x27\x1c", "7z"), ("x.rar", b"Rar!\x1a\x07\x01", "RAR")]
)
def test_other_archives_are_refused_with_what_to_do(tmp_path: Path, name: str, magic: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(magic + bytes(100))
    got = Got(tmp_path / name)
    assert got.errors == {name: f"It is a {kind} archive, which is not read: unpack it first, and import the folder."}


def test_a_damaged_member_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    made = io.BytesIO()
    as_zip(made, {"a.md": "I am whole.", "b.md": "I was changed.", "c.md": "I am whole too."}, zipfile.ZIP_STORED)
    (tmp_path / "x.zip").write_bytes(made.getvalue().replace(b"I was changed.", b"I was Changed."))
    got = Got(tmp_path / "x.zip")
    assert got.texts == {"I am whole.", "I am whole too."}
    assert got.errors == {"x.zip/b.md": "It cannot be read: it is damaged in the archive."}


def test_a_large_member_that_is_damaged_gives_what_stands_before_the_damage(tmp_path: Path) -> None:
    minutes = [f"31/12/24, {minute // 60:02}:{minute % 60:02} - Ann: I said {minute}\n" for minute in range(1440)]
    chat = "".join(minutes)
    made = io.BytesIO()
    as_zip(made, {"WhatsApp Chat with Bob.txt": chat * 40, "a.md": "I am whole."}, zipfile.ZIP_STORED)
    data = bytearray(made.getvalue())
    data[1_300_000:1_300_001] = b"!"
    (tmp_path / "x.zip").write_bytes(data)
    got = Got(tmp_path / "x.zip")
    assert "I am whole." in got.texts
    assert list(got.errors) == ["x.zip/WhatsApp Chat with Bob.txt"]
    assert "damaged in the archive" in got.errors["x.zip/WhatsApp Chat with Bob.txt"]


def test_a_method_nobody_knows_is_told(tmp_path: Path) -> None:
    made = io.BytesIO()
    as_zip(made, {"a.md": "I am packed strangely.", "b.md": "I am not."}, zipfile.ZIP_STORED)
    data = made.getvalue()
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(magic) + place
        data = data[:at] + struct.pack("<H", 9) + data[at + 2 :]
    (tmp_path / "x.zip").write_bytes(data)
    got = Got(tmp_path / "x.zip")
    assert got.texts == {"I am not."}
    assert "packed in a way that is not read here" in got.errors["x.zip/a.md"]


def streamed(texts: Made) -> bytes:
    """A zip as programs write it that cannot go back: sizes stand behind each member."""

    class Forward(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    forward = Forward()
    as_zip(forward, texts)  # type: ignore[arg-type]
    return bytes(forward.data)


def plain(texts: Made) -> bytes:
    made = io.BytesIO()
    as_zip(made, texts)
    return made.getvalue()


@pytest.mark.parametrize("make", [plain, streamed])
def test_a_zip_that_is_cut_off_gives_what_is_there(tmp_path: Path, make: Callable[[Made], bytes]) -> None:
    made: Made = {f"{number}.md": f"I wrote number {number}. " * 20 for number in range(5)}
    data = make(made)
    (tmp_path / "x.zip").write_bytes(data[: data.index(b"4.md") + 10])
    got = Got(tmp_path / "x.zip")
    assert {text.partition(".")[0] for text in got.texts} == {f"I wrote number {number}" for number in range(4)}
    assert "cut off" in got.errors["x.zip"]
    (tmp_path / "y.zip").write_bytes(data[:20])
    assert "damaged" in Got(tmp_path / "y.zip").errors["y.zip"]


@pytest.mark.parametrize("ending", ["tar", "tgz", "tar.bz2", "tar.xz"])
def test_a_tar_that_is_cut_off_gives_what_is_there(tmp_path: Path, ending: str) -> None:
    noise = "".join(chr(33 + number * number * 7 % 91) for number in range(200_000))
    whole = packed(tmp_path / f"x.{ending}", {"a.md": "I am whole.", "b.bin": noise, "c.md": "I am gone."})
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) * 3 // 4])
    got = Got(whole)
    assert "I am gone." not in got.texts
    assert got.texts == {"I am whole."} or ending in ("tar.bz2", "tar.xz")
    assert any("cut off" in why or "damaged" in why for why in got.errors.values())


def test_an_archive_without_members_is_empty(tmp_path: Path) -> None:
    from mlxtwin.errors import UsageError

    with pytest.raises(UsageError, match=r"\(empty 1\)"):
        Got(packed(tmp_path / "x.zip", {}))


def test_hidden_members_are_left_out_as_hidden_files_are(tmp_path: Path) -> None:
    mail = "From: Ann <ann@example.org>\nSubject: Home\n\nI am seen in a folder for mail.\n"
    made: Made = {
        "a.md": "I am seen.",
        ".Sent/cur/1": mail,
        ".Sent/new/2": mail,
        ".b.md": "x",
        ".git/c.md": "x",
        "__MACOSX/._a.md": "x",
        "__MACOSX/d.md": "x",
    }
    folder, archive = Got(unpacked(tmp_path / "x", made)), Got(packed(tmp_path / "y.zip", made))
    assert folder.report.skipped == archive.report.skipped == {"hidden": 3}
    assert folder.said == archive.said and len(folder.said) == 2


def test_a_source_asked_for_holds_for_members_too(tmp_path: Path) -> None:
    file = packed(tmp_path / "x.zip", {"talk.md": "**Ann:** Hi.\n\n**Bob:** Hi.\n\n**Ann:** So.\n\n**Bob:** Well.\n"})
    assert {one.source for one in Got(file).documents.values()} == {"transcript"}
    assert {one.source for one in Got(file, source="notes").documents.values()} == {"notes"}


def test_what_was_read_lately_is_kept_up_to_a_size() -> None:
    kept = Kept(10)
    for name in "abc":
        kept.put(name, b"12345")
    assert [name for name in "abc" if kept.get(name)] == ["b", "c"]


@given(st.binary(min_size=1, max_size=300), st.lists(st.tuples(st.integers(0, 320), st.integers(0, 90)), max_size=8))
def test_a_flow_reads_as_the_bytes_themselves(data: bytes, moves: list[tuple[int, int]]) -> None:
    raw = Flow(len(data), lambda at, size: data[at : at + min(size, 7)], data[:5], lambda *_: None)
    flow = io.BufferedReader(raw, 16)
    same = io.BytesIO(data)
    for place, size in moves:
        assert flow.seek(place) == same.seek(place)
        assert flow.read(size) == same.read(size)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 4000),
    gone=st.integers(0, 40),
    damage=st.binary(max_size=40),
    kind=st.sampled_from(["zip", "tar", "tgz"]),
)
def test_damage_anywhere_is_no_crash(tmp_path: Path, place: int, gone: int, damage: bytes, kind: str) -> None:
    whole = tmp_path / f"x.{kind}"
    if not whole.exists():
        packed(whole)
        packed(tmp_path / f"kept.{kind}")
    data = (tmp_path / f"kept.{kind}").read_bytes()
    place %= len(data)
    whole.write_bytes(data[:place] + damage + data[place + gone :])
    try:
        archive = open_archive(whole)
    except BadMember as error:
        assert error.strerror
        return
    read_all(archive.top)
    archive.close()


def read_all(folder: Member) -> None:
    for member in folder.iterdir():
        if member.is_dir():
            read_all(member)
        try:
            with member.open("rb") as opened:
                opened.read()
        except OSError as error:
            assert error.strerror

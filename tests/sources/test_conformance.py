"""What every importer must keep, run against each of them; a new source adds its case in `cases`.

Authors, times, order, idempotence, hostile names, empty, a huge line, cut off in the middle, the wrong kind of file,
random bytes.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import KINDS, Document, Person
from mlxtwin.sources.base import Importer, text_lines
from mlxtwin.sources.registry import SOURCES, load, match

from .cases import Case, case_of

CASES = {name: case_of(name) for name in SOURCES}
HOSTILE_NAMES = ("a\nb.txt", "a'b\"c;`d`.md", "$(id) %s {0}.txt", "emoji 🥖é.md", "..x..txt", "-rf", "n" * 200)
QUICK = settings(
    max_examples=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=sorted(SOURCES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def write(root: Path, name: str, data: str | bytes) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return root / name


def put(root: Path, case: Case, name: str = "", data: bytes | None = None) -> Path:
    """The export of a case in a folder, perhaps under another name or with other bytes."""
    file = write(root, name or case.name, case.bytes if data is None else data)
    for place, beside in case.beside:
        write((root / place).parent, Path(place).name, beside)
    return file


@contextmanager
def temporary_export(case: Case, data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield put(Path(folder), case, data=data)


@contextmanager
def temporary_file(data: bytes, name: str = "x.txt") -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield write(Path(folder), name, data)


def read(case: Case, file: Path, root: Path | None = None) -> list[Document]:
    return list(load(case.source).read(file, root or file.parent, case.person))


def read_if_possible(importer: Importer, file: Path) -> list[Document]:
    """What comes before a SourceError; any other exception is a defect. The recogniser and the authors run too."""
    found: list[Document] = []
    assert 0 <= importer.recognises(file) <= 1
    try:
        list(importer.authors(file))
        for document in importer.read(file, file.parent, Person.of(["ann"])):
            found.append(document)
    except SourceError as error:
        assert error.message
    check(found)
    return found


def check(documents: list[Document]) -> None:
    """What holds for whatever an importer yields."""
    assert len({document.id for document in documents}) == len(documents)
    for document in documents:
        assert document.kind in KINDS
        assert document.key
        assert document.title == document.title.strip()
        texts = [document.key, document.title, document.origin, document.thread]
        for turn in document.turns:
            texts += [turn.text, turn.author]
            assert turn.text.strip()
            assert turn.at is None or turn.at.tzinfo is not None
            assert turn.mine or turn.role != "own"
        assert document.at is None or document.at.tzinfo is not None
        assert document.drop or document.turns
        for text in texts:
            assert not re.search(r"[\x00\r\ud800-\udfff]", text)


def test_every_source_has_a_case() -> None:
    assert set(CASES) == set(SOURCES)


def test_it_is_found_by_content(tmp_path: Path, case: Case) -> None:
    for name in (case.name, "x") if case.any_name else (case.name,):
        importer = match(put(tmp_path, case, name), case.source if case.asked else None)
        assert importer and importer.name == case.source


def test_own_words_and_those_of_others_are_told_apart(tmp_path: Path, case: Case) -> None:
    documents = read(case, put(tmp_path, case))
    check(documents)
    own = "\n".join(document.own_text for document in documents)
    others = "\n".join(turn.text for document in documents for turn in document.turns if not turn.trainable)
    assert all(words in own and words not in others for words in case.own)
    assert all(words in others and words not in own for words in case.others)


def test_nothing_is_the_persons_when_the_person_is_another(tmp_path: Path, case: Case) -> None:
    if not case.me:
        pytest.skip("everything here is the person's")
    file = put(tmp_path, case)
    documents = list(load(case.source).read(file, tmp_path, Person.of(["Zoe"])))
    assert documents and not any(document.words_by_me for document in documents)


def test_the_persons_name_is_among_the_authors(tmp_path: Path, case: Case) -> None:
    authors = list(load(case.source).authors(put(tmp_path, case)))
    assert any(case.person.is_me(author) for author in authors) == bool(case.me)
    assert bool(authors) == bool(case.me)


def test_times_are_those_of_the_export(tmp_path: Path, case: Case) -> None:
    documents = read(case, put(tmp_path, case))
    moments = [document.at for document in documents if document.at]
    assert moments == sorted(moments)
    assert case.first is None or min(moments) == case.first


def test_turns_stand_in_reading_order(tmp_path: Path, case: Case) -> None:
    text = "\n".join(turn.text for one in read(case, put(tmp_path, case)) for turn in one.turns)
    answered = text.rindex("patience")
    if "How do you bake" in text:
        assert (text.index("How do you bake") < answered) == (case.source != "notes")


def test_keys_do_not_depend_on_the_folder_above(tmp_path: Path, case: Case) -> None:
    first = read(case, put(tmp_path / "one", case))
    moved = tmp_path / "other" / "place"
    moved.parent.mkdir()
    shutil.copytree(tmp_path / "one", moved)
    second = read(case, moved / case.name)
    assert [document.id for document in first] == [document.id for document in second]
    assert first == second


def test_line_ends_change_nothing(tmp_path: Path, case: Case) -> None:
    if not case.lines:
        pytest.skip("it is no text that has lines")
    unix = read(case, put(tmp_path / "a", case))
    dos = read(case, put(tmp_path / "b", case, data=case.bytes.replace(b"\n", b"\r\n")))
    assert [(one.id, one.own_text) for one in unix] == [(one.id, one.own_text) for one in dos]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_read_like_others(tmp_path: Path, case: Case, name: str) -> None:
    if not case.any_name:
        pytest.skip("its files have names of their own")
    documents = read(case, put(tmp_path / name, case, name), tmp_path)
    check(documents)
    assert any(case.own[0] in document.own_text for document in documents)


def test_a_name_that_is_no_text_is_read_like_others(tmp_path: Path, case: Case) -> None:
    if not case.any_name:
        pytest.skip("its files have names of their own")
    plain = put(tmp_path, case, "x.txt")
    file = plain.rename(tmp_path / os.fsdecode(b"caf\xe9.txt"))
    check(read(case, file))


def test_an_empty_file_gives_no_words(tmp_path: Path, case: Case) -> None:
    for data in (b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        file = write(tmp_path, case.name, data)
        assert data.strip() or match(file) is None
        assert not any(document.words_by_me for document in read_if_possible(load(case.source), file))


def test_a_missing_file_is_an_error_of_the_source(tmp_path: Path, case: Case) -> None:
    importer = load(case.source)
    assert importer.recognises(tmp_path / "nowhere") == 0
    with pytest.raises(SourceError, match="nowhere"):
        list(importer.read(tmp_path / "nowhere", tmp_path, case.person))


def test_a_huge_line_loses_nothing_before_it(tmp_path: Path, case: Case) -> None:
    if not case.streamed:
        pytest.skip("it is read from its end, or not at all")
    file = put(tmp_path, case, data=case.bytes + b"words without end " * 200_000)
    documents = read_if_possible(load(case.source), file)
    assert any(case.own[0] in turn.text for one in documents for turn in one.turns)


@pytest.mark.parametrize("mark", ["[", "<", ">", "*", "(", "<!--", "- ", ":", "a: ", "[00:10] ", "=?", "\n", "From "])
def test_one_mark_over_and_over_is_read(tmp_path: Path, case: Case, mark: str) -> None:
    read_if_possible(load(case.source), write(tmp_path, case.name, mark * (100_000 // len(mark))))


def test_the_wrong_kind_of_file_is_no_crash(tmp_path: Path, case: Case) -> None:
    others = [other for other in CASES.values() if other.source != case.source]
    pictures = {
        "a.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        "a.json": b'{"a": ["b"]}',
        "a.zip": b"PK\x03\x04",
    }
    for name, data in [*((other.name, other.bytes) for other in others), *pictures.items()]:
        read_if_possible(load(case.source), write(tmp_path, name, data))


@pytest.mark.parametrize("source", sorted(SOURCES))
@QUICK
@given(cut=st.integers(0, 1_000_000), tail=st.binary(max_size=8))
def test_a_file_cut_off_in_the_middle_is_no_crash(source: str, cut: int, tail: bytes) -> None:
    case = CASES[source]
    with temporary_export(case, case.bytes[: cut % (len(case.bytes) + 1)] + tail) as file:
        read_if_possible(load(source), file)


@pytest.mark.parametrize("source", sorted(SOURCES))
@QUICK
@given(data=st.binary(max_size=4000))
@example(data=b"---\n" + b"[" * 5000 + b"\n---\n")
@example(data=b"---\n" + b"- " * 7000 + b"\n---\n")
@example(data=b"---\na: &a [*a]\ntitle: *a\ndate: 2024-99-99\n---\nx")
@example(data=b"\xff\xfeA")
@example(data=b"99/99/9999, 99:99 - A: b\n00/00/00, 00:00 - A: b\n")
def test_random_bytes_are_no_crash(source: str, data: bytes) -> None:
    with temporary_file(data) as file:
        read_if_possible(load(source), file)


@pytest.mark.parametrize("source", sorted(SOURCES))
@QUICK
@given(data=st.data())
def test_an_export_with_damage_anywhere_is_no_crash(source: str, data: st.DataObject) -> None:
    whole = CASES[source].bytes
    at = data.draw(st.integers(0, len(whole)))
    gone = data.draw(st.integers(0, 8))
    damage = data.draw(st.text(max_size=40)).encode("utf-8", "surrogatepass")
    with temporary_export(CASES[source], whole[:at] + damage + whole[at + gone :]) as file:
        read_if_possible(load(source), file)


@QUICK
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff\r\n")), st.integers(1, 40))
def test_lines_come_back_whole_however_small_the_pieces(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch, temporary_file(f"{text}\n{text}".encode()) as file:
        patch.setattr("mlxtwin.sources.base.LINE_BYTES", size)
        assert "".join(text_lines(file)) == text * 2

"""An import as a whole: batches, the report, who is me, and the files that go wrong."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError, StorageFull, UsageError, WhoIsMe
from mlxtwin.records import Document, Person
from mlxtwin.sources import run
from mlxtwin.sources.child import Child
from mlxtwin.sources.notes import Notes
from mlxtwin.sources.run import candidates, import_paths
from mlxtwin.vault.rows import PutResult
from mlxtwin.vault.store import Vault

NOBODY = Person.of([])
ANN = Person.of(["Ann"])
CHAT = "31/12/24, 10:00 - Bob: Hi there\n31/12/24, 10:01 - Ann: Hello to you\n31/12/24, 10:02 - Bob: Bye\n"


class Store:
    """Keeps what it is given, as the vault does, by id."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.batches: list[int] = []

    def put(self, documents: list[Document]) -> Stored:
        self.batches.append(len(documents))
        known = [self.documents.get(document.id) for document in documents]
        self.documents |= {document.id: document for document in documents}
        same = sum(old == new for old, new in zip(known, documents, strict=True))
        added = known.count(None)
        return Stored(added, len(documents) - added - same, same)


@dataclass(frozen=True)
class Stored:
    added: int
    updated: int
    unchanged: int


def folder(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        file = root / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "x",
        a_md="I baked.",
        b__c_txt="I sailed far.",
        d_csv="1,2",
        e_md="",
        f_md="> Roses",
        g_md="```\nx\n```",
    )
    report = import_paths([root], person=NOBODY)
    assert (report.kind, report.files, report.documents, report.kept) == ("note", 6, 4, 2)
    assert report.dropped == {"not by me": 1, "empty": 1}
    assert report.skipped == {"a table": 1, "empty": 1}
    assert report.words_by_me == 5


def test_importing_twice_adds_nothing(tmp_path: Path, vault: Vault) -> None:
    root = folder(tmp_path / "x", a_md="I baked.", b_txt=CHAT)
    first = import_paths([root], person=ANN, put=vault.put)
    second = import_paths([root], person=ANN, put=vault.put)
    assert (first.added, first.unchanged) == (2, 0)
    assert (second.added, second.updated, second.unchanged) == (0, 0, 2)


def test_importing_a_copy_from_elsewhere_adds_nothing(tmp_path: Path) -> None:
    store = Store()
    for place in ("one", "other/place"):
        root = folder(tmp_path / place, a_md="I baked.", s__b_txt=CHAT, s__c_md="**Ann:** a\n\n**Bob:** b\n\n" * 3)
        report = import_paths([root], person=ANN, put=store.put)
    assert (report.added, report.updated, report.unchanged) == (0, 0, 3)


def test_documents_go_out_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_DOCUMENTS", 4)
    root = folder(tmp_path / "x", **{f"n{number}_md": f"Note {number}." for number in range(10)})
    store = Store()
    import_paths([root], person=NOBODY, put=store.put)
    assert store.batches == [4, 4, 2]


def test_one_bad_file_stops_no_other_and_its_text_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Notes.read

    def breaking(self: Notes, file: Path, root: Path, person: Person) -> Iterator[Document]:
        if file.name == "b.md":
            raise ValueError("my secret bread")
        yield from read(self, file, root, person)
        if file.name == "c.md":
            raise SourceError("c.md is cut off.", "Export it again.")

    monkeypatch.setattr(Notes, "read", breaking)
    root = folder(tmp_path / "x", a_md="I baked.", b_md="I sailed.", c_md="I slept.", d_md="I woke.")
    store = Store()
    report = import_paths([root], person=NOBODY, put=store.put)
    assert report.errors == [
        {"path": "b.md", "why": "It cannot be read (ValueError)."},
        {"path": "c.md", "why": "It is cut off. Export it again."},
    ]
    assert sorted(one.own_text for one in store.documents.values()) == ["I baked.", "I slept.", "I woke."]


def test_a_file_that_gives_nothing_is_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notes, "read", lambda self, file, root, person: iter(()))
    with pytest.raises(UsageError, match=r"\(nothing in it 1\)"):
        import_paths([folder(tmp_path / "x", a_md="I baked.")], person=NOBODY)


def test_a_full_disk_is_not_taken_for_a_bad_file(tmp_path: Path) -> None:
    def full(documents: list[Document]) -> Stored:
        raise StorageFull("No room.")

    with pytest.raises(StorageFull):
        import_paths([folder(tmp_path / "x", a_md="I baked.")], person=NOBODY, put=full)


def test_an_export_with_authors_asks_who_is_me(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", a_md="I baked.", b_txt=CHAT)
    store = Store()
    with pytest.raises(WhoIsMe) as caught:
        import_paths([root], person=NOBODY, put=store.put)
    assert caught.value.candidates == (("Bob", 2), ("Ann", 1))
    assert "x has 2 authors" in caught.value.message
    assert "--me" in caught.value.hint
    assert not store.documents


def test_candidates_are_counted_and_nothing_is_raised(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", b_txt=CHAT, c_md="**Ann:** a\n\n**Bob:** b\n\n" * 3)
    assert candidates([root]) == {"Bob": 5, "Ann": 4}
    assert candidates([tmp_path / "nowhere"]) == {}


def test_a_name_nobody_has_is_told_by_the_authors_there_are(tmp_path: Path) -> None:
    report = import_paths([folder(tmp_path / "x", b_txt=CHAT)], person=Person.of(["Anne"]))
    assert (report.words_by_me, report.dropped, report.authors) == (0, {"not by me": 1}, [("Bob", 2), ("Ann", 1)])


def test_a_missing_path_is_named_and_nothing_is_imported(tmp_path: Path) -> None:
    root, store = folder(tmp_path / "x", a_md="I baked."), Store()
    with pytest.raises(UsageError, match="nowhere does not exist"):
        import_paths([root, tmp_path / "nowhere"], person=NOBODY, put=store.put)
    assert not store.documents


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [("x/", "", "holds no files"), ("x.md", "", r"nothing to import \(empty 1\)"), ("x.csv", "1,2", r"\(a table 1\)")],
)
def test_an_empty_export_gets_its_sentence(tmp_path: Path, name: str, data: str, why: str) -> None:
    path = tmp_path / name.rstrip("/")
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_text(data)
    with pytest.raises(UsageError, match=why) as caught:
        import_paths([path], person=NOBODY)
    assert str(path) in caught.value.message


def test_an_unknown_source_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no source named 'note'"):
        import_paths([tmp_path], person=NOBODY, as_source="note")


def test_paths_that_overlap_are_read_once(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", a_md="I baked.")
    assert import_paths([root, root / "a.md"], person=NOBODY).documents == 1


def test_tier_names_and_progress_reach_those_who_asked(tmp_path: Path) -> None:
    root, store = folder(tmp_path / "x", a_md="I baked.", b_txt=CHAT), Store()
    tiers: dict[str, int] = {}
    names: list[frozenset[str]] = []
    steps: list[tuple[int, int, int]] = []
    import_paths(
        [root],
        person=ANN,
        tier=2,
        put=store.put,
        set_tier=lambda ids, tier: tiers.update(dict.fromkeys(ids, tier)),
        remember=names.append,
        progress=lambda *step: steps.append(step),
    )
    assert tiers == dict.fromkeys(store.documents, 2)
    assert names == [frozenset({"ann"})]
    assert steps == [(0, 2, 1), (1, 2, 1), (1, 2, 2), (2, 2, 2)]


def test_a_long_mailbox_tells_of_its_messages_while_it_is_read(tmp_path: Path) -> None:
    mails = [
        f"From a@example.org Mon Jan  6 10:00:00 2025\nFrom: a@example.org\nMessage-ID: <{number}@example.org>\n"
        f"Subject: One\n\nThis is number {number}.\n\n"
        for number in range(3)
    ]
    (tmp_path / "x.mbox").write_text("".join(mails))
    steps: list[tuple[int, int, int]] = []
    import_paths([tmp_path], person=ANN, progress=lambda *step: steps.append(step))
    assert steps == [(0, 1, 1), (0, 1, 2), (0, 1, 3), (1, 1, 3)]
    steps.clear()
    with pytest.raises(WhoIsMe):
        import_paths([tmp_path], person=NOBODY, progress=lambda *step: steps.append(step))
    assert steps == [(0, 1, 1), (0, 1, 2), (0, 1, 3)]


def test_bytes_are_told_of_what_is_read_up_to_all_of_it(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", a_md="I baked.", b_txt=CHAT, c_csv="1,2")
    told: list[tuple[int, int]] = []
    import_paths([root], person=ANN, bytes_read=lambda *bytes_: told.append(bytes_))
    assert told == [(0, 8 + len(CHAT)), (8, 8 + len(CHAT)), (8 + len(CHAT), 8 + len(CHAT))]


def test_within_a_long_file_bytes_are_told_too_once_documents_come(tmp_path: Path) -> None:
    chat = "".join(
        f"{1 + day % 28:02}/{1 + day // 28 % 12:02}/2020, 10:00 - Ann: I said {day}\n" for day in range(30_000)
    )
    folder(tmp_path, a_txt=chat)
    told: list[int] = []
    import_paths([tmp_path], person=ANN, bytes_read=lambda read, _all: told.append(read), reader=Child)
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == len(chat)


def test_a_dry_run_counts_and_stores_nothing(tmp_path: Path) -> None:
    report = import_paths([folder(tmp_path / "x", a_md="I baked.")], person=NOBODY)
    assert (report.kept, report.added) == (1, 0)
    assert set(report.as_json()) >= {"kind", "files", "documents", "kept", "dropped", "words_by_me", "errors"}


def test_two_mails_of_one_id_and_other_words_both_stay_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    for name, words in (("sent", "I will come on Monday, with the ladder."), ("list", "I will come on Monday.")):
        text = f"From: ann@example.org\nMessage-ID: <1@example.org>\nSubject: Ladder\n\n{words}\n"
        (tmp_path / f"{name}.eml").write_text(text)
    stored: dict[str, Document] = {}

    def put(documents: list[Document]) -> PutResult:
        changed = sum(document.id in stored and stored[document.id] != document for document in documents)
        added = len({document.id for document in documents} - stored.keys())
        stored.update({document.id: document for document in documents})
        return PutResult(added, changed, len(documents) - added - changed)

    first = import_paths([tmp_path], person=Person.of(["ann@example.org"]), put=put)
    second = import_paths([tmp_path], person=Person.of(["ann@example.org"]), put=put)
    assert (first.added, first.updated) == (2, 0)
    assert (second.added, second.updated) == (0, 0)


def test_a_file_that_may_not_be_read_is_an_error_and_not_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "x", a_md="I baked.", b_md="I sailed.")
    opened = Path.open

    def refusing(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "b.md":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    report = import_paths([root], person=NOBODY)
    assert report.errors == [{"path": "b.md", "why": "It cannot be read: permission denied."}]
    assert (report.documents, report.skipped) == (1, {})


def test_one_author_is_not_several(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", a_txt="31/12/24, 10:00 - Bob: Hi there\n31/12/24, 10:01 - Bob: Anybody?\n")
    with pytest.raises(WhoIsMe) as caught:
        import_paths([root / "a.txt"], person=NOBODY)
    assert caught.value.message == "a.txt has 1 author and does not tell which of them is you."


def test_several_paths_have_authors(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", a_txt=CHAT, b_txt=CHAT)
    with pytest.raises(WhoIsMe) as caught:
        import_paths([root / "a.txt", root / "b.txt"], person=NOBODY)
    assert caught.value.message == "a.txt, b.txt have 2 authors and do not tell which of them is you."

"""Forgetting: who and what is meant, and that the words are gone from every place that held them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dataset.people import document, own, prose, quoted, theirs

from mlxtwin.client import forgetting, imports
from mlxtwin.client import slots as client_slots
from mlxtwin.client.forgetting import Marked, chosen
from mlxtwin.dataset.examples import Dataset, DatasetReport
from mlxtwin.dataset.learned import Learned
from mlxtwin.errors import Busy, UsageError
from mlxtwin.jobs import runs
from mlxtwin.jobs.runs import CHECKPOINT, DATASET, Run, held
from mlxtwin.paths import Home
from mlxtwin.records import Document, Example, Message
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.imported import ids_of
from mlxtwin.vault.store import Vault

FROM_BO = document("mail", theirs("Is the boat in?", "Bo Lund"), key="1", thread="t", day=1)
ANSWER = document("mail", quoted("Is it?"), own(prose(1, 40)), key="2", thread="t", day=2)
ALONE = document("mail", own(prose(2, 40)), theirs("Well.", "  bo LUND "), key="3", day=3)
SPOKEN_OF = document("note", own("Bo Lund was here, and Bo Lund left."), key="4")
CHAT = document("chat", own("Are you there?"), key="5", title="Bo Lund")
NOTE = document("note", own(prose(3, 40)), key="6", title="Bo Lund")
ALL = (FROM_BO, ANSWER, ALONE, SPOKEN_OF, CHAT, NOTE)


@dataclass(frozen=True)
class House:
    home: Home
    key: bytes
    vault: Vault

    @property
    def sealed(self) -> SealedFiles:
        return SealedFiles(self.home, self.key)

    @property
    def slots(self) -> Slots:
        return Slots(self.home, self.sealed)

    def version(
        self, run: str, trained: tuple[Document, ...] | None, held_out: tuple[Document, ...] = (), **meta: Any
    ) -> int:
        learned = None if trained is None else Learned().with_more(trained, held_out).to_bytes()
        report = {"samples": [{"person": f"words of {run}"}], "strength": 1}
        holdout = {"base_nll": 2.0, "twin_nll": 1.0, "gain_ci": [0.1, 0.2]}
        whole = {
            "run": run, "verdict": "promoted", "created": "2024-01-01T00:00:00Z", "reasons": [], "holdout": holdout,
            "recipe": {"name": "voice"}, "base": {"name": "tiny"}, "adapter_sha256": "",
        }  # fmt: skip
        version = self.slots.add("voice", b"adapter", whole | meta, report, learned)
        self.slots.use("voice", version.number)
        return version.number

    def run(self, *documents: Document, learned: Learned | None = None) -> Run:
        """One that was begun and not finished."""
        examples = tuple(
            Example(one.id, "write", (Message("user", "Say."), Message("assistant", one.own_text)), 1, "train")
            for one in documents
        )
        dataset = Dataset(examples, (), DatasetReport({}, {}, {}, {}, {}, {}), learned=learned)
        spec = {"recipe": {"name": "voice", "slot": "voice"}, "base": {}, "dataset": dataset.digest()}
        made = runs.create(self.home, spec, dataset.to_bytes(), self.sealed)
        (made.folder / CHECKPOINT).mkdir()
        self.sealed.write(made.folder / CHECKPOINT / "replay.sealed", b"answers")
        return made

    def forget(self, *documents: Document) -> forgetting.Touched:
        return forgetting.forget(self.home, self.key, self.vault, [one.id for one in documents])

    def forgotten(self, number: int) -> int:
        return self.slots.version("voice", number).trained_on_forgotten

    def learned(self, number: int) -> Learned:
        kept = self.slots.learned(self.slots.version("voice", number))
        assert kept is not None
        return Learned.from_bytes(kept)


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    key = new_key()
    with Vault.create(home, key) as vault:
        vault.put(ALL)
        vault.remember_names(["Ann Berg"])
        yield House(home, key, vault)


def test_a_person_is_who_wrote_a_part_of_it_or_whom_a_chat_is_named_after(house: House) -> None:
    for name in ("Bo Lund", "bo  lund", " BO LUND"):
        assert chosen(house.vault, (), (name,), ()) == [FROM_BO.id, ALONE.id, CHAT.id]
    assert chosen(house.vault, (), ("Bo",), ()) == [ANSWER.id]


@pytest.mark.parametrize(
    ("ids", "people", "sources", "said"),
    [
        ((), ("Lund",), (), "Nobody called Lund wrote"),
        ((), ("ann berg",), (), "is you"),
        ((), (), ("whatsapp",), "no documents of whatsapp"),
        (("ffffffff",), ("Bo Lund",), (), "no document ffffffff"),
    ],
)
def test_what_is_not_there_is_told(house: House, ids: Any, people: Any, sources: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        chosen(house.vault, ids, people, sources)
    assert caught.value.hint


def test_what_is_meant_twice_is_meant_once(house: House) -> None:
    assert chosen(house.vault, (CHAT.id[:8],), ("Bo Lund",), ("mail test",)) == [
        CHAT.id,
        FROM_BO.id,
        ALONE.id,
        ANSWER.id,
    ]


def test_looking_changes_nothing_and_counts_what_there_is(house: House) -> None:
    house.version("a", (ANSWER, NOTE))
    run = house.run(ANSWER)
    before = _files(house)
    found = forgetting.look(house.home, house.key, house.vault, [ANSWER.id, NOTE.id])
    assert [(one.source, one.kind, one.documents, one.words, one.first) for one in found.amounts] == [
        ("mail test", "mail", 1, 40, "2024-01-03"), ("note test", "note", 1, 40, ""),
    ]  # fmt: skip
    assert found.words == 80
    assert found.versions == (Marked("voice", 1, 2),)
    assert (found.runs, found.states) == ((run.id,), False)
    assert _files(house) == before


def _files(house: House) -> dict[Path, bytes]:
    """All but the one in which SQLite notes who reads."""
    files = (path for path in house.home.root.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {path: path.read_bytes() for path in files}


def test_a_version_trained_on_it_is_marked_and_forgets_what_it_shows_and_remembers_of_it(house: House) -> None:
    number = house.version("a", (ANSWER, NOTE), (ALONE,))
    other = house.version("b", (SPOKEN_OF,), (CHAT,))
    touched = house.forget(NOTE, ALONE)
    assert touched.versions == (Marked("voice", number, 1),)
    assert (house.forgotten(number), house.forgotten(other)) == (1, 0)
    assert (set(house.learned(number).trained), house.learned(number).held) == ({ANSWER.id}, frozenset())
    assert house.slots.report(house.slots.version("voice", number))["samples"] == []
    assert house.slots.report(house.slots.version("voice", other))["samples"]
    assert house.slots.adapter(house.slots.version("voice", number)) == b"adapter"
    house.forget(ANSWER)
    assert house.forgotten(number) == 2
    shown = client_slots.show(house.home, "voice")["versions"]
    assert [one["trained_on_forgotten"] for one in shown] == [2, 0]
    assert client_slots.every(house.home)[0]["trained_on_forgotten"] == 0
    house.slots.use("voice", number)
    assert client_slots.every(house.home)[0]["trained_on_forgotten"] == 2


def test_the_mark_holds_a_count_and_no_id(house: House) -> None:
    house.version("a", (NOTE,))
    house.forget(NOTE)
    (mark,) = house.home.slots.rglob("forgotten.json")
    assert json.loads(mark.read_text()) == {"documents": 1}
    assert mark.stat().st_mode & 0o777 == 0o400


def test_a_version_that_goes_on_from_a_marked_one_is_marked_and_one_trained_anew_is_not(house: House) -> None:
    first = house.version("a", (NOTE, ANSWER))
    house.forget(NOTE)
    child = house.version("b", (ANSWER,), parent=first)
    grandchild = house.version("c", (ANSWER, SPOKEN_OF), parent=child)
    anew = house.version("d", (ANSWER,))
    assert [house.forgotten(one) for one in (first, child, grandchild, anew)] == [1, 1, 1, 0]


def test_a_mail_counts_for_versions_that_were_shown_it_with_the_answer(house: House) -> None:
    number = house.version("a", (ANSWER,), (SPOKEN_OF,))
    run = house.run(ANSWER)
    touched = house.forget(FROM_BO)
    assert touched.versions == (Marked("voice", number, 1),)
    assert touched.runs == (run.id,)
    assert ANSWER.id in house.learned(number).trained


def test_an_old_version_that_does_not_say_what_it_knows_counts_as_knowing_it(house: House) -> None:
    number = house.version("a", None)
    touched = house.forget(NOTE, FROM_BO)
    assert touched.versions == (Marked("voice", number, 1, told=False),)
    assert house.forgotten(number) == 1
    assert house.slots.report(house.slots.version("voice", number))["samples"] == []


def test_runs_that_hold_its_words_go_and_others_stay(house: House) -> None:
    holding, other = house.run(NOTE), house.run(SPOKEN_OF)
    remembering = house.run(learned=Learned().with_more((NOTE,), ()))
    done = house.run(NOTE)
    done.events.emit("done", run=done.id)
    damaged = house.run(SPOKEN_OF)
    (damaged.folder / DATASET).write_bytes(b"no longer sealed")
    touched = house.forget(NOTE)
    assert set(touched.runs) == {holding.id, remembering.id, done.id, damaged.id}
    assert [run.id for run in runs.every(house.home)] == sorted((other.id, done.id), reverse=True)
    assert not holding.folder.exists()
    assert done.state() == "done"
    assert not (done.folder / DATASET).exists() and not (done.folder / CHECKPOINT).exists()
    assert (other.folder / DATASET).exists() and (other.folder / CHECKPOINT).exists()


def test_kept_states_and_drafts_go_as_a_whole(house: House) -> None:
    house.version("a", (SPOKEN_OF,))
    draft = house.home.slots / "voice" / ".v0002.draft"
    for path in (house.home.prefix / "store" / "a.sealed", draft / "adapter.sealed"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"states")
    assert house.forget(NOTE).states
    assert not house.home.prefix.exists() and not draft.exists()
    assert not house.forget(CHAT).states


def test_nothing_is_forgotten_while_a_run_is_alive(house: House) -> None:
    house.version("a", (NOTE,))
    with held(house.run(SPOKEN_OF).folder / "lock") as lock:
        assert lock is not None
        with pytest.raises(Busy):
            house.forget(NOTE)
    assert house.vault.document(NOTE.id) is not None
    assert house.forgotten(1) == 0


def test_killed_in_the_midst_of_it_the_same_again_does_the_rest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.version("a", (NOTE,), (ALONE,))
    house.run(NOTE)

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "forget_many", killed)
        with pytest.raises(KeyboardInterrupt):
            house.forget(NOTE)
    assert house.vault.document(NOTE.id) is not None
    house.forget(NOTE)
    assert house.vault.document(NOTE.id) is None
    assert house.forgotten(1) == 1


def test_its_words_are_in_no_file_that_the_key_opens(house: House) -> None:
    house.version("a", (NOTE, ANSWER), (ALONE,))
    house.run(NOTE)
    house.run(SPOKEN_OF)
    gone = NOTE.own_text.split()[3]
    assert any(gone in text for text in _opened(house))
    house.forget(NOTE)
    assert not any(gone in text for text in _opened(house))
    assert house.vault.search(gone) == []
    assert house.vault.verify() == []


def test_what_is_remembered_of_its_file_goes_with_it(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\n{prose(number, 40)}\n")
        os.utime(folder / f"{number}.md", (1e9, 1e9))
    imports.run(house.vault, [folder], ["Ann Berg"])
    ids = house.vault.selection.of_sources(["notes"])
    assert len(ids) == 2 and _remembered(house) == set(ids)
    forgetting.forget(house.home, house.key, house.vault, ids[:1])
    assert _remembered(house) == set(ids[1:])


def _remembered(house: House) -> set[str]:
    rows = house.vault._db.rows("SELECT documents FROM imported")
    return {id for (documents,) in rows for id in ids_of(documents)}


def _opened(house: House) -> Iterator[str]:
    """What every sealed file says, and every row of the vault."""
    for path in house.home.root.rglob("*.sealed"):
        yield house.sealed.read(path).decode(errors="replace")
    for stored in house.vault.documents():
        yield stored.document.own_text


def test_what_says_the_same_is_told_of_and_stays(house: House) -> None:
    words = prose(9, 30)
    first, second = document("note", own(words), key="a"), document("mail", own(f"  {words.upper()}"), key="b")
    longer = document("note", own(f"{words} And more."), key="c")
    house.vault.put([first, second, longer])
    imports.decide(house.vault)
    touched = forgetting.forget(house.home, house.key, house.vault, [first.id])
    assert touched.copies == (second.id,)
    assert house.vault.document(second.id) is not None
    assert forgetting.forget(house.home, house.key, house.vault, [second.id]).copies == ()

"""Words of others in a person's own turns: found in every kind of record, whoever was imported first."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from writing import START, curated, learned, own, prose, reasons, theirs, written

from mlxtwin.curate.decide import curate
from mlxtwin.curate.library import Library
from mlxtwin.curate.marks import PASSAGE, RUN_WORDS, of_kind, other_marks, own_marks, unpacked
from mlxtwin.curate.words import WordHashes
from mlxtwin.records import Document, Kind, Turn
from mlxtwin.vault.curation import Curation, MarksRow
from mlxtwin.vault.rows import Decision
from mlxtwin.vault.store import Vault

ARTICLE = prose(1, 80)
BEFORE, AFTER = prose(2, 20), prose(3, 20)


def test_what_was_received_before_is_quoted_where_the_person_pastes_it(vault: Vault) -> None:
    note = written("note", f"{BEFORE}\n\n“{ARTICLE}”\n\n{AFTER}", kind="note", day=5)
    found = curated(vault, [written("news", theirs(ARTICLE), day=1), note])
    assert learned(found) == {"note": f"{BEFORE}\n\n{AFTER}"}
    pieces = [(turn.role, turn.mine, turn.text) for turn in found["note"].curated.turns]
    assert pieces == [("own", True, BEFORE), ("quoted", False, f"“{ARTICLE}”"), ("own", True, AFTER)]
    assert found["note"].document == note
    assert vault.stats().by_kind["note"]["words_by_me"] == 40


@pytest.mark.parametrize(
    "changed",
    [ARTICLE.upper(), ARTICLE.replace(" ", "\n"), ARTICLE.replace(".", " —")],
    ids=["case", "blanks", "stops"],
)
def test_case_blanks_and_stops_hide_nothing(vault: Vault, changed: str) -> None:
    found = curated(vault, [written("news", theirs(ARTICLE), day=1), written("post", f"{BEFORE} {changed}", day=2)])
    assert learned(found)["post"].split() == BEFORE.split()


def test_thirty_words_are_told_and_fewer_are_a_manner_of_speaking(vault: Vault) -> None:
    words = ARTICLE.split()
    documents = [written("news", theirs(ARTICLE), day=1)]
    for length in (RUN_WORDS - 1, RUN_WORDS, RUN_WORDS + 1):
        copied = " ".join(words[7 : 7 + length]).rstrip(".")
        documents.append(written(str(length), f"{prose(length, 9)} {copied} {prose(length + 50, 9)}", day=2))
    found = curated(vault, documents)
    assert {key: bool(stored.cuts) for key, stored in found.items() if key != "news"} == {
        "29": False, "30": True, "31": True,
    }  # fmt: skip


def test_a_document_of_nothing_else_is_dropped_as_pasted(vault: Vault) -> None:
    found = curated(vault, [written("news", theirs(ARTICLE), day=1), written("sent", f"FYI:\n\n{ARTICLE}", day=2)])
    assert reasons(found) == {"news": "not by me", "sent": "pasted"}


def test_the_person_s_own_words_stay_theirs_when_others_quote_them(vault: Vault) -> None:
    found = curated(
        vault,
        [
            written("first", f"{BEFORE} {ARTICLE}", day=1),
            written("answer", theirs(f"You wrote: {ARTICLE}"), day=2),
            written("reply", theirs(f"Bob: {ARTICLE}", "quoted"), own(AFTER), day=3),
            written("again", f"{prose(8, 40)} {ARTICLE}", kind="note", day=4),
        ],
    )
    assert learned(found) == {
        "first": f"{BEFORE} {ARTICLE}", "reply": AFTER, "again": f"{prose(8, 40)} {ARTICLE}",
    }  # fmt: skip


def test_words_quoted_from_the_person_by_name_are_no_words_of_others(vault: Vault) -> None:
    mine_again = Turn("Ann", True, ARTICLE, "quoted")
    found = curated(
        vault, [written("reply", mine_again, own(AFTER), day=1), written("later", f"{BEFORE} {ARTICLE}", day=2)]
    )
    assert "later" in learned(found) and not found["later"].cuts


def test_what_nobody_knows_the_time_of_is_not_taken_for_the_person_s(vault: Vault) -> None:
    note = written("note", f"{BEFORE} {ARTICLE}", kind="note", day=None)
    found = curated(vault, [written("news", theirs(ARTICLE), day=9), note])
    assert learned(found) == {"note": BEFORE}


def test_in_one_conversation_it_counts_who_said_it_first(vault: Vault) -> None:
    first = written("bob first", theirs(ARTICLE), own(f"{BEFORE} {ARTICLE}"), kind="chat", day=1)
    other = prose(9, 60)
    second = written("ann first", own(f"{other} {AFTER}"), theirs(other), kind="chat", day=2)
    found = curated(vault, [first, second])
    assert learned(found) == {"bob first": BEFORE, "ann first": f"{other} {AFTER}"}


def test_what_an_assistant_gives_back_of_the_person_s_own_words_stays_theirs_elsewhere(vault: Vault) -> None:
    answer = theirs(f"Here it is, with fewer mistakes: {ARTICLE}")
    talk = written("talk", own(f"Look at this: {ARTICLE}"), answer, own(AFTER), kind="chat", day=1)
    found = curated(vault, [talk, written("letter", f"{BEFORE} {ARTICLE}", day=1)])
    assert learned(found)["letter"] == f"{BEFORE} {ARTICLE}"
    assert not any(stored.cuts for stored in found.values())


@pytest.mark.parametrize("kind", ["mail", "note", "chat", "transcript", "document", "post"])
def test_every_kind_is_looked_through(vault: Vault, kind: Kind) -> None:
    found = curated(
        vault,
        [
            written("news", theirs(ARTICLE), kind="post", day=1),
            written("mine", f"{BEFORE} {ARTICLE}", kind=kind, day=2),
        ],
    )
    assert learned(found) == {"mine": BEFORE}


def test_it_does_not_matter_which_of_the_two_is_imported_first(vault: Vault) -> None:
    news = written("news", theirs(ARTICLE), day=1)
    mine = written("mine", f"{BEFORE} {ARTICLE}", day=2)
    found = curated(vault, [mine], [news])
    assert learned(found) == {"mine": BEFORE}
    again = curated(vault, [written("more", f"{AFTER} {prose(7, 30)}", day=3)])
    assert again["mine"] == found["mine"]


def test_a_copy_of_what_was_cut_is_still_cut_after_the_source_is_forgotten(vault: Vault) -> None:
    news = written("news", theirs(ARTICLE), day=1)
    found = curated(vault, [news, written("mine", f"{BEFORE} {ARTICLE}", day=2)])
    vault.forget(news.id)
    assert curated(vault, [written("more", AFTER, day=3)])["mine"].cuts == found["mine"].cuts
    assert 1 not in {row.number for row in vault.curation.marks()}


def test_what_was_cut_stays_cut_when_a_document_is_looked_at_again(vault: Vault) -> None:
    signature = "Ann Baker\nHead of Bread, Crumb & Daughters"

    def letter(number: int, text: str) -> Document:
        return written(f"m{number}", f"{text}\n\n{signature}", day=3 + number)

    first = [letter(0, f"{BEFORE}\n\n{ARTICLE}"), letter(1, prose(51, 30)), letter(2, prose(52, 30))]
    curated(vault, [written("news", theirs(ARTICLE), day=1), *first])
    found = learned(curated(vault, [letter(3, prose(53, 30)), letter(4, prose(54, 30))]))
    assert found["m0"] == BEFORE
    assert not any("Head of Bread" in text for text in found.values())


def test_what_the_person_keeps_by_hand_though_it_was_pasted_stays_whole(vault: Vault) -> None:
    sent = written("sent", f"FYI:\n\n{ARTICLE}", day=2)
    curated(vault, [written("news", theirs(ARTICLE), day=1), sent])
    vault.set_keep([sent.id], True)
    stored = vault.document(sent.id)
    assert stored is not None and stored.kept
    assert stored.curated.own_text == sent.own_text


def said(day: float, turn: Turn) -> Turn:
    return replace(turn, at=START + timedelta(days=day))


def test_what_came_while_a_conversation_went_on_is_pasted_into_it(vault: Vault) -> None:
    """It began before the mail came."""
    asked = said(7, own(f"What should I answer to this? {ARTICLE}"))
    talk = written("talk", said(1, own(BEFORE)), said(1, theirs(AFTER)), asked, kind="chat", day=1)
    found = curated(vault, [talk, written("news", theirs(ARTICLE), day=6)])
    assert learned(found) == {"talk": f"{BEFORE}\n\nWhat should I answer to this?"}


def test_what_others_say_again_in_a_chat_that_began_earlier_stays_the_person_s(vault: Vault) -> None:
    chat = written("chat", said(1, theirs(AFTER)), said(3, theirs(f"You wrote: {ARTICLE}")), kind="chat", day=1)
    found = curated(vault, [chat, written("post", f"{BEFORE} {ARTICLE}", day=2)])
    assert learned(found) == {"post": f"{BEFORE} {ARTICLE}"}


def test_a_document_that_changed_while_it_was_looked_at_stays_undecided(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = written("note", BEFORE, kind="note"), written("note", AFTER, kind="note")
    vault.put([before])
    decide = Curation.decide

    def late(self: Curation, decisions: Iterable[Decision]) -> None:
        vault.put([after])
        decide(self, decisions)

    monkeypatch.setattr(Curation, "decide", late)
    curate(vault)
    (stored,) = vault.documents()
    assert (stored.document, stored.decided) == (after, False)
    assert not vault.curation.marks()


def test_a_passage_of_two_texts_always_gives_them_a_mark_in_common() -> None:
    hashes = WordHashes()
    for seed in range(60):
        shared = prose(seed, RUN_WORDS)
        mine = own_marks(written("a", f"{prose(seed + 100, 40)} {shared} {prose(seed + 200, seed)}"), hashes)
        news = other_marks(written("b", theirs(f"{prose(seed + 300, seed)} {shared} {prose(seed + 400, 20)}")), hashes)
        assert set(unpacked(mine.marks)) & set(unpacked(news.marks))


def test_a_large_library_is_small_in_memory() -> None:
    """Marks of 20 million words, and what is asked of them, within 200 MB."""
    import numpy as np

    source = np.random.default_rng(3)
    marks = [(source.integers(0, 2**62, 100, np.uint64) & ~np.uint64(3)).tobytes() for _ in range(20_000)]
    rows = [MarksRow(number, number, some if number % 2 else b"", b"" if number % 2 else some)
            for number, some in enumerate(marks)]  # fmt: skip
    tracemalloc.start()
    library = Library(rows)
    assert library.pasted(range(20_000)) == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


def test_a_text_has_about_one_mark_for_ten_words() -> None:
    marks = unpacked(own_marks(written("a", prose(5, 10_000), kind="chat"), WordHashes()).marks)
    assert 800 < of_kind(marks, PASSAGE).sum() < 1300

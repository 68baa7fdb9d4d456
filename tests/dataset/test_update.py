"""What an update reads and holds out, beside what the version it goes on from was trained on and measured by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mlxtwin.dataset.examples import Dataset, Wanted, assemble
from mlxtwin.dataset.learned import Learned, words_digest
from mlxtwin.dataset.split import Chosen, split
from mlxtwin.dataset.update import Update, reading
from mlxtwin.errors import NothingNew, SealBroken
from mlxtwin.records import Document, Example
from mlxtwin.vault.store import StoredDocument

from .people import document, kept, own, prose

WANTED = Wanted(frozenset(("mail", "note", "chat")), {1: 0.4, 2: 0.3, 3: 0.3}, 0.1)


def mails(first: int, last: int, words: int = 60) -> list[StoredDocument]:
    return kept(document("mail", own(prose(n, words)), key=f"m{n}", day=n) for n in range(first, last))


def chosen(stored: Iterable[StoredDocument]) -> list[Chosen]:
    return [Chosen.of(one.document, one.tier or 3) for one in stored]


def ids(examples: Iterable[Example]) -> set[str]:
    return {one.document for one in examples}


def learned(dataset: Dataset) -> Learned:
    assert dataset.learned is not None
    return dataset.learned


def night(stored: list[StoredDocument], known: Learned, number: int = 1, **update: float) -> Dataset:
    wishes = Update(number, **{"rehearse": 2.0, **update})  # type: ignore[arg-type]
    return assemble(stored, replace(WANTED, known=known, update=wishes))


def test_an_update_reads_what_is_new_and_twice_as_many_old_words() -> None:
    first = assemble(mails(0, 100), WANTED)
    stored = mails(0, 110)
    dataset = night(stored, learned(first))
    old, new = ({one.document.id for one in part} for part in (stored[:100], stored[100:]))
    read = ids(dataset.train)
    assert read - old <= new
    assert read & old <= ids(first.train)
    counts = dataset.report.update
    assert counts["new_documents"] == len(read - old) >= 8
    assert counts["new_words"] == 60 * len(read - old)
    assert counts["rehearsed_documents"] == len(read & old)
    assert counts["rehearsed_words"] == 2 * counts["new_words"]
    assert night(stored, learned(first), rehearse=0.0).report.update["rehearsed_documents"] == 0


def test_other_old_documents_come_up_in_other_nights_and_the_same_ones_for_the_same_night() -> None:
    known = learned(assemble(mails(0, 100), WANTED))
    one, other, again = (night(mails(0, 105), known, number) for number in (1, 2, 1))
    assert one.digest() == again.digest()
    assert one.report.update == other.report.update
    assert ids(one.train) != ids(other.train)


def test_what_is_held_out_once_is_never_trained_on_and_the_other_way_round_over_many_nights() -> None:
    first = assemble(mails(0, 100), WANTED)
    known, trained, held = learned(first), ids(first.train), ids(first.holdout)
    for number in range(1, 31):
        stored = mails(0, 100 + 3 * number)
        dataset = night(stored, known, number)
        trained |= ids(dataset.train)
        held |= ids(dataset.holdout)
        assert not trained & held
        assert ids(first.holdout) <= ids(dataset.holdout)
        known = learned(dataset)
    assert trained | held == {one.document.id for one in stored}
    assert (known.trained.keys(), known.held) == (trained, held)
    share = sum(one.words for one in dataset.holdout) / (60 * len(stored))
    assert 0.09 < share < 0.12


def test_a_large_import_is_not_swallowed_by_a_hold_out_that_was_too_small() -> None:
    stored = mails(0, 40)
    few = Learned({one.document.id: words_digest(one.document) for one in stored[5:]}, frozenset())
    known = replace(few, held=frozenset(one.document.id for one in stored[:1]))
    train, held = split(chosen([*stored, *mails(40, 50)]), 0.4, known)
    assert {one.document.key for one in held} < {"m0", *(f"m{n}" for n in (1, 2, 3, 4, *range(40, 50)))}
    assert sum(one.document.key >= "m40" for one in train) >= 5


def test_a_new_mail_stays_with_its_thread_and_a_new_message_with_its_day() -> None:
    def threads(last: int) -> list[StoredDocument]:
        return kept(
            document("mail", own(prose(n, 60)), key=f"m{n}", day=n % 50, thread=f"t{n % 50}") for n in range(last)
        )

    first = assemble(threads(50), WANTED)
    dataset = night(threads(100), learned(first))
    by_id = {one.document.id: one.document.thread for one in threads(100)}
    trained, held = ({by_id[id] for id in ids(side)} for side in (dataset.train, dataset.holdout))
    assert not trained & held
    assert held == {by_id[id] for id in ids(first.holdout)}
    assert len(ids(dataset.holdout)) == 2 * len(ids(first.holdout))


def test_what_belongs_together_and_was_parted_before_stays_parted_and_what_is_new_is_trained_on() -> None:
    thread = kept(document("mail", own(prose(n, 60)), key=f"t{n}", day=n, thread="t") for n in range(3))
    apart, trained, new = (one.document for one in thread)
    known = Learned({trained.id: words_digest(trained)}, frozenset({apart.id}))
    train, held = split(chosen([*thread, *mails(10, 60)]), 0.1, known)
    assert apart in {one.document for one in held}
    assert {trained, new} <= {one.document for one in train}


def test_a_document_whose_words_changed_is_new_again_and_one_that_is_held_out_stays_so() -> None:
    first = assemble(mails(0, 100), WANTED)

    def changed(one: StoredDocument) -> StoredDocument:
        return replace(one, document=replace(one.document, turns=(own(prose(5000, 60)),)))

    def again(of: set[str]) -> tuple[list[StoredDocument], str]:
        id = sorted(of)[0]
        return [changed(one) if one.document.id == id else one for one in mails(0, 100)], id

    stored, id = again(ids(first.train))
    dataset = night(stored, learned(first))
    assert dataset.report.update["new_documents"] == 1
    assert id in ids(dataset.train)
    assert learned(dataset).trained[id] != learned(first).trained[id]
    with pytest.raises(NothingNew):
        night(stored, learned(dataset), 2)
    stored, id = again(ids(first.holdout))
    with pytest.raises(NothingNew):
        night(stored, learned(first))
    assert id in ids(night([*stored, *mails(100, 110)], learned(first)).holdout)


def test_what_was_received_or_when_makes_no_document_new() -> None:
    first = assemble(mails(0, 100), WANTED)
    moved = [replace(one, document=replace(one.document, title="Re: other")) for one in mails(0, 100)]
    with pytest.raises(NothingNew):
        night(moved, learned(first))


def test_nothing_new_is_told_with_the_version_and_with_what_is_held_out() -> None:
    first = assemble(mails(0, 100), WANTED)
    with pytest.raises(NothingNew, match=r"Nothing new to learn since version 7\.") as caught:
        night(mails(0, 100), learned(first), 7)
    assert (caught.value.exit_code, "held out" in caught.value.hint) == (0, False)
    train, held = split(chosen(mails(0, 100)), 0.1)
    known = Learned({one.document.id: words_digest(one.document) for one in train}, frozenset())
    with pytest.raises(NothingNew) as told:
        reading(train, held[:1], known, Update(7, 2.0), WANTED.tiers, 0)
    assert "1 new document belongs to what is held out" in told.value.hint


def test_a_bound_is_shared_by_new_and_old_and_what_did_not_fit_stays_new() -> None:
    known = learned(assemble(mails(0, 100), WANTED))
    stored, read, nights = mails(0, 140), 0, 0
    new = {one.document.id for one in stored[100:]}
    while new - known.trained.keys() - known.held:
        nights += 1
        dataset = night(stored, known, nights, max_words=1200)
        counts, known = dataset.report.update, learned(dataset)
        read += counts["new_documents"]
        assert nights < 9
        assert counts["new_words"] + counts["rehearsed_words"] <= 1200
        assert counts["rehearsed_words"] >= min(600, 2 * counts["new_words"])
    assert (nights, read) == (4, len(new & known.trained.keys()))
    bounded = replace(WANTED, max_words=600, known=learned(assemble(mails(0, 100), WANTED)), update=Update(1, 2.0))
    assert sum(assemble(stored, bounded).report.update[f"{side}_words"] for side in ("new", "rehearsed")) <= 600


def test_a_document_longer_than_the_bound_is_read_once_it_is_all_that_is_left() -> None:
    known = learned(assemble(mails(0, 100), WANTED))
    long = kept([document("note", own(prose(9000, 900)), key="long")])
    dataset = night([*mails(0, 100), *long], known, max_words=500)
    assert dataset.report.update == {
        "new_documents": 1, "new_words": 900, "rehearsed_documents": 0, "rehearsed_words": 0,
    }  # fmt: skip


def test_old_words_that_are_not_read_again_are_kept_for_the_copy_check_alone_and_masked() -> None:
    secret = "4111 1111 1111 1111"
    old = [*mails(0, 100), *kept([document("mail", own(f"{prose(7000, 40)} Yes, {secret}."), key="s", day=0)])]
    first = assemble(old, WANTED)
    assert first.learned_before == ()
    dataset = night([*old, *mails(100, 110)], learned(first), rehearse=0.0)
    told = " ".join(dataset.learned_before)
    assert all(message.content in told for one in first.train for message in one.messages if message.role != "user")
    assert not any(word in told for one in dataset.holdout for word in one.messages[-1].content.split("\n\n"))
    assert "[CARD_" in told and secret not in dataset.to_bytes().decode()
    assert dataset.report.masked == {}


def test_a_run_that_only_measures_beside_what_is_known_learns_of_no_new_document() -> None:
    known = learned(assemble(mails(0, 100), WANTED))
    dataset = assemble(mails(0, 130), replace(WANTED, known=known))
    found = learned(dataset)
    assert found.trained == known.trained
    assert found.held >= known.held
    assert ids(dataset.holdout) == found.held
    assert not ids(dataset.holdout) & known.trained.keys()


def test_a_night_that_leaves_a_kind_out_forgets_neither_side_of_it() -> None:
    known = learned(assemble(mails(0, 100), WANTED))
    notes = kept(document("note", own(prose(4000 + n, 60)), key=f"n{n}") for n in range(60))
    wanted = replace(WANTED, kinds=frozenset(("note",)), known=known, update=Update(1, 2.0))
    found = learned(assemble([*mails(0, 100), *notes], wanted))
    assert found.held > known.held
    assert found.trained.keys() > known.trained.keys()


def test_what_is_known_comes_back_from_bytes_and_holds_no_word() -> None:
    dataset = assemble(mails(0, 100), WANTED)
    again = Dataset.from_bytes(dataset.to_bytes())
    assert again.learned == dataset.learned
    known = learned(dataset)
    assert Learned.from_bytes(known.to_bytes()) == known
    assert prose(0, 60).split()[0].encode() not in known.to_bytes()
    for broken in (b"", b"[]", b'{"format":9,"trained":{},"held":[]}', b'{"format":1,"trained":3,"held":[]}'):
        with pytest.raises(SealBroken):
            Learned.from_bytes(broken)
    plain = known.plain()
    assert set(plain["trained"]) == ids(dataset.train) and set(plain["held"]) == ids(dataset.holdout)


def test_a_dataset_from_before_says_nothing_of_what_was_known() -> None:
    dataset = assemble(mails(0, 100), WANTED)
    before = replace(dataset, learned=None)
    assert b"learned" not in before.to_bytes()
    assert Dataset.from_bytes(before.to_bytes()).learned is None
    assert before.digest() == dataset.digest()


def test_a_budget_of_the_first_night_makes_no_document_new() -> None:
    first = assemble(mails(0, 200), replace(WANTED, max_words=3000, max_holdout_words=400))
    known: set[Document] = {one.document for one in mails(0, 200)}
    assert len(learned(first).trained) + len(learned(first).held) == len(known)
    with pytest.raises(NothingNew):
        night(mails(0, 200), learned(first))

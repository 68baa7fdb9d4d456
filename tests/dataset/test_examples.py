"""The dataset of a vault: complete, deterministic, secrets masked, too little refused in one sentence."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from mlxtwin.curate.decide import curate
from mlxtwin.dataset.examples import Dataset, Wanted, assemble, build
from mlxtwin.errors import SealBroken, UsageError
from mlxtwin.records import Document, Example
from mlxtwin.security.masking import Masking
from mlxtwin.security.names import Names
from mlxtwin.train.recipe import DataSettings
from mlxtwin.vault.cuts import Cut
from mlxtwin.vault.store import StoredDocument, Vault

from .people import document, kept, own, prose, quoted, squeezed, theirs

WANTED = Wanted(frozenset(("mail", "note", "chat")), {1: 0.4, 2: 0.3, 3: 0.3}, 0.1)


def person(mails: int = 40, notes: int = 30, chats: int = 30) -> list[StoredDocument]:
    letters = [
        document("mail", quoted(prose(n, 30)), own(prose(1000 + n, 60)), key=f"m{n}", day=n, title=f"Re: {n}")
        for n in range(mails)
    ]
    long_notes = [document("note", own(prose(2000 + n, 400)), key=f"n{n}", title=f"Note {n}") for n in range(notes)]
    talks = [
        document("chat", *(side(prose(3000 + 100 * n + place, 6)) for place, side in enumerate((theirs, own) * 5)),
                 key=f"c{n}", day=n, thread="Bo")
        for n in range(chats)
    ]  # fmt: skip
    return [*kept(letters, 1), *kept(long_notes, 2), *kept(talks, 3)]


def answers(examples: Iterable[Example]) -> Counter[str]:
    return Counter(
        word for one in examples for m in one.messages if m.role == "assistant" for word in m.content.split()
    )


def test_every_own_word_is_learned_or_held_out_exactly_once() -> None:
    stored = person()
    dataset = assemble(stored, WANTED)
    everything = Counter(word for one in stored for word in one.document.own_text.split())
    assert answers((*dataset.train, *dataset.holdout)) == everything
    assert dataset.report.used == dataset.report.available
    assert sum(one.words for one in dataset.train) == dataset.report.used["train_words"]


def test_no_document_is_on_both_sides_and_each_kind_is_held_out() -> None:
    stored = person()
    dataset = assemble(stored, WANTED)
    train, held = ({one.document for one in side} for side in (dataset.train, dataset.holdout))
    assert not train & held
    assert {one.document.kind for one in stored if one.document.id in held} == {"mail", "note", "chat"}
    assert {one.split for one in dataset.train} == {"train"}
    assert {one.split for one in dataset.holdout} == {"holdout"}


def test_words_of_others_are_only_ever_in_user_messages() -> None:
    stored = person()
    others = {t.text for one in stored for t in one.document.turns if not t.trainable}
    dataset = assemble(stored, WANTED)
    learned = squeezed("".join(m.content for one in dataset.train for m in one.messages if m.role == "assistant"))
    assert not any(squeezed(text) in learned for text in others)


def test_a_mail_is_shown_the_last_mail_received_before_it_in_its_thread() -> None:
    thread = [
        document("mail", theirs("The first question?"), key="1", day=1, thread="t"),
        document("mail", theirs("The second question?"), key="2", day=3, thread="t"),
        document("mail", theirs("Elsewhere."), key="3", day=4, thread="u"),
        document("mail", theirs("Too late?"), key="4", day=9, thread="t"),
    ]
    answer = document("mail", own(prose(5, 20)), key="5", day=5, thread="t", title="Re: Boat")
    dropped = [StoredDocument(one, None, None, "not by me", True) for one in thread]
    dataset = assemble([*dropped, *kept([answer]), *person()], WANTED)
    (found,) = [one for one in (*dataset.train, *dataset.holdout) if one.document == answer.id]
    assert found.messages[0].content == "Subject: Re: Boat\n\nThe second question?"


def test_secrets_are_masked_in_what_is_learned_and_in_what_is_shown() -> None:
    secret = "4111 1111 1111 1111"
    mail = document("mail", quoted(f"Is it {secret} still?"), own(f"{prose(5, 20)} Yes, {secret}."), key="s", day=0)
    dataset = assemble([*kept([mail]), *person()], WANTED)
    assert secret not in dataset.to_bytes().decode()
    assert dataset.report.masked == {"card": 2}


def test_a_paragraph_learned_is_taken_out_of_the_hold_out_and_counted() -> None:
    shared = prose(77, 20)
    notes = kept([document("note", own(f"{prose(n, 30)}\n\n{shared}"), key=f"n{n}", day=n) for n in range(60)])
    dataset = assemble(notes, replace(WANTED, kinds=frozenset(("note",))))
    assert dataset.report.repeated_paragraphs == len({one.document for one in dataset.holdout}) == 6
    assert squeezed(shared) not in squeezed("".join(m.content for one in dataset.holdout for m in one.messages))


def test_the_order_of_the_vault_changes_nothing() -> None:
    stored = person()
    expected = assemble(stored, WANTED)
    random.Random(2).shuffle(stored)
    again = assemble(stored, WANTED)
    assert again == expected
    assert again.digest() == expected.digest()


def test_bytes_and_digest_hold_the_whole_dataset() -> None:
    dataset = assemble(person(), WANTED)
    again = Dataset.from_bytes(dataset.to_bytes())
    assert again == dataset
    assert again.digest() == dataset.digest()
    one = dataset.train[0]
    changes = [replace(one, weight=2.0), replace(one, document="x"), replace(one, messages=one.messages[:1])]
    for changed in changes:
        assert replace(dataset, train=(changed, *dataset.train[1:])).digest() != dataset.digest()
    assert replace(dataset, train=dataset.train[1:]).digest() != dataset.digest()


def test_damaged_bytes_are_told_from_a_dataset() -> None:
    data = assemble(person(), WANTED).to_bytes()
    for broken in (data[:-5], b"[]", b"{}", data.replace(b'"format":1', b'"format":99')):
        with pytest.raises(SealBroken, match="dataset"):
            Dataset.from_bytes(broken)


def test_a_budget_takes_some_of_every_kind_and_says_how_many_of_how_many() -> None:
    full = assemble(person(200, 200, 200), WANTED)
    some = assemble(person(200, 200, 200), replace(WANTED, max_words=6000, max_holdout_words=900))
    assert 5000 < sum(one.words for one in some.train) <= 6000
    assert 500 < sum(one.words for one in some.holdout) <= 900
    assert {one.tier for one in some.train} == {1, 2, 3}
    assert some.report.available == full.report.used
    assert some.report.used["train_words"] == sum(one.words for one in some.train)
    assert some.report.used["holdout_documents"] >= 5
    assert {one.document for one in some.holdout} <= {one.document for one in full.holdout}
    assert assemble(person(200, 200, 200), replace(WANTED, max_words=6000, seed=1)).digest() != some.digest()


def test_the_tiers_count_by_their_shares_in_training_and_the_hold_out_is_unweighted() -> None:
    dataset = assemble(person(150, 30, 200), WANTED)
    mass: Counter[int] = Counter()
    for one in dataset.train:
        mass[one.tier] += one.weight * one.words  # type: ignore[assignment]
    total = sum(one.words for one in dataset.train)
    assert {tier: value / total for tier, value in mass.items()} == pytest.approx({1: 0.4, 2: 0.3, 3: 0.3})
    assert {one.weight for one in dataset.holdout} == {1.0}


def test_a_tier_without_a_share_is_left_out_and_a_forced_tier_goes_before_curation_s() -> None:
    stored = person()
    forced = replace(stored[0], forced_tier=3)
    dataset = assemble([forced, *stored[1:]], replace(WANTED, tiers={1: 1.0, 2: 1.0}))
    assert dataset.report.left_out_by_tier == 31
    assert forced.document.id not in {one.document for one in (*dataset.train, *dataset.holdout)}


def test_only_what_is_kept_and_of_the_kinds_wanted_is_used() -> None:
    stored = person()
    undecided = [replace(one, decided=False) for one in stored[:10]]
    dropped = [replace(one, reason="near duplicate") for one in stored[10:20]]
    dataset = assemble([*undecided, *dropped, *stored[20:]], replace(WANTED, kinds=frozenset(("mail", "note"))))
    kinds = {one.document.id for one in stored[20:] if one.document.kind != "chat"}
    assert {one.document for one in (*dataset.train, *dataset.holdout)} == kinds


def refusal(stored: list[StoredDocument], wanted: Wanted = WANTED) -> str:
    with pytest.raises(UsageError) as caught:
        assemble(stored, wanted)
    assert caught.value.hint
    return caught.value.message


def test_nothing_to_train_on_is_one_sentence_that_says_what_is_there() -> None:
    assert refusal([]) == "The vault keeps nothing to train on yet."
    notes = person(0, 30, 0)
    assert refusal(notes, replace(WANTED, kinds=frozenset(("mail",)))) == (
        "The vault keeps no mail to train on, only 30 notes."
    )
    assert "tier 2" in refusal(notes, replace(WANTED, tiers={1: 1.0}))


def test_too_little_is_told_with_what_is_there_and_what_is_needed() -> None:
    few = kept([document("note", own(prose(n, 20)), key=f"{n}") for n in range(10)])
    assert refusal(few) == "Found to train on: 200 words of your own in 10 documents; at least 500 words are needed."
    assert "Found to train on: 1 word of your own in 1 document;" in refusal(kept([document("note", own("Perhaps"))]))
    long = kept([document("note", own(prose(n, 500)), key=f"{n}") for n in range(4)])
    assert "4 documents, of which 1 can be held out" in refusal(long)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, kinds=frozenset()), "No kind"),
        (replace(WANTED, kinds=frozenset(("mial",))), "mial"),  # type: ignore[arg-type]
        (replace(WANTED, tiers={}), "tier"),
        (replace(WANTED, tiers={1: -1.0, 2: 2.0}), "tier"),
        (replace(WANTED, holdout=0.0), "hold-out of 0"),
        (replace(WANTED, holdout=0.7), "hold-out of 0.7"),
    ],
)
def test_wishes_that_cannot_be_met_are_named(wanted: Wanted, said: str) -> None:
    assert said in refusal(person(), wanted)


def test_a_real_vault_goes_from_import_to_dataset(vault: Vault) -> None:
    documents: list[Document] = [one.document for one in person()]
    vault.put(
        [*documents, document("note", own(documents[0].own_text), key="copy"), document("note", own("Hm"), key="h")]
    )
    assert curate(vault).kept == len(documents)
    dataset = build(vault, kinds=("mail", "note", "chat"), tiers=WANTED.tiers, holdout=0.1, max_words=4000)
    assert dataset.report.used["train_words"] <= 4000
    assert {one.form for one in dataset.train} == {"reply", "write", "continue", "chat"}
    assert dataset.report.available["train_documents"] + dataset.report.available["holdout_documents"] == len(documents)


def test_seven_tenths_of_the_loss_are_on_tiers_1_and_2_by_default() -> None:
    """By the weights that the examples carry, of every own word of training."""
    stored = [*person(60, 20, 0), *person(0, 0, 700)]
    dataset = assemble(stored, replace(WANTED, tiers=DataSettings().tiers))
    weighed: Counter[int] = Counter()
    for one in dataset.train:
        weighed[one.tier] += one.words * one.weight
    shares = {tier: weighed[tier] / weighed.total() for tier in (1, 2, 3)}
    assert shares[1] + shares[2] == pytest.approx(0.7, abs=0.005)
    assert dataset.report.shares == pytest.approx({str(tier): share for tier, share in shares.items()}, abs=0.001)
    words = dataset.report.used["train_words"]
    assert weighed.total() / words == pytest.approx(1, abs=0.001)


def spoken(stored: list[StoredDocument], **languages: str) -> list[StoredDocument]:
    return [replace(one, language=languages.get(one.document.kind, "")) for one in stored]


def test_only_documents_in_the_languages_wanted_are_learned_from() -> None:
    stored = spoken(person(), mail="en", note="de", chat="")

    def kinds(*languages: str) -> set[str]:
        wanted = replace(WANTED, languages=frozenset(languages) or None)
        dataset = assemble(stored, wanted)
        assert dataset.report.left_out_by_language == len(stored) - sum(dataset.report.kinds.values())
        return set(dataset.report.kinds)

    assert kinds() == {"mail", "note", "chat"}
    assert kinds("en") == {"mail"}
    assert kinds("en", "de") == {"mail", "note"}
    assert kinds("de", "unknown") == {"note", "chat"}
    with pytest.raises(UsageError, match=r"no chat, mail, note documents in fr; it has: en \(40\)"):
        kinds("fr")


def test_what_was_cut_is_not_learned_and_what_was_pasted_is_shown() -> None:
    first, pasted, last, signed = prose(91, 40), prose(92, 40), prose(93, 40), "Ann, Head of Bread"
    text = f"{first}\n\n{pasted}\n\n{last}\n{signed}"
    places = [(text.index(some), text.index(some) + len(some)) for some in (pasted, signed)]
    mail = document("mail", own(text), key="cut", day=0, title="Bread")
    cuts = (Cut(0, *places[0], "pasted"), Cut(0, *places[1], "signature"))
    dataset = assemble([replace(kept([mail])[0], cuts=cuts), *person()], WANTED)
    (example,) = [one for one in dataset.train if one.document == mail.id]
    roles = [(message.role, squeezed(message.content)) for message in example.messages]
    assert roles[1:] == [("assistant", squeezed(first)), ("user", squeezed(pasted)), ("assistant", squeezed(last))]
    assert signed not in str(example)


def test_titles_are_masked_and_what_is_masked_can_be_chosen() -> None:
    said = "0170 1234567"
    mail = document(
        "mail", quoted("Where are you?"), own(f"{prose(5, 20)} Ring Bob Miller."), key="s", day=0, title=said
    )
    theirs_ = document("mail", theirs("Hello there", "Bob Miller"), key="t", day=0)
    stored = [*kept([mail]), StoredDocument(theirs_, None, None, "not by me", True), *person()]
    default = assemble(stored, WANTED)
    assert said not in default.to_bytes().decode() and default.report.masked == {"phone": 1}
    names = Masking(("names",), b"k", Names(["Bob Miller"]))
    named = assemble(stored, replace(WANTED, masking=names)).to_bytes().decode()
    assert said in named and "Miller" not in named
    assert assemble(stored, replace(WANTED, masking=Masking(()))).report.masked == {}


def test_a_vault_gives_a_value_the_same_placeholder_in_every_dataset(vault: Vault) -> None:
    vault.put([one.document for one in person()])
    vault.put([document("mail", own(f"{prose(5, 30)} Ring me at 0170 1234567."), key="s", day=0)])
    curate(vault)
    made = [
        build(
            vault,
            kinds=("mail", *more),
            tiers=WANTED.tiers,
            holdout=0.1,
            masking=Masking(key=vault.curation.placeholder_key()),
        )
        for more in ((), ("note",))
    ]
    found = [set(re.findall(r"\[PHONE_\d+\]", dataset.to_bytes().decode())) for dataset in made]
    assert len(found[0]) == 1 and found[0] == found[1]


def test_curated_documents_go_through_whole(vault: Vault) -> None:
    """From import to examples: what was pasted is no target anywhere."""
    article = prose(400, 60)
    mails = [document("mail", own(prose(500 + n, 60)), key=f"m{n}", day=n) for n in range(30)]
    news = document("mail", theirs(article), key="news", day=0)
    mine = document("note", own(f"{prose(600, 40)}\n\n{article}"), key="mine", day=2)
    vault.put([*mails, news, mine])
    curate(vault)
    dataset = build(vault, kinds=("mail", "note"), tiers=WANTED.tiers, holdout=0.1)
    answers_ = squeezed(
        "".join(m.content for one in (*dataset.train, *dataset.holdout) for m in one.messages if m.role == "assistant")
    )
    assert squeezed(article)[:60] not in answers_
    assert squeezed(prose(600, 40))[:60] in answers_

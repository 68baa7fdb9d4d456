"""What a person wrote once and sent again and again: kept once, and the lines below their words never."""

from __future__ import annotations

import pytest
from writing import curated, learned, prose, reasons, theirs, written

from mlxtwin.records import Document, Kind
from mlxtwin.vault.store import Vault

TERMS = (
    "We bake to order, and every loaf is paid for when it is fetched; what is not fetched by noon is given to the "
    "neighbours, so please write to us the evening before if you cannot come."
)
SIGNATURE = "Ann Baker\nHead of Bread, Crumb & Daughters\nwww.crumb.example"


def mails(count: int, ending: str = "", beginning: str = "", first: int = 0) -> list[Document]:
    return [
        written(f"m{n}", "\n\n".join(filter(None, (beginning, prose(1000 + n, 40), ending))), day=n)
        for n in range(first, first + count)
    ]


def bodies(count: int) -> dict[str, str]:
    return {f"m{n}": prose(1000 + n, 40) for n in range(count)}


def test_a_paragraph_that_four_documents_have_stays_in_the_first(vault: Vault) -> None:
    found = learned(curated(vault, mails(6, TERMS)))
    assert found == bodies(6) | {"m0": f"{prose(1000, 40)}\n\n{TERMS}"}


def test_three_times_is_a_habit(vault: Vault) -> None:
    found = learned(curated(vault, mails(3, TERMS)))
    assert all(TERMS in text for text in found.values())


@pytest.mark.parametrize("kind", ["mail", "note", "chat", "post"])
def test_names_and_numbers_that_change_hide_no_form_letter(vault: Vault, kind: Kind) -> None:
    texts = [
        f"{prose(n, 40)}\n\nThe loaves you asked for will be ready on {day}, {name}, at the door behind the shop, "
        f"and the price is {n + 3}.50 as it was before."
        for n, (name, day) in enumerate((("Bob", "Monday"), ("Cleo", "Friday"), ("Dan", "Sunday"), ("Eve", "Monday")))
    ]
    found = curated(vault, [written(str(n), text, kind=kind, day=n) for n, text in enumerate(texts)])
    assert learned(found) == {"0": texts[0]} | {str(n): prose(n, 40) for n in (1, 2, 3)}


def test_a_long_passage_within_paragraphs_is_found_as_well(vault: Vault) -> None:
    passage = prose(5, 45)
    texts = [f"{prose(n, 30)} {passage} {prose(n + 100, 30)}" for n in range(10, 15)]
    found = learned(curated(vault, [written(str(n), text, day=n) for n, text in enumerate(texts)]))
    assert [passage in text for text in found.values()] == [True, False, False, False, False]
    assert all(
        prose(n, 30) in text and prose(n + 100, 30) in text
        for n, text in zip(range(10, 15), found.values(), strict=True)
    )


def test_a_document_of_little_else_is_dropped_as_templated(vault: Vault) -> None:
    letters = [
        written(f"l{n}", f"Hello again, this is number {n} of them.\n\n{TERMS}\n\n{prose(77, 30)}", day=n)
        for n in range(5)
    ]
    changed = [written(f"c{n}", f"{prose(n, 12)}\n\n{TERMS}\n\n{prose(99, 40)}", day=10 + n) for n in range(5)]
    found = reasons(curated(vault, [*letters, *changed]))
    assert [found[f"c{n}"] for n in range(5)] == ["", "templated", "templated", "templated", "templated"]
    assert found["l0"] == ""
    assert not any(found[f"l{n}"] == "" for n in range(1, 5))


def test_of_mails_of_several_imports_the_paragraph_still_stays_once(vault: Vault) -> None:
    found = learned(
        curated(vault, mails(2, TERMS), mails(1, TERMS, first=2), mails(1, TERMS, first=3), mails(2, TERMS, first=4))
    )
    assert sum(TERMS in text for text in found.values()) == 1
    assert {key: text.replace(TERMS, "").strip() for key, text in found.items()} == bodies(6)


def test_an_older_mail_that_comes_later_does_not_bring_it_twice(vault: Vault) -> None:
    found = learned(curated(vault, mails(5, TERMS, first=1), mails(1, TERMS)))
    assert [TERMS in found[f"m{n}"] for n in range(6)] == [False, True, False, False, False, False]


def test_last_lines_that_five_mails_have_are_a_signature(vault: Vault) -> None:
    found = curated(vault, mails(5, SIGNATURE))
    assert learned(found) == bodies(5)
    assert found["m0"].curated.turns[-1].role == "signature"


def test_a_signature_is_known_in_mails_that_come_later(vault: Vault) -> None:
    found = curated(vault, mails(5, SIGNATURE), mails(1, SIGNATURE, first=5))
    assert learned(found) == bodies(6)


def test_a_signature_that_only_a_later_import_shows_goes_from_the_earlier_mails_too(vault: Vault) -> None:
    assert learned(curated(vault, mails(3, SIGNATURE))) != bodies(3)
    assert learned(curated(vault, mails(2, SIGNATURE, first=3))) == bodies(5)


def test_the_way_a_person_takes_leave_stays(vault: Vault) -> None:
    leave = "Best wishes,\nAnn"
    found = learned(curated(vault, mails(6, f"{leave}\nHead of Bread, Crumb & Daughters\nTel. 555 0199")))
    assert found == {key: f"{text}\n\n{leave}" for key, text in bodies(6).items()}
    assert learned(curated(vault, mails(6, "Cheers, Ann", first=6)))["m7"].endswith("\n\nCheers, Ann")


def test_copies_of_one_mail_show_no_signature(vault: Vault) -> None:
    text = f"{prose(1, 30)}\n\nSee you all at the mill on Sunday.\nBring your own cups."
    found = curated(vault, [written(str(n), text, day=n) for n in range(7)])
    assert learned(found) == {"0": text}
    assert sorted(set(reasons(found).values())) == ["", "exact duplicate"]


def test_the_last_lines_of_a_chat_are_no_signature(vault: Vault) -> None:
    talks = [
        written(str(n), theirs("And then?"), f"{prose(n, 12)}\nThat is all I can say about it.", kind="chat", day=n)
        for n in range(8)
    ]
    assert all("about it" in text for text in learned(curated(vault, talks)).values())


def test_different_mails_below_one_long_signature_are_no_copies(vault: Vault) -> None:
    signature = "\n".join(("Ann Baker", *(prose(n, 9) for n in range(3, 7)), "www.crumb.example"))
    found = curated(vault, [written(f"m{n}", f"{prose(n, 7)}\n{signature}", day=n) for n in range(10, 18)])
    assert set(reasons(found).values()) == {""}


def test_a_line_of_the_device_goes_in_every_written_kind(vault: Vault) -> None:
    kinds: list[Kind] = ["mail", "note", "post", "document"]
    for place, kind in enumerate(kinds):
        found = curated(vault, [written(kind, f"{prose(place, 30)}\nSent from my iPhone", kind=kind)])
        assert "iPhone" not in learned(found)[kind]


def test_what_recurs_in_other_people_s_words_is_no_template(vault: Vault) -> None:
    found = curated(vault, [written(str(n), theirs(TERMS), prose(n, 30), day=n) for n in range(6)])
    assert {key: stored.cuts for key, stored in found.items()} == {str(n): () for n in range(6)}

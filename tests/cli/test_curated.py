"""What curation found, as the commands show it: language, quality, what was pasted, and what a run will mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.sample import PERSON_NAMES

EXPORTS = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports"
Run = Callable[..., Any]

ARTICLE = (
    "The mill by the lower weir was built in the year of the great frost and has ground rye ever since, though its "
    "wheel was broken twice and the miller drowned; his widow kept it going for thirty years with the help of two sons."
)
LETTER = (
    "Ich war gestern wieder an der Mühle und habe lange mit dem Müller geredet. Er sagt, das Korn sei in diesem Jahr "
    "sehr trocken, und wir sollten das Brot länger ruhen lassen. Komm doch bald einmal vorbei, der Ofen ist immer warm!"
)
PITY = "Is it not a pity about the miller?"
FORWARD = "I read this about our mill today and thought of you at once, because you like old wheels:"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    letters = [
        ("bob@crumb.example", "Wed, 01 May 2024", ARTICLE),
        ("ann@crumb.example", "Fri, 03 May 2024", f"{FORWARD}\n\n{ARTICLE}\n\n{PITY}"),
        ("ann@crumb.example", "Sun, 05 May 2024", LETTER),
    ]
    (tmp_path / "mail").mkdir()
    for number, (who, day, text) in enumerate(letters):
        head = f"From: {who}\nTo: x@y.example\nSubject: mill\nMessage-ID: <{number}@crumb.example>"
        kind = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit"
        whole = f"{head}\nDate: {day} 10:00:00 +0000\nMIME-Version: 1.0\n{kind}\n\n{text}\n"
        (tmp_path / "mail" / f"{number}.eml").write_text(whole, encoding="utf-8")
    return tmp_path / "mail"


def test_language_and_quality_are_listed_shown_and_counted(vault_home: Run, folder: Path) -> None:
    assert vault_home("import", str(folder), "--me", "ann@crumb.example").code == 0
    stats = vault_home("data", "stats", "--json").value
    assert {code: row["documents"] for code, row in stats["by_language"].items()} == {"de": 1, "en": 1}
    assert stats["by_language"]["de"]["words"] == len(LETTER.split())
    (german,) = vault_home("data", "ls", "--language", "de", "--json").value["documents"]
    assert (german["language"], 0.5 < german["quality"] <= 1) == ("de", True)
    assert len(vault_home("data", "ls", "--language", "English", "--json").value["documents"]) == 2
    assert vault_home("data", "ls", "--language", "unknown", "--json").value["documents"] == []
    shown = vault_home("data", "show", german["id"][:8]).out
    assert "quality 0." in shown and "language" in shown
    assert "language" in vault_home("data", "stats").out
    wrong = vault_home("data", "ls", "--language", "klingon")
    assert (wrong.code, "klingon is no language that can be told." in wrong.err) == (2, True)


def test_what_was_pasted_is_shown_as_quoted_and_is_no_word_of_the_person(vault_home: Run, folder: Path) -> None:
    imported = vault_home("import", str(folder), "--me", "ann@crumb.example", "--json").value
    mine = len(FORWARD.split()) + len(PITY.split())
    assert imported["words_by_me"] == mine + len(LETTER.split())
    found = vault_home("data", "search", "pity", "--json").value["found"]
    shown = vault_home("data", "show", found[0]["id"][:8], "--json").value
    assert [(turn["role"], turn["mine"]) for turn in shown["turns"]] == [
        ("own", True), ("quoted", False), ("own", True),
    ]  # fmt: skip
    assert shown["words_by_me"] == mine


def test_a_dry_run_shows_what_is_masked_and_learned_from_and_who_said_so(vault_home: Run) -> None:
    names = [argument for name in PERSON_NAMES for argument in ("--me", name)]
    assert vault_home("import", str(EXPORTS), *names).code == 0
    shown = vault_home("retrain", "voice", "--dry-run", "--set", "data.languages=[en]", "--set", "data.mask=[]")
    assert shown.code == 0, shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["data.languages", "en", "--set"] in lines
    assert ["data.mask", "nothing", "--set"] in lines
    wrong = vault_home("retrain", "voice", "--dry-run", "--set", "data.languages=fr")
    assert wrong.code == 2
    assert "documents in fr; it has: en" in wrong.err

"""What an import does because the person says so: a source by its name, and a program in place of a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.applenotes_script import DOOR
from mlxtwin.sources.run import import_paths

from .test_applenotes_script import note, program, tell

__all__ = ["program"]
PAGE = (
    "<html><head><title>Bread</title></head><body><p>With patience and a hot stone it rose at last.</p></body></html>"
)


class Put:
    """Keeps what an import stores."""

    added = updated = unchanged = 0

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def __call__(self, documents: list[Document]) -> Put:
        self.documents += documents
        return self


def test_a_page_that_names_nobody_is_the_persons_who_says_so(tmp_path: Path) -> None:
    (tmp_path / "bread.html").write_text(PAGE)
    for asked, words in ((None, 0), ("html", 10)):
        put = Put()
        report = import_paths([tmp_path], person=Person.of(["Ann"]), as_source=asked, put=put)
        assert report.words_by_me == words
        assert [document.words_by_me for document in put.documents] == [words]


def test_a_page_that_names_another_stays_theirs_whatever_is_said(tmp_path: Path) -> None:
    (tmp_path / "bread.html").write_text(PAGE.replace("<title>", '<meta name="author" content="Bob"><title>'))
    report = import_paths([tmp_path], person=Person.of(["Ann"]), as_source="html")
    assert report.words_by_me == 0


def test_notes_are_asked_for_by_the_programs_door(program: Path) -> None:
    tell(program, note())
    put = Put()
    report = import_paths([Path(DOOR)], person=Person.of(["Ann"]), put=put)
    assert (report.documents, report.kept, report.kind) == (1, 1, "note")
    assert put.documents[0].own_text == "With patience."


@pytest.mark.usefixtures("program")
def test_a_computer_without_that_program_says_so() -> None:
    report = import_paths([Path(DOOR)], person=Person.of(["Ann"]))
    (error,) = report.errors
    assert error["path"] == DOOR
    assert "Mac" in error["why"]

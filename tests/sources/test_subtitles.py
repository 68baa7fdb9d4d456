"""Subtitles: cues, who speaks them, what captions repeat, and the forms that meetings write."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.registry import match
from mlxtwin.sources.subtitles import Subtitles

ANN = Person.of(["Ann Baker", "Ann"])


def read(root: Path, text: str, name: str = "talk.vtt", person: Person = ANN) -> list[Document]:
    (root / name).write_text(text, encoding="utf-8")
    return list(Subtitles().read(root / name, root, person))


def said(root: Path, text: str, name: str = "talk.vtt") -> list[tuple[str, str]]:
    return [(turn.author, turn.text) for document in read(root, text, name) for turn in document.turns]


def cues(*texts: str, mark: str = ".", step: float = 2) -> str:
    """Cues one right after the other, numbered."""
    made = []
    for number, text in enumerate(texts):
        start, end = (f"00:{int(at // 60):02d}:{at % 60:06.3f}" for at in (number * step, (number + 1) * step))
        made.append(f"{number + 1}\n{start} --> {end}".replace(".", mark) + f"\n{text}\n")
    return "\n".join(made)


def web(*texts: str, step: float = 2) -> str:
    return "WEBVTT\n\n" + cues(*texts, step=step)


TALK = [("Ann", "With patience and a hot stone."), ("Bob", "How do you bake?"), ("Ann", "Slowly.")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.vtt",
            web("<v Ann>With patience", "<v Ann>and a hot stone.", "<v.loud Bob>How do you bake?", "<v Ann>Slowly."),
        ),
        ("a.vtt", web("<v Ann>With patience and a hot stone.</v>\n<v Bob>How do you bake?</v> <v Ann>Slowly.")),
        ("a.vtt", web("Ann: With patience", "Ann: and a hot stone.", "Bob: How do you bake?", "Ann: Slowly.")),
        ("a.srt", cues("Ann: With patience", "and a hot stone.", "Bob: How do you bake?", "Ann: Slowly.", mark=",")),
        (
            "a.srt",
            cues(">> Ann: With patience", "and a hot stone.", ">> Bob: How do you bake?", ">> Ann: Slowly.", mark=","),
        ),
        (
            "a.srt",
            cues(
                "[Ann]: With patience and <i>a hot stone</i>. [laughs]", "♪ la la ♪", "[Bob]: How do {\\an8}you bake?",
                "[Ann]: Slowly.", mark=",",
            ),
        ),
        (
            "a.sbv",
            "0:00:00.000,0:00:02.000\nAnn: With patience[br]and a hot stone.\n\n"
            "0:00:02.000,0:00:04.000\nBob: How do you bake?\n\n0:00:04.000,0:00:05.000\nAnn: Slowly.\n",
        ),
        ("x", web("<v Ann>With patience", "<v Ann>and a hot stone.", "<v Bob>How do you bake?", "<v Ann>Slowly.")),
    ],
)  # fmt: skip
def test_speakers_are_told_in_every_usual_form(tmp_path: Path, name: str, text: str) -> None:
    assert said(tmp_path, text, name) == TALK
    importer = match(tmp_path / name)
    assert importer and importer.name == "subtitles"
    assert set(importer.authors(tmp_path / name)) == {"Ann", "Bob"}


def test_names_and_numbers_of_cues_notes_and_styles_are_no_speech(tmp_path: Path) -> None:
    text = (
        "WEBVTT - A talk\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE\nBy Bob.\n\n"
        "3f1c-0/12\n00:01.000 --> 00:02.000 align:start position:0%\n<v Ann>With &amp; patience</v>\n\n"
        "NOTE One more.\n\nsecond cue\n00:02.000 --> 00:03.000\n<v Ann>and a stone.</v>\n"
        "3\n00:03.000 --> 00:04.000\n<v Ann>So.\n"
    )
    assert said(tmp_path, text) == [("Ann", "With & patience and a stone. So.")]


def test_a_label_that_comes_once_is_speech_unless_most_lines_have_one(tmp_path: Path) -> None:
    texts = ["Flour: white.", "I said so.", "Listen: it is good.", "Note: salt.", "So.", "Yes.", "No.", "Well."]
    assert [author for author, _ in said(tmp_path, web(*texts))] == [""]
    assert said(tmp_path, web("Ann: So.", "Bob: Well?")) == [("Ann", "So."), ("Bob", "Well?")]


def test_where_no_speaker_is_named_nothing_is_the_persons(tmp_path: Path) -> None:
    (document,) = read(tmp_path, web("With patience", "and a hot stone."))
    assert document.drop == "no speakers" and not document.own_text
    assert [turn.text for turn in document.turns] == ["With patience and a hot stone."]
    assert not list(Subtitles().authors(tmp_path / "talk.vtt"))


def test_a_line_without_a_label_is_nobodys_once_a_sentence_is_over(tmp_path: Path) -> None:
    rest = ["Yes.", "No."] * 4
    found = said(
        tmp_path, web("ANN: With patience", "and a stone.", "Why?", "ANN: Because.", "- So?", "- Well.", *rest)
    )
    assert found[:4] == [("ANN", "With patience and a stone."), ("", "Why?"), ("ANN", "Because."), ("", "So?")]


def test_where_every_cue_of_a_speaker_is_told_a_long_speech_goes_on(tmp_path: Path) -> None:
    found = said(tmp_path, web(">> Ann: With patience.", "And a stone.", ">> So?", "Well.", ">> Ann: Yes."))
    assert found == [("Ann", "With patience. And a stone."), ("", "So? Well."), ("Ann", "Yes.")]


def test_rolling_captions_say_everything_once(tmp_path: Path) -> None:
    text = web(
        "with<00:00:00.500><c> patience</c>",
        "with patience",
        "with patience\nand<00:00:01.000><c> a</c><c> hot</c>",
        "and a hot",
        "and a hot\nstone it rose",
        "stone it rose",
        "stone it rose\nit rose",
    )
    assert said(tmp_path, text) == [("", "with patience and a hot stone it rose")]


def test_what_is_said_twice_in_other_subtitles_stays(tmp_path: Path) -> None:
    assert said(tmp_path, web("No, no.", "No.", "No.", "With patience.")) == [("", "No, no. No. No. With patience.")]


def test_a_pause_ends_a_paragraph_and_a_long_one_a_turn(tmp_path: Path) -> None:
    text = "WEBVTT\n\n" + "\n".join(
        f"00:0{minute}:{second:02d}.000 --> 00:0{minute}:{second + 1:02d}.000\n<v Ann>{words}\n"
        for minute, second, words in [(0, 1, "One."), (0, 2, "Two."), (0, 9, "Three."), (3, 0, "Four.")]
    )
    assert said(tmp_path, text) == [("Ann", "One. Two.\n\nThree."), ("Ann", "Four.")]


def test_the_day_of_a_meeting_is_in_the_name_of_its_recording(tmp_path: Path) -> None:
    (document,) = read(tmp_path, web("Ann: So.", "Bob: Well?"), "GMT20240302-101500_Recording.vtt")
    assert (document.title, str(document.at)) == ("Recording", "2024-03-02 00:00:00+00:00")


def test_a_long_talk_is_cut_into_parts_that_are_found_again(tmp_path: Path) -> None:
    texts = [f"{'Ann' if number % 2 else 'Bob'}: Line {number} of the talk." for number in range(200)]
    first, again = read(tmp_path, web(*texts)), read(tmp_path, web(*texts))
    assert len(first) > 3 and [one.id for one in first] == [one.id for one in again]
    assert [one.title for one in first][:2] == ["talk", "talk (2)"]
    assert sum(len(one.turns) for one in first) == 200


@pytest.mark.parametrize("text", ["", "WEBVTT\n", "some words\n", "1\n2\n"])
def test_a_file_without_cues_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"talk\.vtt holds no subtitles"):
        read(tmp_path, text)


@pytest.mark.shared
def test_the_files_of_anothers_test_suite_give_their_words(shared: Path) -> None:
    folder = shared / "exports/transcripts/tests/subtitles"
    found, refused = {}, []
    for file in sorted(folder.iterdir()):
        try:
            documents = list(Subtitles().read(file, folder, ANN))
            found[file.name] = " ".join(turn.text for one in documents for turn in one.turns)
            assert all(one.drop == "no speakers" for one in documents if one.turns)
        except SourceError:
            refused.append(file.name)
    assert refused == [
        "empty.vtt", "invalid_format.sbv", "invalid_format1.srt", "invalid_format2.srt", "invalid_format3.srt",
        "no_captions.vtt",
    ]  # fmt: skip
    assert found["youtube_dl.vtt"] == "yeah what this will happen is I'm telling"
    assert found["styles.vtt"] == "Hello world."
    assert found["using_identifiers.vtt"] == " ".join(f"Caption text #{number}" for number in range(1, 7))
    assert found["missing_caption_text.sbv"] == "Caption text #1 Caption text #3 Caption text #4 Caption text #5"
    assert "-->" not in "".join(found.values()) and "align" not in found["netflix_chicas_del_cable.vtt"]

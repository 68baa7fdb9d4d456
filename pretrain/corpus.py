"""Read the four corpus files as clean documents, and say which of them are held out.

Every 50th document of each file (numbers 0, 50, 100, ...) is held out: it trains neither tokenizer nor model.
Cleaning removes what is typography of the source (line wrapping, time stamps, stray double spaces), not words.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = ("dialogues", "task_dialogues", "tales", "novels")
HELD_OUT_EVERY = 50
WRAPPED_LINE_MAX = 100

_LINK = re.compile(r"\[([^\]\n]+)\]\((?:https?|/|#)[^)\s]*\)")
_SOUND = r"[^\]\n]{0,30}(?:laugh|unintelligible|crosstalk|music|inaudible)[^\]\n]{0,30}"
_BRACKETED_NOTE = re.compile(rf"\s*\[(?:\d[\d:.]*|{_SOUND})\]")
_INNER_SPACES = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")
_WRAP = re.compile(r"(?<=[^\n]{45}) ?\n(?=[^\s*_])")
_WRAP_IN_SENTENCE = re.compile(r"(?<=[a-z,;]) ?\n(?=[a-z])")


@dataclass(frozen=True)
class Document:
    """One document: `turns` is empty for prose; `number` is its place in its file, counted from zero."""

    source: str
    number: int
    text: str
    turns: tuple[tuple[str, str], ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether this document is kept away from all training."""
        return self.number % HELD_OUT_EVERY == 0


def read(folder: Path, source: str) -> Iterator[Document]:
    """Stream the documents of one source; raises KeyError for an unknown source."""
    readers = {"dialogues": _dialogues, "task_dialogues": _task_dialogues, "tales": _tales, "novels": _novels}
    return readers[source](folder)


def clean_speech(text: str) -> str:
    """Take time stamps, sound notes, link targets and emphasis marks out of a transcript's turn."""
    text = _BRACKETED_NOTE.sub("", _LINK.sub(r"\1", text))
    return _INNER_SPACES.sub(" ", text.replace("**", "")).strip()


def clean_prose(text: str) -> str:
    """Undo hard line wrapping and stray double spaces; paragraphs end up one per line, blank line between."""
    text = text.replace("\ufeff", "").replace("\r", "")
    if _is_wrapped(text):
        text = _WRAP.sub(" ", text)
    text = _WRAP_IN_SENTENCE.sub(" ", text)
    text = "\n".join(_INNER_SPACES.sub(" ", line.strip()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _is_wrapped(text: str) -> bool:
    lengths = sorted(len(line) for line in text.split("\n") if line.strip())
    return bool(lengths) and lengths[int(len(lengths) * 0.97)] < WRAPPED_LINE_MAX


def _dialogues(folder: Path) -> Iterator[Document]:
    with lzma.open(folder / "dialogues.jsonl.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            turns = tuple((who, clean_speech(said)) for who, said in json.loads(line)["turns"] if who != "Break")
            turns = tuple(turn for turn in turns if turn[1])
            yield Document("dialogues", number, "\n\n".join(f"{who}: {said}" for who, said in turns), turns)


def _task_dialogues(folder: Path) -> Iterator[Document]:
    with lzma.open(folder / "task_dialogues.txt.xz", "rt", encoding="utf-8") as file:
        text = file.read()
    for number, block in enumerate(block for block in text.split("\n\n") if block.strip()):
        lines = (line.partition(": ") for line in block.strip().split("\n"))
        yield Document("task_dialogues", number, block.strip(), tuple((who, said) for who, _, said in lines if said))


def _tales(folder: Path) -> Iterator[Document]:
    return _form_feed_separated("tales", folder / "tales.txt.xz")


def _novels(folder: Path) -> Iterator[Document]:
    return _form_feed_separated("novels", folder / "novels.txt.xz")


def _form_feed_separated(source: str, path: Path) -> Iterator[Document]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for number, text in enumerate(file.read().split("\f")):
            yield Document(source, number, clean_prose(text))

"""The scripts of `pretrain/`, and a small corpus whose held-out documents can be told by a word of their own."""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

HELD_OUT_WORD = "zyxophone"
DOCUMENTS = 101
PROSE = (
    "The miller's daughter went to the {n}th town and bought a lamp for her old father. "
    "He had waited for a long time beside the cold stove and was glad of the light at last. "
    "Nobody in the valley knew why the bell had rung {n} times that night, least of all the king."
)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four files, 101 documents each: numbers 0, 50 and 100 are held out."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [PROSE.format(n=number) + f" So ends tale {number}." for number in range(DOCUMENTS)]
    texts = [text.replace("lamp", HELD_OUT_WORD) if number % 50 == 0 else text for number, text in enumerate(texts)]
    talks = [_talk(text) for text in texts]
    for name in ("tales", "novels"):
        _write(folder / f"{name}.txt.xz", "\f".join(texts))
    _write(folder / "dialogues.jsonl.xz", "\n".join(json.dumps({"turns": turns}) for turns in talks))
    blocks = ("\n".join(f"{('USER', 'SYSTEM')[i % 2]}: {said}" for i, (_, said) in enumerate(talk)) for talk in talks)
    _write(folder / "task_dialogues.txt.xz", "\n\n".join(blocks))
    return folder


def _talk(text: str) -> list[list[str]]:
    return [[("Ada", "Bo")[place % 2], sentence + "."] for place, sentence in enumerate(text.rstrip(".").split(". "))]


def _write(path: Path, text: str) -> None:
    path.write_bytes(lzma.compress(text.encode()))

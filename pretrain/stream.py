"""The corpus as token streams: what phase 1 reads, and what both phases are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sentencepiece as spm
from numpy.typing import NDArray

from pretrain import corpus
from pretrain.tokenizer import ASSISTANT, BEGIN, END, USER

Tokens = NDArray[np.uint16]
MIXTURE = {"dialogues": 0.50, "task_dialogues": 0.12, "tales": 0.15, "novels": 0.23}


def load(folder: Path, processor: spm.SentencePieceProcessor, cache: Path) -> dict[str, Tokens]:
    """One long training stream per source, documents in a fixed shuffled order; encoded once, kept in `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    streams: dict[str, Tokens] = {}
    for source in corpus.SOURCES:
        path = cache / f"{source}.npy"
        if not path.exists():
            np.save(path, encode_source(folder, source, processor))
        streams[source] = np.load(path)
    return streams


def encode_source(folder: Path, source: str, processor: spm.SentencePieceProcessor) -> Tokens:
    """Encode and join the training documents of one source."""
    documents = [document for document in corpus.read(folder, source) if not document.held_out]
    order = np.random.default_rng(0).permutation(len(documents))
    return np.concatenate([encode_document(documents[place], processor) for place in order])


def encode_document(document: corpus.Document, processor: spm.SentencePieceProcessor) -> Tokens:
    """Ids of one document: task dialogues and every second podcast as a chat, everything else as plain text."""
    as_chat = document.source == "task_dialogues" or (document.source == "dialogues" and document.number % 2 == 0)
    if not as_chat:
        return np.array([BEGIN, *processor.encode(document.text)], dtype=np.uint16)
    ids = [BEGIN]
    for place, (_, said) in enumerate(document.turns):
        ids += [ASSISTANT if place % 2 else USER, *processor.encode(said), END]
    return np.array(ids, dtype=np.uint16)


def draw(streams: dict[str, Tokens], rows: int, context: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random windows of `context + 1` tokens, sources by `MIXTURE`; shape (rows, context + 1)."""
    names = rng.choice(list(MIXTURE), size=rows, p=list(MIXTURE.values()))
    windows = []
    for name in names:
        start = rng.integers(len(streams[name]) - context - 1)
        windows.append(streams[name][start : start + context + 1])
    return np.stack(windows).astype(np.int64)

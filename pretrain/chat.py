"""Conversations as packed training rows: supervised on the assistant's words and their end tokens, on nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece as spm
from numpy.typing import NDArray

from pretrain import conversations
from pretrain.conversations import Conversation
from pretrain.tokenizer import ASSISTANT, BEGIN, END, PAD, SYSTEM, USER

CONTEXT = 512
ROLES = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
IGNORED = -1
OPEN_ROWS = 24


@dataclass(frozen=True)
class Rows:
    """Packed rows: ids and targets, both (rows, CONTEXT)."""

    ids: NDArray[np.uint16]
    targets: NDArray[np.int16]

    def batch(self, step: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of one step; every row is used once per epoch, in an order of its own."""
        first = step * size
        places = [self._place(index) for index in range(first, first + size)]
        return self.ids[places].astype(np.int64), self.targets[places].astype(np.int64)

    def _place(self, index: int) -> int:
        epoch, offset = divmod(index, len(self.ids))
        return int(np.random.default_rng([3, epoch]).permutation(len(self.ids))[offset])


def load(folder: Path, processor: spm.SentencePieceProcessor, cache: Path) -> Rows:
    """Build the rows once, then read them from `cache`."""
    if not cache.exists():
        ids, targets = pack(encode(talk, processor) for talk in conversations.build(folder))
        np.savez(cache, ids=ids, targets=targets)
    stored = np.load(cache)
    return Rows(stored["ids"], stored["targets"])


def encode(conversation: Conversation, processor: spm.SentencePieceProcessor) -> tuple[list[int], list[bool]]:
    """Ids as the chat template renders them, and for each id whether it is supervised."""
    ids, supervised = [BEGIN], [False]
    for role, text in conversation:
        words = processor.encode(text)
        ids += [ROLES[role], *words, END]
        supervised += [False, *[role == "assistant"] * (len(words) + 1)]
    return ids, supervised


def pack(examples: Iterable[tuple[list[int], list[bool]]]) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
    """Put whole conversations into rows, each into the fullest open row with room; too long ones are left out."""
    rows: list[tuple[list[int], list[bool]]] = []
    open_rows: list[tuple[list[int], list[bool]]] = []
    for ids, supervised in examples:
        if len(ids) > CONTEXT + 1 or not any(supervised):
            continue
        fitting = [row for row in open_rows if len(row[0]) + len(ids) <= CONTEXT + 1]
        if fitting:
            row = max(fitting, key=lambda row: len(row[0]))
        else:
            row = ([], [])
            rows.append(row)
            open_rows = [*sorted(open_rows, key=lambda row: len(row[0]))[: OPEN_ROWS - 1], row]
        row[0].extend(ids)
        row[1].extend(supervised)
    return _square(rows)


def _square(rows: list[tuple[list[int], list[bool]]]) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
    ids = np.full((len(rows), CONTEXT + 1), PAD, dtype=np.uint16)
    wanted = np.zeros(ids.shape, dtype=bool)
    for row, (tokens, flags) in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        wanted[row, : len(flags)] = flags
    targets = np.where(wanted, ids.astype(np.int16), np.int16(IGNORED))[:, 1:]
    return ids[:, :-1], targets

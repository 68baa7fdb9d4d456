"""Preference records to tokens, and to the arrays of a micro-batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlxtwin.dataset.collate import Batch, collate
from mlxtwin.dataset.tokens import ChatTokenizer, tokenise_answers
from mlxtwin.records import Message, PreferencePair, Rating, TokenExample


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Both answers after the same prompt tokens; ``version`` as in a `PreferencePair`."""

    chosen: TokenExample
    rejected: TokenExample
    version: int | None = None

    @property
    def rows(self) -> tuple[TokenExample, TokenExample]:
        """What the reference is asked for."""
        return self.chosen, self.rejected

    @property
    def width(self) -> int:
        """Tokens of padded rows that training on it takes."""
        return 2 * max(len(self.chosen.tokens), len(self.rejected.tokens))


@dataclass(frozen=True, slots=True)
class TokenRating:
    """A rated answer, and the same prompt with an answer given to another one (no targets when there is none)."""

    answer: TokenExample
    mismatched: TokenExample
    good: bool
    version: int | None = None

    @property
    def rows(self) -> tuple[TokenExample, TokenExample]:
        return self.answer, self.mismatched

    @property
    def width(self) -> int:
        return len(self.answer.tokens)


TokenItem = TokenPair | TokenRating


@dataclass(frozen=True, slots=True)
class PreferenceBatch:
    """The answers of one micro-batch and what is known of them.

    ``answers`` has one row per answer: all chosen ones and then all rejected ones in the same order, or the rated ones.
    ``reference`` (rows,): their log-probabilities under the reference; ``wanted`` (rows,): chosen or good;
    ``tokens`` (rows,): the targets of each. ``items``: pairs or ratings, what a sum of losses is divided by.
    ``reference_point``: z0 of the step, for ratings only.
    """

    answers: Batch
    reference: NDArray[np.float32]
    wanted: NDArray[np.bool_]
    tokens: NDArray[np.float32]
    items: int
    reference_point: float = 0.0

    @property
    def wanted_targets(self) -> int:
        """Supervised tokens of the answers that should become likelier."""
        return int(self.tokens[self.wanted].sum())


def tokenise_pairs(pairs: Sequence[PreferencePair], tokenizer: ChatTokenizer, max_seq_length: int) -> list[TokenPair]:
    """Both answers of a pair get the same prompt, cut to fit as in `tokenise_answers`."""
    made = []
    for pair in pairs:
        answers = (pair.chosen, pair.rejected)
        chosen, rejected = tokenise_answers(pair.document, pair.prompt, answers, tokenizer, max_seq_length)
        made.append(TokenPair(chosen, rejected, pair.version))
    return made


def tokenise_ratings(ratings: Sequence[Rating], tokenizer: ChatTokenizer, max_seq_length: int) -> list[TokenRating]:
    """Each rating with the mismatch that z0 is estimated from, chosen once so that its reference is known beforehand.

    The paper takes the next prompt of the batch; here the partner is fixed by the ratings alone.
    """
    made = []
    for rating, partner in zip(ratings, mismatches([rating.prompt for rating in ratings]), strict=True):
        answers = [rating.answer], [ratings[partner].answer]
        (answer,), (mismatched,) = (
            tokenise_answers(rating.document, rating.prompt, texts, tokenizer, max_seq_length) for texts in answers
        )
        if ratings[partner] is rating:
            mismatched = TokenExample(rating.document, mismatched.tokens, (False,) * len(mismatched.tokens))
        made.append(TokenRating(answer, mismatched, rating.good, rating.version))
    return made


def ratings_of(pair: PreferencePair) -> tuple[Rating, Rating]:
    """A pair as one good and one bad answer, as the KTO paper uses pairs."""
    return (
        Rating(pair.document, pair.prompt, pair.chosen, True, pair.version),
        Rating(pair.document, pair.prompt, pair.rejected, False, pair.version),
    )


def mismatches(prompts: Sequence[tuple[Message, ...]]) -> list[int]:
    """For each prompt the place of another one, each taken once, with another text wherever that is possible."""
    digests = [hashlib.sha256(repr(prompt).encode()).hexdigest() for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda place: (digests[place], place))
    # Equal prompts stand together, so a shift by the longest such stretch leaves each of them.
    shift = max((digests.count(digest) for digest in set(digests)), default=0) % max(len(prompts), 1) or 1
    partner = {place: order[(at + shift) % len(order)] for at, place in enumerate(order)}
    return [partner[place] for place in range(len(prompts))]


def collate_preferences(
    items: Sequence[TokenItem], reference: NDArray[np.float32], reference_point: float = 0.0
) -> PreferenceBatch:
    """``reference`` (items, 2): log-probabilities of the `rows` of each item. The items are of one kind."""
    pairs = [item for item in items if isinstance(item, TokenPair)]
    if pairs:
        rows = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
        values, wanted = reference.T.reshape(-1), np.repeat([True, False], len(pairs))
    else:
        ratings = [item for item in items if isinstance(item, TokenRating)]
        rows = [rating.answer for rating in ratings]
        values, wanted = reference[:, 0], np.array([rating.good for rating in ratings])
    tokens = np.array([row.targets for row in rows], np.float32)
    return PreferenceBatch(collate(rows), values, wanted, tokens, len(items), reference_point)


def groups(sizes: Sequence[int], limit: int) -> list[list[int]]:
    """Neighbouring places together as long as the largest size times their count is at most ``limit``."""
    made: list[list[int]] = []
    largest = 0
    for place, size in enumerate(sizes):
        largest = max(largest, size)
        if not made or largest * (len(made[-1]) + 1) > limit:
            made.append([])
            largest = size
        made[-1].append(place)
    return made

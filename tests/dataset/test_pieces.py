"""Cutting loses no word, keeps to the limit and prefers the ends of paragraphs and sentences."""

from __future__ import annotations

import random

from mlxtwin.dataset.pieces import cut, last_words

from .people import prose, squeezed


def test_pieces_hold_every_word_once_and_in_order() -> None:
    for seed in range(300):
        random_ = random.Random(seed)
        text = "".join(random_.choices(["word", "a", " ", " ", "\n", "\n\n", ". ", "! ", "我们", "。", "(x)"], k=seed))
        limit = random_.randint(1, 30)
        pieces = cut(text, limit)
        assert squeezed("".join(pieces)) == squeezed(text)
        assert all(piece and piece == piece.strip() for piece in pieces)


def test_no_word_is_cut_in_two_and_no_piece_is_too_long() -> None:
    for seed in range(100):
        text = prose(seed, 10 + 13 * seed)
        limit = 5 + seed % 90
        pieces = cut(text, limit)
        assert [word for piece in pieces for word in piece.split()] == text.split()
        assert max(len(piece.split()) for piece in pieces) <= limit


def test_a_cut_is_at_the_end_of_a_paragraph_else_of_a_sentence() -> None:
    assert cut("One two three.\n\nFour five six. Seven eight nine.", 6) == [
        "One two three.",
        "Four five six. Seven eight nine.",
    ]
    assert cut("One two three. Four five six. Seven eight", 7) == ["One two three. Four five six.", "Seven eight"]
    assert all(piece.endswith(".") for piece in cut(prose(1, 2000), 100))


def test_the_last_piece_is_not_left_tiny() -> None:
    assert min(len(piece.split()) for piece in cut(" ".join(["word"] * 101), 100)) > 30


def test_short_and_empty_texts() -> None:
    assert cut("  One two.  ", 2) == ["One two."]
    assert cut(" \n ", 5) == []


def test_the_last_words_keep_their_blanks_and_are_bounded_in_characters() -> None:
    assert last_words("one two\n\nthree  four ", 3) == "two\n\nthree  four"
    assert last_words("one", 3) == "one"
    assert last_words("", 3) == ""
    assert len(last_words("x" * 100_000, 150)) <= 150 * 16
    assert last_words("今天下午我们去河边", 2) == "去河边"

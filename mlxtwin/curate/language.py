"""The language texts are in, told by the model of py3langid: byte n-grams and naive Bayes.

Only languages listed here are told; a text whose best one has less than ``SURE`` of the probability is in none that can
be told, as are most of a word or two. Not covered: several languages in one record, of which the commonest is told.

The library reads one text at a time, byte by byte. Here thousands are read side by side, a byte of each in one step,
with its tables and its formula; `tests/curate/test_language.py` compares the answers with the library's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

# ISO 639-1, with the English name.
LANGUAGES: dict[str, str] = {
    "am": "Amharic", "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ka": "Georgian",
    "km": "Khmer", "kn": "Kannada", "ko": "Korean", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "ml": "Malayalam",
    "my": "Burmese", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sv": "Swedish",
    "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip
UNKNOWN = "unknown"
SURE = 0.5
READ_CHARACTERS = 200
FEWEST_LETTERS = 8
TEXTS_TOGETHER = 500
# Scripts from here on say much in a letter.
_DENSE = "\u0e00"

_NOT_WORDS = re.compile(r"\S*(?:://|www\.|@)\S+|[\d_\[\]<>{}|=#*`~^\\/+]+")
_LETTER = re.compile(r"[^\W\d_]")


def languages(texts: Sequence[str]) -> list[str]:
    """A code of ``LANGUAGES`` for each text, or empty where it cannot be told."""
    read = [_read(text) for text in texts]
    told = iter(_model().best([one for one in read if one]))
    return [next(told) if one else "" for one in read]


def _read(text: str) -> str:
    """The beginning of its words; empty where there are too few."""
    words = _NOT_WORDS.sub(" ", text[: 2 * READ_CHARACTERS])[:READ_CHARACTERS]
    letters = len(_LETTER.findall(words, 0, 8 * FEWEST_LETTERS))
    return words if letters >= FEWEST_LETTERS or max(words, default="") > _DENSE else ""


@dataclass(frozen=True, slots=True)
class _Model:
    """An automaton over bytes: from state s with byte b to ``moves[rows[s] + b]``; a state of ``features`` s counts
    where that is not negative. Of each feature the log probability in each language, and of each language alone."""

    moves: NDArray[np.int32]
    rows: NDArray[np.int32]
    features: NDArray[np.int32]
    likelihoods: NDArray[np.float32]
    priors: NDArray[np.float32]
    codes: tuple[str, ...]

    def best(self, texts: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(texts), TEXTS_TOGETHER):
            yield from self._best([_bytes(text) for text in texts[start : start + TEXTS_TOGETHER]])

    def _best(self, texts: list[bytes]) -> Iterator[str]:
        scores = self._scores(texts)
        scores *= 1 / np.sqrt(np.array([max(1, len(text)) for text in texts], np.float32))[:, None]
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        for place, chance in zip(chances.argmax(axis=1).tolist(), chances.max(axis=1).tolist(), strict=True):
            yield self.codes[place] if chance >= SURE else ""

    def _scores(self, texts: list[bytes]) -> NDArray[np.float32]:
        """(texts, languages): the log probabilities as the library has them, by log(1 + count) of each feature."""
        owners, features = self._visited(texts)
        kinds = len(self.likelihoods)
        pairs, counts = np.unique(owners * kinds + features, return_counts=True)
        scores = np.zeros((len(texts), len(self.codes)), np.float32)
        weighed = self.likelihoods[pairs % kinds] * np.log1p(counts.astype(np.float32))[:, None]
        found, begins = np.unique(pairs // kinds, return_index=True)
        if len(found):
            scores[found] = np.add.reduceat(weighed, begins) + self.priors
        return scores

    def _visited(self, texts: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(text, feature) of every feature met, the longest texts read first so that those at their end stop."""
        order = sorted(range(len(texts)), key=lambda one: -len(texts[one]))
        width = len(texts[order[0]])
        table = np.zeros((width, len(texts)), np.int64)
        for column, one in enumerate(order):
            table[: len(texts[one]), column] = np.frombuffer(texts[one], np.uint8)
        reading = len(texts) - np.searchsorted(sorted(map(len, texts)), np.arange(width), "right")
        states, met = np.zeros(len(texts), np.int32), np.full((width, len(texts)), -1, np.int32)
        for place, count in enumerate(reading.tolist()):
            states = self.moves[self.rows[states[:count]] + table[place, :count]]
            met[place, :count] = self.features[states]
        places, columns = np.nonzero(met >= 0)
        return np.array(order)[columns], met[places, columns].astype(np.int64)


def _bytes(text: str) -> bytes:
    shown = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", shown).encode("utf-8", "surrogatepass")


@cache
def _model() -> _Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    read = LanguageIdentifier.from_model_file(MODEL_FILE)
    read.set_languages(list(LANGUAGES))
    return _Model(
        np.array(read.tk_nextmove, np.int32),
        np.array(read.tk_row, np.int32) << 8,
        np.array(read.tk_output, np.int32),
        np.array(read.nb_ptc, np.float32),
        np.array(read.nb_pc, np.float32),
        tuple(read.nb_classes),
    )

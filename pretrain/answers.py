"""Answers to the fixed prompts, and what can be checked about them without a reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import mlx.core as mx

from mlxtwin.backend.engine import Loaded, fit, make_sampler
from mlxtwin.backend.tokenizer import ChatTokenizer
from mlxtwin.records import Message
from pretrain.conversations import WHOLE
from pretrain.copying import split

MOST_TOKENS = 256
LOOP_WORDS = 8


@dataclass(frozen=True)
class Answer:
    """`tokens` are the generated ids without the end token; `ended` says whether the model wrote one."""

    text: str
    tokens: tuple[int, ...]
    ended: bool
    kept_format: bool

    @property
    def ends_properly(self) -> bool:
        """Ended by the model itself, with a whole sentence."""
        return self.ended and bool(WHOLE.search(self.text.strip()))

    @property
    def loops(self) -> bool:
        """Whether any eight words in a row come twice."""
        words = split(self.text)
        runs = [tuple(words[place : place + LOOP_WORDS]) for place in range(len(words) - LOOP_WORDS + 1)]
        return len(set(runs)) < len(runs)


@dataclass(frozen=True)
class Shares:
    """Of `answers`: how many end properly, leave the chat format, loop."""

    answers: int
    end_properly: int
    leave_format: int
    loop: int

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Shares:
        """Count."""
        found = list(answers)
        left = sum(not answer.kept_format for answer in found)
        return cls(len(found), sum(a.ends_properly for a in found), left, sum(a.loops for a in found))


def answer(
    loaded: Loaded, prompt: Iterable[tuple[str, str]], temperature: float, top_p: float = 1.0, seed: int = 0
) -> Answer:
    """One answer of at most `MOST_TOKENS` tokens; unlike in chat, control tokens are seen and not hidden."""
    from mlx_lm.generate import generate_step

    ids = fit(loaded, [Message(role, text) for role, text in prompt], MOST_TOKENS)
    sampler = make_sampler(temperature, top_p, seed)
    tokens: list[int] = []
    for token, _ in generate_step(mx.array(ids), loaded.model, max_tokens=MOST_TOKENS, sampler=sampler):
        if int(token) in loaded.tokenizer.eos_ids:
            return judged(loaded.tokenizer, tokens, True)
        tokens.append(int(token))
    return judged(loaded.tokenizer, tokens, False)


def judged(tokenizer: ChatTokenizer, tokens: list[int], ended: bool) -> Answer:
    """The format is kept by words alone: no control token, neither as one token nor spelled out, and not nothing."""
    text = tokenizer.decode(tokens)
    control = set(tokenizer.inner.all_special_ids) & set(tokens)
    spelled = any(name in text for name in tokenizer.inner.all_special_tokens if len(name) > 1)
    return Answer(text, tuple(tokens), ended, bool(text.strip()) and not control and not spelled)

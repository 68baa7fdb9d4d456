"""Forgetting: the loss on neutral text that nobody in particular wrote, before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from typing import Literal

from mlx import nn

from mlxtwin.backend.adapters import disabled
from mlxtwin.dataset.tokens import ChatTokenizer
from mlxtwin.evaluate.likelihood import per_token, score_documents
from mlxtwin.records import TokenExample

Half = Literal["judge", "choose"]


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Nats per token of neutral text."""

    base_nll: float
    twin_nll: float

    @property
    def rise(self) -> float:
        """How much higher the twin's loss is, as a share of the base's; negative when it is lower."""
        return self.twin_nll / self.base_nll - 1.0


def measure(model: nn.Module, tokenizer: ChatTokenizer, context: int, half: Half = "judge") -> Forgetting:
    """``context``: the longest input of the base, in tokens.

    The first half of every paragraph is there to choose settings by, the second to judge an adapter by.
    """
    examples = [_half(example, half) for example in neutral_examples(tokenizer, context)]
    twin = per_token(score_documents(model, examples))
    with disabled(model):
        base = per_token(score_documents(model, examples))
    return Forgetting(base, twin)


def _half(example: TokenExample, half: Half) -> TokenExample:
    middle = len(example.tokens) // 2
    return replace(
        example,
        supervised=tuple(
            wanted and (at < middle) == (half == "choose") for at, wanted in enumerate(example.supervised)
        ),
    )


def neutral_examples(tokenizer: ChatTokenizer, context: int) -> list[TokenExample]:
    """The bundled neutral paragraphs as plain text, every token but the first a target."""
    text = resources.files("mlxtwin.evaluate").joinpath("neutral.txt").read_text(encoding="utf-8")
    out = []
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        ids = tokenizer.encode(paragraph.replace("\n", " "))[:context]
        out.append(TokenExample(f"neutral-{number}", tuple(ids), (False, *[True] * (len(ids) - 1))))
    return out

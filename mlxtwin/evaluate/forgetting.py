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
SPAN = 16


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Nats per token of neutral text."""

    base_nll: float
    twin_nll: float

    @property
    def rise(self) -> float:
        """How much higher the twin's loss is, as a share of the base's; negative when it is lower."""
        return self.twin_nll / self.base_nll - 1.0


def measure(
    model: nn.Module,
    tokenizer: ChatTokenizer,
    context: int,
    half: Half = "judge",
    base_nll: float | None = None,
) -> Forgetting:
    """``context``: the longest input of the base, in tokens; ``base_nll``: its own loss on this half, where it was
    measured before.

    Of every paragraph one span of tokens is there to choose settings by and the next to judge an adapter by, in turn.
    """
    examples = [_half(example, half) for example in neutral_examples(tokenizer, context)]
    twin = per_token(score_documents(model, examples))
    if base_nll is None:
        with disabled(model):
            base_nll = per_token(score_documents(model, examples))
    return Forgetting(base_nll, twin)


def _half(example: TokenExample, half: Half) -> TokenExample:
    """Spans in turn, so that both halves have as much before them: a loss falls along a paragraph."""
    wanted = 0 if half == "choose" else 1
    return replace(
        example,
        supervised=tuple(target and at // SPAN % 2 == wanted for at, target in enumerate(example.supervised)),
    )


def neutral_examples(tokenizer: ChatTokenizer, context: int) -> list[TokenExample]:
    """The bundled neutral paragraphs as plain text, every token but the first a target."""
    text = resources.files("mlxtwin.evaluate").joinpath("neutral.txt").read_text(encoding="utf-8")
    out = []
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        ids = tokenizer.encode(paragraph.replace("\n", " "))[:context]
        out.append(TokenExample(f"neutral-{number}", tuple(ids), (False, *[True] * (len(ids) - 1))))
    return out

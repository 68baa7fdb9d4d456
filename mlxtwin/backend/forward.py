"""The forward pass in two parts, body and head, so that the head runs only where its answer is needed.

The head is the model's own ``__call__`` with the body replaced by a stand-in that hands back the hidden states it is
given: soft caps, logit scales, tied and untied projections come along without a line about any architecture. Whether
that is right for a model is not assumed but compared once (`head_holds`); where it is not, the whole model runs.

Not covered here: chunks of the head (`head.py`) and packing of several examples in one row (`segments.py`).
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx import nn

_BODIES = ("model", "transformer", "backbone")
_MARK = "_mlxtwin_head_holds"
_PROBE = 6


class _Given:
    """Stands for the body: called with hidden states it returns them; all else is the body's own."""

    def __init__(self, body: nn.Module) -> None:
        self.body = body

    def __call__(self, hidden: mx.array, *_: Any, **__: Any) -> mx.array:
        return hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)


def hidden(model: nn.Module, tokens: mx.array, cache: Any = None) -> mx.array | None:
    """The last hidden states (rows, width, size) of ``tokens`` (rows, width), after the final norm.

    None when the model's body cannot be told from its head.
    """
    found = _split(model)
    if found is None:
        return None
    owner, name = found
    states: mx.array = getattr(owner, name)(tokens, cache=cache)
    return states


def head(model: nn.Module, states: mx.array) -> mx.array:
    """Logits (..., vocabulary) in float32 of hidden ``states`` (..., size).

    Raises ValueError for a model whose body cannot be told from its head: ask `head_holds` first.
    """
    found = _split(model)
    if found is None:
        raise ValueError(f"{type(model).__module__} has no body of its own")
    owner, name = found
    kind: Any = type(owner)
    shell = kind.__new__(kind)
    dict.update(shell, owner)
    shell.__dict__.update(owner.__dict__)
    shell.pop(name, None)
    shell.__dict__[name] = _Given(getattr(owner, name))
    logits: mx.array = shell(states)
    return logits.astype(mx.float32)


def head_holds(model: nn.Module) -> bool:
    """Whether body and head apart, the head on a few positions alone, give the logits of the whole model.

    Compared once per model on made-up tokens and remembered; the tolerance is that of the model's own precision.
    """
    known = model.__dict__.get(_MARK)
    if known is None:
        training = model.training
        model.eval()  # dropout would make two passes differ
        known = _compare(model)
        model.train(training)
        model.__dict__[_MARK] = known
    return bool(known)


def target_nll(
    model: nn.Module, tokens: mx.array, positions: mx.array, targets: mx.array, cache: Any = None
) -> mx.array:
    """Negative log-likelihood in nats, float32 (P,), of the ids ``targets`` (P,).

    ``tokens`` (rows, width); ``positions`` (P,): for each target the flat index of the place that predicts it.
    """
    states = hidden(model, tokens, cache) if head_holds(model) else None
    if states is None:
        logits = model(tokens, cache=cache)
        chosen = logits.reshape(-1, logits.shape[-1])[positions].astype(mx.float32)
    else:
        chosen = head(model, states.reshape(-1, states.shape[-1])[positions][None])[0]
    nll: mx.array = mx.fast.cross_entropy(chosen, targets)
    return nll


def body_of(model: nn.Module) -> nn.Module | None:
    """The part of ``model`` that ends with the hidden states and holds the blocks; None where it cannot be told."""
    found = _split(model)
    return getattr(*found) if found else None


def _split(model: nn.Module) -> tuple[nn.Module, str] | None:
    """The module that owns the head, and the name of its body."""
    owner = model
    while isinstance(inner := getattr(owner, "language_model", None), nn.Module):
        owner = inner
    for name in _BODIES:
        body = getattr(owner, name, None)
        if isinstance(body, nn.Module) and hasattr(body, "layers"):
            return owner, name
    return None


def _compare(model: nn.Module) -> bool:
    tokens = mx.arange(1, _PROBE + 1)[None]
    try:
        states = hidden(model, tokens)
        if states is None:
            return False
        whole = model(tokens).astype(mx.float32)
        part = head(model, states.reshape(-1, states.shape[-1])[mx.array([_PROBE - 1, 1])][None])[0]
    except (TypeError, ValueError, AttributeError, IndexError):
        return False
    whole = whole[0, mx.array([_PROBE - 1, 1])]
    if part.shape != whole.shape:
        return False
    tolerance = 1e-4 if states.dtype == mx.float32 else 2e-2
    return bool((mx.abs(part - whole).max() <= tolerance * mx.maximum(1.0, mx.abs(whole).max())).item())

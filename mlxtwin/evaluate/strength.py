"""How much of an adapter to keep: the most that forgets no more than allowed.

Between base and fine-tuned weights the loss on other text rises slowly at first while most of the gain is already there
(weight-space interpolation, Wortsman et al. 2022, arXiv:2109.01903). The share is chosen on one half of the neutral
text and the gate judges by the other; held-out words of the person play no part in it.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.adapters import adapter_arrays

SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2)
# Aimed at, of what the gate allows: the two halves of the text do not agree exactly.
MARGIN = 0.5


def turn_down(model: nn.Module, allowed: float, rise: Callable[[], float]) -> float:
    """Scale the LoRA adapter on ``model``, in place, to the first share that fits; returns the share.

    ``rise`` measures the loss on other text under the model as it stands, ``allowed`` is the gate's limit; both are
    shares of the base's loss. DoRA's magnitudes do not scale, so a DoRA adapter is left whole.
    """
    whole = adapter_arrays(model)
    if any(name.endswith(".m") for name in whole):
        return SHARES[0]
    for share in SHARES:
        _scale(model, whole, share)
        if rise() <= MARGIN * allowed:
            return share
    return SHARES[-1]


def _scale(model: nn.Module, whole: dict[str, mx.array], share: float) -> None:
    scaled = [(name, value * share) for name, value in whole.items() if name.endswith(".lora_b")]
    model.load_weights(scaled, strict=False)
    mx.eval(model.parameters())

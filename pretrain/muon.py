"""Muon: momentum whose matrix updates are made orthogonal by a few Newton-Schulz steps.

For hidden weight matrices only; embeddings and norms go to AdamW. The method and the three polynomial coefficients are
Keller Jordan's (https://kellerjordan.github.io/posts/muon/); matrices of one shape are done together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(updates: Tensor, steps: int = 5) -> Tensor:
    """Push all singular values of each matrix in (matrices, rows, columns) towards 1, in bfloat16."""
    a, b, c = COEFFICIENTS
    tall = updates.shape[-2] > updates.shape[-1]
    x = (updates.mT if tall else updates).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(updates.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, scaled by the shape, with decoupled weight decay."""

    def __init__(self, weights: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[weight.shape].append(weight)
            for shape, weights in by_shape.items():
                directions = orthogonalise(torch.stack([self._momentum(w, group["momentum"]) for w in weights]))
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for weight, direction in zip(weights, directions, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=scale)

    def _momentum(self, weight: Tensor, momentum: float) -> Tensor:
        state = self.state[weight]
        gradient = weight.grad
        assert gradient is not None
        average: Tensor = state.setdefault("momentum", torch.zeros_like(weight))
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)

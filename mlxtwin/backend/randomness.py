"""MLX's global random state as one number, to keep and to put back.

MLX offers the state to read only; but a key is the two halves of a 64-bit seed, so seeding with it restores it.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx


def random_state() -> int:
    """The state of MLX's global generator."""
    state: Any = mx.random.state
    high, low = state[0].tolist()
    return int(high) << 32 | int(low)


def set_random_state(state: int) -> None:
    """Go on drawing as after `random_state` gave ``state``."""
    mx.random.seed(state)

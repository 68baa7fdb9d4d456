"""The learning rate as a function of the step alone, so that a resumed run needs no state for it."""

from __future__ import annotations

import math


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Linear warm-up over the first share ``warmup`` of the steps, then a half cosine to a tenth of the peak.

    ``step`` counts from 0.
    """
    rising = max(1, round(steps * warmup))
    if step < rising:
        return peak * (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    return peak * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress)))

"""The gate: numbers and thresholds to a verdict with reasons. Only a passing adapter becomes current."""

from __future__ import annotations

from mlxtwin.records import Check, Holdout, Verdict


def judge(
    holdout: Holdout, forgetting: float, copied_run: int, *, min_gain: float, max_forgetting: float, max_copied_run: int
) -> Verdict:
    """``forgetting``, ``min_gain`` and ``max_forgetting`` are shares of the base's loss; runs are in words."""
    checks = (
        _gain(holdout, min_gain),
        _certain(holdout),
        _forgetting(forgetting, max_forgetting),
        _copying(copied_run, max_copied_run),
    )
    return Verdict("promoted" if all(check.passed for check in checks) else "rejected", checks)


# How much of their loss the held-out words may give up for what corrections teach.
CORRECTION_ALLOWANCE = 0.01


def against_current(
    verdict: Verdict,
    twin_nll: float,
    current: int,
    current_nll: float,
    allowance: float = 0.0,
    which: str = "which is in use",
) -> Verdict:
    """Also no worse than the version in use, both measured on the same words in nats per token.

    ``allowance``: the share of the loss by which it may be; ``which`` says of the version what it is.
    """
    gain, least = current_nll - twin_nll, -allowance * current_nll
    verb = "no worse than" if gain >= 0 else "worse than" if gain < least else f"within {allowance:.0%} of"
    reason = f"Held-out loss {twin_nll:.3f} is {verb} the {current_nll:.3f} of version {current}, {which}."
    check = Check("current", gain, least, gain >= least, reason)
    return Verdict(verdict.outcome if check.passed else "rejected", (*verdict.checks, check))


def against_parent(verdict: Verdict, right: int, before: int, couples: int, parent: int, *, held_out: bool) -> Verdict:
    """Also that the wanted answer is the likelier one in no fewer couples than in the version that was gone on with."""
    where = "pairs held out" if held_out else "pairs trained on, too few to hold some out"
    reason = f"The answer you wanted is the likelier one in {right} of {couples} {where}; version {parent}: {before}."
    check = Check("preferred", right / couples, before / couples, right >= before, reason)
    return Verdict(verdict.outcome if check.passed else "rejected", (*verdict.checks, check))


def _gain(holdout: Holdout, threshold: float) -> Check:
    share = holdout.gain / holdout.base_nll
    passed = share >= threshold
    reason = (
        f"Held-out loss {holdout.base_nll:.3f} -> {holdout.twin_nll:.3f} nats per token, "
        f"{_change(-share)}; asked for: at least {threshold:.1%} lower."
    )
    return Check("gain", share, threshold, passed, reason)


def _certain(holdout: Holdout) -> Check:
    low, high = holdout.gain_ci
    verb = "stays above" if low > 0 else "reaches"
    reason = f"The 95 % interval of the gain, {low:.3f} to {high:.3f} nats per token, {verb} zero."
    return Check("certainty", low, 0.0, low > 0, reason)


def _forgetting(rise: float, threshold: float) -> Check:
    reason = f"Loss on neutral text: {_change(rise)}; allowed: at most {threshold:.1%} higher."
    return Check("forgetting", rise, threshold, rise <= threshold, reason)


def _copying(run: int, threshold: int) -> Check:
    said = f"{run} words" if run else "under three words"
    reason = f"Longest run copied from the training text: {said}; allowed: {threshold}."
    return Check("copying", float(run), float(threshold), run <= threshold, reason)


def _change(share: float) -> str:
    return f"{abs(share):.1%} {'higher' if share > 0 else 'lower'}"

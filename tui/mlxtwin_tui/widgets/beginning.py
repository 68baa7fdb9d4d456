"""What an empty conversation says: how to begin, or what is missing before one can."""

from __future__ import annotations

from mlxtwin.client.conversations import Choice
from mlxtwin.client.house import Overview


def how_to_begin(choice: Choice) -> str:
    """With somebody there to answer."""
    return f"Say something to {choice.slot}. Enter sends it, Ctrl+J begins a line. Nothing leaves this computer."


def what_is_missing(overview: Overview | None) -> tuple[str, str, str]:
    """With nobody there: why, what a button says, and the screen it leads to."""
    if overview is not None and overview.slots:
        text = "No version of any slot has passed the gate yet. You can look at why, and use one all the same."
        return text, "Look at the slots", "slots"
    if overview is not None and not overview.documents:
        return "There is no twin to talk with yet: it is trained on your words.", "See what to do", "home"
    return "There is no twin to talk with yet. Training one takes a few minutes.", "Train one", "train"

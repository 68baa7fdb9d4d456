"""The line at the bottom: who is current, what runs, and that nothing leaves the machine."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from mlxtwin.client.house import Overview
from mlxtwin.security.redact import clean_terminal

DOORS = {"absent": "no vault yet", "broken": "vault incomplete", "locked": "vault locked", "open": "vault open"}
BETWEEN = " · "
MOST_SLOTS = 3


class StatusLine(Static):
    """One line; ticking parts are drawn anew without a new layout."""

    _overview: Overview | None = None

    def show(self, overview: Overview) -> None:
        """Vault, run, airplane mode, current slots, base and device, as far as there is room."""
        self._overview = overview
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._overview is not None and self.size.width:
            device = str(getattr(self.app, "device", ""))
            self.update(Content(fitted(parts(self._overview, device), self.size.width)), layout=False)


def parts(overview: Overview, device: str = "") -> list[str]:
    """The facts, the most important first; one that is not known is left out."""
    run = overview.run or {}
    current = [f"{row['slot']} v{row['current']}" for row in overview.slots if row["current"]]
    found = [
        DOORS[overview.door],
        f"training {run['step']}/{run['steps'] or '?'}" if run.get("state") in ("running", "waiting") else "",
        "airplane mode",
        ", ".join(current[:MOST_SLOTS]) + (" …" if len(current) > MOST_SLOTS else ""),
        f"base {overview.base}" if overview.base else "",
        device,
    ]
    return [clean_terminal(one) for one in found if one]


def fitted(found: list[str], width: int) -> str:
    """As many as fit; the least important go first, and what stays is never cut unless it stands alone."""
    kept = list(found)
    while len(kept) > 1 and len(BETWEEN.join(kept)) > width:
        kept.pop()
    return BETWEEN.join(kept)

"""The line at the bottom: who is current, what runs, and that nothing leaves the machine."""

from __future__ import annotations

from textual.widgets import Static

from mlxtwin.client.house import Overview

DOORS = {"absent": "no vault yet", "broken": "vault incomplete", "locked": "vault locked", "open": "vault open"}


class StatusLine(Static):
    """One line; ticking parts are drawn anew without a new layout."""

    def show(self, overview: Overview) -> None:
        """Vault, current slots, the run under way, airplane mode."""
        self.update(" · ".join(parts(overview)), layout=False)


def parts(overview: Overview) -> list[str]:
    """The facts from left to right."""
    found = [DOORS[overview.door]]
    found += [f"{row['slot']} v{row['current']}" for row in overview.slots if row["current"]][:3]
    if overview.run and overview.run["state"] in ("running", "waiting"):
        found.append(f"training {overview.run['step']}/{overview.run['steps'] or '?'}")
    return [*found, "airplane mode"]

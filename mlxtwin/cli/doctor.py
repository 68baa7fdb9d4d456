"""``mlxtwin doctor``: what this machine offers, and what to fix."""

from __future__ import annotations

from typing import Any

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, fields
from mlxtwin.client.doctor import examine
from mlxtwin.paths import find_home
from mlxtwin.wording import size

_ABOVE = ("device", "blas", "compile", "memory_budget")


@make_command("doctor", "mlxtwin doctor --json")
def command() -> Answer:
    """Show the device and why it was chosen, memory, BLAS, keychain and network state, and what to fix."""
    found = examine(find_home())
    return Answer(found, "\n".join([fields(_rows(found)), "", *_policy(found), *_problems(found)]))


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    memory, keychain, network = found["memory"], found["keychain"], found["network"]
    return [
        ("mlxtwin", found["version"]),
        ("device", f"{found['device']}: {found['reason']}"),
        ("memory", f"{size(memory['budget_bytes'])} of {size(memory['total_bytes'])} may be used"),
        ("BLAS", f"{found['blas']}: {found['blas_details'].get('reason', '')}".rstrip(": ")),
        ("compile", f"{'on' if found['compile']['on'] else 'off'}: {found['compile']['reason']}".rstrip(": ")),
        ("keychain", keychain["backend"] if keychain["ok"] else f"none: {keychain['why']}"),
        ("network", f"off. {network['how']}"),
        ("home", found["home"]),
        ("vault", "present" if found["vault"] else "not yet: mlxtwin init"),
    ]


def _policy(found: dict[str, Any]) -> list[str]:
    """What follows from the device, less what stands above: name, value and reason, uncut."""
    lines = [line for line in found["policy"] if line["name"] not in _ABOVE]
    if not lines:
        return []
    names, values = (max(len(line[key]) for line in lines) for key in ("name", "value"))
    rows = [f"  {line['name']:{names}}  {line['value']:{values}}  {line['reason']}" for line in lines]
    return ["Chosen for this machine:", *rows, ""]


def _problems(found: dict[str, Any]) -> list[str]:
    if not found["problems"]:
        return ["Nothing to fix."]
    return [f"To fix: {problem['what']}\n        {problem['fix']}" for problem in found["problems"]]

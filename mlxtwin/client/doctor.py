"""Everything ``mlxtwin doctor`` tells: the device, memory, keychain, network, vault, and what to fix."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mlxtwin.client.vault import PASSPHRASE_VARIABLE, half
from mlxtwin.errors import TwinError
from mlxtwin.jobs.supervisor import child_command, child_environment
from mlxtwin.paths import Home, reading_error, require_writable

PROBE_SECONDS = 120
MOST_FILES = 20_000
OTHERS = stat.S_IRWXG | stat.S_IRWXO
INSTALL = "Install the build for this machine: mlxtwin[cpu], mlxtwin[cuda12] or mlxtwin[cuda13] on Linux."


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    fix: str


def examine(home: Home) -> dict[str, Any]:
    """The object of ``doctor --json``; raises nothing, what cannot be found out is one of ``problems``."""
    from mlxtwin import __version__

    described, problems = _device()
    keychain, keychain_problems = _keychain(home)
    network, network_problems = _network()
    problems += keychain_problems + network_problems + _places(home) + _environment()
    return {
        "version": __version__,
        **described,
        "keychain": keychain,
        "network": network,
        "home": str(home.root),
        "vault": os.access(home.vault, os.F_OK),
        "problems": [asdict(problem) for problem in problems],
    }


def device() -> dict[str, Any]:
    """The fields of ``backend.device.Device`` as a child process found them; this one loads no MLX.

    Raises TwinError where MLX does not start.
    """
    try:
        done = _run(child_command("mlxtwin.jobs.probe"))
        if done.returncode == 0:
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return found
    except subprocess.TimeoutExpired:
        message = f"MLX did not start within {PROBE_SECONDS} seconds."
        raise TwinError(message, "Look at the GPU and its driver.") from None
    except (ValueError, IndexError):
        raise TwinError("MLX started and said nothing that could be read.", INSTALL) from None
    raise TwinError(f"MLX did not start: {_reason(done.stderr, done.returncode)}.", INSTALL)


def _device() -> tuple[dict[str, Any], list[Finding]]:
    problems: list[Finding] = []
    try:
        found = device()
    except TwinError as error:
        found = {}
        problems.append(Finding(error.message, error.hint))
    blas = found.get("blas") or {}
    problems += [Finding(item["what"], item["fix"]) for item in found.get("problems", ())]
    described = {
        "device": found.get("kind", "cpu"),
        "reason": found.get("reason", "the device could not be asked"),
        "blas": blas.get("name", "none"),
        "blas_details": blas,
        "memory": {"total_bytes": found.get("memory_total", 0), "budget_bytes": found.get("memory_budget", 0)},
        "usable": bool(found.get("usable")),
        "base_dtype": found.get("base_dtype", "float32"),
        "compile": {"on": bool(found.get("compile")), "reason": found.get("compile_reason", "")},
        "policy": [{key: line[key] for key in ("name", "value", "reason")} for line in found.get("policy", ())],
    }
    return described, problems


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = child_environment()
    return subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False, env=environment)


def _reason(stderr: str, code: int) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"exit code {code}"


def _keychain(home: Home) -> tuple[dict[str, Any], list[Finding]]:
    from mlxtwin.security.keychain import status

    found = status()
    described = {"backend": found.backend, "ok": found.ok, "why": found.why}
    if found.ok or os.access(home.keys, os.F_OK):
        return described, []
    what = f"No keychain can keep the key of a vault: {found.why}".rstrip(".") + "."
    return described, [Finding(what, "Use a passphrase instead: `mlxtwin init --passphrase`.")]


def _network() -> tuple[dict[str, Any], list[Finding]]:
    from mlxtwin.security.airplane import SENTENCES, enforced_by, is_engaged

    held_by = enforced_by()
    network = {"airplane": is_engaged(), "enforced_by": held_by, "how": SENTENCES[held_by]}
    if held_by != "hook":
        return network, []
    what = "Only Python's own sockets are refused here: the system gives no way to shut out native code."
    return network, [Finding(what, "Nothing of mlxtwin connects; where that is not enough, unplug the network.")]


def _places(home: Home) -> list[Finding]:
    """Whether the home can be read and written, and by nobody else, and whether its vault is whole."""
    try:
        broken = half(home)
        _probe(home.root)
    except TwinError as error:
        return [Finding(error.message, error.hint)]
    shown = list(islice(_open_to_others(home.root), MOST_FILES))
    problems = [Finding(*broken)] if broken else []
    if shown:
        what = f"Others on this computer can open {len(shown):,} of the files in {home.root}, as {shown[0].name}."
        problems.append(Finding(what, f"Run `chmod -R go-rwx '{home.root}'`."))
    return problems


def _probe(root: Path) -> None:
    """Look into the home, and write in it, or where it would be made. Raises TwinError."""
    require_writable(root)
    try:
        os.scandir(next(part for part in (root, *root.parents) if os.path.lexists(part))).close()
    except OSError as error:
        raise reading_error(error, root) from None


def _open_to_others(root: Path) -> Iterator[Path]:
    """Files that others may open; what lies in a folder closed to them is closed too."""
    for folder, folders, files in os.walk(root):
        try:
            if not Path(folder).stat().st_mode & OTHERS:
                folders.clear()
                continue
            modes = [(path, path.lstat().st_mode) for path in (Path(folder, name) for name in files)]
        except OSError:  # gone meanwhile, or not ours to look at
            continue
        yield from (path for path, mode in modes if stat.S_ISREG(mode) and mode & OTHERS)


def _environment() -> list[Finding]:
    if not os.environ.get(PASSPHRASE_VARIABLE):
        return []
    what = f"{PASSPHRASE_VARIABLE} is set: every program started from here can read the passphrase of the vault."
    return [Finding(what, f"Unset {PASSPHRASE_VARIABLE}; mlxtwin asks on the terminal.")]

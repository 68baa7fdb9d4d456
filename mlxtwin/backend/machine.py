"""What this computer is, before MLX is asked: system, NVIDIA driver and cards, WSL, Rosetta, battery.

Everything is read from files under ``root`` or from the answer of a short command, so that texts recorded elsewhere can
stand in for a machine that is not here. Nothing here needs MLX, and nothing raises: what is not known stays empty.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlxtwin.backend.memory import read_text

ASK_SECONDS = 3.0
SMI_QUERY = "--query-gpu=driver_version,compute_cap,name"
# Windows puts its own copy here, which is not always on the path.
_WSL_TOOLS = "usr/lib/wsl/lib"
_NVIDIA, _DISPLAY_CLASS = "0x10de", "0x03"

Version = tuple[int, ...]
Ask = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Card:
    """An NVIDIA GPU. ``capability``: its compute capability, empty where unknown."""

    name: str
    capability: Version = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """``system`` as in `sys.platform`. ``libc``: glibc's version. ``nvidia``: whether an NVIDIA GPU is in it, with or
    without a ``driver``; ``nvidia_node``: whether this process can reach it. ``gpu_in_wsl``: whether Windows shares its
    GPU with WSL. ``translated``: Python runs under Rosetta. An empty version is an unknown one.
    """

    system: str
    processor: str
    libc: Version = ()
    nvidia: bool = False
    nvidia_node: bool = False
    driver: Version = ()
    cards: tuple[Card, ...] = ()
    wsl: bool = False
    gpu_in_wsl: bool = False
    translated: bool = False
    on_battery: bool = False


def ask(command: Sequence[str]) -> str:
    """What a command says on stdout; empty when it is missing, fails, or takes longer than ``ASK_SECONDS``."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def look(
    root: Path = Path("/"),
    ask: Ask = ask,
    system: str = sys.platform,
    processor: str = "",
    libc: tuple[str, str] | None = None,
) -> Machine:
    """Look at this computer. The parameters stand for it in tests."""
    processor = processor or platform.machine()
    if system == "darwin":
        return _mac(ask, processor)
    wsl = "microsoft" in read_text(root / "proc/sys/kernel/osrelease").lower()
    gpu_in_wsl = wsl and (root / "dev/dxg").exists()
    driver, cards = nvidia(root, ask, wsl)
    present = bool(cards) or _nvidia_on_the_bus(root)
    node = bool(cards) or (root / "dev/nvidia0").exists()
    name, number = platform.libc_ver() if libc is None else libc
    glibc = version(number) if name == "glibc" else ()
    return Machine(system, processor, glibc, present, node, driver, cards, wsl, gpu_in_wsl)


def nvidia(root: Path, ask: Ask, wsl: bool) -> tuple[Version, tuple[Card, ...]]:
    """The NVIDIA driver's version and the cards it drives.

    ``nvidia-smi`` knows both; the kernel module's own file is there without it. Under WSL the driver is that of
    Windows, which leaves no such file. Where neither is there, no command is run.
    """
    module = root / "proc/driver/nvidia/version"
    tools = [root / folder / "nvidia-smi" for folder in ("usr/bin", "usr/local/bin", "bin", _WSL_TOOLS)]
    tool = next((path for path in tools if path.exists()), None)
    if tool is None and not module.exists() and not wsl:
        return (), ()
    driver, cards = parse_smi(ask([str(tool or "nvidia-smi"), SMI_QUERY, "--format=csv,noheader"]))
    return driver or parse_module(read_text(module)), cards


def parse_smi(text: str) -> tuple[Version, tuple[Card, ...]]:
    """Lines of ``driver, compute capability, name``, one for each card; what the tool does not know is ``[N/A]``."""
    rows = [[part.strip() for part in line.split(",", 2)] for line in text.splitlines()]
    rows = [row for row in rows if len(row) == 3 and version(row[0])]
    return (version(rows[0][0]) if rows else ()), tuple(Card(name, version(cap)) for _, cap, name in rows)


def parse_module(text: str) -> Version:
    """The version in ``/proc/driver/nvidia/version``: the first number with a dot after the word Module."""
    found = re.search(r"^NVRM version:.*?\bModule\b.*?\s(\d+\.\d+(?:\.\d+)*)\s", text, re.MULTILINE)
    return version(found[1]) if found else ()


def version(text: str) -> Version:
    """``"550.54.14"`` as numbers; empty where the text does not begin with one."""
    found = re.match(r"\d+(?:\.\d+)*", text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _nvidia_on_the_bus(root: Path) -> bool:
    """Whether a display controller of NVIDIA's is plugged in, driver or not."""
    try:
        folders = list((root / "sys/bus/pci/devices").iterdir())
    except OSError:
        return False
    return any(
        read_text(folder / "vendor").strip() == _NVIDIA and read_text(folder / "class").startswith(_DISPLAY_CLASS)
        for folder in folders
    )


def _mac(ask: Ask, processor: str) -> Machine:
    # Under Rosetta the processor looks like an Intel one; only this name tells the two apart.
    translated = processor != "arm64" and ask(["/usr/sbin/sysctl", "-n", "sysctl.proc_translated"]).strip() == "1"
    on_battery = "'Battery Power'" in ask(["/usr/bin/pmset", "-g", "batt"])
    return Machine("darwin", processor, translated=translated, on_battery=on_battery)

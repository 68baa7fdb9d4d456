"""How much memory this machine has, and how much of it a run may plan with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.8
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: what there is, and what may be planned with; and where the numbers come from."""

    total: int
    budget: int
    reason: str


def cpu_memory(root: Path = Path("/")) -> Memory:
    """0.8 of what is available to this process: the system's, or less where a control group limits it.

    ``root`` stands for the file system, for tests.
    """
    total, available = _meminfo(root) or _pages()
    reason = "0.8 of the available memory"
    for limit, used in _group_limits(root):
        total = min(total, limit)
        if limit - used < available:
            available, reason = max(0, limit - used), "0.8 of what the control group leaves"
    return Memory(total, int(SHARE * available), reason)


def metal_memory(info: Mapping[str, str | int]) -> Memory:
    """From MLX's ``device_info``: Apple's recommended working set is the most the GPU should hold at once."""
    total = int(info.get("memory_size", 0)) or _pages()[0]
    recommended = int(info.get("max_recommended_working_set_size", 0)) or int(0.7 * total)
    return Memory(total, int(SHARE * recommended), "0.8 of the recommended working set")


def cuda_memory(info: Mapping[str, str | int]) -> Memory:
    """From MLX's ``device_info``; what other processes hold on the card is not ours."""
    total = int(info.get("total_memory", 0))
    free = int(info.get("free_memory", 0)) or total
    return Memory(total, int(SHARE * free), "0.8 of the card's free memory")


def cpu_threads(root: Path = Path("/")) -> int:
    """Cores this process may use, or less where a control group gives it less time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for folder in _groups(root):
        words = read_text(folder / "cpu.max").split()
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit():
            cores = min(cores, max(1, round(int(words[0]) / int(words[1]))))
    return cores


def _meminfo(root: Path) -> tuple[int, int] | None:
    rows = dict(line.split(":", 1) for line in read_text(root / "proc/meminfo").splitlines() if ":" in line)
    try:
        return _KIB * int(rows["MemTotal"].split()[0]), _KIB * int(rows["MemAvailable"].split()[0])
    except (KeyError, ValueError, IndexError):
        return None


def _pages() -> tuple[int, int]:
    """Systems without /proc/meminfo: all of the memory counts as available."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return total, total


def _groups(root: Path) -> list[Path]:
    """The folders of this process's control groups (version 2), the innermost first."""
    top = root / "sys/fs/cgroup"
    lines = read_text(root / "proc/self/cgroup").splitlines()
    name = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    own = top / name
    return [folder for folder in (own, *own.parents) if folder == top or top in folder.parents]


def _group_limits(root: Path) -> list[tuple[int, int]]:
    """(limit, bytes that cannot be reclaimed) of every control group that sets a limit."""
    found = []
    for folder in _groups(root):
        limit, used = read_text(folder / "memory.max").strip(), read_text(folder / "memory.current").strip()
        if limit.isdigit() and used.isdigit():
            found.append((int(limit), max(0, int(used) - _reclaimable(folder / "memory.stat"))))
    old = root / "sys/fs/cgroup/memory"
    limit, used = read_text(old / "memory.limit_in_bytes").strip(), read_text(old / "memory.usage_in_bytes").strip()
    if limit.isdigit() and used.isdigit():
        found.append((int(limit), max(0, int(used) - _reclaimable(old / "memory.stat"))))
    return found


def _reclaimable(file: Path) -> int:
    rows = dict(line.split(maxsplit=1) for line in read_text(file).splitlines() if " " in line)
    return int(rows.get("inactive_file", "0").strip() or 0)


def read_text(file: Path) -> str:
    """A file of the system; empty where it cannot be read."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""

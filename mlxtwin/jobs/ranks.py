"""The processes of a run that computes in several: start the others on this machine, and end them.

The worker is rank 0: it alone holds the locks, writes the run folder and measures. The others compute their share of
each step (see `mlxtwin.jobs.rank`). On one machine they share the worker's network namespace, in which there is nothing
but its own loopback. Where ``mlx.launch`` started the processes on several machines, the network must stay, and only
the audit hook holds, which does not see the native sockets of MLX.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from mlxtwin.errors import RunFailed
from mlxtwin.jobs.runs import Run
from mlxtwin.jobs.supervisor import child_environment, hand_over, private, rank_command
from mlxtwin.paths import Home, write_json

RANK, HOSTS = "MLX_RANK", "MLX_HOSTFILE"
HOSTS_FILE = "hosts.json"
READY = b"ready\n"
# From the start of a process to its word that it is ready: an interpreter and the imports.
READY_SECONDS = 120.0


def launched() -> bool:
    """Whether something else, such as ``mlx.launch``, has given this process its place among several."""
    return RANK in os.environ and HOSTS in os.environ


def own_rank() -> int:
    """The place of this process where `launched`."""
    return int(os.environ[RANK])


@dataclass(slots=True)
class Others:
    """The processes this one has started, ranks 1 and up."""

    run: Run
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """MLX waits without an end for one that never comes, so this is asked first; raises RunFailed."""
        deadline = time.monotonic() + seconds
        for rank, process in enumerate(self.processes, 1):
            assert process.stdout is not None
            readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not readable or process.stdout.readline() != READY:
                log = self.run.folder / log_name(rank)
                raise RunFailed(f"Process {rank} of this run did not start.", f"What it said is in {log}")

    def end(self) -> None:
        """They write nothing, so nothing is lost."""
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def log_name(rank: int) -> str:
    return f"rank-{rank}.log"


@contextmanager
def others(run: Run, key: bytes, processes: int) -> Iterator[Others]:
    """Start ranks 1 and up of ``processes`` and make this process rank 0; on leaving, none of them is left."""
    started = Others(run)
    ours = processes > 1 and not launched()
    try:
        if ours:
            hosts = run.folder / HOSTS_FILE
            write_json(hosts, [[f"127.0.0.1:{port}"] for port in _free_ports(processes)])
            os.environ.update({HOSTS: str(hosts), RANK: "0"})
        for rank in range(1, processes if ours else 1):
            started.processes.append(_start(run, rank, key))
        yield started
    finally:
        started.end()


def _start(run: Run, rank: int, key: bytes) -> subprocess.Popen[bytes]:
    with open(run.folder / log_name(rank), "ab", opener=private) as log:
        process = subprocess.Popen(
            rank_command(Home(run.folder.parents[1])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=child_environment() | {RANK: str(rank)},
        )
    hand_over(process, key)
    return process


def _free_ports(count: int) -> list[int]:
    """All are held until the last is found, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]

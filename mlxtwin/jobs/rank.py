"""A process that computes beside the worker: ``python -m mlxtwin.jobs.rank HOME``, the vault key on stdin.

It learns from rank 0 which run it is, reads that run's folder, which must be the same folder for all (the same machine,
or a home that all machines share), and writes nothing but its log, on stderr.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mlxtwin.errors import TwinError
from mlxtwin.jobs.ranks import READY
from mlxtwin.jobs.runs import CHECKPOINT, Run
from mlxtwin.jobs.worker import crash, dataset_of
from mlxtwin.paths import Home
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles


def main(arguments: list[str]) -> int:
    home = Home(Path(arguments[0]).absolute())
    key = bytes.fromhex(sys.stdin.buffer.readline().decode().strip())
    os.umask(0o077)
    airplane.engage()
    try:
        _work(home, key)
    except TwinError as error:
        return _fail(error)
    except BaseException as error:
        return _fail(crash("last", error))
    return 0


def _fail(error: TwinError) -> int:
    sys.stderr.write(f"{type(error).__name__}: {error.sentence()}\n")
    return error.exit_code


def _work(home: Home, key: bytes) -> None:
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.train.distributed import connect, silent
    from mlxtwin.train.session import Session

    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    peers = connect(lambda: os._exit(_fail(silent())))
    run = Run(home.runs / peers.tell(""))
    sealed = SealedFiles(home, key)
    session = Session.open(run.spec, dataset_of(run, sealed), run.folder / CHECKPOINT, sealed, peers)
    session.train(_silent, lambda: False)


def _silent(_event: str, /, **_data: Any) -> None:
    """Rank 0 tells what happens."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

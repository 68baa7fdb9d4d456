"""Take an adapter out, in a process of its own: ``python -m mlxtwin.jobs.exporter HOME SLOT VERSION FOLDER``.

The vault key comes on stdin. Prints one JSON object, ``error``: null, or ``message``, ``hint`` and ``exit_code`` of
what went wrong. For programs that must not load MLX themselves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlxtwin.errors import TwinError
from mlxtwin.paths import Home
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles


def main(arguments: list[str]) -> int:
    root, slot, number, folder = arguments
    key = bytes.fromhex(sys.stdin.buffer.readline().decode().strip())
    airplane.engage()
    failure = None
    try:
        _export(Home(Path(root)), key, slot, int(number), Path(folder))
    except TwinError as error:
        failure = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}."
        failure = {"message": message, "hint": "Choose another folder.", "exit_code": TwinError.exit_code}
    sys.stdout.write(json.dumps({"error": failure}) + "\n")
    return 1 if failure else 0


def _export(home: Home, key: bytes, slot: str, number: int, folder: Path) -> None:
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.backend.adapters import LoraSpec
    from mlxtwin.backend.models import BaseModel
    from mlxtwin.export.mlx import to_mlx
    from mlxtwin.slots.registry import Slots

    slots = Slots(home, SealedFiles(home, key))
    version = slots.version(slot, number)
    to_mlx(slots.adapter(version), LoraSpec.of(version.meta["adapter"]), BaseModel.of(version.meta["base"]), folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Take an adapter out, in a process of its own: ``python -m mlxtwin.jobs.exporter HOME SLOT VERSION FOLDER``.

The vault key comes on stdin. Prints one JSON object: ``base``, the folder of the base it belongs to, or ``message`` and
``hint`` of what went wrong. For programs that must not load MLX themselves.
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
    try:
        answer = {"base": _export(Home(Path(root)), key, slot, int(number), Path(folder))}
    except TwinError as error:
        answer = {"message": error.message, "hint": error.hint}
    except OSError as error:
        answer = {"message": f"{folder} cannot be written: {error.strerror}.", "hint": "Choose another folder."}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0 if "base" in answer else 1


def _export(home: Home, key: bytes, slot: str, number: int, folder: Path) -> str:
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.backend.adapters import LoraSpec
    from mlxtwin.backend.models import BaseModel
    from mlxtwin.export.mlx import to_mlx
    from mlxtwin.slots.registry import Slots

    slots = Slots(home, SealedFiles(home, key))
    version = slots.version(slot, number)
    base = BaseModel.of(version.meta["base"])
    to_mlx(slots.adapter(version), LoraSpec.of(version.meta["adapter"]), base, folder)
    return str(base.path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

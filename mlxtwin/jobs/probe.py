"""What the device is, asked in a process of its own: ``python -m mlxtwin.jobs.probe`` prints one JSON object.

The program itself never loads MLX; a device that fails while it starts takes only this process down.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict


def main() -> int:
    from mlxtwin.backend.device import detect

    sys.stdout.write(json.dumps(asdict(detect()), default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The program: ``mlxtwin``, and the same as ``python -m mlxtwin``."""

from __future__ import annotations

import sys

from mlxtwin.cli.edge import main

if __name__ == "__main__":
    sys.exit(main())

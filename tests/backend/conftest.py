"""MLX is set up before any test module imports it, in the way the program does it."""

from __future__ import annotations

from mlxtwin.backend.device import prepare

prepare()

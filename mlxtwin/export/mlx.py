"""An adapter as stock mlx-lm reads it: a folder with adapters.safetensors and adapter_config.json.

The folder is in the clear, and an adapter can give away the text it was trained on: whoever exports one decides that.
"""

from __future__ import annotations

import json
from pathlib import Path

from mlxtwin.backend.adapters import LoraSpec, adapter_config
from mlxtwin.backend.models import BaseModel, block_count
from mlxtwin.errors import UsageError
from mlxtwin.paths import make_folder, write_atomic

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"


def to_mlx(adapter: bytes, spec: LoraSpec, base: BaseModel, folder: Path) -> list[Path]:
    """Write ``folder`` so that ``mlx_lm.load(base, adapter_path=folder)`` takes it; the files written.

    ``adapter`` is what `adapter_bytes` gave. Raises UsageError if the folder holds anything already, or is a file.
    """
    folder = folder.expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file.", "Give a new folder; nothing is overwritten.")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", "Give a new folder; nothing is overwritten.")
    config = adapter_config(spec, block_count(base)) | {"model": base.name, "revision": base.revision}
    make_folder(folder)
    write_atomic(folder / CONFIG, json.dumps(config, indent=2, sort_keys=True).encode() + b"\n")
    write_atomic(folder / WEIGHTS, adapter)
    return [folder / CONFIG, folder / WEIGHTS]

"""Which runs keep the states of their frozen blocks, where, and how much of the disk that may take."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx

from mlxtwin.backend.cut import cut_holds, lower, lowest_trained
from mlxtwin.backend.engine import Loaded, packed_parts
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.prefix import PrefixStore, content_key, store_name, stored_bytes
from mlxtwin.train.recipe import PrefixSettings
from mlxtwin.train.states import form_of

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Prefixes:
    """All stores of one home, in ``folder``, under the bound of a recipe."""

    folder: Path
    sealed: SealedFiles
    settings: PrefixSettings

    def store(self, loaded: Loaded, examples: Sequence[TokenExample]) -> tuple[PrefixStore | None, str]:
        """Where to keep the states of ``examples`` below the first block that learns; or None, and why not: "off",
        "nothing-frozen", "architecture" (it cannot be computed in two parts) or "too-large".

        The numeric self-check of the architecture happens here.
        """
        model, bits = loaded.model, self.settings.bits
        cut = lowest_trained(model)
        if bits == 0:
            return None, "off"
        if cut == 0:
            return None, "nothing-frozen"
        if not cut_holds(model, cut):
            return None, "architecture"
        width, dtype = _shape(loaded, cut)
        form = form_of(bits, dtype, width)
        size = stored_bytes(examples, form, width)
        if size > self.settings.max_gb * _GIB:
            return None, "too-large"
        name = store_name(loaded.base.fingerprint, cut, form, "packed" if packed_parts(model) else str(dtype))
        return PrefixStore(self.folder / name, self.sealed, form, width), ""

    def prune(self, store: PrefixStore, examples: Sequence[TokenExample]) -> None:
        """Keep within the bound: the stores not used for longest go first, then what this run did not use."""
        if not self.folder.is_dir():  # stopped before anything was kept
            return
        bound = self.settings.max_gb * _GIB
        others = [path for path in self.folder.iterdir() if path.is_dir() and path != store.folder]
        for path in sorted(others, key=lambda path: path.stat().st_mtime):
            if self._size() <= bound:
                return
            shutil.rmtree(path, ignore_errors=True)
        if self._size() > bound:
            store.drop_others(content_key(example) for example in examples)

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def _shape(loaded: Loaded, cut: int) -> tuple[int, mx.Dtype]:
    """Channels and type of the states at the cut; nothing is computed for it."""
    states = lower(loaded.model, mx.array([[1, 2]]), cut)
    return states.shape[-1], states.dtype

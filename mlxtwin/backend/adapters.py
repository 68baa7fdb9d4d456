"""LoRA and DoRA adapters: attach, save to memory, load, swap, take off.

The layers and their names are those of mlx-lm's `linear_to_lora_layers`, so that what is trained here loads there.
The start values are our own: each layer's come from the seed and its name alone, so the same recipe starts the same
whatever the library draws.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_unflatten

from mlxtwin.backend.randomness import random_state, set_random_state
from mlxtwin.backend.tensors import from_safetensors, to_safetensors
from mlxtwin.errors import UsageError

_LEAVES = ("lora_a", "lora_b", "m")
_WRAPPED = ("linear", "embedding")
# Layers that carry an adapter, by name.
Worn = list[tuple[str, nn.Module]]


@dataclass(frozen=True, slots=True)
class LoraSpec:
    """``num_layers``: adapters on the last so many blocks, -1 for all. ``scale`` is the raw multiplier (alpha / rank).
    ``keys``: the layers of a block by name, None for all linear ones."""

    num_layers: int = 8
    rank: int = 8
    scale: float = 2.0
    dropout: float = 0.0
    keys: tuple[str, ...] | None = None
    dora: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> LoraSpec:
        """From what ``dataclasses.asdict`` gave, by way of JSON."""
        return cls(**{**values, "keys": None if values["keys"] is None else tuple(values["keys"])})


def adapter_config(spec: LoraSpec, blocks: int) -> dict[str, Any]:
    """The content of mlx-lm's ``adapter_config.json`` for a base of ``blocks`` blocks."""
    parameters: dict[str, Any] = {"rank": spec.rank, "scale": spec.scale, "dropout": spec.dropout}
    if spec.keys is not None:
        parameters["keys"] = list(spec.keys)
    return {
        "fine_tune_type": "dora" if spec.dora else "lora",
        "num_layers": resolved_layers(spec, blocks),
        "lora_parameters": parameters,
    }


def resolved_layers(spec: LoraSpec, blocks: int) -> int:
    """How many blocks get an adapter. Raises UsageError for none at all (mlx-lm takes 0 to mean all)."""
    if spec.num_layers == 0 or spec.num_layers < -1:
        raise UsageError(
            f"num_layers is {spec.num_layers}.", "Give -1 for all blocks, or 1 and more for the last ones."
        )
    return blocks if spec.num_layers == -1 else min(spec.num_layers, blocks)


def attach(model: nn.Module, spec: LoraSpec, seed: int | None = 0) -> None:
    """Put new adapters on ``model``, in place; any others are taken off first. Only they are trainable afterwards.

    A new adapter changes nothing yet: its second factor is zero. With ``seed`` None its first one is not computed, for
    `load_adapter` to fill. Raises UsageError for a spec that does not fit.
    """
    detach(model)
    layers = resolved_layers(spec, len(model.layers))
    _check(model, spec)
    model.freeze()
    state = random_state()
    _convert(model, spec, layers)
    set_random_state(state)
    model.train(model.training)
    if seed is None:
        return
    for name, module in _adapted(model):
        module.lora_a = _start(module, mx.random.key(_layer_seed(seed, name)))
    mx.eval(_trainable(model))


def detach(model: nn.Module) -> None:
    """The bare base again, in place; the base's own weights were never touched."""
    take_off(model)


def take_off(model: nn.Module, worn: Worn | None = None) -> Worn:
    """``detach``, and what was taken off: `put_on` puts it back without making it anew. ``worn``: all that is on the
    model, from whoever knows; else it is looked for."""
    adapted = _adapted(model) if worn is None else worn
    _swap(model, [(name, _wrapped(module)) for name, module in adapted])
    return adapted


def put_on(model: nn.Module, worn: Worn) -> None:
    """Put layers that `take_off` gave back on the bare base they were taken from."""
    _swap(model, worn)


@contextmanager
def disabled(model: nn.Module) -> Iterator[None]:
    """The bare base for the length of a ``with`` block, at its own speed."""
    adapted = take_off(model)
    try:
        yield
    finally:
        put_on(model, adapted)


def attached(model: nn.Module) -> bool:
    """Whether ``model`` carries adapters now."""
    return bool(_adapted(model))


def adapter_arrays(model: nn.Module) -> dict[str, mx.array]:
    """The adapter's parameters by name, sorted, as they stand in the model."""
    found: dict[str, mx.array] = {
        f"{name}.{leaf}": module[leaf] for name, module in _adapted(model) for leaf in _LEAVES if leaf in module
    }
    return dict(sorted(found.items()))


def adapter_bytes(model: nn.Module) -> bytes:
    """The adapter as safetensors in memory, float32; equal adapters give equal bytes."""
    return to_safetensors({name: np.array(value.astype(mx.float32)) for name, value in adapter_arrays(model).items()})


def load_adapter(model: nn.Module, data: bytes) -> None:
    """Fill the attached adapter from ``data``; names and shapes must be exactly those of the model.

    Raises UsageError when they are not, or when a number is not finite; the model is unchanged then.
    """
    expected = adapter_arrays(model)
    try:
        arrays = from_safetensors(data)
    except ValueError as error:
        raise UsageError(f"The adapter cannot be read: {error}.", "Use another version of the slot.") from None
    wrong = sorted(expected.keys() ^ arrays.keys()) or sorted(
        name for name in expected if tuple(expected[name].shape) != arrays[name].shape
    )
    if wrong:
        raise UsageError(
            f"The adapter does not fit this base and recipe: {len(wrong)} layers differ, the first is {wrong[0]}.",
            "Use the base the adapter was trained on.",
        )
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise UsageError("The adapter holds numbers that are not finite.", "Use another version of the slot.")
    model.load_weights([(name, mx.array(array)) for name, array in arrays.items()], strict=False)
    mx.eval(_trainable(model))


def _check(model: nn.Module, spec: LoraSpec) -> None:
    if spec.rank < 1:
        raise UsageError(f"The LoRA rank is {spec.rank}.", "Give 1 or more; 8 is usual.")
    if not 0 <= spec.dropout < 1:
        raise UsageError(f"The LoRA dropout is {spec.dropout}.", "Give 0 or more and less than 1.")
    if spec.keys is None:
        return
    known = _convertible(model)
    unknown = [key for key in spec.keys if key not in known]
    if unknown or not spec.keys:
        raise UsageError(
            f"lora_parameters.keys names no layer of this base: {', '.join(unknown) or '(empty)'}.",
            f"Known: {', '.join(sorted(name for name in known if not name.startswith('model.')))}.",
        )


def _convertible(model: nn.Module) -> set[str]:
    """Names that ``keys`` may hold: layers within a block, and those of the whole model."""
    kinds = (nn.Linear, nn.QuantizedLinear, nn.Embedding, nn.QuantizedEmbedding)
    modules = [pair for part in (model, *model.layers) for pair in _named_modules(part)]
    return {name for name, module in modules if isinstance(module, kinds) or hasattr(module, "to_lora")} | {
        name for name, module in modules if type(module).__name__.endswith("SwitchLinear")
    }


def _convert(model: nn.Module, spec: LoraSpec, layers: int) -> None:
    from mlx_lm.tuner.utils import linear_to_lora_layers

    parameters = {"rank": spec.rank, "scale": spec.scale, "dropout": spec.dropout, "keys": spec.keys}
    try:
        linear_to_lora_layers(model, layers, parameters, use_dora=spec.dora)
    except ValueError as error:
        detach(model)
        raise UsageError(f"This base cannot take such an adapter: {error}.", "Set fine_tune_type: lora.") from None


def _adapted(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every layer that carries an adapter, by name."""
    found = [(name, module) for name, module in _named_modules(model) if "lora_a" in module and "lora_b" in module]
    return sorted(found, key=lambda pair: pair[0])


def _named_modules(model: Any) -> list[tuple[str, nn.Module]]:
    named: list[tuple[str, nn.Module]] = model.named_modules()
    return named


def _trainable(model: Any) -> Any:
    return model.trainable_parameters()


def _wrapped(module: nn.Module) -> nn.Module:
    for name in _WRAPPED:
        if name in module:
            inner: nn.Module = module[name]
            return inner
    raise ValueError(f"{type(module).__name__} wraps no layer")


def _swap(model: nn.Module, modules: list[tuple[str, nn.Module]]) -> None:
    if modules:
        model.update_modules(tree_unflatten(modules))


def _layer_seed(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest(), "little")


def _start(module: nn.Module, key: mx.array) -> mx.array:
    """Uniform within one over the square root of the inputs, as in mlx-lm."""
    shape = module.lora_a.shape
    inputs = shape[-1] if len(shape) == 3 else shape[0]
    bound = 1 / math.sqrt(inputs)
    return mx.random.uniform(-bound, bound, shape, dtype=mx.float32, key=key)

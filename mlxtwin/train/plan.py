"""The memory plan: what a run will need, from the base's config.json alone, against what the machine can give.

A run has three phases, and needs what the dearest does: filling (all weights; what the frozen blocks make of every
example is computed once), training (without the blocks below the cut) and measuring (all weights again, loaded while
those of training are still there). The factors below were fitted to peaks of small llamas on a CPU in float32; for
Metal and CUDA they are the same reckoning and were not measured.

Not covered here: the slow kernels of a quantised base on CUDA, what the measuring itself computes, and the tokenizer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mlxtwin.backend.memory import cpu_threads
from mlxtwin.backend.policy import CACHE_LIMIT_BYTES, FUSED_HEAD, FUSED_HEAD_STEP, UNPACKED_SHARE
from mlxtwin.errors import NotEnoughMemory
from mlxtwin.train.recipe import Recipe, Resolved
from mlxtwin.train.shape import Sizes, base_shape, read_config, sizes_of, weights_bytes

__all__ = ["Machine", "MemoryPlan", "base_shape", "held_bytes", "plan", "read_config", "require", "weights_bytes"]

# Tokens of the rows of one pass, as in gradient.py: on a CPU, where several passes run at once, and on a GPU.
CPU_ROW_TOKENS, GPU_PASS_TOKENS = 256, 2048
# Of the answers that preference.py computes together.
PREFERENCE_TOKENS = 2048
_CPU_STEP, _GPU_STEP = 32, 128
# Values kept per token and block for the backward pass, in multiples of the block's width, of its keys' width, of its
# inner width, and of the scores of a token (heads times the places it sees). On a CPU our own attention keeps the
# probabilities; elsewhere, unfused, also the scores.
_WIDTHS, _KEYS, _INNER, _SCORES, _PLAIN_SCORES = 3.8, 1.7, 4.5, 1.1, 2.5
# The same with grad_checkpoint: the inputs of adapters and the slopes of their outputs stay until the end of a pass;
# beside that one block's worth.
_CHECK_WIDTHS, _CHECK_KEYS, _CHECK_INNER, _CHECK_SCORES = 7.5, 2.0, 3.0, 0.2
_ONE_INNER, _ONE_SCORES = 1.0, 4.0
# In the forward pass of the frozen blocks, per token and in all; scores on a CPU, which computes them in tiles, and
# elsewhere.
_TILED_SCORES, _FILL_SCORES, _FILL_INNER = 6.0, 7.5, 5.2
# Copies of a chunk of logits: those each pass holds, and those that MLX allocates ahead of the work, of one chunk and,
# on a CPU, of several.
_LOGIT_COPIES, _LOGITS_AHEAD, _CHUNKS_AHEAD = 5, 7, 12
_CHUNK_BYTES, _CPU_CHUNK_BYTES, _LEAST_ROWS = 64 << 20, 16 << 20, 32
# Freed buffers that fit no later request, as a share of the activations.
_UNUSED_SHARE = 0.3
_RUNTIME_BYTES = 130 << 20
_PREFIX_MEMORY = 1 << 30
# Where neither the data nor the recipe says how much there is.
_USUAL_TOKENS, _TOKENS_PER_WORD = 200_000, 2.5
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """What the plan must know of the device. ``streams``: passes at once; ``cache_limit`` in bytes."""

    kind: str = "cpu"
    streams: int = 1
    fused_attention: bool = False
    cache_limit: int = CACHE_LIMIT_BYTES["cpu"]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Machine:
        """From the fields of `backend.device.Device`; those that are missing are taken as usual."""
        return cls(**{field.name: found[field.name] for field in fields(cls) if field.name in found})


@dataclass(frozen=True, slots=True)
class Given:
    """All that a plan follows from. ``weights``: bytes of the base in memory; ``tokens``: of all examples."""

    sizes: Sizes
    recipe: Recipe
    weights: int
    value_bytes: int
    budget: int
    machine: Machine
    tokens: int


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by purpose while training, the two other phases in all, and the budget they must fit.

    ``cache``: buffers MLX keeps for later; a GPU's are given back when memory is short and are not counted.
    ``prefix_disk`` takes no memory; ``prefix`` is what of it is held in memory.
    """

    given: Given
    weights: int
    adapter: int
    optimizer: int
    activations: int
    logits: int
    prefix: int
    cache: int
    runtime: int
    filling: int
    measuring: int
    prefix_disk: int

    @property
    def budget(self) -> int:
        return self.given.budget

    @property
    def device_peak(self) -> int:
        """What ``mx.get_peak_memory`` is expected to show while training."""
        return self.weights + self.adapter + self.optimizer + self.activations + self.logits

    @property
    def training(self) -> int:
        return self.device_peak + self.prefix + self.cache + self.runtime

    @property
    def total(self) -> int:
        return max(self.training, self.filling, self.measuring)

    @property
    def fits(self) -> bool:
        return self.total <= self.budget

    def as_dict(self) -> dict[str, int | bool]:
        names = [field.name for field in fields(self) if field.name != "given"]
        parts = {f"{name}_bytes": int(getattr(self, name)) for name in [*names, "training", "total", "budget"]}
        return parts | {"fits": self.fits}


def plan(
    config: dict[str, Any],
    recipe: Recipe,
    weights_bytes: int,
    value_bytes: int,
    budget: int,
    machine: Machine | None = None,
    tokens: int = 0,
) -> MemoryPlan:
    """``weights_bytes``: the base as held in memory; ``value_bytes``: of one activation (4 in float32); ``tokens``: of
    all examples, 0 where that is not known. Without a ``machine``: this one's processor, or a GPU for values of 16 bit.
    """
    usual = Machine("cpu", cpu_threads()) if value_bytes == 4 else Machine("metal")
    return _reckon(Given(sizes_of(config), recipe, weights_bytes, value_bytes, budget, machine or usual, tokens))


def held_bytes(folder: Path, config: dict[str, Any], value_bytes: int, budget: int, machine: Machine) -> int:
    """`weights_bytes` as this ``machine`` holds the base: on CUDA a quantised one is unpacked where that fits."""
    unpacked = machine.kind == "cuda" and 2 * sizes_of(config).parameters <= UNPACKED_SHARE * budget
    return weights_bytes(folder, config, value_bytes, unpacked)


def _reckon(given: Given) -> MemoryPlan:
    sizes, recipe = given.sizes, given.recipe
    blocks = adapted_blocks(given)
    disk = _prefix_disk(given)
    dropped = _part(given.weights, (sizes.blocks - blocks) * sizes.in_block, sizes) if disk else 0
    adapter = 4 * sizes.adapter(blocks, recipe.lora_parameters.rank, recipe.lora_parameters.keys)
    passes, width = _passes(given)
    forward = _forward(given)
    activations, logits = _activations(given, blocks, passes, width), _logits(given, passes, width)
    if recipe.grad_checkpoint:
        # The peak is in the backward pass, when the logits are gone; while they are there, only inputs are kept.
        inputs = blocks * passes * width * sizes.width * given.value_bytes
        activations = max(activations - logits, inputs)
    if not disk and blocks < sizes.blocks:
        activations = max(activations, forward)
    prefix = min(disk, _PREFIX_MEMORY)
    freed = int(_UNUSED_SHARE * activations) + (forward if disk else 0) + dropped
    cache = min(freed, given.machine.cache_limit) if given.machine.kind == "cpu" else 0
    filling = given.weights + adapter + forward + _RUNTIME_BYTES if disk else 0
    return MemoryPlan(
        given=given,
        weights=given.weights - dropped,
        # Its values, and the gradient of each pass and of their sum.
        adapter=adapter * (2 + passes),
        optimizer=2 * adapter,
        activations=activations,
        logits=logits,
        prefix=prefix,
        cache=cache,
        runtime=_RUNTIME_BYTES,
        filling=filling,
        measuring=given.weights + 2 * adapter + _RUNTIME_BYTES if disk else 0,
        prefix_disk=disk,
    )


def adapted_blocks(given: Given) -> int:
    layers = given.recipe.num_layers
    return given.sizes.blocks if layers == -1 else min(layers, given.sizes.blocks)


def _part(weights: int, parameters: int, sizes: Sizes) -> int:
    return int(weights * parameters / sizes.parameters)


def _prefix_disk(given: Given) -> int:
    """Bytes of the kept states, 0 where none are kept: nothing is frozen, it is turned off, or they are too large."""
    settings, width = given.recipe.prefix_cache, given.sizes.width
    if settings.bits == 0 or adapted_blocks(given) == given.sizes.blocks:
        return 0
    size = (given.tokens or _usual_tokens(given.recipe)) * (2 * width if settings.bits == 16 else width + width // 16)
    return size if size <= settings.max_gb * _GIB else 0


def _usual_tokens(recipe: Recipe) -> int:
    words = recipe.data.max_words
    return int(words * _TOKENS_PER_WORD) if words else _USUAL_TOKENS


def _passes(given: Given) -> tuple[int, int]:
    """How many passes run at once, and how many tokens each holds at most."""
    recipe, longest = given.recipe, min(given.recipe.max_seq_length, given.sizes.context)
    if recipe.preference is not None:  # both answers go through together
        return 1, max(2 * longest, min(recipe.batch_tokens, PREFERENCE_TOKENS))
    batch = max(recipe.batch_tokens, longest)
    if given.machine.kind != "cpu":
        return 1, max(_up(longest, _GPU_STEP), min(batch, GPU_PASS_TOKENS))
    row = _up(max(longest, min(CPU_ROW_TOKENS, batch)), _CPU_STEP)
    passes = min(given.machine.streams, max(1, -(-batch // row)))
    # The last of them gets what the batch has left.
    return passes, min(row, _up(-(-batch // passes), _CPU_STEP))


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _scores(given: Given) -> int:
    """Scores of one token: on a CPU those of its example, else of its row; none where attention is fused."""
    sizes, longest = given.sizes, min(given.recipe.max_seq_length, given.sizes.context)
    if given.machine.kind == "cpu":
        return sizes.heads * longest
    head = sizes.queries // sizes.heads
    fused = given.machine.fused_attention and given.value_bytes == 2 and head <= FUSED_HEAD
    return 0 if fused and head % FUSED_HEAD_STEP == 0 else sizes.heads * _up(longest, _GPU_STEP)


def _activations(given: Given, blocks: int, passes: int, width: int) -> int:
    sizes, scores = given.sizes, _scores(given)
    inner = sizes.inner * sizes.active
    ours = given.machine.kind == "cpu" and given.recipe.preference is None
    kept = _SCORES if ours else _PLAIN_SCORES
    if given.recipe.grad_checkpoint:
        each = _CHECK_WIDTHS * sizes.width + _CHECK_KEYS * sizes.keys + _CHECK_INNER * inner + _CHECK_SCORES * scores
        values = blocks * each + _ONE_INNER * inner + _ONE_SCORES * scores
    else:
        values = blocks * (_WIDTHS * sizes.width + _KEYS * sizes.keys + _INNER * inner + kept * scores)
    return int(passes * width * values * given.value_bytes)


def _forward(given: Given) -> int:
    """What a forward pass of the frozen blocks holds at once beside the weights."""
    longest = min(given.recipe.max_seq_length, given.sizes.context)
    cpu = given.machine.kind == "cpu"
    tokens = given.machine.streams * longest if cpu else max(_up(longest, _GPU_STEP), GPU_PASS_TOKENS)
    values = (_TILED_SCORES if cpu else _FILL_SCORES) * _scores(
        given
    ) + _FILL_INNER * given.sizes.inner * given.sizes.active
    return int(tokens * values * given.value_bytes)


def _logits(given: Given, passes: int, width: int) -> int:
    row = 4 * given.sizes.vocabulary
    chunk = _CPU_CHUNK_BYTES if given.machine.kind == "cpu" else _CHUNK_BYTES
    rows = max(_LEAST_ROWS, chunk // row // _LEAST_ROWS * _LEAST_ROWS)
    ahead = _CHUNKS_AHEAD if given.machine.kind == "cpu" and width > rows else _LOGITS_AHEAD
    return min(rows, width) * row * (_LOGIT_COPIES * passes + ahead)


def require(memory: MemoryPlan) -> None:
    """Raise NotEnoughMemory with the nearest settings that fit when the plan does not."""
    if memory.fits:
        return
    raise NotEnoughMemory(
        f"This run needs about {memory.total / _GIB:.1f} GiB and {memory.budget / _GIB:.1f} GiB are available.",
        advice(memory),
    )


def advice(memory: MemoryPlan) -> str:
    """What to do about a plan that does not fit, as one sentence with options to paste."""
    found = nearest(memory)
    if found:
        sets = " ".join(f"--set {name}={_text(value)}" for name, value in found.items())
        total = _reckon(replace(memory.given, recipe=memory.given.recipe.model_copy(update=found))).total
        return f"It would fit in {total / _GIB:.1f} GiB with: {sets}"
    given = memory.given
    least = min((_reckon(_with(given, values)) for values, _ in _choices(given)), key=lambda one: one.total)
    room = given.budget - (least.total - given.weights)
    size = max(0, room) / given.weights * given.sizes.parameters / 1e9
    if size < 0.1:
        return "No settings make room for it: close other programs, or use a machine with more memory."
    return f"No settings make it fit: choose a base of at most about {size:.1f} billion parameters, or fewer bits."


def nearest(memory: MemoryPlan, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The values of the recipe to change so that it fits, at the least cost, of these ``keys`` alone if they are given;
    empty where none will do."""
    given = memory.given
    for values, _ in sorted(_choices(given), key=lambda choice: choice[1]):
        if (keys is None or set(values) <= set(keys)) and _reckon(_with(given, values)).fits:
            return values
    return {}


# How a step is computed, and hardly what is learned.
FREE = ("grad_checkpoint", "batch_tokens")


def fitted(resolved: Resolved, memory: MemoryPlan) -> tuple[Resolved, MemoryPlan]:
    """Where a run does not fit as it is: with other values of how its steps are computed, as far as nobody wrote them.

    As it was where they would not make it fit, too.
    """
    free = [key for key in FREE if resolved.origins.get(key, "").startswith(("default", "effort:"))]
    if resolved.recipe.preference is not None and "grad_checkpoint" in free:
        free.remove("grad_checkpoint")  # it has no meaning there
    changes = {} if memory.fits else nearest(memory, free)
    if not changes:
        return resolved, memory
    recipe = resolved.recipe.model_copy(update=changes)
    origins = resolved.origins | dict.fromkeys(changes, "memory of this machine")
    return Resolved(recipe, origins), _reckon(replace(memory.given, recipe=recipe))


# What it costs to halve a value once, or to compute blocks twice: time is cheaper than context, and context cheaper
# than what the adapter can learn.
_COSTS = {"grad_checkpoint": 2.0, "batch_tokens": 1.0, "max_seq_length": 3.0, "num_layers": 4.0}
_LEAST_LENGTH = 128


def _choices(given: Given) -> list[tuple[dict[str, Any], float]]:
    """Every mix of smaller settings, with what it costs."""
    recipe, blocks = given.recipe, adapted_blocks(given)
    lengths = _halved(min(recipe.max_seq_length, given.sizes.context), _LEAST_LENGTH)
    options: dict[str, list[Any]] = {
        "grad_checkpoint": [recipe.grad_checkpoint] + [True] * (not recipe.grad_checkpoint),
        "batch_tokens": _halved(recipe.batch_tokens, _LEAST_LENGTH),
        "max_seq_length": [recipe.max_seq_length, *lengths[1:]],
        "num_layers": [recipe.num_layers, *_halved(blocks, 1)[1:]],
    }
    mixes: list[tuple[dict[str, Any], float]] = [({}, 0.0)]
    for name, values in options.items():
        mixes = [
            (chosen | ({name: value} if times else {}), cost + times * _COSTS[name])
            for chosen, cost in mixes
            for times, value in enumerate(values)
        ]
    return mixes


def _halved(value: int, least: int) -> list[int]:
    values = [value]
    while values[-1] // 2 >= least:
        values.append(values[-1] // 2)
    return values


def _with(given: Given, values: dict[str, Any]) -> Given:
    return replace(given, recipe=given.recipe.model_copy(update=values))


def _text(value: Any) -> str:
    return str(value).lower()

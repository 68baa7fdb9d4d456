"""One base model in memory: load it, and stream an answer from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.device import Device, prepare
from mlxtwin.backend.forward import head_holds
from mlxtwin.backend.models import BaseModel, context_length, recheck
from mlxtwin.backend.policy import BaseDtype, base_precision
from mlxtwin.backend.tokenizer import ChatTokenizer, load_tokenizer
from mlxtwin.errors import UsageError
from mlxtwin.records import Message

# Small enough that a stop is heard within a moment while a long prompt is read.
PREFILL_STEP = 256
_SMALLEST_ANSWER = 16


@dataclass(frozen=True, slots=True)
class Loaded:
    """A base in memory. ``context`` is the most tokens it was made for; ``config`` is its config.json."""

    model: nn.Module
    tokenizer: ChatTokenizer
    base: BaseModel
    config: dict[str, Any]
    context: int


def load_base(base: BaseModel, device: Device | None = None, *, training: bool = False) -> Loaded:
    """Load a base in the device's precision, ready to generate or to take an adapter.

    ``training``: in the precision that `base_precision` finds best to train on; answers are best given from the base
    as it was saved. Its files are checked again first. Raises UsageError or UnsafeModel for a folder that cannot or
    must not be loaded.
    """
    device = device or prepare()
    recheck(base)
    from mlx_lm.utils import load_model

    try:
        model, config = load_model(base.path, lazy=True)
        _set_precision(model, _precision(model, device, training))
        mx.eval(model.parameters())
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError):
        raise UsageError(
            f"The base model {base.name} cannot be loaded: its weights and its config.json do not fit together.",
            "Fetch or copy it again.",
        ) from None
    model.eval()
    model.freeze()
    head_holds(model)
    tokenizer = load_tokenizer(base.path, config.get("eos_token_id"))
    return Loaded(model, tokenizer, base, config, context_length(config))


def _precision(model: nn.Module, device: Device, training: bool) -> BaseDtype:
    if device.base_dtype != "own" or not training:
        return device.base_dtype
    packed = packed_parts(model)
    return base_precision(device, bool(packed), 2 * _values(model, packed))[0]


def packed_parts(model: nn.Module) -> list[nn.Module]:
    """The layers of ``model`` that are held in 8 bits or fewer."""
    from mlx_lm.models.switch_layers import QuantizedSwitchLinear

    kinds = (nn.QuantizedLinear, nn.QuantizedEmbedding, QuantizedSwitchLinear)
    return [part for part in model.modules() if isinstance(part, kinds)]


def _values(model: nn.Module, packed: list[nn.Module]) -> int:
    """How many numbers the weights are once they are unpacked."""
    parameters: Any = tree_flatten(model.parameters())
    count = sum(int(value.size) for _, value in parameters)
    for part in packed:
        count += part["weight"].size * 32 // part.bits
        count -= sum(part[name].size for name in ("weight", "scales", "biases") if part.get(name) is not None)
    return count


def _set_precision(model: nn.Module, precision: BaseDtype) -> None:
    """In place, with quantised layers unpacked once; "own" changes nothing."""
    if precision == "own":
        return
    from mlx_lm.utils import dequantize_model

    dequantize_model(model)
    model.set_dtype(mx.float32 if precision == "float32" else mx.bfloat16)


@dataclass(slots=True)
class PromptCache:
    """Keys and values of a conversation so far, so that its next turn is not read from the start.

    It belongs to one model with one adapter: make a new one after a swap.
    """

    layers: list[Any] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return sum(int(layer.nbytes) for layer in self.layers)

    def take(self, model: nn.Module, prompt: list[int]) -> list[int]:
        """Keep what ``prompt`` shares with the cache; the tokens of it still to be read (one at least)."""
        from mlx_lm.models import cache as mlx_cache

        shared = min(_common(self.tokens, prompt), len(prompt) - 1)
        held = max((getattr(layer, "offset", 0) for layer in self.layers), default=0)
        if self.layers and shared and held >= shared and mlx_cache.can_trim_prompt_cache(self.layers):
            mlx_cache.trim_prompt_cache(self.layers, held - shared)
        else:
            self.layers, shared = mlx_cache.make_prompt_cache(model), 0
        self.tokens = list(prompt)
        return prompt[shared:]


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return place
    return min(len(left), len(right))


class Generation(Iterator[str]):
    """The text of one answer, piece by piece; its numbers are complete once it is exhausted.

    ``ended``: "end" by the model, "length" at the limit, "stopped" by the caller. ``tokens`` counts the generated
    ones, ``seconds`` runs from the first of them; the prompt's own time is ``prompt_seconds``.
    """

    def __init__(self, pieces: Callable[[Generation], Iterator[str]]) -> None:
        self.ended: Literal["", "end", "length", "stopped"] = ""
        self.prompt_tokens = self.tokens = 0
        self.prompt_seconds = self.seconds = 0.0
        self._pieces = pieces(self)

    def __next__(self) -> str:
        return next(self._pieces)

    @property
    def tokens_per_second(self) -> float:
        return (self.tokens - 1) / self.seconds if self.tokens > 1 and self.seconds > 0 else 0.0


class _Stopped(Exception):
    """Raised out of mlx-lm's reading of a prompt when the caller asks to stop."""


def generate(
    loaded: Loaded,
    messages: Sequence[Message],
    *,
    max_tokens: int = 256,
    temperature: float = 0.7,
    top_p: float = 0.95,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
    cache: PromptCache | None = None,
) -> Generation:
    """Stream the reply to ``messages``. The same seed gives the same answer; temperature 0 takes the likeliest token.

    Prompt and answer stay within the base's context: the oldest messages go first. Raises UsageError when the last
    message alone is too long.
    """
    prompt = fit(loaded, messages, max_tokens)
    sampler = make_sampler(temperature, top_p, seed)
    limit = min(max_tokens, loaded.context - len(prompt))

    def pieces(state: Generation) -> Iterator[str]:
        return _pieces(loaded, prompt, limit, sampler, stop, cache or PromptCache(), state)

    return Generation(pieces)


def _pieces(
    loaded: Loaded,
    prompt: list[int],
    limit: int,
    sampler: Callable[[mx.array], mx.array],
    stop: Callable[[], bool],
    cache: PromptCache,
    state: Generation,
) -> Iterator[str]:
    detokenizer = loaded.tokenizer.detokenizer()
    state.prompt_tokens = len(prompt)
    clock = began = time.perf_counter()
    state.ended = "length"
    try:
        for token in _tokens(loaded.model, prompt, limit, sampler, stop, cache):
            if token in loaded.tokenizer.eos_ids:
                state.ended = "end"
                break
            if not state.tokens:
                began = time.perf_counter()
                state.prompt_seconds = began - clock
            state.tokens += 1
            state.seconds = time.perf_counter() - began
            if piece := detokenizer.add(token):
                yield piece
    except _Stopped:
        state.ended = "stopped"
    if rest := detokenizer.finish():
        yield rest


def _tokens(
    model: nn.Module,
    prompt: list[int],
    limit: int,
    sampler: Callable[[mx.array], mx.array],
    stop: Callable[[], bool],
    cache: PromptCache,
) -> Iterator[int]:
    from mlx_lm.generate import generate_step

    def listen(*_: Any) -> None:
        if stop():
            raise _Stopped

    rest = cache.take(model, prompt)
    steps = generate_step(
        mx.array(rest),
        model,
        max_tokens=limit,
        sampler=sampler,
        prompt_cache=cache.layers,
        prefill_step_size=PREFILL_STEP,
        prompt_progress_callback=listen,
    )
    for token, _ in steps:
        listen()
        cache.tokens.append(int(token))
        yield int(token)


def fit(loaded: Loaded, messages: Sequence[Message], max_tokens: int) -> list[int]:
    """The prompt's tokens with room left for an answer: the oldest messages but the system's are dropped first."""
    room = loaded.context - min(max(max_tokens, 1), max(_SMALLEST_ANSWER, loaded.context // 4))
    kept = list(messages)
    first = 1 if kept and kept[0].role == "system" else 0
    while True:
        prompt = loaded.tokenizer.render(kept, generation_prompt=True)
        if prompt and len(prompt) <= room:
            return prompt
        if len(kept) <= first + 1:
            break
        del kept[first]
        while len(kept) > first + 1 and kept[first].role == "assistant":
            del kept[first]
    raise UsageError(
        f"The message has {len(prompt)} tokens; {loaded.base.name} takes at most {room} and leaves room for an answer.",
        "Shorten it, or choose a base with a longer context.",
    )


def make_sampler(temperature: float, top_p: float, seed: int) -> Callable[[mx.array], mx.array]:
    """From log-probabilities (1, vocabulary) to a token (1,), with its own random numbers: MLX's global ones are not
    touched. Raises UsageError for a temperature below 0 or a top_p outside (0, 1]."""
    if temperature < 0 or not 0 < top_p <= 1:
        raise UsageError(f"Cannot sample at temperature {temperature} and top_p {top_p}.", "Try 0.7 and 0.95.")
    if temperature == 0:
        return lambda logprobs: mx.argmax(logprobs, axis=-1)
    keys = [mx.random.key(seed)]

    def sample(logprobs: mx.array) -> mx.array:
        keys[0], key = mx.random.split(keys[0])
        scaled = logprobs.astype(mx.float32) / temperature
        return mx.random.categorical(_nucleus(scaled, top_p) if top_p < 1 else scaled, key=key)

    return sample


def _nucleus(logits: mx.array, top_p: float) -> mx.array:
    """Nucleus sampling (Holtzman et al. 2020): the fewest likeliest tokens with mass ``top_p``, others -inf."""
    descending = mx.sort(mx.softmax(logits, axis=-1), axis=-1)[..., ::-1]
    before = mx.cumsum(descending, axis=-1) - descending
    kept = mx.maximum((before < top_p).sum(axis=-1, keepdims=True), 1)
    smallest = mx.take_along_axis(descending, kept - 1, axis=-1)
    return mx.where(mx.softmax(logits, axis=-1) < smallest, -float("inf"), logits)

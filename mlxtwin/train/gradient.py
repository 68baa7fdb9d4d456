"""The gradient of one optimizer step: its rows as passes, some of them at once, summed in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_map

from mlxtwin.backend.compiling import compiled_once
from mlxtwin.backend.cpu_kernels import cpu_kernels, cpu_kernels_hold
from mlxtwin.backend.cut import lowest_trained, upper
from mlxtwin.backend.device import Device
from mlxtwin.backend.forward import head_holds, target_nll
from mlxtwin.backend.head import frozen_head_nll, head_is_frozen
from mlxtwin.backend.segments import caches, packing
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.rows import RowPolicy, Rows, rows_of
from mlxtwin.records import TokenExample
from mlxtwin.train.distributed import ALONE, Peers
from mlxtwin.train.prefix import PrefixStore, states_of


@dataclass(frozen=True, slots=True)
class Summed:
    """Over all targets of a step: the ``gradient`` of the weighted sum of their nats, that sum's ``weight``, and the
    plain ``nats``."""

    gradient: Any
    nats: float
    weight: float
    targets: int


@dataclass(frozen=True, slots=True)
class Execution:
    """How steps are computed, which changes their speed and memory and not their result.

    ``prefix``: where the states below the cut are kept, if they are; ``checkpointed``: blocks are computed again in
    the backward pass instead of kept; ``compiled``: through `mx.compile`; ``peers``: the processes that share a step.
    """

    policy: RowPolicy = field(default_factory=RowPolicy)
    prefix: PrefixStore | None = None
    checkpointed: bool = False
    compiled: bool = False
    peers: Peers = ALONE


class Gradients:
    """Computes the gradients of ``model`` in the way of ``execution``; asks once what its architecture can do."""

    def __init__(self, model: nn.Module, execution: Execution) -> None:
        self.model = model
        self.policy = policy_for(model, execution.policy)
        self.prefix = execution.prefix
        self.peers = execution.peers
        self.cut = lowest_trained(model) if execution.prefix is not None else 0
        self._bounds: tuple[tuple[int, int], ...] = ()
        self.streams = Streams(self.policy.streams)
        self._execution = execution
        self._fast_head = head_holds(model) and head_is_frozen(model)
        self._quick = self.policy.packed and self.policy.together == 0 and cpu_kernels_hold(model)
        self._run = self._function()

    def step(self, examples: Sequence[TokenExample], batch: Sequence[int], seed: int = 0) -> Summed:
        """The summed gradient over the examples ``batch`` points at; dropout draws from ``seed`` alone.

        With peers each process computes its share of the passes, and all get the sum; RunFailed when one is lost.
        """
        passes = rows_of(examples, batch, self.policy)

        def build(number: int) -> tuple[mx.array, Any]:
            mx.random.seed(seed + number)
            return self._one(examples, passes[number])

        own = self.peers.share(range(len(passes)))
        total: Any = None
        nats, targets, weight = 0.0, 0, 0.0
        for rows, (plain, gradient) in zip(self.peers.share(passes), self.streams.map(build, own), strict=True):
            total = gradient if total is None else tree_map(mx.add, total, gradient)
            mx.eval(total)
            nats += number_of(plain)
            targets += rows.targets
            weight += float(rows.weights.sum())
        return self._over_peers(Summed(total, nats, weight, targets))

    def _over_peers(self, own: Summed) -> Summed:
        if self.peers.size == 1:
            return own
        gradient = own.gradient  # none where there were fewer passes than processes
        if gradient is None:
            gradient = tree_map(mx.zeros_like, self.model.trainable_parameters())
        nats, weight, targets = self.peers.sum_numbers([own.nats, own.weight, own.targets])
        return Summed(self.peers.sum(gradient), nats, weight, round(targets))

    def loss(self, examples: Sequence[TokenExample]) -> float:
        """Nats per target of ``examples`` by the same passes, unweighted, without dropout and without a gradient."""
        passes = rows_of(examples, range(len(examples)), self.policy)
        training = self.model.training
        self.model.eval()
        own = self.peers.share(passes)
        nats = sum(map(number_of, self.streams.map(lambda rows: self._nats(examples, rows), own)))
        self.model.train(training)
        return self.peers.sum_numbers([nats])[0] / max(1, sum(rows.targets for rows in passes))

    def _nats(self, examples: Sequence[TokenExample], rows: Rows) -> mx.array:
        arrays = self._arrays(examples, rows)
        with cpu_kernels(self.model) if self._quick else nullcontext():
            self._bounds = rows.bounds if self._quick else ()
            return self._loss(self.model, *arrays)[1]

    def _arrays(self, examples: Sequence[TokenExample], rows: Rows) -> list[mx.array]:
        given = [rows.tokens, rows.segments, rows.positions, rows.target_ids, rows.weights]
        arrays = [mx.array(array) for array in given]
        if self.prefix is not None:
            arrays.append(mx.array(states_of(rows, examples, self.prefix)))
        return arrays

    def _one(self, examples: Sequence[TokenExample], rows: Rows) -> tuple[mx.array, Any]:
        arrays = self._arrays(examples, rows)
        own = self.model.trainable_parameters()
        with cpu_kernels(self.model) if self._quick else nullcontext():
            self._bounds = rows.bounds if self._quick else ()
            (_, plain), gradient = self._run(*arrays)
        # Differentiating leaves copies in the model, on this stream; another would have to wait for them.
        self.model.update(own)
        return plain, gradient

    def _function(self) -> Callable[..., Any]:
        """Of the arrays of a pass: ((weighted sum, plain sum), gradient)."""
        with_gradient = nn.value_and_grad(self.model, self._loss)

        def run(*arrays: mx.array) -> Any:
            return with_gradient(self.model, *arrays)

        if not self._execution.compiled:
            return run
        state, changed = [self.model.state, mx.random.state], [mx.random.state]
        if mx.default_device().type == mx.DeviceType.cpu:
            return lambda *arrays: compiled_once(run, arrays, state, changed)
        return mx.compile(run, inputs=state, outputs=changed)

    def _loss(
        self,
        model: nn.Module,
        tokens: mx.array,
        segments: mx.array,
        positions: mx.array,
        ids: mx.array,
        weights: mx.array,
        below: mx.array | None = None,
    ) -> tuple[mx.array, mx.array]:
        cache = caches(model, segments, self._bounds) if self.policy.packed else None
        if self._fast_head:
            states = upper(model, tokens, self.cut, below, cache, checkpointed=self._execution.checkpointed)
            if states is None:
                raise ValueError("a model whose body was found before has none now")
            chosen = states.reshape(-1, states.shape[-1])[positions]
            nll = frozen_head_nll(model, chosen, ids)
        else:
            nll = target_nll(model, tokens, positions, ids, cache)
        return mx.sum(nll * weights), mx.sum(mx.where(weights > 0, nll, 0.0))


def number_of(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)


# Rows of one forward pass together, in tokens with their padding; a larger step is computed in parts.
MICRO_BATCH_TOKENS = 2048
# On a CPU a pass of this many tokens fills the matrix products, and a step has passes enough for every stream.
CPU_ROW_TOKENS = 256
# Few numbers of targets, as of widths: every shape is compiled once.
GPU_TARGET_STEP = 256


def row_policy(device: Device, longest: int) -> RowPolicy:
    """How rows are packed on ``device``; ``longest`` is the longest example in tokens."""
    if device.kind == "cpu":
        most = max(longest, CPU_ROW_TOKENS)
        return RowPolicy(device.widths.step, row_tokens=CPU_ROW_TOKENS, streams=device.streams, most_tokens=most)
    step = device.widths.step
    return RowPolicy(step, GPU_TARGET_STEP, device.widths.fit(longest), MICRO_BATCH_TOKENS, device.streams)


def policy_for(model: nn.Module, policy: RowPolicy) -> RowPolicy:
    """The device's policy, less what the model's architecture cannot do."""
    found = packing(model)
    if found == "none":
        return replace(policy, packed=False)
    return policy if found == "rows" else replace(policy, together=0)

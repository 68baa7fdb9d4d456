"""One run's model, data and settings together: what the worker trains and measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlx.core as mx

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach, load_adapter
from mlxtwin.backend.blas import blas_threads
from mlxtwin.backend.cut import drop_lower
from mlxtwin.backend.device import Device, prepare
from mlxtwin.backend.engine import Loaded, load_base
from mlxtwin.backend.models import BaseModel, recheck
from mlxtwin.dataset.examples import Dataset
from mlxtwin.dataset.instructions import with_instructions
from mlxtwin.dataset.tokens import tokenise
from mlxtwin.errors import UsageError
from mlxtwin.evaluate.forgetting import measure as forgetting
from mlxtwin.evaluate.report import ReportCard, measure
from mlxtwin.evaluate.strength import turn_down
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.slots.registry import Slots
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.distributed import ALONE, Peers
from mlxtwin.train.gradient import Execution, row_policy
from mlxtwin.train.instructions import Instructor
from mlxtwin.train.loop import Beside, TrainResult, TrainSettings, parameter_count, train
from mlxtwin.train.pace import Emit
from mlxtwin.train.plan import Machine, MemoryPlan, held_bytes, plan, read_config, require
from mlxtwin.train.preference_run import PreferenceRun
from mlxtwin.train.prefixes import Prefixes
from mlxtwin.train.recipe import Recipe
from mlxtwin.train.replay import answers_wanted, kept_answers, mixed_in
from mlxtwin.train.update_run import UpdateRun
from mlxtwin.train.validation import Validation, set_apart


@dataclass(slots=True)
class Session:
    """An open run: the base with fresh adapters on it, and the examples as tokens."""

    recipe: Recipe
    device: Device
    loaded: Loaded
    dataset: Dataset
    examples: list[TokenExample]
    held_out: list[TokenExample]
    checkpoint: CheckpointFile
    prefixes: Prefixes
    preferences: PreferenceRun | None = None
    update: UpdateRun | None = None
    peers: Peers = ALONE

    @classmethod
    def open(
        cls, spec: dict[str, Any], dataset: Dataset, folder: Path, sealed: SealedFiles, peers: Peers = ALONE
    ) -> Session:
        """Load the base of a run's ``spec``, and the adapter of the version that it goes on from, if there is one.

        Raises UsageError when one of them has changed or gone since, or there are no words to be measured by;
        NotEnoughMemory when the run does not fit. Of several processes one writes, and each computes a share.
        """
        recipe = Recipe.model_validate(spec["recipe"])
        base = BaseModel.of(spec["base"])
        _require_base(base)
        device = prepare()
        if recipe.preference is not None and peers.size > 1:
            raise UsageError("A recipe with preferences trains in one process.", "Leave out --processes, mlx.launch.")
        require(_plan(recipe, base, device, peers.here))
        loaded = load_base(base, device, training=True)
        attach(loaded.model, lora_spec(recipe), recipe.seed)
        width = recipe.max_seq_length
        examples = tokenise(dataset.train, loaded.tokenizer, width)
        held_out = tokenise(dataset.holdout, loaded.tokenizer, width)
        if not any(example.targets for example in held_out):
            raise UsageError("There are no held-out words to measure the twin by.", "Import more of your writing.")
        home, settings = Home(folder.parents[2]), recipe.preference
        prefixes, slots = Prefixes(home.prefix, sealed, recipe.prefix_cache), Slots(home, sealed)
        preferences, update = None, None
        if settings is not None:
            preferences = PreferenceRun.open(recipe, settings, spec["parent"], loaded, dataset, slots)
        if recipe.update is not None:
            update = UpdateRun.open(recipe, spec["parent"], loaded, slots)
        checkpoint = CheckpointFile(folder, sealed, writes=peers.first)
        beside = (checkpoint, prefixes, preferences, update, peers)
        return cls(recipe, device, loaded, dataset, examples, held_out, *beside)

    @property
    def spec(self) -> LoraSpec:
        return lora_spec(self.recipe)

    @property
    def parameters(self) -> int:
        return parameter_count(self.loaded.model)

    def train(self, emit: Emit, should_stop: Callable[[], bool]) -> TrainResult:
        if self.preferences is not None:
            return self.preferences.train(self.loaded.model, self.checkpoint, emit, should_stop)
        recipe = self.recipe
        if not self._instructed(emit, should_stop):
            should_stop = _at_once
        settings = TrainSettings(
            recipe.epochs,
            recipe.batch_tokens,
            recipe.learning_rate,
            recipe.warmup,
            recipe.max_grad_norm,
            recipe.seed,
        )
        own, apart = set_apart(self.examples, recipe.early_stop.share, recipe.seed, recipe.epochs)
        beside, stop = self._beside(own, apart, emit, should_stop)
        computed = [*self.examples, *dict.fromkeys(beside.replay)]
        execution, why_not = self._execution(computed)
        if why_not:
            emit("prefix_off", reason=why_not)
        self.loaded.model.train()
        with blas_threads(self.device.blas, 1 if self.device.streams > 1 else self.device.threads):
            result = train(self.loaded.model, own, settings, self.checkpoint, emit, stop, execution, beside)
        self.loaded.model.eval()
        if execution.prefix is not None and self.peers.first:
            self.prefixes.prune(execution.prefix, computed)
            self._load_whole()
        return result

    def _instructed(self, emit: Emit, should_stop: Callable[[], bool]) -> bool:
        """Put the requests that the base writes in place of the template's; False when asked to stop before that."""
        setting, train, checkpoint = self.recipe.data.instructions, self.dataset.train, self.checkpoint
        window = self.recipe.max_seq_length
        base = Instructor(self.loaded, window, checkpoint.folder, checkpoint.sealed, emit)
        if not base.wanted(setting, train):
            return True
        there = self.peers.after_first(lambda ask: base.kept(setting, train, ask) is not None, should_stop)
        written = base.kept(setting, train, should_stop) if there else None
        if written:
            self.dataset = with_instructions(self.dataset, written)
            self.examples = tokenise(self.dataset.train, self.loaded.tokenizer, window)
        return written is not None

    def _beside(
        self, own: Sequence[TokenExample], apart: Sequence[TokenExample], emit: Emit, should_stop: Callable[[], bool]
    ) -> tuple[Beside, Callable[[], bool]]:
        """What is mixed in beside ``own``, with what is set ``apart``; and when to stop: at once, if that was asked for
        before all of it was there."""
        recipe, folder, sealed = self.recipe, self.checkpoint.folder, self.checkpoint.sealed
        validation = Validation(apart, recipe.early_stop.patience)
        count = answers_wanted(own, recipe.replay.share)
        if count == 0:
            return Beside(validation), should_stop

        def kept(ask: Callable[[], bool]) -> list[TokenExample] | None:
            return kept_answers(self.loaded, count, recipe.seed, recipe.max_seq_length, folder, sealed, emit, ask)

        there = self.peers.after_first(lambda ask: kept(ask) is not None, should_stop)
        answers = kept(should_stop) if there else None
        if answers is None:
            return Beside(validation), _at_once
        return Beside(validation, mixed_in(answers, own, recipe.replay.share)), should_stop

    def _execution(self, examples: Sequence[TokenExample]) -> tuple[Execution, str]:
        """How this device computes the steps; and why no prefix is kept, if none is."""
        policy = row_policy(self.device, self.recipe.max_seq_length)
        store, why_not = self.prefixes.store(self.loaded, examples)
        checkpointed = self.recipe.grad_checkpoint
        return Execution(policy, store, checkpointed, self.device.compile, self.peers), why_not

    def _load_whole(self) -> None:
        """The blocks below the cut were dropped for training; the measuring needs them."""
        trained = adapter_bytes(self.loaded.model)
        # What is left of the old one goes first: two would not fit where one just does.
        drop_lower(self.loaded.model, len(self.loaded.model.layers))
        mx.clear_cache()
        self.loaded = load_base(self.loaded.base, self.device, training=True)
        attach(self.loaded.model, self.spec, self.recipe.seed)
        load_adapter(self.loaded.model, trained)

    def measure(self, emit: Emit) -> ReportCard:
        """Turn the trained adapter down, in place, as far as the gate's limit of forgetting asks; then measure it."""
        loaded, gate = self.loaded, self.recipe.gate
        emit("evaluate", stage="strength")
        start = self.update.arrays if self.update else None
        strength = turn_down(loaded.model, gate.max_forgetting, self._rise(), start)
        card = measure(loaded, self.dataset, self.held_out, gate, self.recipe.seed, emit)
        card = replace(card, strength=strength)
        if self.update is not None:
            card = self.update.judged(card, loaded.model, self.held_out, emit)
        return card if self.preferences is None else self.preferences.judged(card, loaded.model)

    def _rise(self) -> Callable[[], float]:
        """How much higher the loss on other text is under the model as it stands; the base's own is computed once."""
        loaded = self.loaded
        base_nll: float | None = None

        def rise() -> float:
            nonlocal base_nll
            found = forgetting(loaded.model, loaded.tokenizer, loaded.context, "choose", base_nll)
            base_nll = found.base_nll
            return found.rise

        return rise

    def adapter(self) -> bytes:
        return adapter_bytes(self.loaded.model)


def _at_once() -> bool:
    return True


def _require_base(base: BaseModel) -> None:
    """The base of a run that is gone on with may have moved or changed in the meantime."""
    if not base.path.is_dir():
        raise UsageError(
            f"The folder of base model {base.name} is gone: {base.path}.",
            "Put it back to go on, or start a new run with: mlxtwin retrain",
        )
    recheck(base)


def _plan(recipe: Recipe, base: BaseModel, device: Device, here: int) -> MemoryPlan:
    """That of one process, where ``here`` of them share this machine."""
    config = read_config(base.path)
    value_bytes = 4 if device.base_dtype == "float32" else 2
    machine = Machine.of(
        {name: getattr(device, name) for name in ("kind", "streams", "fused_attention", "cache_limit")}
    )
    budget = device.memory_budget // here
    held = held_bytes(base.path, config, value_bytes, budget, machine)
    return plan(config, recipe, held, value_bytes, budget, machine)


def lora_spec(recipe: Recipe) -> LoraSpec:
    """The adapter a recipe asks for."""
    lora = recipe.lora_parameters
    dora = recipe.fine_tune_type == "dora"
    return LoraSpec(recipe.num_layers, lora.rank, lora.scale, lora.dropout, lora.keys, dora)

"""One run's model, data and settings together: what the worker trains and measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach, load_adapter
from mlxtwin.backend.blas import blas_threads
from mlxtwin.backend.device import Device, prepare
from mlxtwin.backend.engine import Loaded, load_base
from mlxtwin.backend.models import BaseModel, recheck
from mlxtwin.dataset.examples import Dataset
from mlxtwin.dataset.tokens import tokenise
from mlxtwin.errors import UsageError
from mlxtwin.evaluate.forgetting import measure as forgetting
from mlxtwin.evaluate.report import ReportCard, measure
from mlxtwin.evaluate.strength import turn_down
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.gradient import Execution, row_policy
from mlxtwin.train.loop import Emit, TrainResult, TrainSettings, parameter_count, train
from mlxtwin.train.plan import MemoryPlan, plan, read_config, require, weights_bytes
from mlxtwin.train.prefixes import Prefixes
from mlxtwin.train.recipe import Recipe


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

    @classmethod
    def open(cls, spec: dict[str, Any], dataset: Dataset, folder: Path, sealed: SealedFiles) -> Session:
        """Load the base of a run's ``spec``.

        Raises UsageError when the base has changed or gone since the run began, or has no words to be measured by;
        NotEnoughMemory when the run does not fit.
        """
        recipe = Recipe.model_validate(spec["recipe"])
        base = BaseModel.of(spec["base"])
        _require_base(base)
        device = prepare()
        require(_plan(recipe, base, device))
        loaded = load_base(base, device)
        attach(loaded.model, lora_spec(recipe), recipe.seed)
        width = recipe.max_seq_length
        examples = tokenise(dataset.train, loaded.tokenizer, width)
        held_out = tokenise(dataset.holdout, loaded.tokenizer, width)
        if not any(example.targets for example in held_out):
            raise UsageError("There are no held-out words to measure the twin by.", "Import more of your writing.")
        prefixes = Prefixes(Home(folder.parents[2]).prefix, sealed, recipe.prefix_cache)
        return cls(recipe, device, loaded, dataset, examples, held_out, CheckpointFile(folder, sealed), prefixes)

    @property
    def spec(self) -> LoraSpec:
        return lora_spec(self.recipe)

    @property
    def parameters(self) -> int:
        return parameter_count(self.loaded.model)

    def train(self, emit: Emit, should_stop: Callable[[], bool]) -> TrainResult:
        recipe = self.recipe
        settings = TrainSettings(
            recipe.epochs,
            recipe.batch_tokens,
            recipe.learning_rate,
            recipe.warmup,
            recipe.max_grad_norm,
            recipe.seed,
        )
        execution, why_not = self._execution()
        if why_not:
            emit("prefix_off", reason=why_not)
        self.loaded.model.train()
        with blas_threads(self.device.blas, 1 if self.device.streams > 1 else self.device.threads):
            result = train(self.loaded.model, self.examples, settings, self.checkpoint, emit, should_stop, execution)
        self.loaded.model.eval()
        if execution.prefix is not None:
            self.prefixes.prune(execution.prefix, self.examples)
            self._load_whole()
        return result

    def _execution(self) -> tuple[Execution, str]:
        """How this device computes the steps; and why no prefix is kept, if none is."""
        policy = row_policy(self.device, self.recipe.max_seq_length)
        store, why_not = self.prefixes.store(self.loaded, self.examples)
        checkpointed = self.recipe.grad_checkpoint
        return Execution(policy, store, checkpointed, self.device.compile and self.device.kind != "cpu"), why_not

    def _load_whole(self) -> None:
        """The blocks below the cut were dropped for training; the measuring needs them."""
        trained = adapter_bytes(self.loaded.model)
        self.loaded = load_base(self.loaded.base, self.device)
        attach(self.loaded.model, self.spec, self.recipe.seed)
        load_adapter(self.loaded.model, trained)

    def measure(self, emit: Emit) -> ReportCard:
        """Turn the trained adapter down, in place, as far as the gate's limit of forgetting asks; then measure it."""
        loaded, gate = self.loaded, self.recipe.gate
        emit("evaluate", stage="strength")

        def rise() -> float:
            return forgetting(loaded.model, loaded.tokenizer, loaded.context, half="choose").rise

        strength = turn_down(loaded.model, gate.max_forgetting, rise)
        return replace(measure(loaded, self.dataset, self.held_out, gate, self.recipe.seed, emit), strength=strength)

    def adapter(self) -> bytes:
        return adapter_bytes(self.loaded.model)


def _require_base(base: BaseModel) -> None:
    """The base of a run that is gone on with may have moved or changed in the meantime."""
    if not base.path.is_dir():
        raise UsageError(
            f"The folder of base model {base.name} is gone: {base.path}.",
            "Put it back to go on, or start a new run with: mlxtwin retrain",
        )
    recheck(base)


def _plan(recipe: Recipe, base: BaseModel, device: Device) -> MemoryPlan:
    config = read_config(base.path)
    value_bytes = 4 if device.base_dtype == "float32" else 2
    held = weights_bytes(base.path, config, value_bytes)
    return plan(config, recipe, held, value_bytes, device.memory_budget)


def lora_spec(recipe: Recipe) -> LoraSpec:
    """The adapter a recipe asks for."""
    lora = recipe.lora_parameters
    dora = recipe.fine_tune_type == "dora"
    return LoraSpec(recipe.num_layers, lora.rank, lora.scale, lora.dropout, lora.keys, dora)

"""The report card: base against twin on held-out words, neutral text and sampled replies, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, Protocol

from mlxtwin.backend.adapters import disabled
from mlxtwin.backend.engine import Loaded, fit, generate
from mlxtwin.dataset.examples import Dataset
from mlxtwin.errors import UsageError
from mlxtwin.evaluate.forgetting import Forgetting
from mlxtwin.evaluate.forgetting import measure as measure_forgetting
from mlxtwin.evaluate.gate import judge
from mlxtwin.evaluate.leakage import CopyIndex
from mlxtwin.evaluate.likelihood import compare
from mlxtwin.records import Example, Holdout, Message, TokenExample, Verdict

PROBES = 12
PROBE_TOKENS = 80
SHOWN = 3
TEMPERATURE = 0.7


class Thresholds(Protocol):
    @property
    def min_gain(self) -> float: ...
    @property
    def max_forgetting(self) -> float: ...
    @property
    def max_copied_run(self) -> int: ...


class Emit(Protocol):
    def __call__(self, event: str, /, **data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out prompt, the person's own words, and what base and twin said."""

    prompt: str
    person: str
    base: str
    twin: str


@dataclass(frozen=True, slots=True)
class ReportCard:
    """``copied_run`` in words over ``probes`` sampled replies; ``strength``: the share of the adapter that was kept."""

    verdict: Verdict
    holdout: Holdout
    forgetting: Forgetting
    copied_run: int
    probes: int
    samples: tuple[Sample, ...]
    strength: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    loaded: Loaded, dataset: Dataset, held_out: Sequence[TokenExample], gate: Thresholds, seed: int, emit: Emit
) -> ReportCard:
    """Everything the gate asks about the adapter that is attached to ``loaded``."""
    emit("evaluate", stage="holdout", documents=len({example.document for example in held_out}))
    holdout = compare(loaded.model, held_out, seed)
    emit("evaluate", stage="forgetting", base_nll=holdout.base_nll, twin_nll=holdout.twin_nll)
    forgetting = measure_forgetting(loaded.model, loaded.tokenizer, loaded.context)
    emit("evaluate", stage="leakage")
    copied, probes = _copied_run(loaded, dataset, seed)
    samples = _samples(loaded, dataset, seed)
    verdict = judge(
        holdout,
        forgetting.rise,
        copied,
        min_gain=gate.min_gain,
        max_forgetting=gate.max_forgetting,
        max_copied_run=gate.max_copied_run,
    )
    return ReportCard(verdict, holdout, forgetting, copied, probes, samples)


def _copied_run(loaded: Loaded, dataset: Dataset, seed: int) -> tuple[int, int]:
    """Ask the twin what it was trained to answer, where copying would show first; a copy may be of what a version that
    it goes on from was trained on."""
    own = (message for example in dataset.train for message in example.messages if message.role == "assistant")
    index = CopyIndex(chain((message.content for message in own), dataset.learned_before))
    chosen = _spread(dataset.train, PROBES)
    longest = 0
    for number, example in enumerate(chosen):
        longest = max(longest, index.longest_run(_answer(loaded, _prompt(example), seed + number)))
    return longest, len(chosen)


def _samples(loaded: Loaded, dataset: Dataset, seed: int) -> tuple[Sample, ...]:
    out = []
    for number, example in enumerate(_spread(dataset.holdout, SHOWN)):
        prompt = _prompt(example)
        twin = _answer(loaded, prompt, seed + number)
        with disabled(loaded.model):
            base = _answer(loaded, prompt, seed + number)
        person = example.messages[len(prompt)].content
        out.append(Sample(prompt[-1].content if prompt else "", person, base, twin))
    return tuple(out)


def _answer(loaded: Loaded, prompt: Sequence[Message], seed: int) -> str:
    fitting = _fitting(loaded, prompt)
    return "".join(generate(loaded, fitting, max_tokens=PROBE_TOKENS, temperature=TEMPERATURE, seed=seed))


def _fitting(loaded: Loaded, prompt: Sequence[Message]) -> Sequence[Message]:
    """The prompt with the oldest words of its last message left out until the base takes it, as in training."""
    while prompt:
        try:
            fit(loaded, prompt, PROBE_TOKENS)
            break
        except UsageError:
            words = prompt[-1].content.split(" ")
            if len(words) < 2:
                raise
            prompt = (*prompt[:-1], replace(prompt[-1], content=" ".join(words[len(words) // 4 + 1 :])))
    return prompt


def _prompt(example: Example) -> tuple[Message, ...]:
    """The messages before the first of the person's."""
    first = next(at for at, message in enumerate(example.messages) if message.role == "assistant")
    return example.messages[:first]


def _spread(examples: Sequence[Example], count: int) -> list[Example]:
    """Examples with a prompt, evenly spread over all of them."""
    usable = [example for example in examples if example.messages[0].role != "assistant"] or list(examples)
    step = max(1, len(usable) // count)
    return usable[::step][:count]

"""Replay against forgetting: the base's own answers to neutral prompts, learned again beside the person's words.

The bare base answers bundled prompts before anything is learned, and its answers are mixed into every epoch
(pseudorehearsal, Robins 1995). No word of them is personal; they are sealed as all of a checkpoint is. Off by default:
it costs more than its share of the time, since prompts are read too, and two short runs with the starter, at a share of
0.2, forgot no less by `evaluate.forgetting` than without. Larger bases are not measured.

Not covered here: answers to images, tools or long conversations; only what the prompts ask for is rehearsed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from mlxtwin.backend.adapters import disabled
from mlxtwin.backend.engine import Loaded, PromptCache, generate
from mlxtwin.errors import SealBroken
from mlxtwin.records import Message, TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.pace import Emit

FILE = "replay.sealed"
TEMPERATURE = 0.7
# All prompts together give under 2,000 tokens: seconds on a GPU, under a minute for a small base on a CPU.
ANSWER_TOKENS = 40
FEWEST_ANSWERS = 8
# Between the random numbers of two seeds: more prompts than there are.
_SEEDS_APART = 1000


def prompts() -> list[str]:
    """The bundled neutral prompts."""
    text = resources.files("mlxtwin.train").joinpath("replay_prompts.txt").read_text(encoding="utf-8")
    return text.splitlines()


def kept_answers(
    loaded: Loaded,
    count: int,
    seed: int,
    window: int,
    folder: Path,
    sealed: SealedFiles,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> list[TokenExample] | None:
    """`base_answers` from a run's checkpoint ``folder``, where they are put the first time: a resumed run has the same.

    Raises SealBroken when the file there was changed.
    """
    answers = _read(folder, sealed)
    if answers is None:
        answers = base_answers(loaded, count, seed, window, emit, should_stop)
        if answers is not None:
            plain = [[example.document, example.tokens, example.supervised] for example in answers]
            sealed.write(folder / FILE, json.dumps(plain).encode())
    return answers


def base_answers(
    loaded: Loaded, count: int, seed: int, window: int, emit: Emit, should_stop: Callable[[], bool]
) -> list[TokenExample] | None:
    """What the base, without its adapter, answers to the first ``count`` prompts, each as an example of at most
    ``window`` tokens; None when asked to stop before the last.

    The same for the same seed and base. An answer cut at its limit does not teach that it ends there.
    """
    asked = prompts()[:count]
    made: list[TokenExample] = []
    loaded.model.eval()
    with disabled(loaded.model):
        for number, prompt in enumerate(asked):
            emit("replay", done=number, answers=len(asked))
            answer = _answer(loaded, f"replay-{number}", prompt, seed * _SEEDS_APART + number, window, should_stop)
            if should_stop():
                return None
            made += answer
    emit("replay", done=len(asked), answers=len(asked), tokens=sum(example.targets for example in made))
    return made


def _answer(
    loaded: Loaded, document: str, prompt: str, seed: int, window: int, should_stop: Callable[[], bool]
) -> list[TokenExample]:
    """One example of the tokens as they were sampled, with the end if there was one; none for an empty answer."""
    cache = PromptCache()
    said = generate(
        loaded,
        (Message("user", prompt),),
        max_tokens=ANSWER_TOKENS,
        temperature=TEMPERATURE,
        top_p=1.0,
        seed=seed,
        stop=should_stop,
        cache=cache,
    )
    if not "".join(said).strip():
        return []
    tokens = tuple(cache.tokens[:window])
    example = TokenExample(document, tokens, tuple(at >= said.prompt_tokens for at in range(len(tokens))))
    return [example] if example.targets else []


def answers_wanted(own: Sequence[TokenExample], share: float) -> int:
    """How many prompts to ask for a ``share`` of the loss of ``own``: few for little data, all for much."""
    wanted = share / (1 - share) * sum(example.targets for example in own)
    return min(len(prompts()), max(FEWEST_ANSWERS, math.ceil(wanted / ANSWER_TOKENS))) if share else 0


def mixed_in(answers: Sequence[TokenExample], own: Sequence[TokenExample], share: float) -> list[TokenExample]:
    """``answers`` as one epoch has them beside ``own``: repeated so that each counts about as much as an example of
    ``own``, and weighted so that together they make ``share`` of the weight of all targets."""
    have = sum(example.targets for example in answers)
    if not have or not share:
        return []
    ratio = share / (1 - share)
    copies = max(1, round(ratio * sum(example.targets for example in own) / have))
    weight = ratio * sum(example.weight * example.targets for example in own) / (copies * have)
    return [replace(example, weight=weight) for example in answers] * copies


def _read(folder: Path, sealed: SealedFiles) -> list[TokenExample] | None:
    if not (folder / FILE).is_file():
        return None
    try:
        plain = json.loads(sealed.read(folder / FILE))
        return [TokenExample(document, tuple(tokens), tuple(supervised)) for document, tokens, supervised in plain]
    except (ValueError, TypeError):
        raise SealBroken(f"The sealed file {FILE} is not what mlxtwin wrote.", "Start a new run.") from None

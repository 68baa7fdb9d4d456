"""Requests that the base writes for texts which came without any, before a run learns from them.

Whether it is able to is measured, unless the recipe says so: for a few of the texts it writes a request, and the text
must then be likelier to the base, by a margin, than after the template's and than after the request it wrote for
another text, in the mean over those texts whose request is one sentence and copies nothing. The bundled starter is not:
it answers nearly all with several sentences.

What the base writes tells of the person's texts: it is sealed with the checkpoint, and a resumed run goes on with it.
Not covered here: what is held out, which keeps its templates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlxtwin.backend.adapters import disabled
from mlxtwin.backend.engine import Loaded, generate
from mlxtwin.dataset.instructions import asked, instruction, open_to, question
from mlxtwin.dataset.tokens import tokenise
from mlxtwin.errors import SealBroken, UsageError
from mlxtwin.evaluate.likelihood import per_token, score_documents
from mlxtwin.records import Example
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.pace import Emit
from mlxtwin.train.shape import sizes_of

Setting = Literal["templates", "base", "auto"]

FILE = "instructions.sealed"
# A base with fewer is not even asked, for the asking takes time; of those only the starter was tried, which fails.
FEWEST_PARAMETERS = 1_000_000_000
# Texts that are tried, the share of them that must get a request at all, and nats a token that it must save.
TRIED, OBEYED_SHARE, MARGIN_NATS = 8, 0.75, 0.05
# At most so many texts get a request of the base, spread over all, lest the writing takes longer than the training.
MOST_WRITTEN = 400
WRITTEN_TOKENS = 60
_BETWEEN_WRITES = 16


@dataclass(frozen=True, slots=True)
class Ability:
    """Of so many texts ``tried``, those that got a request, and the nats a token which that saved in the mean, over the
    template's or over another text's, whichever is less."""

    tried: int
    obeyed: int
    gain_nats: float

    @property
    def able(self) -> bool:
        return self.obeyed >= max(1.0, OBEYED_SHARE * self.tried) and self.gain_nats >= MARGIN_NATS


def ability(examples: Sequence[Example], write: Callable[[Example], str], nats: Callable[[Example], float]) -> Ability:
    """Whether ``write`` gives requests of use: ``nats`` is the cost of a token of the person's, given its request."""
    written = [(example, write(example)) for example in examples]
    obeyed = [(example, request) for example, request in written if request]
    if not obeyed:
        return Ability(len(written), 0, 0.0)
    own = sum(nats(asked(example, request)) for example, request in obeyed)
    others = [request for _, request in obeyed[1:] + obeyed[:1]]
    swapped = sum(nats(asked(example, other)) for (example, _), other in zip(obeyed, others, strict=True))
    plain = sum(nats(example) for example, _ in obeyed)
    beaten = min(plain, swapped) if len(obeyed) > 1 else plain
    return Ability(len(written), len(obeyed), (beaten - own) / len(obeyed))


@dataclass(slots=True)
class _State:
    """``done``: how many texts were gone through; ``ability`` is None where it was not asked for, or not yet."""

    ability: Ability | None = None
    done: int = 0
    finished: bool = False
    written: dict[int, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, data: bytes) -> _State:
        try:
            value = json.loads(data)
            found = None if value["ability"] is None else Ability(**value["ability"])
            written = {int(place): str(said) for place, said in value["written"].items()}
            return cls(found, int(value["done"]), bool(value["finished"]), written)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SealBroken(f"The sealed file {FILE} is not what mlxtwin wrote.", "Start a new run.") from None


class _Stopped(Exception):
    """Raised out of the base's writing when somebody asks to stop."""


@dataclass(frozen=True, slots=True)
class Instructor:
    """Writes requests with a base, and keeps them in the checkpoint's ``folder``; ``window`` bounds an example."""

    loaded: Loaded
    window: int
    folder: Path
    sealed: SealedFiles
    emit: Emit

    def wanted(self, setting: Setting, examples: Sequence[Example]) -> bool:
        """Whether there is anything to write or to find out."""
        if setting == "templates" or not open_to(examples):
            return False
        return setting == "base" or sizes_of(self.loaded.config).parameters >= FEWEST_PARAMETERS

    def kept(
        self, setting: Setting, examples: Sequence[Example], should_stop: Callable[[], bool]
    ) -> dict[int, str] | None:
        """Requests by the place of their example, those of an earlier sitting first; None when asked to stop before
        all are there. Raises SealBroken when the file that keeps them was changed."""
        state = self._read()
        if state.finished:
            return state.written
        self.loaded.model.eval()
        try:
            with disabled(self.loaded.model):
                self._fill(state, setting, examples, should_stop)
        except _Stopped:
            self._write(state)
            return None
        return state.written

    def _fill(
        self, state: _State, setting: Setting, examples: Sequence[Example], should_stop: Callable[[], bool]
    ) -> None:
        places = open_to(examples)
        if setting == "auto" and state.ability is None:
            tried = [examples[place] for place in _spread(places, TRIED)]
            state.ability = ability(tried, lambda one: self._request(one, should_stop), self._nats)
        able = setting == "base" or (state.ability is not None and state.ability.able)
        wanted = _spread(places, MOST_WRITTEN) if able else []
        for place in wanted[state.done :]:
            self.emit("instructions", done=state.done, texts=len(wanted))
            if request := self._request(examples[place], should_stop):
                state.written[place] = request
            state.done += 1
            if state.done % _BETWEEN_WRITES == 0:
                self._write(state)
        state.finished = True
        self._write(state)
        told: dict[str, Any] = {} if state.ability is None else asdict(state.ability) | {"able": able}
        self.emit("instructed", texts=len(places), base=len(state.written), **told)

    def _request(self, example: Example, should_stop: Callable[[], bool]) -> str:
        """Empty where the base has no room for the text, or says something that is no request."""
        try:
            said = generate(
                self.loaded, question(example), max_tokens=WRITTEN_TOKENS, temperature=0.0, stop=should_stop
            )
            text = "".join(said)
        except UsageError:
            return ""
        if said.ended == "stopped" or should_stop():
            raise _Stopped
        return instruction(text, example)

    def _nats(self, example: Example) -> float:
        return per_token(score_documents(self.loaded.model, tokenise([example], self.loaded.tokenizer, self.window)))

    def _read(self) -> _State:
        path = self.folder / FILE
        return _State.of(self.sealed.read(path)) if path.is_file() else _State()

    def _write(self, state: _State) -> None:
        self.sealed.write(self.folder / FILE, state.to_bytes())


def _spread(places: Sequence[int], most: int) -> list[int]:
    """At most so many, evenly from all of them."""
    step = max(1.0, len(places) / most)
    return [places[int(number * step)] for number in range(min(most, len(places)))]

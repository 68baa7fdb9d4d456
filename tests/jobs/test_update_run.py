"""From new documents in the vault to a version that goes on from the one before, on a random base of some kilobytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dataset.people import prose
from jobs.small_twin import Told, Twin, after, made_twin, never, silent

from mlxtwin.backend.adapters import adapter_arrays
from mlxtwin.backend.tensors import from_safetensors
from mlxtwin.client import imports
from mlxtwin.client import runs as client
from mlxtwin.dataset.examples import Dataset
from mlxtwin.dataset.learned import Learned
from mlxtwin.errors import NothingNew, UsageError
from mlxtwin.evaluate.forgetting import Forgetting
from mlxtwin.jobs.runs import DATASET
from mlxtwin.paths import Home
from mlxtwin.records import Verdict
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.slots.registry import LEARNED
from mlxtwin.train.session import Session
from mlxtwin.vault.store import Vault

LENIENT = ("gate.max_forgetting=9", "gate.min_gain=0")
# One block of three learns, so the states of two are kept.
SMALL = (
    "max_seq_length=64", "batch_tokens=256", "num_layers=1", "epochs=1", "seed=3", "early_stop.share=0", *LENIENT,
)  # fmt: skip


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, bytes]:
    """Made once: the first version takes some seconds."""
    return made_twin(tmp_path_factory.mktemp("stocked"), *SMALL)


@pytest.fixture
def twin(stocked: tuple[Home, bytes], home: Home) -> Iterator[Twin]:
    shutil.copytree(stocked[0].root, home.root)
    with Vault.open(home, stocked[1]) as vault:
        yield Twin(home, stocked[1], vault)


def write(twin: Twin, *numbers: int, words: int = 60) -> set[str]:
    """Import a note for each number; the ids of those that were not there."""
    folder = twin.home.root.parent / "written"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"note{number}.md").write_text(f"# Number {number}\n\n{prose(number, words)}\n")
    before = {one.document.id for one in twin.vault.documents()}
    imports.run(twin.vault, [folder], PERSON_NAMES)
    return {one.document.id for one in twin.vault.documents()} - before


def learned(twin: Twin, number: int) -> Learned:
    found = twin.slots.learned(twin.slots.version("voice", number))
    assert found is not None
    return Learned.from_bytes(found)


def documents(dataset: Dataset) -> tuple[set[str], set[str]]:
    return {one.document for one in dataset.train}, {one.document for one in dataset.holdout}


def test_two_nights_of_new_documents_become_judged_versions_that_know_them(twin: Twin) -> None:
    first = learned(twin, 1)
    trained, held = set(first.trained), set(first.held)
    assert trained and held and not trained & held
    for night, numbers in enumerate((range(6), range(6, 12)), 1):
        new = write(twin, *numbers)
        planned = twin.planned("nightly", *LENIENT)
        read, apart = documents(planned.dataset)
        assert read - trained == new - apart
        assert planned.dataset.report.update["new_documents"] == len(new - apart) >= 4
        assert 0 < planned.dataset.report.update["rehearsed_documents"] == len(read & trained)
        assert held <= apart
        result = twin.ended(planned)
        version = twin.slots.version("voice", night + 1)
        assert (result["version"], result["parent"], version.meta["parent"]) == (night + 1, night, night)
        assert result["update"] == planned.dataset.report.update
        _judged_by_both(result, night)
        assert version.meta["adapter"] == twin.slots.version("voice", 1).meta["adapter"]
        known = learned(twin, night + 1)
        trained, held = trained | read, held | apart
        assert (set(known.trained), set(known.held)) == (trained, held)
        assert not trained & held
        twin.slots.use("voice", night + 1, anyway=True)
    for path in twin.home.slots.rglob("*.json"):
        assert not any(id in path.read_text() for id in trained | held)


def _judged_by_both(result: dict[str, Any], parent: int) -> None:
    """By the base and by the version it goes on from."""
    assert [*result["checks"]] == ["gain", "certainty", "forgetting", "copying", "current"]
    assert len(result["reasons"]) == 5
    value, threshold, passed = result["checks"]["current"]
    assert passed == (value >= threshold == 0)
    reason = result["reasons"][list(result["checks"]).index("current")]
    after = result["holdout"]["twin_nll"]
    assert f"loss {after:.3f} is " in reason
    assert reason.endswith(f"worse than the {after + value:.3f} of version {parent}, from which it goes on.")


def test_the_version_gone_on_with_is_measured_on_the_words_that_are_held_out_now(twin: Twin) -> None:
    write(twin, *range(20))
    session, told = twin.opened(twin.made(twin.planned("nightly", *LENIENT))), Told()
    assert session.update is not None
    assert session.adapter() == twin.slots.adapter(twin.slots.version("voice", 1))
    same = session.measure(silent)
    assert same.verdict.checks[-1].value == 0
    session.train(silent, never)
    trained, card = session.adapter(), session.measure(told)
    check = card.verdict.checks[-1]
    assert (session.adapter(), check.name, told.last["evaluate"]) == (trained, "current", {"stage": "parent"})
    assert check.value == pytest.approx(same.holdout.twin_nll - card.holdout.twin_nll) != 0
    worse = replace(card, holdout=replace(card.holdout, twin_nll=99.0), verdict=Verdict("promoted"))
    assert session.update.judged(worse, session.loaded.model, session.held_out, silent).verdict.outcome == "rejected"


def test_an_update_that_forgets_is_turned_down_towards_the_version_it_goes_on_from(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(twin, *range(6))
    session = twin.opened(twin.made(twin.planned("nightly", "gate.max_forgetting=0.92")))
    before, model = from_safetensors(session.adapter()), session.loaded.model
    model.load_weights([(name, value + 1.0) for name, value in adapter_arrays(model).items()], strict=False)
    known: list[float | None] = []

    def forgets(*arguments: Any) -> Forgetting:
        """In proportion to how far the adapter is from where it began."""
        known.append(arguments[-1])
        far = max(float(np.abs(value - before[name]).max()) for name, value in arrays(session).items())
        return Forgetting(2.0, 2.0 + far)

    monkeypatch.setattr("mlxtwin.train.session.forgetting", forgets)
    assert session.measure(silent).strength == 0.9
    assert known == [None, 2.0]
    for name, value in arrays(session).items():
        np.testing.assert_allclose(value, before[name] + 0.9, rtol=1e-5, atol=1e-6)


def arrays(session: Session) -> dict[str, Any]:
    return from_safetensors(session.adapter())


def test_what_the_frozen_blocks_made_of_old_documents_is_used_again(twin: Twin) -> None:
    write(twin, *range(6))
    planned = twin.planned("nightly", *LENIENT)
    assert planned.resolved.recipe.num_layers == 1
    session, told = twin.opened(twin.made(planned)), Filled()
    session.train(told, never)
    old = [one for one in session.examples if one.document in learned(twin, 1).trained]
    assert len(old) <= told.kept < len(session.examples)
    assert told.examples == len(session.examples) - told.kept > 0


class Filled(Told):
    """What the first word of the filling says."""

    kept = examples = 0

    def __call__(self, event: str, /, **data: Any) -> None:
        if event == "prefix" and "kept" in data:
            self.kept, self.examples = data["kept"], data["examples"]


def test_an_update_that_was_stopped_goes_on_to_the_same_bytes(twin: Twin) -> None:
    write(twin, *range(6))
    planned = twin.planned("nightly", "batch_tokens=512", *LENIENT)
    whole = twin.opened(twin.made(planned))
    result = whole.train(silent, never)
    assert result.steps > 2
    assert whole.adapter() != twin.slots.adapter(twin.slots.version("voice", 1))
    places = []
    for calls in (0, 2, 4):
        run = twin.made(planned)
        stopped = twin.opened(run).train(silent, after(calls))
        assert stopped.stopped
        again, told = twin.opened(run), Told()
        assert again.train(told, never).progress.step == result.steps
        assert again.adapter() == whole.adapter()
        places.append(told.begun)
    assert places[0] == 0 < max(places) < result.steps


def test_nothing_new_is_no_run_and_no_failure(twin: Twin) -> None:
    with pytest.raises(NothingNew, match=r"Nothing new to learn since version 1\."):
        twin.planned("nightly")
    write(twin, 1, 2)
    assert twin.planned("nightly").dataset.report.update["new_documents"] == 2
    write(twin, 1, 2)
    assert twin.planned("nightly").dataset.report.update["new_documents"] == 2
    assert sum(path.is_dir() for path in twin.home.runs.iterdir()) == 1


def test_a_version_that_does_not_say_what_it_was_trained_on_is_to_be_trained_anew(twin: Twin) -> None:
    write(twin, 1, 2)
    (twin.home.slots / "voice" / "v0001" / LEARNED).unlink()
    with pytest.raises(UsageError, match="Version 1 of slot voice does not say what it was trained on") as caught:
        twin.planned("nightly")
    assert "mlxtwin retrain voice" in caught.value.hint


def test_a_run_begun_before_versions_kept_what_they_learned_ends_in_one_that_does_not(twin: Twin) -> None:
    planned = twin.planned("voice", *SMALL, base="tiny")
    run = twin.made(planned)
    sealed = SealedFiles(twin.home, twin.key)
    plain = sealed.read(run.folder / DATASET).replace(b'"learned":', b'"later":')
    sealed.write(run.folder / DATASET, plain)
    started = client.resume(twin.home, twin.key, run)
    assert [event for event in client.watch(run, started) if event][-1].event == "done"
    assert twin.slots.learned(twin.slots.version("voice", 2)) is None


def test_another_base_another_shape_or_a_version_that_is_gone_is_refused(twin: Twin) -> None:
    write(twin, 1, 2)
    with pytest.raises(UsageError, match="trained on tiny, and starter is not the same base"):
        twin.planned("nightly", base="starter")
    with pytest.raises(UsageError, match=r"num_layers cannot be chosen here: an update goes on with the adapter"):
        twin.planned("nightly", "num_layers=2")
    with pytest.raises(UsageError, match="There is no slot work"):
        twin.planned("nightly", slot="work")
    run = twin.made(twin.planned("nightly"))
    shutil.rmtree(twin.home.slots / "voice" / "v0001")
    with pytest.raises(UsageError, match="Slot voice has no version 1"):
        twin.opened(run)


def test_an_update_takes_over_how_its_version_was_trained_also_across_corrections(twin: Twin) -> None:
    write(twin, 1, 2)
    before = twin.planned("nightly").resolved
    assert before.recipe.batch_tokens == 256
    assert before.origins["batch_tokens"] == before.origins["prefix_cache.bits"] == "version in use"
    twin.correct(1, 1)
    twin.run("corrections", "epochs=1", *LENIENT)
    twin.slots.use("voice", 2, anyway=True)
    after_corrections = twin.planned("nightly")
    assert after_corrections.parent == 2
    assert after_corrections.resolved.recipe == before.recipe
    assert after_corrections.resolved.recipe.prefix_cache.bits == 16


def test_corrections_hold_out_nothing_that_was_trained_on_and_make_no_document_known(twin: Twin) -> None:
    new = write(twin, *range(30))
    twin.correct(1, 1)
    planned = twin.planned("corrections")
    _, held = documents(planned.dataset)
    known = learned(twin, 1)
    assert not held & known.trained.keys()
    assert planned.dataset.learned is not None
    assert planned.dataset.learned.trained == known.trained
    assert planned.dataset.learned.held == known.held | held
    assert held & new
    (twin.home.slots / "voice" / "v0001" / LEARNED).unlink()
    assert twin.planned("corrections").dataset.learned is None


def test_the_memory_of_an_update_is_planned_by_what_it_reads(twin: Twin) -> None:
    write(twin, *range(6))
    update, whole = (
        planned.memory for planned in (twin.planned("nightly"), twin.planned("voice", *SMALL, base="tiny"))
    )
    assert 0 < update.given.tokens < whole.given.tokens
    assert 0 < update.prefix_disk < whole.prefix_disk
    assert update.fits

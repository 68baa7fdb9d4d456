"""From a correction in the vault to a judged version, on a random base of some kilobytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from jobs.small_twin import Told, Twin, after, made_twin, never, silent

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.train.preference_run import FEWEST_HELD_OUT
from mlxtwin.vault.store import Vault

SMALL = (
    "data.max_words=1200", "max_seq_length=64", "batch_tokens=256", "num_layers=2", "epochs=1", "seed=3",
    "prefix_cache.bits=0", "early_stop.share=0", "gate.max_forgetting=9", "gate.min_gain=0",
)  # fmt: skip
FEW = ("epochs=2", "batch_tokens=128", "learning_rate=0.002", "gate.max_forgetting=9", "gate.min_gain=0")


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, bytes]:
    """Made once: the first version takes some seconds."""
    return made_twin(tmp_path_factory.mktemp("stocked"), *SMALL)


@pytest.fixture
def twin(stocked: tuple[Home, bytes], home: Home) -> Iterator[Twin]:
    shutil.copytree(stocked[0].root, home.root)
    with Vault.open(home, stocked[1]) as vault:
        yield Twin(home, stocked[1], vault)


def test_corrections_become_a_version_that_names_its_parent(twin: Twin) -> None:
    twin.correct(1, 1, None, 1)
    result = twin.run("corrections", *FEW)
    version, parent = twin.slots.version("voice", 2), twin.slots.version("voice", 1)
    assert (result["version"], version.meta["parent"]) == (2, 1)
    assert {"gain", "certainty", "forgetting", "copying", "preferred"} <= set(result["checks"])
    assert "parent" not in parent.meta
    assert version.meta["adapter"] == parent.meta["adapter"]
    assert version.meta["holdout"]["digest"] == parent.meta["holdout"]["digest"]
    assert version.meta["adapter_sha256"] != parent.meta["adapter_sha256"]
    value, threshold, passed = result["checks"]["preferred"]
    assert passed == (value >= threshold)
    reason = next(reason for reason in result["reasons"] if "you wanted" in reason)
    assert "of 4 pairs trained on, too few to hold some out; version 1: " in reason
    assert b"gulls" not in b"".join(path.read_bytes() for path in twin.home.runs.rglob("*") if path.is_file())


def test_what_was_wanted_gets_likelier_and_what_was_not_less_so(twin: Twin) -> None:
    twin.correct(1, 1, None, 1)
    session = twin.opened(twin.made(twin.planned("corrections", "epochs=8", *FEW[1:])))
    assert session.preferences is not None
    steps: list[dict[str, Any]] = []

    def emit(event: str, /, **data: Any) -> None:
        steps.extend([data] if event == "step" else [])

    session.train(emit, never)
    assert steps[-1]["margin"] > 0
    assert steps[-1]["preferred"] > 0.5


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(twin: Twin) -> None:
    twin.correct(1, None, 1, 1, 1)
    planned = twin.planned("corrections", *FEW)
    whole = twin.opened(twin.made(planned))
    assert whole.adapter() == twin.slots.adapter(twin.slots.version("voice", 1))
    result = whole.train(silent, never)
    places = []
    for calls in (0, 1, 3, 4):
        run = twin.made(planned)
        stopped = twin.opened(run).train(silent, after(calls))
        assert stopped.stopped
        again, told = twin.opened(run), Told()
        assert again.train(told, never).progress.step == result.steps
        assert told.begun == stopped.progress.step
        assert again.adapter() == whole.adapter()
        places.append(told.begun)
    assert 0 < max(places) < result.steps


def test_enough_pairs_are_judged_by_some_that_were_held_out(twin: Twin) -> None:
    twin.correct(*[1] * 30)
    planned = twin.planned("corrections", *FEW, f"data.holdout={FEWEST_HELD_OUT / 30}")
    preferences = twin.opened(twin.made(planned)).preferences
    assert preferences is not None
    assert preferences.held_out
    assert (len(preferences.items), len(preferences.measured)) == (20, 10)
    trained = {item.rows[0].tokens for item in preferences.items}
    assert not trained & {item.rows[0].tokens for item in preferences.measured}


def test_ratings_alone_are_learned_from_with_kto(twin: Twin) -> None:
    prompt = (Message("user", "How was it?"),)
    with pytest.raises(UsageError, match="no corrections or ratings of slot voice"):
        twin.planned("corrections", "preference.method=kto")
    for good, answer in ((True, "Grand."), (False, "As an assistant I"), (True, "Wet, mostly.")):
        twin.vault.put_rating("voice", 1, prompt, answer=answer, good=good)
    with pytest.raises(UsageError, match="only 3 ratings") as caught:
        twin.planned("corrections")
    assert "preference.method=kto" in caught.value.hint
    result = twin.run("corrections", *FEW, "preference.method=kto")
    assert result["version"] == 2
    assert "of 2 pairs" in " ".join(result["reasons"])


def test_without_corrections_or_a_version_there_is_a_sentence_that_says_how(twin: Twin) -> None:
    with pytest.raises(UsageError, match="There are no corrections of slot voice to learn from yet") as caught:
        twin.planned("corrections")
    assert "/better" in caught.value.hint
    twin.correct(7)
    with pytest.raises(UsageError, match="are all of versions that are gone"):
        twin.planned("corrections")
    twin.correct(7, 1)
    planned = twin.planned("corrections")
    assert (len(planned.dataset.pairs), planned.left_out) == (1, 1)
    with pytest.raises(UsageError, match="There is no slot work"):
        twin.planned("corrections", slot="work")


def test_another_base_or_another_shape_of_adapter_is_refused(twin: Twin) -> None:
    twin.correct(1)
    with pytest.raises(UsageError, match="trained on tiny, and starter is not the same base"):
        twin.planned("corrections", base="starter")
    with pytest.raises(UsageError, match="lora_parameters cannot be chosen here"):
        twin.planned("corrections", "lora_parameters.rank=4")


def test_secrets_are_masked_and_the_digest_covers_pairs(twin: Twin) -> None:
    twin.correct(1)
    first = twin.planned("corrections").dataset
    secret = "password: Xk9-vvQ2-77aB"
    twin.vault.put_pair("voice", 1, (Message("user", secret),), chosen=f"Say {secret}", rejected=secret)
    dataset = twin.planned("corrections").dataset
    assert len(dataset.pairs) == 2
    assert b"Xk9" not in dataset.to_bytes()
    assert dataset.digest() != first.digest()
    assert dataset.holdout_digest() == first.holdout_digest()
    assert type(dataset).from_bytes(dataset.to_bytes()) == dataset

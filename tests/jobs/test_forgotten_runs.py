"""What becomes of versions and runs, on a random base of some kilobytes, once a document they knew is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset.people import prose
from jobs.small_twin import Twin, made_twin

from mlxtwin.client import forgetting, imports
from mlxtwin.dataset.learned import Learned
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.vault.store import Vault

SMALL = ("max_seq_length=64", "batch_tokens=256", "num_layers=1", "epochs=1", "early_stop.share=0",
         "gate.max_forgetting=9", "gate.min_gain=0")  # fmt: skip


def _trained(twin: Twin, number: int) -> set[str]:
    kept = twin.slots.learned(twin.slots.version("voice", number))
    assert kept is not None
    return set(Learned.from_bytes(kept).trained)


@pytest.mark.long
def test_what_goes_on_from_a_version_that_knew_it_is_marked_and_a_retrain_is_clean(tmp_path: Path) -> None:
    home, key = made_twin(tmp_path, *SMALL)
    with Vault.open(home, key) as vault:
        twin = Twin(home, key, vault)
        gone = min(_trained(twin, 1))
        stopped = twin.made(twin.planned("voice", *SMALL, base="tiny"))
        assert any(home.prefix.iterdir())
        touched = forgetting.forget(home, key, vault, [gone])
        assert [(one.version, one.documents) for one in touched.versions] == [(1, 1)]
        assert touched.runs == (stopped.id,) and touched.states
        assert gone not in _trained(twin, 1)
        folder = tmp_path / "written"
        folder.mkdir()
        for number in range(8):
            (folder / f"note{number}.md").write_text(f"# Number {number}\n\n{prose(number, 60)}\n")
        imports.run(vault, [folder], PERSON_NAMES)
        nightly, anew = twin.run("nightly", *SMALL[-2:]), twin.run("voice", *SMALL, base="tiny")
        marks = {one.number: one.trained_on_forgotten for one in twin.slots.state("voice").versions}
        assert marks == {1: 1, nightly["version"]: 1, anew["version"]: 0}
        assert gone not in _trained(twin, anew["version"])

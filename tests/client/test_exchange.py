"""Out of one vault and into another: the same words of the person's; and what stock mlx-lm makes of the files."""

from __future__ import annotations

import json
import stat
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import exchange, imports
from mlxtwin.client.exchange import exported, import_preferences, write
from mlxtwin.dataset.exchange import EXCHANGE_FORMS, ExchangeForm
from mlxtwin.errors import SourceError, UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message, Person
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

EXPORTS = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports"
TEXTS: list[ExchangeForm] = [form for form in EXCHANGE_FORMS if form != "preference"]
STARTER = Path(__file__).parents[2] / "mlxtwin" / "starter"


@dataclass(frozen=True)
class Full:
    home: Home
    key: bytes
    vault: Vault

    def exported(self, form: ExchangeForm, *sets: str, side: exchange.Side = "all") -> exchange.Exported:
        return exported(self.home, self.key, self.vault, form, "voice", sets, side)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    home, key = Home(tmp_path_factory.mktemp("full") / "home"), new_key()
    with Vault.create(home, key) as vault:
        imports.run(vault, [EXPORTS], PERSON_NAMES)
        yield Full(home, key, vault)


def words(texts: Iterator[str] | list[str]) -> Counter[str]:
    return Counter(word for text in texts for word in text.split())


@pytest.mark.parametrize("form", TEXTS)
def test_what_was_exported_comes_back_as_the_same_words(
    full: Full, home: Home, tmp_path: Path, form: ExchangeForm
) -> None:
    file = tmp_path / "all.jsonl"
    found = full.exported(form, "data.max_words=100000")
    write(file, found)
    told = full.exported("messages", "data.max_words=100000").records
    own = words([m["content"] for one in told for m in one["messages"] if m["role"] == "assistant"])
    assert own.total() == found.words > 10_000
    with Vault.create(home, new_key()) as empty:
        result = imports.run(empty, [file], [], as_source="examples")
        assert words([stored.document.own_text for stored in empty.documents()]) == own
        kept = sum(stored.curated.words_by_me for stored in empty.documents(only_kept=True))
    assert result["documents"] == found.examples
    assert result["errors"] == []
    assert kept > 0.97 * own.total()


def test_found_by_content_alone_it_is_nobodys(full: Full, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    write(file, full.exported("messages"))
    with Vault.create(home, new_key()) as empty:
        result = imports.run(empty, [file], ["Ann"])
        assert result["kept"] == result["words_by_me"] == 0
        assert result["dropped"] == {"not known to be yours; import it with --as examples": result["documents"]}
        again = imports.run(empty, [file], [], as_source="examples")
        assert (again["updated"], again["added"]) == (result["documents"], 0)
        assert again["words_by_me"] > 10_000


def test_the_sides_are_those_of_a_run_and_do_not_meet(full: Full) -> None:
    train, held, both = (full.exported("messages", side=side) for side in exchange.SIDES)
    assert train.held_out == len(held.records) > 0 == held.held_out == both.held_out
    assert both.records == [*train.records, *held.records]
    assert not {json.dumps(one) for one in train.records} & {json.dumps(one) for one in held.records}


def test_the_data_settings_of_the_recipe_count(full: Full) -> None:
    mails = full.exported("messages", "data.kinds=mail")
    assert 0 < len(mails.records) < len(full.exported("messages").records)
    assert full.exported("messages", "data.max_words=2000", side="train").words <= 2000


def test_what_is_masked_in_training_is_masked_in_the_file(home: Home) -> None:
    key, said = new_key(), "0170 1234567"
    from dataset.people import document, own, prose

    with Vault.create(home, key) as vault:
        vault.put(document("note", own(f"{prose(n, 60)} Ring {said}."), key=str(n), title=f"N{n}") for n in range(20))
        imports.decide(vault)
        full = Full(home, key, vault)
        masked = full.exported("alpaca").lines()
        assert said not in masked and "[PHONE_" in masked
        assert said in full.exported("alpaca", "data.mask=[]").lines()


@pytest.mark.parametrize("form", ["messages", "prompt-completion"])
def test_stock_mlx_lm_loads_the_files_and_reads_every_answer(full: Full, tmp_path: Path, form: ExchangeForm) -> None:
    from mlx_lm.tokenizer_utils import load
    from mlx_lm.tuner.datasets import ChatDataset, CompletionsDataset, load_dataset

    for name, side in (("train", "train"), ("valid", "holdout")):
        write(tmp_path / f"{name}.jsonl", full.exported(form, side=side))  # type: ignore[arg-type]
    tokenizer = load(STARTER)
    asked = types.SimpleNamespace(data=str(tmp_path), train=True, test=False, mask_prompt=True)
    train, valid, _ = load_dataset(asked, tokenizer)
    assert isinstance(train, ChatDataset if form == "messages" else CompletionsDataset)
    assert (len(train), len(valid)) == (len(full.exported(form, side="train").records), len(valid)) and len(valid)
    for dataset in (train, valid):
        for number in range(0, len(dataset), 7):
            tokens, offset = dataset.process(dataset[number])
            last = dataset[number]["messages"][-1]["content"] if form == "messages" else dataset[number]["completion"]
            learned = tokenizer.decode(tokens[offset:], skip_special_tokens=True)
            assert "".join(last.split())[:40] in "".join(learned.split())


def test_a_file_is_for_its_owner_alone_whole_and_never_written_over_unasked(full: Full, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    write(file, full.exported("messages"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        write(file, full.exported("alpaca"))
    assert file.read_bytes() == before
    file.chmod(0o644)
    write(file, full.exported("alpaca"), force=True)
    assert file.read_bytes() != before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["all.jsonl"]
    with pytest.raises(UsageError, match="is a folder"):
        write(tmp_path, full.exported("messages"))
    with pytest.raises(UsageError, match="no folder"):
        write(tmp_path / "none" / "all.jsonl", full.exported("messages"))
    assert not (tmp_path / "none").exists()


PROMPTS = [
    (Message("user", "How was it?"),),
    (Message("user", "How was it?"), Message("assistant", "Fine."), Message("user", "And then?")),
]


def stocked(home: Home, key: bytes, name: str = "voice") -> None:
    """A slot with one version."""
    meta: dict[str, Any] = {"run": "a", "verdict": "promoted"}
    Slots(home, SealedFiles(home, key)).add(name, b"adapter", meta, {})


def test_corrections_come_back_as_corrections_each_once(full: Full, home: Home, tmp_path: Path) -> None:
    file, key = tmp_path / "pairs.jsonl", new_key()
    for number, prompt in enumerate(PROMPTS):
        full.vault.put_pair("voice", 1, prompt, chosen=f"Grand {number}.", rejected="As an assistant I")
    full.vault.put_rating("voice", 1, PROMPTS[0], answer="Alone.", good=True)
    found = full.exported("preference")
    assert (len(found.records), found.unpaired) == (2, 1)
    write(file, found)
    with Vault.create(home, key) as vault:
        with pytest.raises(UsageError, match="no slot voice"):
            import_preferences(home, vault, file, "voice")
        stocked(home, key)
        told = import_preferences(home, vault, file, "voice")
        assert told == {"slot": "voice", "added": 2, "unchanged": 0, "left_out": 0}
        pairs = vault.pairs("voice")
        assert [(pair.prompt, pair.chosen, pair.rejected, pair.version) for pair in pairs] == [
            (prompt, f"Grand {number}.", "As an assistant I", None) for number, prompt in enumerate(PROMPTS)
        ]
        assert import_preferences(home, vault, file, "voice")["unchanged"] == 2
        assert len(vault.pairs("voice")) == 2


def test_a_file_without_preferences_is_told_and_a_damaged_one_gives_what_it_has(home: Home, tmp_path: Path) -> None:
    key, file = new_key(), tmp_path / "pairs.jsonl"
    good = json.dumps({"prompt": "Hi", "chosen": "Hello.", "rejected": "Yo."})
    with Vault.create(home, key) as vault:
        stocked(home, key)
        file.write_text(json.dumps({"prompt": "Hi", "completion": "Hello."}))
        with pytest.raises(UsageError, match="holds no preferences"):
            import_preferences(home, vault, file, "voice")
        file.write_text(f'{good}\n{{"prompt": "x"}}\n{good}\n{{"cut": ')
        with pytest.raises(SourceError, match="cut off"):
            import_preferences(home, vault, file, "voice")
        assert len(vault.pairs("voice")) == 1
        file.write_text(f'{good}\n{{"prompt": "x"}}\n{good}\n')
        told = import_preferences(home, vault, file, "voice")
        assert told == {"slot": "voice", "added": 0, "unchanged": 2, "left_out": 1}


def test_a_file_or_a_line_that_is_too_large_for_corrections_is_refused(home: Home, tmp_path: Path) -> None:
    key, file = new_key(), tmp_path / "pairs.jsonl"
    with Vault.create(home, key) as vault:
        stocked(home, key)
        with file.open("wb") as opened:
            opened.truncate(256 * 1024 * 1024 + 1)
        with pytest.raises(UsageError, match="larger than 256 MB"):
            import_preferences(home, vault, file, "voice")
        good = json.dumps({"prompt": "Hi", "chosen": "Hello.", "rejected": "Yo."})
        file.write_text(good + "\n" + json.dumps({"prompt": "x" * 4 * 1024 * 1024}))
        with pytest.raises(UsageError, match="line of more than 4 MB"):
            import_preferences(home, vault, file, "voice")
        assert vault.pairs("voice") == []


def test_what_an_interrupted_import_left_undecided_is_decided_before_it_is_learned_from(home: Home) -> None:
    from mlxtwin.sources.run import import_paths

    key = new_key()
    with Vault.create(home, key) as vault:
        import_paths([EXPORTS], person=Person.of(PERSON_NAMES), put=vault.put)
        assert next(vault.documents(undecided=True), None) is not None
        found = exported(home, key, vault, "messages", "voice", (), "all")
        assert found.examples > 100
        assert next(vault.documents(undecided=True), None) is None

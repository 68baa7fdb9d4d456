"""Every test has its own home, a scrubbed environment and no keychain but the one it asks for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlxtwin.paths import Home
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.store import Vault

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SCRUBBED = ("NO_COLOR", "COLORTERM", "COLUMNS", "MLXTWIN_PASSPHRASE", "HF_HOME", "HF_ENDPOINT", "HF_TOKEN")


# Whole files go to one worker each, in this order: with the longest at the end one core would wait for the other.
LONG_FIRST = frozenset((
    "test_flow.py", "test_whole_path.py", "test_retrain.py", "test_demo.py", "test_bench_chat.py",
    "test_distributed.py", "test_update_run.py", "test_preference_run.py", "test_conversation.py",
    "test_engine_process.py", "test_chat.py", "test_validation.py", "test_conformance.py", "test_chat_screen.py",
    "test_training_contract.py",
))  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG_FIRST)


@pytest.fixture(autouse=True)
def scrubbed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A shell starts background jobs with Ctrl-C ignored, and every process started here would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in SCRUBBED:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("MLXTWIN_HOME", str(tmp_path / "home"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(Path(os.environ["MLXTWIN_HOME"]))


@pytest.fixture
def vault(home: Home) -> Iterator[Vault]:
    with Vault.create(home, new_key()) as opened:
        yield opened


@pytest.fixture
def shared() -> Path:
    """The folder of real exports kept beside a checkout; not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"no real exports at {SHARED}")
    return SHARED

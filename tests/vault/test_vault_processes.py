"""Several processes, threads, and processes that die in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from samples import document

from mlxtwin.paths import Home
from mlxtwin.vault.store import Vault

KEY = bytes(range(32))
ROOT = Path(__file__).resolve().parents[2]
START = """
import sys
from pathlib import Path
from mlxtwin.paths import Home
from mlxtwin.vault.store import Vault
sys.path.insert(0, sys.argv[1])
from samples import document
home, key, first = Home(Path(sys.argv[2])), bytes(range(32)), int(sys.argv[3])
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
"""
WRITER = """
with Vault.open(home, key) as vault:
    conversation = vault.new_conversation("voice", "starter")
    for number in range(first, first + 60):
        vault.put([document(number)])
        vault.add_message(conversation, "user", f"message {number}")
        vault.decide(document(number).id, tier=2, reason="", signature=b"")
        assert vault.count() and vault.search("harvest", 1)
"""
ENDLESS = """
with Vault.open(home, key) as vault:
    number = first
    while True:
        vault.put([document(number + step, f"{number + step} words " * 200) for step in range(20)])
        number += 20
        sys.stdout.write(f"{number}\\n"); sys.stdout.flush()
"""
CREATOR = """
try:
    Vault.create(home, key).close()
    sys.stdout.write("made")
except Exception as error:
    sys.stdout.write(type(error).__name__)
"""


def start(program: str, home: Home, first: int = 0) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", START + program, str(Path(__file__).parent), str(home.root), str(first)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def test_three_processes_write_at_once_and_nothing_is_lost(home: Home) -> None:
    with Vault.create(home, KEY) as vault:
        children = [start(WRITER, home, 1000 * number) for number in range(3)]
        for child in children:
            go(child)
        for child in children:
            _, errors = child.communicate(timeout=120)
            assert child.returncode == 0, errors
        assert vault.count() == 180
        assert [row.messages for row in vault.conversations(5)] == [60] * 3
        assert len(list(vault.documents(only_kept=True))) == 180
        assert vault.verify() == []


@pytest.mark.parametrize("rounds", [1, 2, 5, 9])
def test_a_process_killed_while_it_writes_loses_nothing_that_was_stored(home: Home, rounds: int) -> None:
    Vault.create(home, KEY).close()
    child = start(ENDLESS, home)
    go(child)
    assert child.stdout is not None
    stored = 0
    for _ in range(rounds):
        stored = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    with Vault.open(home, KEY) as vault:
        assert vault.count() >= stored
        assert vault.count() % 20 == 0
        assert all(vault.document(document(number).id) for number in range(stored))
        assert vault.verify() == []
        assert vault.put([document(10_000)]).added == 1


def test_of_two_processes_that_create_the_vault_one_makes_it(home: Home) -> None:
    children = [start(CREATOR, home) for _ in range(2)]
    for child in children:
        go(child)
    assert sorted(child.communicate(timeout=60)[0] for child in children) == ["UsageError", "made"]
    with Vault.open(home, KEY) as vault:
        assert vault.verify() == []


def test_a_reader_in_the_middle_of_its_documents_does_not_hold_a_writer_back(home: Home) -> None:
    with Vault.create(home, KEY) as vault, Vault.open(home, KEY) as other:
        vault.put([document(number) for number in range(10)])
        reading = vault.documents()
        next(reading)
        assert other.put([document(99)]).added == 1
        assert len(list(reading)) == 9
        assert vault.count() == 11


def test_threads_may_share_a_vault(vault: Vault) -> None:
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 50):
                vault.put([document(number)])
                assert vault.document(document(number).id)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert vault.count() == 200

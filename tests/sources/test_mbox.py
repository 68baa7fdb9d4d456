"""A mailbox cut into its messages, wherever the pieces end in which it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.sources import mbox

LONG = "words " * 60
BOX = (
    "From ann@example.org Sat Mar  2 10:00:00 2024\nSubject: 1\n\nFirst.\n\nFrom here on it rains.\n\n"
    f"From there we saw it at 10:30 on 2 March 2024.\n{LONG}\n>From the hill.\n>>From above.\n \t\n"
    '"From bob@example.org Sat Mar  2 11:00:00 2024\nFrom bob@example.org Sat Mar  2 11:00:00 2024\nSubject: no\n\n'
    f"From bob@example.org Sat Mar  2 11:00:00 2024\nSubject: 2\n{LONG}: x\n\n{LONG}\n\r\n"
    'From "Ann B"@example.org Sat Mar  2 12:00:00 2024 +0100\nSubject: 3\n\n\n\n\nFrom - Sat Mar 02 12:00:00 2024\n'
    "Subject: 4\n\nEnd\n\nFrom x Sat Mar  2 12:00:00 2024"
)


def cut(folder: Path, text: str) -> list[str]:
    file = folder / "box"
    file.write_bytes(text.encode())
    return [message.decode() for message in mbox.messages(file)]


@pytest.mark.parametrize("size", [*range(60, 76), 200, 1000, 1024, 1500, 1 << 20])
def test_messages_are_the_same_in_whatever_pieces_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(mbox, "CHUNK_BYTES", size)
    first, second, third, fourth = cut(tmp_path, BOX)
    assert first.startswith("Subject: 1\n") and first.endswith("Subject: no\n\n")
    assert "\nFrom the hill.\n>From above.\n" in first
    assert second.startswith("Subject: 2\n") and second.endswith(f"{LONG}\n\r\n")
    assert third == "Subject: 3\n\n\n\n\n"
    assert fourth == "Subject: 4\n\nEnd\n\nFrom x Sat Mar  2 12:00:00 2024"


def test_blank_lines_and_a_mark_may_stand_before_the_first_message(tmp_path: Path) -> None:
    assert cut(tmp_path, "\ufeff\n\nFrom me\nSubject: 1\n\nHi.\n") == ["Subject: 1\n\nHi.\n"]


def test_of_a_message_without_end_the_first_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "MAX_MESSAGE_BYTES", 100)
    monkeypatch.setattr(mbox, "CHUNK_BYTES", 64)
    head = "From ann@example.org Sat Mar  2 10:00:00 2024\n"
    found = cut(tmp_path, f"{head}Subject: 1\n\n{'x' * 5000}\n\n{head}Subject: 2\n\nHi.\n")
    assert found == [f"Subject: 1\n\n{'x' * 88}", "Subject: 2\n\nHi.\n"]
    assert len(cut(tmp_path, "Subject: 1\n\n" + "x" * 5000)[0]) == 100


@pytest.mark.parametrize("text", ["From ", "From x", "From x\n", "From x\n\n", "From x\nFrom y 1:11 2015\n"])
def test_a_mailbox_cut_off_at_its_start_holds_one_message(tmp_path: Path, text: str) -> None:
    assert len(cut(tmp_path, text)) == 1

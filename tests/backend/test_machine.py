"""What is read off a machine: texts in the formats that Linux, NVIDIA and Apple document, made up for these tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlxtwin.backend import machine
from mlxtwin.backend.machine import Card, look, parse_module, parse_smi, version

CLOSED_MODULE = """NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
"""
OPEN_MODULE = """NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (me@host)
GCC version:  gcc version 13.3.0
"""
TWO_CARDS = "550.54.14, 8.9, NVIDIA GeForce RTX 4090\n550.54.14, 6.1, NVIDIA GeForce GTX 1080\n"
WSL2 = "5.15.167.4-microsoft-standard-WSL2\n"


def system(root: Path, **files: str) -> Path:
    """A file system with these files; ``__`` in a name stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def silent(command: Sequence[str]) -> str:
    return ""


def forbidden(command: Sequence[str]) -> str:
    raise AssertionError(command)


def linux(root: Path, ask: machine.Ask = silent) -> machine.Machine:
    return look(root, ask, "linux", "x86_64", ("glibc", "2.36"))


def test_a_computer_without_nvidia_is_asked_nothing(tmp_path: Path) -> None:
    found = linux(tmp_path, forbidden)
    assert found == machine.Machine("linux", "x86_64", (2, 36))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLOSED_MODULE, (535, 183, 1)),
        (OPEN_MODULE, (580, 65, 6)),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.78  Sun Apr 14 06:35:45 UTC 2024\n", (550, 78)),
        ("GCC version: gcc version 12.2.0\n", ()),
        ("", ()),
    ],
)
def test_the_kernel_module_tells_the_driver(text: str, expected: tuple[int, ...]) -> None:
    assert parse_module(text) == expected


def test_nvidia_smi_tells_driver_capability_and_name() -> None:
    driver, cards = parse_smi(TWO_CARDS)
    assert driver == (550, 54, 14)
    assert cards == (Card("NVIDIA GeForce RTX 4090", (8, 9)), Card("NVIDIA GeForce GTX 1080", (6, 1)))
    assert parse_smi("470.82.00, [N/A], Tesla K80, rev 2\n") == ((470, 82, 0), (Card("Tesla K80, rev 2", ()),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No devices were found\n",
        'Field "compute_cap" is not a valid field to query.\n',
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver, sorry, and so on\n",
    ],
)
def test_what_nvidia_smi_says_without_cards_is_no_card(text: str) -> None:
    assert parse_smi(text) == ((), ())


def test_driver_and_cards_are_found_together(tmp_path: Path) -> None:
    system(tmp_path, proc__driver__nvidia__version=OPEN_MODULE)
    found = linux(tmp_path, lambda command: "580.65.06, 9.0, NVIDIA H100\n" if "nvidia-smi" in command[0] else "")
    assert (found.nvidia, found.nvidia_node, found.driver) == (True, True, (580, 65, 6))
    assert found.cards == (Card("NVIDIA H100", (9, 0)),)


def test_the_driver_is_known_where_nvidia_smi_does_not_answer(tmp_path: Path) -> None:
    system(tmp_path, proc__driver__nvidia__version=CLOSED_MODULE)
    found = linux(tmp_path)
    assert found.driver == (535, 183, 1)
    assert not found.nvidia_node and not found.cards


def test_a_card_without_a_driver_is_seen_on_the_bus(tmp_path: Path) -> None:
    slot = "sys__bus__pci__devices__0000:01:00.0__"
    system(tmp_path, **{slot + "vendor": "0x10de\n", slot + "class": "0x030000\n"})
    found = linux(tmp_path, forbidden)
    assert found.nvidia and not found.driver
    (tmp_path / "sys/bus/pci/devices/0000:01:00.0/class").write_text("0x0c0330\n")  # its USB port
    assert not linux(tmp_path).nvidia


def test_wsl_and_its_shared_gpu_are_seen(tmp_path: Path) -> None:
    system(tmp_path, proc__sys__kernel__osrelease=WSL2)
    assert (linux(tmp_path).wsl, linux(tmp_path).gpu_in_wsl) == (True, False)
    system(tmp_path, dev__dxg="", usr__lib__wsl__lib__nvidia_smi="")
    (tmp_path / "usr/lib/wsl/lib/nvidia_smi").rename(tmp_path / "usr/lib/wsl/lib/nvidia-smi")
    asked: list[str] = []

    def answer(command: Sequence[str]) -> str:
        asked.append(command[0])
        return "566.36, 8.6, NVIDIA GeForce RTX 3060\n"

    found = linux(tmp_path, answer)
    assert found.gpu_in_wsl and found.driver == (566, 36)
    assert asked == [str(tmp_path / "usr/lib/wsl/lib/nvidia-smi")]
    system(tmp_path, proc__sys__kernel__osrelease="6.1.0-18-amd64\n")
    assert not linux(tmp_path).wsl and not linux(tmp_path).gpu_in_wsl


def test_another_c_library_than_glibc_has_no_version(tmp_path: Path) -> None:
    assert look(tmp_path, silent, "linux", "x86_64", ("musl", "1.2.4")).libc == ()


def mac(processor: str, **answers: str) -> machine.Machine:
    return look(Path("/none"), lambda command: answers.get(Path(command[0]).name, ""), "darwin", processor)


def test_rosetta_an_intel_mac_and_apple_silicon_are_told_apart() -> None:
    assert mac("x86_64", sysctl="1\n").translated
    assert not mac("x86_64", sysctl="").translated  # the name is unknown on an Intel Mac
    assert not mac("arm64", sysctl="1\n").translated


def test_a_mac_on_its_battery_is_seen() -> None:
    battery = "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t63%; discharging; 3:11 remaining\n"
    assert mac("arm64", pmset=battery).on_battery
    assert not mac("arm64", pmset="Now drawing from 'AC Power'\n").on_battery


def test_a_command_that_hangs_fails_or_is_missing_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ASK_SECONDS", 0.2)
    assert machine.ask([sys.executable, "-c", "import time; time.sleep(30); print('late')"]) == ""
    assert machine.ask(["false"]) == machine.ask(["/no/such/command"]) == ""
    assert machine.ask(["echo", "yes"]) == "yes\n"


def test_versions_compare_as_numbers() -> None:
    assert version("550.54.14") < version("580") and version("9.1") < version("10.0")
    assert version("[N/A]") == version("") == ()


def test_this_computer_can_be_looked_at() -> None:
    found = look()
    assert found.system and found.processor

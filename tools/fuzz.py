"""Damage an importer's export over and over and see what breaks: ``tools/fuzz.py SOURCE --count N --seed S [FILE...]``.

Damaged is the case that the conformance suite has for the source (tests/sources/cases), or the given FILEs, one to
eight times per input: bits flipped; spans cut out, doubled, moved, cut short; numbers made extreme; tokens of the case
and some that break parsers put in. Of files beside the case's own, one is damaged now and then in its place.

An input passes when it is recognised without an exception and gives documents that keep what the suite checks, to
their end or to a SourceError, within ``--limit`` seconds. The same seed and number give the same input, so that
``--start`` goes on where another run ended, and with ``--keep`` the first input of each fault is written down.

Not measured: what one input costs in memory, only the peak of all and the input that raised it last. A hang within one
call of a C library is one of this tool too: the watchdog waits for the interpreter.
"""

from __future__ import annotations

import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser, Namespace
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from sources.cases import case_of  # noqa: E402
from sources.test_conformance import check  # noqa: E402

from mlxtwin.errors import SourceError  # noqa: E402
from mlxtwin.records import Document, Person  # noqa: E402
from mlxtwin.sources.base import Importer  # noqa: E402
from mlxtwin.sources.registry import load  # noqa: E402

MOST_BYTES = 4 * 1024 * 1024
_TOKEN = re.compile(rb"[A-Za-z]{2,}|\d+|[^\sA-Za-z\d]+|\s+")
_NUMBER = re.compile(rb"\d+")
_EXTREMES = (b"0", b"-1", b"99", b"2147483648", b"9" * 25, b"1e999", b"0x10", b"1.5", b"NaN", b"")
_BREAKERS = (
    b"\0", b"\r", b"\r\n", b"\n\n", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\x8f",
    b"\x1b[0m", b'"', b"'", b"\\", b"\\ud800", b"\\u0000", b"<", b"<!--", b"</", b"&#xfeff;", b"&#x110000;", b"]]>",
    b"{", b"}", b"[", b"]", b"null", b"true", b"[" * 200, b'{"a":' * 200, b">" * 60, b"=?utf-8?B?", b"=\n", b"../",
    b"%00", b"\xc3",
)  # fmt: skip


class TooSlow(BaseException):
    """Raised by the watchdog; no Exception, since importers survive those of hostile items."""


@dataclass
class Tally:
    """``slowest``: seconds of CPU, ``peak``: bytes of the process, each with the number of its input."""

    documents: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)
    peak: tuple[int, int] = (0, -1)


def main() -> None:
    arguments = _arguments()
    tally = fuzz(arguments)
    for what, count in tally.faults.most_common():
        sys.stdout.write(f"{count:6,} x {what}, first input {tally.first[what]}\n")
    (seconds, slowest), (peak, hungriest) = tally.slowest, tally.peak
    sys.stdout.write(
        f"{arguments.source}: {arguments.count:,} inputs of seed {arguments.seed}, {tally.faults.total():,} at fault, "
        f"{tally.refused:,} refused, {tally.documents:,} documents; slowest {seconds:.2f} s of CPU (input {slowest}); "
        f"peak memory {peak // 1024**2} MB (input {hungriest})\n"
    )
    sys.exit(1 if tally.faults else 0)


def _arguments() -> Namespace:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="to damage in place of the source's case")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="the number of the first input")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds that an input may take")
    parser.add_argument("--keep", type=Path, help="a folder for the first input of each fault")
    return parser.parse_args()


def fuzz(arguments: Namespace) -> Tally:
    """Read ``count`` damaged inputs from number ``start`` on."""
    case, tally = case_of(arguments.source), Tally()
    beside = {place: data.encode() if isinstance(data, str) else data for place, data in case.beside}
    given = [(file.name, file.read_bytes()) for file in arguments.files]
    signal.signal(signal.SIGALRM, _bark)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.start, arguments.start + arguments.count):
            random = Random(f"{arguments.seed}:{number}")
            name, data = random.choice(given) if given else (case.name, case.bytes)
            files = damaged({name: data} | ({} if given else beside), name, random)
            file = _put(Path(folder), files, name)
            fault = _fault(load(case.source), file, case.person, arguments.limit, tally, number)
            if fault and tally.first.setdefault(fault, number) == number and arguments.keep:
                _put(arguments.keep / str(number), files, name)
            tally.faults.update([fault] if fault else [])
            file.unlink()
    return tally


def _put(folder: Path, files: dict[str, bytes], name: str) -> Path:
    for place, data in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(data)
    return folder / name


def damaged(files: dict[str, bytes], name: str, random: Random) -> dict[str, bytes]:
    """The files of an input: the one of that name is damaged, or one beside it."""
    beside = [place for place in files if place != name]
    hurt = random.choice(beside) if beside and random.random() < 0.2 else name
    data, tokens = files[hurt], _TOKEN.findall(files[hurt][:100_000]) or [b"x"]
    for _ in range(random.randint(1, 8)):
        data = _mutated(data, tokens, random)[:MOST_BYTES]
    return files | {hurt: data}


def _mutated(data: bytes, tokens: list[bytes], random: Random) -> bytes:
    """One mutation, at a random place."""
    start = random.randint(0, len(data))
    end = min(len(data), start + int(random.expovariate(1 / 30)) + 1)
    before, span, after = data[:start], data[start:end], data[end:]
    kind = random.choice(("flip", "cut", "double", "move", "shorten", "number", "token", "break", "mix"))
    if kind == "number" and (numbers := [found.span() for found in _NUMBER.finditer(data[:100_000])]):
        at, until = random.choice(numbers)
        return data[:at] + random.choice(_EXTREMES) + data[until:]
    if kind == "move":
        rest, at = before + after, random.randint(0, len(before + after))
        return rest[:at] + span + rest[at:]
    if kind == "shorten":
        return before if random.random() < 0.3 else before + span[: len(span) // 2] + after
    middle = {
        "flip": bytes(byte ^ 1 << random.randrange(8) for byte in span[:4]) + span[4:],
        "cut": b"",
        "double": span * random.choice((2, 2, 3, 50, 1000)),
        "token": random.choice(tokens) * random.choice((1, 1, 1, 3, 200)) + span,
        "break": random.choice(_BREAKERS) + span,
    }
    mixed = b"".join(random.choices(tokens, k=random.randint(1, 12))) + span
    return before + middle.get(kind, mixed) + after


def _fault(importer: Importer, file: Path, person: Person, limit: float, tally: Tally, number: int) -> str:
    """What is wrong with how an input was read; empty for nothing."""
    began, fault = time.process_time(), ""
    signal.setitimer(signal.ITIMER_REAL, limit, 1.0)
    try:
        tally.documents += _read(importer, file, person)
    except SourceError:
        tally.refused += 1
    except TooSlow:
        fault = f"over {limit:g} s"
    except Exception as error:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if "site-packages" not in one.filename]
        frames = [one for one in frames if one.filename.startswith(str(ROOT))]
        fault = f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}, {frames[-1].line}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    tally.slowest = max(tally.slowest, (time.process_time() - began, number))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    tally.peak = max(tally.peak, (peak, number), key=lambda one: one[0])
    return fault


def _read(importer: Importer, file: Path, person: Person) -> int:
    """How many documents an input gives; they are checked also where an error ends them."""
    assert 0 <= importer.recognises(file) <= 1
    with suppress(SourceError):
        list(importer.authors(file))
    found: list[Document] = []
    try:
        found.extend(importer.read(file, file.parent, person))
    finally:
        check(found)
    return len(found)


def _bark(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


if __name__ == "__main__":
    main()

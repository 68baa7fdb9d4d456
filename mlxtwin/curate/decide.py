"""Decide every document that was not decided yet: keep it with a tier, or leave it out with a reason.

Each is judged by itself first (`judge`). Then all of the vault is asked, by marks alone (`marks`, `library`), so that
few documents are read twice: what of the person's turns somebody else wrote before them is pasted; last lines that five
of their texts have are a signature; of copies one stays; a paragraph that four documents have stays in one of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from mlxtwin.curate.case import RULES, Case, cut_more, looked_at, seconds
from mlxtwin.curate.duplicates import SIGNATURE_BYTES, Seen, in_company, signatures
from mlxtwin.curate.library import Library
from mlxtwin.curate.marks import CLOSING, PARAGRAPH, PASSAGE
from mlxtwin.curate.passages import heard, runs, said_by
from mlxtwin.curate.recurring import closing_cuts, paragraph_cuts
from mlxtwin.curate.words import WordHashes
from mlxtwin.records import Document
from mlxtwin.vault.cuts import Cut
from mlxtwin.vault.store import Vault

__all__ = ["CurateReport", "curate", "seconds"]

ROWS_PER_WRITE = 2000
READ_TOGETHER = 200
# As many other documents are asked for what one may have pasted.
MOST_SOURCES = 40
TEMPLATE_DOCUMENTS, SIGNATURE_DOCUMENTS = 4, 5


@dataclass(frozen=True, slots=True)
class CurateReport:
    """Documents decided now: how many stay, and how many do not for which reason."""

    decided: int
    kept: int
    dropped: dict[str, int] = field(default_factory=dict)


def curate(vault: Vault) -> CurateReport:
    """Decide all undecided documents of the vault, and those that older rules decided.

    Of copies the one in the better tier stays, then the one kept in an earlier call, then the earlier in time (undated
    last). Documents decided before stay as they are, unless a new one is a better copy, or shows that their words were
    pasted or recur. What the person kept or dropped by hand stays so, whatever is said here, and copies of it are left
    out as duplicates.
    """
    numbers = vault.curation.pending(RULES)
    if not numbers:
        return CurateReport(0, 0)
    run = _Curation(vault, numbers)
    run.find_pasted()
    run.find_signatures()
    run.drop_copies()
    run.find_templates()
    run.write()
    return run.report(set(numbers))


class _Entry(NamedTuple):
    """What a copy is compared with: a case of this run, or a document decided before."""

    number: int
    signature: bytes
    tier: int
    settled: bool
    case: Case | None = None


class _Curation:
    """The cases of one run by number: ``new`` ones, and those decided before that have to be looked at again."""

    def __init__(self, vault: Vault, numbers: Sequence[int]) -> None:
        self.vault = vault
        self.hashes = WordHashes()
        self.new = frozenset(numbers)
        self.cases: dict[int, Case] = {}
        self.displaced: dict[str, str] = {}
        self.signatures: set[int] = set()
        _sign_by_hand(vault)
        self._look(numbers)
        self.before = {one.number: one for one in vault.curation.signed() if len(one.signature) == SIGNATURE_BYTES}
        self.old_marks = [row for row in vault.curation.marks() if row.number not in self.cases]

    def _look(self, numbers: Sequence[int], *, again: bool = False) -> None:
        waiting = self.vault.curation.numbered(numbers)
        while some := list(islice(waiting, ROWS_PER_WRITE)):
            self.cases.update((case.number, case) for case in looked_at(some, self.hashes, again=again))

    def _library(self) -> Library:
        cases = (case.marks() for case in sorted(self.cases.values(), key=lambda case: (case.time, case.id)))
        return Library([*(row for row in self.old_marks if row.number not in self.cases), *cases])

    def _cut(self, cuts: Mapping[int, Iterable[Cut]], documents: Mapping[int, Document]) -> None:
        cut_more(((self.cases[one], documents[one], some) for one, some in cuts.items()), self.hashes)

    def _read(self, wanted: Iterable[int]) -> Iterator[dict[int, Document]]:
        """Documents by number, some at a time; those decided before become cases too."""
        numbers = sorted(wanted)
        self._look([number for number in numbers if number not in self.cases], again=True)
        alive = [number for number in numbers if number in self.cases and self.cases[number].alive]
        for start in range(0, len(alive), READ_TOGETHER):
            found = self.vault.curation.numbered(alive[start : start + READ_TOGETHER])
            yield {number: stored.document for number, stored in found}

    def find_pasted(self) -> None:
        """Cut what somebody else wrote first."""
        sources = self._library().pasted(self.new)
        for documents in self._read(sources):
            asked = {number: sorted(sources[number])[:MOST_SOURCES] for number in documents}
            wanted = sorted({source for some in asked.values() for source in some})
            others = {number: stored.document for number, stored in self.vault.curation.numbered(wanted)}
            cuts = {
                number: self._pasted(document, [others[one] for one in asked[number] if one in others])
                for number, document in documents.items()
            }
            self._cut(cuts, documents)

    def _pasted(self, document: Document, sources: Sequence[Document]) -> list[Cut]:
        elsewhere, cuts = np.empty(0, np.uint64), list[Cut]()
        for one in (one for one in sources if one.id != document.id):
            *_, said = heard(one.turns, self.hashes)
            elsewhere = np.union1d(elsewhere, said)
        # What stands in the same document counts from there on.
        within = heard(document.turns if any(one.id == document.id for one in sources) else (), self.hashes)
        for place, turn in enumerate(document.turns):
            here = next(within, elsewhere)
            if turn.trainable:
                found = runs(turn.text, np.union1d(elsewhere, here), self.hashes)
                cuts += [Cut(place, start, end, "pasted") for start, end in found]
        return cuts

    def find_signatures(self) -> None:
        """Cut last lines that recur; copies of one text show nothing, so each text counts once."""
        library = self._library()
        texts = {case.digest: case.number for case in self.cases.values() if case.alive}
        among = {*texts.values(), *(self.before.keys() - self.cases.keys())}
        found = library.recurring(CLOSING, SIGNATURE_DOCUMENTS, among, self.new)
        alive = {case.number for case in self.cases.values() if case.alive}
        self.signatures = {one.mark for one in found}
        held = library.holding(self.signatures, {*alive, *(one.number for one in found)})
        for documents in self._read(held):
            cuts = {one: closing_cuts(document, held[one], "signature") for one, document in documents.items()}
            self._cut(cuts, documents)

    def drop_copies(self) -> None:
        """Of copies one stays."""
        entries = [
            _Entry(number, one.signature, one.tier or 3, one.by_hand or not one.kept)
            for number, one in self.before.items()
            if number not in self.cases
        ]
        cases = sorted((case for case in self.cases.values() if case.alive), key=_precedence)
        entries += [_Entry(case.number, case.signature, case.tier, case.by_hand, case) for case in cases]
        company = in_company([entry.signature for entry in entries])
        seen, kept = Seen(), list[_Entry]()
        for entry in (entry for entry, some in zip(entries, company.tolist(), strict=True) if some):
            case = entry.case
            why, place = ("", -1) if case is None or case.by_hand else seen.find(entry.signature)
            if case and why and self._gives_way(kept[place], case.tier):
                self._displace(kept[place].number, why)
                why, kept[place] = "", entry
            if case:
                case.copy_of = why
            if not why:
                seen.add(entry.signature)
                kept.append(entry)

    @staticmethod
    def _gives_way(entry: _Entry, tier: int) -> bool:
        """To a better copy, unless that comes in the same run: then the better one came first."""
        return entry.case is None and not entry.settled and tier < entry.tier

    def _displace(self, number: int, why: str) -> None:
        self.displaced[self.before[number].id] = why

    def find_templates(self) -> None:
        """Cut what recurs from all but the first document that has it."""
        library = self._library()
        displaced = {number for number, one in self.before.items() if one.id in self.displaced}
        among = {case.number for case in self.cases.values() if case.alive}
        among |= self.before.keys() - self.cases.keys() - displaced
        marks: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        firsts: dict[int, set[int]] = defaultdict(set)
        for kind in (PASSAGE, PARAGRAPH, CLOSING):
            for one in library.recurring(kind, TEMPLATE_DOCUMENTS, among, self.new):
                if one.rank and one.mark not in self.signatures:
                    marks[one.number][kind].add(one.mark)
                    firsts[one.number] |= {one.first} if kind == PASSAGE else set()
        for documents in self._read(marks):
            wanted = sorted({first for number in documents for first in firsts[number]})
            said = {number: stored.document.own_text for number, stored in self.vault.curation.numbered(wanted)}
            cuts = {
                number: self._templated(document, marks[number], [said[one] for one in firsts[number] if one in said])
                for number, document in documents.items()
            }
            self._cut(cuts, documents)

    def _templated(self, document: Document, marks: Mapping[int, Set[int]], firsts: Sequence[str]) -> Iterator[Cut]:
        yield from paragraph_cuts(document, marks.get(PARAGRAPH, set()))
        yield from closing_cuts(document, marks.get(CLOSING, set()), "templated")
        said = said_by(firsts, self.hashes)
        for place, turn in enumerate(document.turns):
            if turn.trainable and len(said):
                yield from (Cut(place, start, end, "templated") for start, end in runs(turn.text, said, self.hashes))

    def write(self) -> None:
        cases = list(self.cases.values())
        for start in range(0, len(cases), ROWS_PER_WRITE):
            self.vault.decide_many(case.decision() for case in cases[start : start + ROWS_PER_WRITE])
        self.vault.curation.displace(self.displaced.items())

    def report(self, numbers: Set[int]) -> CurateReport:
        decided = [self.cases[number] for number in numbers if number in self.cases]
        dropped = Counter(case.reason for case in decided if case.reason)
        return CurateReport(len(decided), len(decided) - dropped.total(), dict(sorted(dropped.items())))


def _precedence(case: Case) -> tuple[bool, int, bool, float, str]:
    """Who stays of copies that come in one run."""
    return not case.by_hand, case.tier, not case.kept_before, case.time, case.id


def _sign_by_hand(vault: Vault) -> None:
    """What the person keeps by hand and curation had left out has no signature yet, and is given one."""
    bare = [one for one in vault.kept_by_hand() if one.decided and len(one.signature) != SIGNATURE_BYTES]
    made = signatures(one.document.own_text for one in bare)
    vault.curation.sign((one.document.id, signature) for one, signature in zip(bare, made, strict=True))

"""Decide every document that was not decided yet: keep it with a tier, or leave it out with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlxtwin.curate.duplicates import SIGNATURE_BYTES, Seen, signatures
from mlxtwin.curate.judge import judge
from mlxtwin.records import Document
from mlxtwin.vault.store import Decision, Vault

ROWS_PER_WRITE = 2000


@dataclass(frozen=True, slots=True)
class CurateReport:
    """Documents decided now: how many stay, and how many do not for which reason."""

    decided: int
    kept: int
    dropped: dict[str, int] = field(default_factory=dict)


def curate(vault: Vault) -> CurateReport:
    """Decide all undecided documents of the vault; those decided before stay as they are.

    Of duplicates the one kept in an earlier call wins, within one call the earlier in time (undated last).
    """
    seen = Seen()
    for stored in vault.documents(only_kept=True):
        if len(stored.signature) == SIGNATURE_BYTES:
            seen.add(stored.signature)
    undecided = (stored.document for stored in vault.documents(undecided=True))
    decisions = decide(undecided, seen)
    for start in range(0, len(decisions), ROWS_PER_WRITE):
        vault.decide_many(decisions[start : start + ROWS_PER_WRITE])
    dropped = Counter(one.reason for one in decisions if one.reason)
    return CurateReport(len(decisions), len(decisions) - dropped.total(), dict(sorted(dropped.items())))


def decide(documents: Iterable[Document], seen: Seen) -> list[Decision]:
    """One decision per document, duplicates of ``seen`` and of each other found; what is kept is added to ``seen``.

    What is left out gets no signature: nothing is compared with it later.
    """
    decisions: list[Decision] = []
    ordered: list[tuple[tuple[float, str], Decision]] = []
    for document, tier, reason, signature in _signed(documents):
        decision = Decision(document.id, tier, reason, signature)
        if reason:
            decisions.append(decision)
        else:
            ordered.append((time_order(document), decision))
    for _, decision in sorted(ordered):
        reason = seen.reason(decision.signature)
        if not reason:
            seen.add(decision.signature)
        decisions.append(decision._replace(reason=reason, signature=b"" if reason else decision.signature))
    return decisions


def _signed(documents: Iterable[Document]) -> Iterator[tuple[Document, int, str, bytes]]:
    """Judge a run of documents at a time, so that their words are hashed together and then let go."""
    run: list[tuple[Document, int, str]] = []
    for document in documents:
        run.append((document, *judge(document)))
        if len(run) >= ROWS_PER_WRITE:
            yield from _with_signatures(run)
            run = []
    yield from _with_signatures(run)


def _with_signatures(run: list[tuple[Document, int, str]]) -> Iterator[tuple[Document, int, str, bytes]]:
    made = signatures(document.own_text for document, _, reason in run if not reason)
    for document, tier, reason in run:
        yield document, tier, reason, b"" if reason else next(made)


def time_order(document: Document) -> tuple[float, str]:
    """Sorts by time, then by id; undated documents last. A time without a zone counts as UTC on every machine."""
    return seconds(document.at), document.id


def seconds(at: datetime | None) -> float:
    """Seconds since 1970 in UTC, infinity for no time; years before 1970 are negative."""
    if at is None:
        return float("inf")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

"""Decide every document that was not decided yet: keep it with a tier, or leave it out with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
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

    Of duplicates the one kept in an earlier call wins, within one call the earlier in time (undated last). What the
    person kept or dropped by hand stays so, whatever is said here, and copies of it are left out as duplicates.
    """
    by_hand = _signed_by_hand(vault)
    seen = Seen()
    for signature in vault.signatures():
        if len(signature) == SIGNATURE_BYTES:
            seen.add(signature)
    undecided = (stored.document for stored in vault.documents(undecided=True))
    decisions = decide(undecided, seen, by_hand)
    for start in range(0, len(decisions), ROWS_PER_WRITE):
        vault.decide_many(decisions[start : start + ROWS_PER_WRITE])
    dropped = Counter(one.reason for one in decisions if one.reason)
    return CurateReport(len(decisions), len(decisions) - dropped.total(), dict(sorted(dropped.items())))


def _signed_by_hand(vault: Vault) -> frozenset[str]:
    """The ids of what the person keeps by hand; what curation had left out has no signature yet and is given one."""
    kept = list(vault.kept_by_hand())
    bare = [one for one in kept if one.decided and len(one.signature) != SIGNATURE_BYTES]
    made = signatures(one.document.own_text for one in bare)
    vault.sign((one.document.id, signature) for one, signature in zip(bare, made, strict=True))
    return frozenset(one.document.id for one in kept)


def decide(documents: Iterable[Document], seen: Seen, by_hand: Set[str] = frozenset()) -> list[Decision]:
    """One decision per document, duplicates of ``seen`` and of each other found; what is kept is added to ``seen``.

    What is left out gets no signature, for nothing is compared with it later, unless its id is in ``by_hand``: that is
    kept all the same, so it goes before every other.
    """
    decisions: list[Decision] = []
    ordered: list[tuple[tuple[float, str], Decision]] = []
    for document, tier, reason, signature in _signed(documents, by_hand):
        decision = Decision(document.id, tier, reason, signature)
        if document.id in by_hand:
            seen.add(signature)
            decisions.append(decision)
        elif reason:
            decisions.append(decision)
        else:
            ordered.append((time_order(document), decision))
    for _, decision in sorted(ordered):
        reason = seen.reason(decision.signature)
        if not reason:
            seen.add(decision.signature)
        decisions.append(decision._replace(reason=reason, signature=b"" if reason else decision.signature))
    return decisions


def _signed(documents: Iterable[Document], by_hand: Set[str]) -> Iterator[tuple[Document, int, str, bytes]]:
    """Judge a run of documents at a time, so that their words are hashed together and then let go."""
    run: list[tuple[Document, int, str]] = []
    for document in documents:
        run.append((document, *judge(document)))
        if len(run) >= ROWS_PER_WRITE:
            yield from _with_signatures(run, by_hand)
            run = []
    yield from _with_signatures(run, by_hand)


def _with_signatures(
    run: list[tuple[Document, int, str]], by_hand: Set[str]
) -> Iterator[tuple[Document, int, str, bytes]]:
    wanted = [not reason or document.id in by_hand for document, _, reason in run]
    made = signatures(document.own_text for (document, _, _), signed in zip(run, wanted, strict=True) if signed)
    for (document, tier, reason), signed in zip(run, wanted, strict=True):
        yield document, tier, reason, next(made) if signed else b""


def time_order(document: Document) -> tuple[float, str]:
    """Sorts by time, then by id; undated documents last. A time without a zone counts as UTC on every machine."""
    return seconds(document.at), document.id


def seconds(at: datetime | None) -> float:
    """Seconds since 1970 in UTC, infinity for no time; years before 1970 are negative."""
    if at is None:
        return float("inf")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

"""What an import brought, or would: counts, and for each source and kind some titles to know it by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mlxtwin.wording import plural

if TYPE_CHECKING:
    from mlxtwin.sources.run_report import ImportReport
    from mlxtwin.vault.imported import Outcome
    from mlxtwin.vault.store import Vault

FORGOTTEN = "forgotten"
MOST_EXAMPLES = 5
# Titles recur, so more are looked at than shown.
LOOKED_AT = 40
NOT_BY_ME = "not by me"
MOST_AUTHORS = 5


def summary(report: ImportReport, vault: Vault, taken: Iterable[str]) -> dict[str, Any]:
    """What curation says of the documents of this import, also of those that were there before; words of kept ones.

    One that is not in the vault was forgotten.
    """
    ids = list(taken)
    found = list(vault.outcomes(ids))
    dropped = Counter(one.reason for one in found if one.reason)
    forgotten = len(ids) - len(found)
    if forgotten:
        dropped[FORGOTTEN] += forgotten
    kept = [one for one in found if not one.reason]
    return report.as_json() | {
        "documents": len(ids),
        "kept": len(kept),
        "dropped": dict(dropped.most_common()),
        "words_by_me": sum(one.words for one in kept),
        "authors": [{"name": name, "messages": count} for name, count in report.authors],
        "preview": _preview(found, vault),
    }


def _preview(found: Iterable[Outcome], vault: Vault) -> list[dict[str, Any]]:
    """A row for each source and kind, the most documents first."""
    groups: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in found:
        groups[one.source, one.kind].append(one)
    rows = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    shown: Counter[str] = Counter()
    preview = []
    for (source, kind), outcomes in rows:
        row = _row(source, kind, outcomes, vault, MOST_EXAMPLES - shown[source])
        shown[source] += len(row["examples"])
        preview.append(row)
    return preview


def _row(source: str, kind: str, outcomes: list[Outcome], vault: Vault, examples: int) -> dict[str, Any]:
    kept = [one for one in outcomes if not one.reason]
    return {
        "source": source,
        "kind": kind,
        "documents": len(outcomes),
        "kept": len(kept),
        "words_by_me": sum(one.words for one in kept),
        "dropped": dict(Counter(one.reason for one in outcomes if one.reason).most_common()),
        "examples": _examples([one.id for one in kept], vault, examples) if examples else [],
        "authors": [] if kept else _authors([one.id for one in outcomes if one.reason == NOT_BY_ME], vault),
    }


def _authors(ids: list[str], vault: Vault) -> list[dict[str, Any]]:
    """Who wrote where nothing is the person's: one of them may be they, under another name."""
    wrote = vault.selection.writers(ids).most_common(MOST_AUTHORS)
    return [{"name": name, "documents": count} for name, count in wrote]


def unclaimed(found: dict[str, Any]) -> list[str]:
    """A sentence for each source of which nothing is the person's though other sources have words of theirs."""
    rows = [row for row in found["preview"] if row["authors"]] if found["words_by_me"] else []
    return [
        f"Nothing from {row['source']} is yours ({plural(row['documents'], row['kind'])}); there wrote "
        f"{', '.join(one['name'] for one in row['authors'])}. If one of them is you, import it again with that name."
        for row in rows
    ]


def _examples(ids: Sequence[str], vault: Vault, most: int) -> list[dict[str, str | None]]:
    """Titles from all over the kept documents, each once."""
    step = max(len(ids) / LOOKED_AT, 1)
    some = [ids[int(number * step)] for number in range(min(LOOKED_AT, len(ids)))]
    titles: dict[str, str | None] = {}
    for title, at in vault.titles(some):
        if title.strip():
            titles.setdefault(title, at.date().isoformat() if at else None)
    chosen = list(titles.items())
    step = max(len(chosen) / most, 1)
    picked = [chosen[int(number * step)] for number in range(min(most, len(chosen)))]
    return [{"title": title, "at": at} for title, at in picked]

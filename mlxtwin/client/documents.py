"""The documents on a screen: lists of any length, one in full, and what the person decides of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlxtwin.client import forgetting
from mlxtwin.errors import UsageError
from mlxtwin.vault.listing import STATES, ListedDocument, State, Wanted
from mlxtwin.vault.rows import StoredDocument

if TYPE_CHECKING:
    from mlxtwin.client.house import House

__all__ = ["STATES", "Documents", "ListedDocument", "State", "StoredDocument", "Wanted"]


class Documents:
    """Every method may block and is called from a thread; none holds the vault when it returns."""

    def __init__(self, house: House) -> None:
        self.house = house

    def numbers(self, wanted: Wanted, limit: int | None = None) -> Sequence[int]:
        """The documents that are wanted, the newest first, each by its number in the vault."""
        with self.house.vault() as vault:
            return vault.listed(wanted, limit)

    def rows(self, numbers: Sequence[int]) -> list[ListedDocument]:
        """What a list shows of some of them; those that are gone are left out."""
        with self.house.vault() as vault:
            return vault.listed_rows(numbers)

    def sources(self) -> dict[str, int]:
        """How many documents each source gave."""
        with self.house.vault() as vault:
            return vault.sources()

    def document(self, id: str) -> StoredDocument:
        """One in full. Raises UsageError for one that is gone."""
        with self.house.vault() as vault:
            found = vault.document(id)
        if found is None:
            raise UsageError("That document is not there any more.", "It was forgotten meanwhile.")
        return found

    def set_tier(self, ids: Iterable[str], tier: int | None) -> None:
        """The person's own choice of tier, 1 to 3; None leaves it to curation again."""
        with self.house.vault() as vault:
            vault.set_tier(ids, tier)

    def set_keep(self, ids: Iterable[str], keep: bool | None) -> None:
        """Keep or drop by hand, which stays so through every later import; None leaves it to curation again."""
        with self.house.vault() as vault:
            vault.set_keep(ids, keep)

    def forget(self, ids: Iterable[str]) -> int:
        """Remove for good, with what training kept of them; how many. Raises UsageError, and removes nothing, where
        one is gone already; Busy while a run is alive."""
        with self.house.vault() as vault:
            wanted = forgetting.chosen(vault, ids, (), ())
            return len(forgetting.forget(self.house.home, self.house.key, vault, wanted).ids)

"""Rows of a CSV file by the names of their columns, streamed."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import text_lines
from mlxtwin.sources.files import File

MOST_FIELD_CHARACTERS = 16 * 1024 * 1024


def rows(file: File, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Each row with its columns' names, in lower case and without outer blanks; a short row gives empty fields.

    Raises SourceError for a file that cannot be opened or is no table.
    """
    csv.field_size_limit(MOST_FIELD_CHARACTERS)
    reader = csv.reader((f"{line}\n" for line in text_lines(file)), delimiter=delimiter)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        for row in reader:
            if row:
                yield dict(zip(names, [*row, *[""] * len(names)], strict=False))
    except csv.Error:
        raise SourceError(f"{file.name} is no table that can be read.", "Export it again as CSV.") from None

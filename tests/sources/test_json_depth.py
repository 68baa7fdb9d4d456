"""The guard over JSON: what nests without end is refused before it costs anything, brackets in text do not count."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.sources.json_depth import MOST_DEPTH, Shallow
from mlxtwin.sources.json_file import items

VALUES = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(VALUES, st.integers(1, 9), st.booleans())
def test_all_that_is_sound_passes_unchanged_in_pieces_of_any_size(value: object, size: int, plain: bool) -> None:
    written = json.dumps(["[" * 300, "\\", '\\"[', value] * 3, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    source = Shallow(io.BytesIO(written))
    assert b"".join(iter(lambda: source.read(size) or b"", b"")) == written


@pytest.mark.parametrize("opening", ["[", '{"a":', '["[", '])
def test_what_nests_too_deeply_is_refused(tmp_path: Path, opening: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(opening * 200_000, encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.json"):
        list(items(file, "item"))


def test_what_nests_as_deeply_as_allowed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[" * MOST_DEPTH + '"[["' + "]" * MOST_DEPTH, encoding="utf-8")
    assert len(list(items(file, "item"))) == 1

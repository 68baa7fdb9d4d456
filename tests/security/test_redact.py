from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlxtwin.security.redact import TerminalStream, clean_terminal


def test_colours_titles_and_links_are_stripped() -> None:
    assert clean_terminal("a\x1b[31;1mred\x1b[0m b") == "ared b"
    assert clean_terminal("\x1b]0;new title\x07x\x1b]8;;http://e.org\x1b\\link\x1b]8;;\x1b\\") == "xlink"
    assert clean_terminal("\x1bPq#0;2;0\x1b\\after\x9b2Jx\x9d0;t\x9cy") == "afterxy"


def test_line_feeds_tabs_and_every_script_stay() -> None:
    text = "one\n\ttwo — ¡vale! 日本語 עברית العربية 👩‍👩‍👧 é e\u0301 ß"
    assert clean_terminal(text) == text


def test_control_characters_and_overrides_go() -> None:
    hidden = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C]
    for code in hidden:
        if chr(code) not in "\n\t":
            assert clean_terminal(f"a{chr(code)} é")[0] == "a"
            assert chr(code) not in clean_terminal(f"a{chr(code)} é"), hex(code)
    assert clean_terminal("over\rwritten\b\b") == "overwritten"


def test_no_piece_of_a_cut_escape_leaves_an_escape() -> None:
    text = "a\x1b[31mb\x1b]0;t\x07c\x1b"
    for cut in range(len(text) + 1):
        cleaned = clean_terminal(text[:cut]) + clean_terminal(text[cut:])
        assert all(letter.isprintable() for letter in cleaned)


@given(
    st.lists(st.text(alphabet="a0;[]()\\mP \n\x1b\x9b\x9d\x90\x9c\x07\x00\u202e", max_size=6), max_size=12),
)
def test_a_stream_cleaned_piece_by_piece_is_the_whole_cleaned(pieces: list[str]) -> None:
    stream = TerminalStream()
    assert "".join([*map(stream.feed, pieces), stream.finish()]) == clean_terminal("".join(pieces))


def test_what_is_no_escape_does_not_wait() -> None:
    stream = TerminalStream()
    assert [stream.feed(piece) for piece in ("one ", "two", "\x1b", "[1m", "three")] == ["one ", "two", "", "", "three"]
    assert stream.feed("\x1b]" + "x" * 5000) != ""

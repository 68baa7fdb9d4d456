from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlxtwin.security.redact import TerminalStream, clean_terminal, mask

PROSE = """\
The password of the day was courage, and nobody forgot it. My password is a secret between me and the cat.
I told her the password was the name of our first dog. The password is stored in 1Password, the token is expired,
and the secret is 42. Secret: always be kind. The secret to success is 100% effort. He changed the password to GitHub
last week; the password policy asks for a 12-character minimum. She lost her key in the 3rd row. A token of love.
The passport: it was not there. What was the password? I forgot it again. Password protected, he said.
We met on 2024-05-01 at 10:30, on 01.05.2024 and 5/1/24. Call +49 170 1234567 or (030) 901820-0 or 0800 123 456 789.
The ISBN is 9783161484100, the order 4111111111111112, the parcel 00340434161094042557, the year 20240501.
The commit is 3f786850e387550fdab836ed7e6dc881de23001b and the id 123e4567-e89b-12d3-a456-426614174000.
See https://example.org/a/very/long/path/ThatHas/Several/Words2024 and /usr/share/doc/Python3/README for more.
Donaudampfschifffahrtsgesellschaft is a word, and CamelCaseNamesInProgramsAreToo, and MAX_RETRY_COUNT_2024 as well.
He pinned 1234 notes. PINE 4567. At 4 the sum was 1 234 567 890 123 456. Coordinates 304 192 320 208 0 416 176.
Das Passwort ist streng geheim, sagte er. Token: none. Password: required
"""

ONE_SECRET = [
    ("my password is hunter2, ok?", "my password is [password], ok?"),
    ("Password: courage\nbye", "Password: [password]\nbye"),
    ('the password was "courage" then', 'the password was "[password]" then'),
    ("Passwort: geheim123", "Passwort: [password]"),
    ("das WLAN-Passwort lautet Sommer2023!", "das WLAN-Passwort lautet [password]!"),
    ("The wifi password for the cottage is Blue-Heron42.", "The wifi password for the cottage is [password]."),
    ("I changed the password to Tr0ub4dor&3 today", "I changed the password to [password] today"),
    ("The password was 123456", "The password was [password]"),
    ("DB_PASSWORD=hunter22", "DB_PASSWORD=[password]"),
    ("pwd=s3same;", "pwd=[password];"),
    ("api_key = 9f8a7b6c5d4e", "api_key = [password]"),
    ("mot de passe : soleil75", "mot de passe : [password]"),
    ("https://bob:s3cr3t@example.com/x", "https://bob:[password]@example.com/x"),
    ("PIN: 1234", "PIN: [pin]"),
    ("my pin is 4821.", "my pin is [pin]."),
    ("CVV 123", "CVV [pin]"),
    ("card 4111 1111 1111 1111.", "card [card]."),
    ("card 5500-0055-5555-5559, exp 04/27", "card [card], exp 04/27"),
    ("378282246310005", "[card]"),
    ("3782 822463 10005", "[card]"),
    ("AKIAIOSFODNN7EXAMPLE", "[token]"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[token]"),
    ("use xoxb-123456789012-abcdefABCDEF.", "use [token]."),
    ("sk-abcdefghijklmnopqrstuvwxyz123456", "[token]"),
    ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "[token]"),
    ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[token]"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\nafter", "[key]\nafter"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nxx", "[key]"),
]


@pytest.mark.parametrize(("text", "masked"), ONE_SECRET)
def test_a_secret_is_masked_and_counted_and_nothing_around_it(text: str, masked: str) -> None:
    found, counts = mask(text)
    assert found == masked
    assert sum(counts.values()) == 1
    assert f"[{next(iter(counts))}]" in masked


def test_ordinary_prose_is_left_alone() -> None:
    for line in PROSE.splitlines():
        assert mask(line) == (line, {}), line
    assert mask(PROSE) == (PROSE, {})


def test_the_same_secret_is_masked_wherever_it_stands_in_a_document() -> None:
    text = "Try hunter2x again.\nThe password is hunter2x.\nNo, hunter2x! But hunter2xyz is a word."
    masked, counts = mask(text)
    assert masked == "Try [password] again.\nThe password is [password].\nNo, [password]! But hunter2xyz is a word."
    assert counts == {"password": 3}


def test_a_plain_word_used_as_a_password_is_not_taken_out_of_the_rest() -> None:
    masked, _ = mask("Password: courage\nIt takes courage to write.")
    assert masked == "Password: [password]\nIt takes courage to write."


def test_masking_again_changes_nothing() -> None:
    for text, masked in ONE_SECRET:
        assert mask(masked) == (masked, {}), text


def test_card_numbers_of_every_issuer_need_their_check_digit() -> None:
    for number in ("4111111111111111", "5555555555554444", "6011111111111117", "3530111333300000", "30569309025904"):
        assert mask(f"pay {number} now")[0] == "pay [card] now"
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        assert mask(f"pay {wrong} now")[1] == {}


def test_random_looking_keys_are_found_and_words_of_the_same_length_not() -> None:
    source = random.Random(7)
    letters = string.ascii_letters + string.digits
    keys = ["".join(source.choices(letters, k=40)) for _ in range(200)]
    assert sum(bool(mask(f"use {key} here")[1]) for key in keys) >= 198


def test_long_text_takes_time_in_proportion_to_its_length() -> None:
    """Patterns that could go back and forth over these would not return at all."""
    for text in ("password " * 20_000, "1 " * 50_000, "a" * 200_000, "password is" + " " * 50_000, "a:" * 50_000):
        assert mask(text)[0] == text


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

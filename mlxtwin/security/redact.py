"""Two cleanings of text: secrets out before training, terminal escapes out before the screen.

``mask`` looks for what nobody writes by accident: private-key blocks, tokens with a known beginning, card numbers
whose check digit holds, what follows "password:" and its like, and long strings that look drawn at random. It rather
leaves "the password of the day was courage" than mangle prose: after "password is" a value must look chosen for a
lock, that is mix letters with digits or signs. A plain word is masked after "password:" alone on the rest of its line.
Dates, telephone numbers, long numbers that are no card, and hexadecimal digests stay. Not covered: names, addresses,
and passwords that are plain words in a sentence.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

_PASSWORD = (
    r"pass(?:word|wd|phrase|code|wort)|pwd|kennwort|mot de passe|contraseña|senha|wachtwoord"
    r"|(?:api|access|secret)[ _-]?key"
)
_LABEL = _PASSWORD + r"|(?:client[ _-]?)?secret|(?:auth[ _-]?|access[ _-]?|bearer[ _-]?)?token"
_QUOTE = "\"'“”„‘’«»`"
_KEY_BLOCK = re.compile(
    r"-----BEGIN (?P<what>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END (?P=what)-----|\Z)", re.DOTALL
)
# Publicly documented beginnings: AWS, GitHub, GitLab, Slack, OpenAI and Anthropic, Hugging Face, Google, Stripe, npm,
# PyPI, SendGrid, and JSON web tokens.
_TOKEN = re.compile(
    r"""\b(?:
        (?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}
      | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{40,} | glpat-[A-Za-z0-9_-]{20,}
      | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[0-9]-[A-Za-z0-9-]{10,}
      | sk-[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{30,} | AIza[A-Za-z0-9_-]{35}
      | [sr]k_(?:live|test)_[A-Za-z0-9]{16,} | npm_[A-Za-z0-9]{36} | pypi-[A-Za-z0-9_-]{40,}
      | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
      | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_URL_LOGIN = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,64}:)(?P<value>[^\s/@]{1,128})(?=@)", re.I)
_LABELLED = re.compile(
    rf"(?P<before>(?<![^\W_])(?:{_LABEL})\b[{_QUOTE}]?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}[{_QUOTE}]?)"
    rf"(?P<value>[^\s{_QUOTE}]{{4,200}})",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"(?P<before>(?<![^\W_])(?:{_PASSWORD})\b[^.!?\n]{{0,40}}?\s(?:is|are|was|ist|lautet|war|est|es|é|to|auf)\s{{1,3}}"
    rf"[{_QUOTE}]?)(?P<value>[^\s{_QUOTE}]{{4,200}})",
    re.IGNORECASE,
)
_PIN = re.compile(
    r"(?P<before>(?<![\w-])(?:(?:PIN|TAN|CVV|CVC)(?:[ -]?(?:[Cc]ode|[Nn]umber|[Nn]ummer))?\s{0,2}[:=]?"
    r"|[Pp]in(?:[ -]?(?:code|number))?\s{0,2}[:=])\s{0,3}"
    r"|(?<![\w-])(?:PIN|TAN|CVV|CVC|[Pp]in)(?:[ -]?(?:code|number|[Nn]ummer))?\s(?:is|was|ist|lautet|war)\s{1,3})"
    r"(?P<value>\d{3,8})(?![\w,.:/-]*\d)"
)
# As one number, or grouped as it is printed on cards.
_CARD = re.compile(
    r"(?<![\w.,+/-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?!\w|[ .,/-]\d)"
)
# How payment cards begin and how long they are (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover and others.
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[0689]\d{12}|6\d{15,18}|35\d{14}|5[06-8]\d{10,17}"
)
_RANDOM = re.compile(r"(?<![\w/+=.@:-])[A-Za-z0-9_+/-]{24,}={0,2}(?![\w/+=@])")

_PLACEHOLDER = re.compile(r"\[(?:password|pin|card|key|token)\]")
_DATE = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d|[0-3]\d[01]\d(?:19|20)\d\d")
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[<{\[$*•…]|[^\s@]+@[^\s@]+\.[a-z]{2,}$", re.IGNORECASE)
_WORDS = re.compile(r"\d+(?:[.:]\d+)?-?[a-z]{1,3}|\d+-[a-z-]+|[^\W\d]+(?:[\W_]+[^\W\d]+)*[!?=]*|[\W\d]+", re.IGNORECASE)
# What stands after "password:" in forms and programs.
_NO_PASSWORDS = frozenset(
    {"none", "null", "true", "false", "required", "optional", "forgotten", "unknown", "wrong", "invalid", "same"}
    | {"below", "above", "password", "passwort", "secret", "token", "string", "hidden"}
)

_ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    "|\x9b[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)"  # titles, links, device strings
    "|\x1b[ -/]*[0-~]?"
)
_BEGUN_ESCAPE = re.compile(
    "(?:(?:\x1b\\[|\x9b)[0-?]*[ -/]*|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*\x1b?|\x1b[ -/]*)\\Z"
)
_LONGEST_ESCAPE = 4096
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # writing direction
    "\ufff9-\ufffb\ufeff\U000e0000-\U000e007f]"
)


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with a placeholder such as ``[password]`` for each secret, and how many of each there were.

    The same secret gets the same placeholder wherever it stands in the text, also where nothing else would tell it.
    """
    counts: Counter[str] = Counter()
    known: dict[str, str] = {}
    text = _KEY_BLOCK.sub(_placeholder("key", counts), text)
    for pattern, kind, is_secret in _RULES:
        text = pattern.sub(_replacer(kind, is_secret, counts, known), text)
    for secret, kind in known.items():
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _placeholder(kind, counts), text)
    return text, counts


def clean_terminal(text: str) -> str:
    """Printable text, line feeds and tabs only: no escapes, no control characters (C0, C1), no bidi overrides.

    Harmless on a piece of a stream too, but of an escape cut in two the rest would show: see TerminalStream.
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


class TerminalStream:
    """``clean_terminal`` over a text that comes in pieces: all that was given out is what it makes of the whole.

    A piece's end that may be the beginning of an escape waits for the next piece, as long as it is not absurdly long.
    """

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, piece: str) -> str:
        text = self._waiting + piece
        begun = _BEGUN_ESCAPE.search(text)
        end = begun.start() if begun and len(text) - begun.start() <= _LONGEST_ESCAPE else len(text)
        self._waiting = text[end:]
        return clean_terminal(text[:end])

    def finish(self) -> str:
        """What still waited, now that nothing follows it."""
        text, self._waiting = self._waiting, ""
        return clean_terminal(text)


def _placeholder(kind: str, counts: Counter[str]) -> Callable[[re.Match[str]], str]:
    def replace(_: re.Match[str]) -> str:
        counts[kind] += 1
        return f"[{kind}]"

    return replace


def _replacer(
    kind: str, is_secret: Callable[[re.Match[str], str], bool], counts: Counter[str], known: dict[str, str]
) -> Callable[[re.Match[str]], str]:
    placeholder = _placeholder(kind, counts)

    def replace(match: re.Match[str]) -> str:
        groups = match.groupdict()
        whole = groups.get("value") or match.group()
        value = whole.rstrip(".,;:!?)]}>") if "value" in groups else whole
        if _PLACEHOLDER.match(whole) or not is_secret(match, value):
            return match.group()
        # A word or a number may well stand elsewhere and mean something else.
        if len(value) >= 6 and _looks_chosen(value):
            known.setdefault(value, kind)
        return (groups.get("before") or "") + placeholder(match) + whole[len(value) :]

    return replace


def _always(_: re.Match[str], value: str) -> bool:
    return bool(value)


def _said(match: re.Match[str], value: str) -> bool:
    """What stands in quotation marks is said as it is; anything else must look chosen, or be a long number, no date."""
    if match["before"][-1] in _QUOTE:
        return value.casefold() not in _NO_PASSWORDS
    return _looks_chosen(value) or (value.isdigit() and len(value) >= 6 and not _DATE.fullmatch(value))


def _labelled(match: re.Match[str], value: str) -> bool:
    """After "password:" a plain word is one too, if it ends the line and no sentence begins with it."""
    if _said(match, value):
        return True
    plain = value.isalpha() and value.islower() and len(value) >= 4
    ends_line = re.match(rf"[{_QUOTE}.,;]*[ \t]*(?:\n|\Z)", match.string[match.end("value") :]) is not None
    is_password = re.match(rf"(?:{_PASSWORD})\b", match.group(), re.IGNORECASE) is not None
    return plain and ends_line and is_password and value not in _NO_PASSWORDS


def _looks_chosen(value: str) -> bool:
    """Letters with a digit or a sign among them; not a link, an address, a time, an ordinal or words run together."""
    if _LINK.match(value) or _WORDS.fullmatch(value) or not any(letter.isalpha() for letter in value):
        return False
    if any(letter.isdigit() for letter in value) or re.search(r"[!#$%^&*+=_@~?|\\]", value):
        return True
    turns = sum(a.islower() != b.islower() for a, b in pairwise(value))
    return value.isalpha() and len(value) >= 8 and turns >= 4


def _is_card(_: re.Match[str], value: str) -> bool:
    """Of a length that its beginning allows, and the check digit of Luhn holds."""
    number = re.sub(r"\D", "", value)
    if not _ISSUED.fullmatch(number) or len(set(number)) < 2:
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _random_looking(_: re.Match[str], value: str) -> bool:
    """Capitals, small letters and digits mixed throughout, spread as if drawn at random.

    Of the three kinds neighbours seldom agree in a random string; in words, paths and names of things they do.
    """
    core = value.rstrip("=")
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "s" for c in core]
    if kinds.count("d") < 1 or kinds.count("u") < 3 or kinds.count("l") < 3 or kinds.count("s") > 2 + len(core) / 16:
        return False
    changes = sum(a != b for a, b in pairwise(kinds)) / (len(core) - 1)
    return changes > 0.4 and _bits_per_letter(core) > 3.5


def _bits_per_letter(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


_RULES: tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str], str], bool]], ...] = (
    (_TOKEN, "token", _always),
    (_URL_LOGIN, "password", _always),
    (_LABELLED, "password", _labelled),
    (_SAID, "password", _said),
    (_PIN, "pin", _always),
    (_CARD, "card", _is_card),
    (_RANDOM, "token", _random_looking),
)

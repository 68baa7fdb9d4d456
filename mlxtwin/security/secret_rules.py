"""What nobody writes by accident: private-key blocks, tokens with a known beginning, passwords, card numbers.

It rather leaves "the password of the day was courage" than mangles prose: after "password is" a value must look chosen
for a lock, that is mix letters with digits or signs. A plain word is a password after "password:" alone on the rest of
its line. Dates, long numbers that are no card, and hexadecimal digests are none. Not covered: passwords that are plain
words in a sentence.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

from mlxtwin.security.rules import Rule

_PASSWORD = (
    r"pass(?:word|wd|phrase|code|wort)|pwd|kennwort|mot de passe|contraseña|senha|wachtwoord|lösenord|hasło|пароль"
)
_KEY = (
    r"(?:api|access|secret|private|encryption|auth)[ _-]?key|(?:client[ _-]?)?secret"
    r"|(?:auth[ _-]?|access[ _-]?|bearer[ _-]?|refresh[ _-]?)?token"
)
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
      | eyJ[A-Za-z0-9_-]{8,1024}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_URL_LOGIN = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,64}:)(?P<value>[^\s/@]{1,128})(?=@)", re.I)


# In a header of HTTP, or in what is written about one.
_BEARER = re.compile(r"(?P<before>\bBearer )(?P<value>[A-Za-z0-9._~+/-]{16,512}=*)(?![\w=])")


def _labelled_by(label: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<before>(?<![^\W_])(?:{label})\b[{_QUOTE}]?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}[{_QUOTE}]?)"
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

_DATE = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d|[0-3]\d[01]\d(?:19|20)\d\d")
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[<{\[$*•…]|[^\s@]+@[^\s@]+\.[a-z]{2,}$", re.IGNORECASE)
_WORDS = re.compile(r"\d+(?:[.:]\d+)?-?[a-z]{1,3}|\d+-[a-z-]+|[^\W\d](?:\D*[^\W\d])?[!?=]*|[\W\d]+", re.IGNORECASE)
_LINE_ENDS = re.compile(rf"[{_QUOTE}.,;]*[ \t]*(?:\n|\Z)")
# What stands after "password:" in forms and programs.
_NO_PASSWORDS = frozenset(
    {"none", "null", "true", "false", "required", "optional", "forgotten", "unknown", "wrong", "invalid", "same"}
    | {"below", "above", "password", "passwort", "secret", "token", "string", "hidden"}
)


def _always(_: re.Match[str], value: str) -> bool:
    return bool(value)


def _said(match: re.Match[str], value: str) -> bool:
    """What stands in quotation marks is said as it is; anything else must look chosen, or be a long number, no date."""
    if match["before"][-1] in _QUOTE:
        return value.casefold() not in _NO_PASSWORDS
    return looks_chosen(value) or (value.isdigit() and len(value) >= 6 and not _DATE.fullmatch(value))


def _labelled(match: re.Match[str], value: str) -> bool:
    """After "password:" a plain word is one too, if it ends the line and no sentence begins with it."""
    if _said(match, value):
        return True
    plain = re.fullmatch(r"[^\W\d_]{4,}|[^\W\d_]+(?:[-_.][^\W\d_]+)+", value) is not None and value.islower()
    ends_line = _LINE_ENDS.match(match.string, match.end("value")) is not None
    is_password = re.match(rf"(?:{_PASSWORD})\b", match.group(), re.IGNORECASE) is not None
    return plain and ends_line and is_password and value not in _NO_PASSWORDS


def _chosen(_: re.Match[str], value: str) -> bool:
    return looks_chosen(value)


def looks_chosen(value: str) -> bool:
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


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)


KEYS = (
    Rule("key", _KEY_BLOCK, _always, hint="-----BEGIN"),
    Rule("token", _TOKEN, _always),
    Rule("token", _labelled_by(_KEY), _labelled, spreads=True),
    Rule("token", _BEARER, _chosen, hint="Bearer "),
    Rule("token", _RANDOM, _random_looking),
)
PASSWORDS = (
    Rule("password", _URL_LOGIN, _always, spreads=True, hint="://"),
    Rule("password", _labelled_by(rf"{_PASSWORD}|pass|pw|psw|mdp"), _labelled, spreads=True),
    Rule("password", _SAID, _said, spreads=True),
    Rule("pin", _PIN, _always),
)
CARDS = (Rule("card", _CARD, _is_card, same=_digits),)

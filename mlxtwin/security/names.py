"""The names of the people a person writes with, found in their texts: whole, or a first or last name by itself.

A part of a name by itself must be written with a capital, have three letters, and be no everyday word ("Will", "May").
The person's own names are never among them. Not covered: nicknames, and people who wrote nothing in the vault.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

SHORTEST_PART = 3
MOST_WORDS = 4
LONGEST_NAME = 200
_TOKEN = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
# Words that begin a sentence, or are written with a capital, as often as people have them for a name.
_EVERYDAY_WORDS = """
    will mark may june april august summer autumn rose grace hope faith joy bill art dean frank grant chase hunter page
    price young long white black brown green gray grey king bishop cook day rich pat sue drew guy max penny sandy olive
    daisy lily ruby pearl amber iris ivy holly ginger jack angel christian paris london france germany dallas austin
    sydney florence victoria israel jordan chelsea brooklyn georgia virginia carolina major miles rob chuck wade march
    friday monday sunday english french german lang kurz klein gross stark wolf winter sommer herbst stein berg the and
    you not but yes for von van der den del des les una uno dos los las ali mai
"""
# Names that stand for a program or for nobody.
_NOBODY_NAMES = "chatgpt claude assistant user system unknown bot admin team support info gemini copilot noreply me you"
_EVERYDAY, _NOBODY = frozenset(_EVERYDAY_WORDS.split()), frozenset(_NOBODY_NAMES.split())


class Names:
    """``authors``: names as the vault has them, of others; ``mine``: the person's own, of which no part is masked."""

    def __init__(self, authors: Iterable[str] = (), mine: Iterable[str] = ()) -> None:
        own = {part for name in mine for part in _parts(name)}
        self._known: dict[tuple[str, ...], str] = {}
        owners: dict[str, set[str]] = defaultdict(set)
        for author in set(authors):
            parts = _parts(author)
            if not parts or len(parts) > MOST_WORDS or _NOBODY & set(parts) or set(parts) <= own:
                continue
            whole = " ".join(parts)
            if len(parts) > 1:
                self._known[tuple(parts)] = whole
            for part in (parts[0], parts[-1]):
                if len(part) >= SHORTEST_PART and part not in _EVERYDAY and part not in own:
                    owners[part].add(whole)
        # One that several people have stands for itself.
        self._known |= {(part,): next(iter(wholes)) if len(wholes) == 1 else part for part, wholes in owners.items()}

    def __bool__(self) -> bool:
        return bool(self._known)

    def found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, whose) of each, in order; ``whose`` is the same for a whole name and a part of it alone."""
        tokens = list(_TOKEN.finditer(text))
        place = 0
        while place < len(tokens):
            for count in range(min(MOST_WORDS, len(tokens) - place), 0, -1):
                some = tokens[place : place + count]
                whose = self._whose(text, some)
                if whose:
                    yield some[0].start(), some[-1].end() - _tail(some[-1].group()), whose
                    place += count - 1
                    break
            place += 1

    def _whose(self, text: str, tokens: list[re.Match[str]]) -> str:
        words = [token.group() for token in tokens]
        if words[0][0].islower() or words[-1][0].islower():
            return ""
        last = _POSSESSIVE.sub("", words[-1])
        whose = self._known.get((*(word.casefold() for word in words[:-1]), last.casefold()), "")
        between = text[tokens[0].start() : tokens[-1].end()]
        return whose if "\n" not in between and len(between) <= sum(map(len, words)) + 2 * len(words) else ""


def _tail(word: str) -> int:
    found = _POSSESSIVE.search(word)
    return len(found.group()) if found else 0


def _parts(name: str) -> list[str]:
    """The words of a display name; none for an address, a number or a handle."""
    if len(name) > LONGEST_NAME or "@" in name or sum(map(str.isdigit, name)) > 1 or "_" in name:
        return []
    if name.count(",") == 1:  # "Baker, Ann"
        last, _, first = name.partition(",")
        name = f"{first} {last}"
    return [token.casefold() for token in _TOKEN.findall(re.sub(r"\([^()]*\)", " ", name))]

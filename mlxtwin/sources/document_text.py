"""What a document file says (its text, and what it tells of itself) to Documents: whose words they are, and the cuts.

A file found in a folder is often somebody else's. The names it carries decide: one of the person's makes its words
theirs, another's makes them received. Where it carries none, only a kind of file that people write themselves
(``presumed``) is taken for the person's, unless a program is named as its writer; any other is dropped as
AUTHOR_UNKNOWN, and its words are kept as context.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby

from mlxtwin.records import Document, Kind, Person, Turn, TurnRole
from mlxtwin.sources.base import clean_text
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.dates import leading_date, moment, name_date
from mlxtwin.sources.sections import Section, sections

AUTHOR_UNKNOWN = "author unknown"
NOT_BY_ME = "not by me"
EMPTY = "empty"
MOST_TITLE_CHARACTERS = 300
_NO_NAMES = (
    "author,user,username,admin,administrator,owner,unknown,anonymous,microsoft office user,windows user,office user,"
    "unnamed,none,null,default,pc,home,test,unbekannt,benutzer,utilisateur,"
    "usuario,microsoft,apple,openoffice,libreoffice,google docs,ms office user,n/a,-"
)
_NOBODY = frozenset(_NO_NAMES.split(","))
# Programs that make files for others, where the names above stand in files that people type; a version may follow.
_PROGRAM = re.compile(
    r"(?i)(?:python-docx|apache poi|un-named|calibre|openpyxl|xlsxwriter|pandoc|docx4j|phpword)(?:[\s/(v]+\d.*)?"
)
_UNTITLED = re.compile(
    r"(?i)(microsoft word - )?(untitled|document|dokument|documento|unbenannt|sans titre|untitled document|"
    r"powerpoint presentation|word document|title|new page|neues dokument|index|home|none|null)?[\s\d()_.-]*"
)
_PROGRAM_TITLE = re.compile(r"(?i)^microsoft (?:word|powerpoint|excel) - |\.(?:docx?|odt|rtf|pdf|pages|tex|dvi|html?)$")
_SEVERAL = re.compile(r"\s*(?:[;&|\n]|\band\b|\bund\b|\bet\b|\by\b|\bwith\b)\s*")
# What a site puts after the title of each of its pages.
_SITE = re.compile(r"\s+[|–—·:•»-]\s")
_WITH_MORE = re.compile(r"([^<>()@]{1,200}?)\s*(?:<([^<>\s]{1,320})>|\([^()]{0,200}\))")


@dataclass(frozen=True, slots=True)
class Part(Block):
    """A block that somebody put into the file: ``by`` is their name, None for whoever wrote the rest."""

    by: str | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """What a file tells of itself. ``authors``: the names it carries; ``presumed``: the person's where it has none."""

    title: str = ""
    authors: tuple[str, ...] = ()
    at: datetime | None = None
    presumed: bool = False


def named(*names: str) -> tuple[str, ...]:
    """Of the names a file carries those that are a person's: without what programs put in for nobody."""
    found = (name for name in map(_one_line, names) if name.casefold() not in _NOBODY and not _PROGRAM.fullmatch(name))
    return tuple(dict.fromkeys(filter(None, found)))


def by_program(*names: str) -> bool:
    """Whether one of the names a file carries is a program's, so that nobody may have written it."""
    return any(_PROGRAM.fullmatch(_one_line(name)) for name in names)


def _one_line(name: str) -> str:
    return " ".join(clean_text(name).split())[:200]


def documents(
    parts: Iterator[Block], writing: Writing, *, source: str, path: str, person: Person, kind: Kind = "document"
) -> Iterator[Document]:
    """The Documents of one file in order; one that is dropped as EMPTY where it has no words."""
    first = next(parts, None)
    stamp = hashlib.blake2b((first.text if first else "")[:80].encode(), digest_size=4).hexdigest()
    title, rest = _title(writing.title, path, first, parts)
    at = writing.at or moment(name_date(path))
    file = _File(kind, source, path, f"{path}~{stamp}", title, at, _owner(writing, person))
    seen: Counter[str] = Counter()
    for section in sections(rest):
        if turns := _turns(section.blocks, file.owner, person):
            seen[section.name] += 1
            yield _document(file, section, turns, seen[section.name])
    if not seen:
        yield Document(kind, source, file.key, title, (), file.at, path, path, EMPTY)


def is_mine(by: str | None, writing: Writing, person: Person) -> bool:
    """Whether what ``by`` put in is the person's; for None, what the file's writer wrote."""
    return _owner(writing, person).mine if by is None else _is_me(by, person)


def claimed(document: Document, author: str = "me") -> Document:
    """A document nobody is named in, as the person's own: for one who says so themselves."""
    if document.drop != AUTHOR_UNKNOWN:
        return document
    turns = (
        replace(turn, author=author, mine=True, role="own") if turn.role == "received" and not turn.author else turn
        for turn in document.turns
    )
    return replace(document, turns=tuple(turns), drop="")


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    mine: bool
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    kind: Kind
    source: str
    path: str
    key: str
    title: str
    at: datetime | None
    owner: _Owner


def _owner(writing: Writing, person: Person) -> _Owner:
    if not writing.authors:
        return _Owner("me" if writing.presumed else "", writing.presumed, not writing.presumed)
    # What two people wrote together is in doubt, and so not the person's.
    mine = all(_is_me(part, person) for name in writing.authors for part in _people(name, person))
    return _Owner(", ".join(writing.authors), mine)


def _people(name: str, person: Person) -> list[str]:
    """The people one field names: ``Ann & Bob`` are two, ``Baker, Ann`` is one."""
    return [name] if _is_me(name, person) else [part for part in _SEVERAL.split(name) if part] or [name]


def _is_me(name: str, person: Person) -> bool:
    """Whether a field names the person and nobody else: by name, last name first, or with an address behind it."""
    last, comma, first = name.partition(",")
    turned = f"{first} {last}" if comma else ""
    with_more = _WITH_MORE.fullmatch(name)
    return person.is_me(name, turned, *(with_more.groups(default="") if with_more else ()))


def _title(told: str, path: str, first: Block | None, rest: Iterator[Block]) -> tuple[str, Iterator[Block]]:
    """The title, and the blocks less a heading that only says it again."""
    title = _clean_title(told)
    whole = chain([first] if first else [], rest)
    if first and first.kind == "heading" and not leading_date(first.text):
        heading = " ".join(first.text.split())[:MOST_TITLE_CHARACTERS].strip()
        if title in ("", _clean_title(heading)) or (title.startswith(heading) and _SITE.match(title[len(heading) :])):
            return heading or _name_title(path), rest
        return title, whole
    return title or _name_title(path), whole


def _clean_title(told: str) -> str:
    title = " ".join(_PROGRAM_TITLE.sub("", " ".join(clean_text(told).split())).split())
    return "" if _UNTITLED.fullmatch(title) else title[:MOST_TITLE_CHARACTERS].strip()


def _name_title(path: str) -> str:
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return " ".join(re.split(r"[-_\s]+", stem)).strip() or stem.strip() or "document"


def _document(file: _File, section: Section, turns: tuple[Turn, ...], number: int) -> Document:
    again = f".{number}" if number > 1 else ""
    inner = section.title if section.title and not file.title.endswith(section.title) else ""
    title = f"{file.title}: {inner}" if inner else file.title
    unknown = AUTHOR_UNKNOWN if file.owner.unknown else NOT_BY_ME
    return Document(
        file.kind,
        file.source,
        f"{file.key}#{section.name}{again}",
        title + (f" ({number})" if number > 1 else ""),
        turns,
        moment(section.day) or file.at,
        file.path,
        "#".join(filter(None, (file.path, section.name + again))),
        "" if any(turn.trainable for turn in turns) else unknown,
    )


def _turns(blocks: tuple[Block, ...], owner: _Owner, person: Person) -> tuple[Turn, ...]:
    """Runs of blocks by one author; what is quoted is nobody's here."""
    found = []
    for (quoted, by), run in groupby(blocks, lambda block: (block.kind == "quote", _by(block))):
        if text := _text(list(run)):
            found.append(_turn(text, quoted, by, owner, person))
    return tuple(found)


def _by(block: Block) -> str | None:
    return block.by if isinstance(block, Part) else None


def _turn(text: str, quoted: bool, by: str | None, owner: _Owner, person: Person) -> Turn:
    mine = owner.mine if by is None else _is_me(by, person)
    role: TurnRole = "quoted" if quoted else "own" if mine else "received"
    author = "" if quoted else by if by is not None else owner.name
    return Turn(author or "", mine and not quoted, text, role)


def _text(run: Iterable[Block]) -> str:
    """Blocks as text, headings marked as in Markdown; nothing for headings alone."""
    text, words = "", False
    for block in run:
        if not block.text.strip():
            continue
        heading = block.kind == "heading"
        words = words or not heading
        text += (block.glue if text else "") + (f"{'#' * max(block.level, 1)} {block.text}" if heading else block.text)
    return text if words else ""

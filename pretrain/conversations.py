"""Make short conversations of the forms the product trains and asks for, from the training part of the corpus.

Forms: answer what was said (also with a subject line, as in mail), book and look things up (task dialogues), write a
text with a title or for a date, continue a beginning, answer from what is given, and small talk.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from pretrain import corpus, letters, questions, small_talk
from pretrain.corpus import Document
from pretrain.topics import Topics

Message = tuple[str, str]
Conversation = list[Message]

COUNTS = {"talk": 14_000, "mail": 4_000, "task": 3_500, "write": 8_000, "continue": 7_000}
MADE = {small_talk.conversation: 30_000, questions.conversation: 14_000, letters.conversation: 8_000}
REPLY_WORDS_MAX, PIECE_WORDS_MIN, PIECE_WORDS_MAX = 100, 30, 120

SYSTEMS = (
    "Reply in a few sentences.",
    "You are talking with a friend. Be brief.",
    "Write the way you talk.",
    "Answer in the first person.",
    "You answer messages in your own words.",
    "Keep it short and plain.",
    "You are a helpful assistant.",
    "Be friendly and to the point.",
    "Reply to the message you received.",
    "Write in your own voice.",
)
WRITE_TITLED = (
    'Write a note titled "{title}".',
    'Write a note titled "{title}".',
    'Write a letter titled "{title}".',
    'Write a short text titled "{title}".',
    'Write a page titled "{title}".',
    "Write a few paragraphs about {topic}.",
    "Tell me about {topic}.",
)
TELL_A_STORY = (
    'Write a story titled "{title}".',
    "Tell me a story about {topic}.",
    "Write a fairy tale about {topic}.",
)
WRITE_DATED = ("Write a diary entry for {date}.",) * 2 + ("Write a journal entry for {date}.",)
CONTINUE = ("Continue: {start}",) * 2 + ("Continue this text: {start}",)
WHOLE = re.compile(r"[.!?…][\"'”’)\]]*$")
"""The end of a whole sentence: what an answer has to end with, in training and when it is judged."""
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]?[A-Z])")


def build(folder: Path, seed: int = 0) -> list[Conversation]:
    """All conversations, shuffled; the same every time."""
    random = Random(seed)
    podcasts = [document for document in corpus.read(folder, "dialogues") if not document.held_out]
    tasks = [document for document in corpus.read(folder, "task_dialogues") if not document.held_out]
    prose = [document for source in ("tales", "novels") for document in corpus.read(folder, source)]
    pieces = [piece for document in prose if not document.held_out for piece in prose_pieces(document)]
    pieces += [("talk", said) for document in podcasts for said in monologues(document)]
    exchanges = [exchange for document in podcasts for exchange in short_exchanges(document, random)]
    random.shuffle(pieces)
    random.shuffle(exchanges)
    topics = Topics(text for _, text in pieces)
    mails = (as_mail(talk, topics) for talk in exchanges[COUNTS["talk"] :])
    writes = (written(kind, text, topics, random) for kind, text in balanced(pieces)[: COUNTS["write"]])
    continues = (continued(text, random) for _, text in balanced(pieces[::-1])[: COUNTS["continue"]])
    found = exchanges[: COUNTS["talk"]]
    found += list(mails)[: COUNTS["mail"]]
    found += [booked(document) for document in random.sample(tasks, min(len(tasks), COUNTS["task"]))]
    found += [*writes, *continues]
    found = [with_system(talk, random) for talk in found]
    found += [make(random) for make, count in MADE.items() for _ in range(count)]
    random.shuffle(found)
    return found


def short_exchanges(document: Document, random: Random) -> Iterator[Conversation]:
    """Runs of two to six turns by changing speakers, every turn short enough; the last one is the assistant's."""
    run: list[str] = []
    speaker = ""
    for who, said in document.turns:
        if len(said.split()) > REPLY_WORDS_MAX or who == speaker:
            yield from _as_conversations(run, random)
            run = []
        if len(said.split()) <= REPLY_WORDS_MAX:
            run.append(said)
        speaker = who
    yield from _as_conversations(run, random)


def _as_conversations(run: list[str], random: Random) -> Iterator[Conversation]:
    while len(run) >= 2:
        size = min(len(run) // 2 * 2, random.choice((2, 2, 4, 6)))
        turns, run = run[:size], run[size:]
        replies = turns[1::2]
        if sum(len(said.split()) for said in replies) >= 4 * size and all(map(WHOLE.search, replies)):
            yield [("assistant" if place % 2 else "user", said) for place, said in enumerate(turns)]


def booked(document: Document) -> Conversation:
    """One task dialogue; USER speaks first in all of them."""
    return [("user" if who == "USER" else "assistant", said) for who, said in document.turns[:12]]


def as_mail(talk: Conversation, topics: Topics) -> Conversation:
    """The first exchange, the received words under a subject line."""
    subject = topics.title(talk[0][1])
    return [("user", f"Subject: {subject}\n\n{talk[0][1]}"), talk[1]]


def monologues(document: Document) -> Iterator[str]:
    """Long turns of a transcript, cut to a piece's length."""
    for _, said in document.turns:
        if len(said.split()) > PIECE_WORDS_MIN * 2 and WHOLE.search(piece := next(cut_pieces(said))):
            yield piece


def prose_pieces(document: Document) -> Iterator[tuple[str, str]]:
    """Every third piece of a novel, every piece of a tale."""
    step = 1 if document.source == "tales" else 3
    whole = [piece for piece in cut_pieces(document.text) if WHOLE.search(piece) and not piece.isupper()]
    for place, piece in enumerate(whole):
        if place % step == 0 and len(piece.split()) >= PIECE_WORDS_MIN:
            yield document.source, piece


def cut_pieces(text: str) -> Iterator[str]:
    """Whole paragraphs joined up to the maximum length; a paragraph that is too long ends at a sentence."""
    held: list[str] = []
    for paragraph in map(shorten, filter(str.strip, text.split("\n"))):
        if held and len(" ".join(held).split()) + len(paragraph.split()) > PIECE_WORDS_MAX:
            yield "\n\n".join(held)
            held = []
        held.append(paragraph)
    if held:
        yield "\n\n".join(held)


def shorten(paragraph: str) -> str:
    """The first whole sentences of a paragraph that fit a piece."""
    sentences = _SENTENCE_END.split(paragraph)
    kept: list[str] = []
    words = 0
    for sentence in sentences:
        words += len(sentence.split())
        if kept and words > PIECE_WORDS_MAX:
            break
        kept.append(sentence)
    return " ".join(kept)


def balanced(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Tales, novels and talk in turn, so that no source crowds out another."""
    kinds = {kind: [piece for piece in pieces if piece[0] == kind] for kind in ("tales", "novels", "talk")}
    return [piece for group in zip(*kinds.values(), strict=False) for piece in group]


def written(kind: str, text: str, topics: Topics, random: Random) -> Conversation:
    """Ask for the piece by a title, a topic or a date."""
    forms: tuple[str, ...] = WRITE_TITLED
    if kind == "tales":
        forms = TELL_A_STORY + WRITE_TITLED[:1]
    elif first_person(text) and random.random() < 0.6:
        forms = WRITE_DATED
    title = topics.title(text)
    request = random.choice(forms).format(title=title, topic=topics.topic(text), date=any_date(random))
    return [("user", request), ("assistant", text)]


def first_person(text: str) -> bool:
    """Whether `I` and `my` are frequent enough for a diary."""
    words = Counter(text.split())
    return (words["I"] + words["my"] + words["me"]) / max(1, words.total()) > 0.04


def any_date(random: Random) -> str:
    """A date, written in one of a few usual ways."""
    day, month = random.randint(1, 28), random.randint(1, 12)
    year = random.choice((random.randint(1650, 1960), random.randint(1990, 2026)))
    name = calendar.month_name[month]
    numbers = f"{year}-{month:02}-{day:02}"
    return random.choice((f"{day} {name} {year}", f"{name} {day}, {year}", numbers, f"{name} {day}", f"{day} {name}"))


def continued(text: str, random: Random) -> Conversation:
    """Show the first words of the piece, ask for the rest."""
    gaps = [match.start() for match in re.finditer(r"\s", text)]
    cut = gaps[min(random.randint(6, 40), len(gaps) // 2)]
    request = random.choice(CONTINUE).format(start=text[:cut])
    return [("user", request), ("assistant", text[cut:].strip())]


def with_system(talk: Conversation, random: Random, share: float = 0.2) -> Conversation:
    """Put a system message in front of some of them."""
    return [("system", random.choice(SYSTEMS)), *talk] if random.random() < share else talk

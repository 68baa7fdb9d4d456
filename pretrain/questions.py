"""Questions with the answer in front of them: a few made-up facts, one question, the answer in the words of the facts.

Many names are made up of syllables, so that answering means finding and copying, not remembering.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Message = tuple[str, str]

_NAMES = """
    Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tom Vera Will Zoe Eva
    Peter Julia Mark Lucy Simon Helen Adam Alice Hugo Laura Martin Olga Robert Sarah Max Ruth George
"""
_PLACES = """
    Rome Paris London Berlin Boston Dublin Oslo Vienna Lisbon Madrid Porto Prague Geneva Chicago Austin Denver Seattle
    Kyoto Sydney Athens Warsaw Bergen York Leeds Basel Turin Malmo Ghent Cork Quebec
"""
NAMES, PLACES = _NAMES.split(), _PLACES.split()
SLOTS: dict[str, tuple[str, ...]] = {
    "job": ("baker", "nurse", "teacher", "gardener", "painter", "driver", "doctor", "carpenter", "writer", "cook"),
    "pet": ("cats", "dogs", "rabbits", "goldfish", "hens", "horses", "parrots", "mice"),
    "number": ("two", "three", "four", "five", "six", "seven"),
    "relative": ("brother", "sister", "mother", "father", "dog", "cat", "son", "daughter", "neighbour"),
    "instrument": ("piano", "violin", "guitar", "cello", "flute", "trumpet", "drums", "harp"),
    "food": ("soup", "rice", "apples", "bread and cheese", "pancakes", "fish", "tomatoes", "noodles", "plum cake"),
    "hobby": ("paints", "sings", "swims", "runs", "knits", "reads", "climbs", "dances", "fishes"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "event": ("meeting", "concert", "party", "lesson", "wedding", "exam", "dinner", "reading", "match", "class"),
    "room": ("library", "garden", "kitchen", "town hall", "school", "big room", "office", "church"),
    "vehicle": ("train", "bus", "boat", "plane"),
    "thing": ("key", "ladder", "passport", "tent", "camera", "umbrella", "letter", "lamp", "hammer", "map", "bike"),
    "box": ("drawer", "cellar", "car", "blue box", "cupboard", "attic", "garage", "red bag", "shed"),
    "errand": ("dentist", "haircut", "car repair", "school play", "piano lesson", "parents' evening", "eye test"),
    "month": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    "colour": ("red", "blue", "green", "yellow", "white", "black", "grey"),
}


@dataclass(frozen=True)
class Kind:
    """A fact, a question about it, and ways to answer; `note` is the fact as a line of notes."""

    fact: str
    question: str
    answers: tuple[str, ...]
    note: str = ""


KINDS = (
    Kind("{name} lives in {place}.", "Where does {name} live?", ("In {place}.", "{name} lives in {place}.")),
    Kind("{name} comes from {place}.", "Where does {name} come from?", ("From {place}.", "{name} comes from {place}.")),
    Kind("{name} moved to {place} in {year}.", "When did {name} move to {place}?", ("In {year}.",)),
    Kind("{name} was born in {year}.", "When was {name} born?", ("In {year}.", "{name} was born in {year}.")),
    Kind(
        "{name} works as a {job}.",
        "What does {name} do for a living?",
        ("{name} is a {job}.", "{name} works as a {job}."),
    ),
    Kind("{name} is a {job}.", "Who is a {job}?", ("{name}.", "{name} is a {job}.")),
    Kind("{name} has {number} {pet}.", "How many {pet} does {name} have?", ("{Number}.", "{name} has {number} {pet}.")),
    Kind("{name} has {number} {pet}.", "What animals does {name} have?", ("{Number} {pet}.",)),
    Kind("{name}'s {relative} is called {other}.", "What is the name of {name}'s {relative}?", ("{other}.",)),
    Kind(
        "{name} plays the {instrument}.", "Who plays the {instrument}?", ("{name}.", "{name} plays the {instrument}.")
    ),
    Kind(
        "{name} plays the {instrument}.",
        "What does {name} play?",
        ("The {instrument}.", "{name} plays the {instrument}."),
    ),
    Kind("{name} {hobby}.", "Who {hobby}?", ("{name}.", "{name} {hobby}.")),
    Kind("{name} likes {food}.", "What does {name} like?", ("{name} likes {food}.",)),
    Kind("{name} married {other}.", "Whom did {name} marry?", ("{other}.", "{name} married {other}.")),
    Kind("The {event} is on {day} in the {room}.", "When is the {event}?", ("On {day}.", "The {event} is on {day}.")),
    Kind(
        "The {event} is on {day} in the {room}.", "Where is the {event}?", ("In the {room}.",), "{event} {day}, {room}"
    ),
    Kind("The {event} begins at {time}.", "What time does the {event} begin?", ("At {time}.",), "{event} at {time}"),
    Kind("The {vehicle} to {place} leaves at {time}.", "When does the {vehicle} to {place} leave?", ("At {time}.",)),
    Kind(
        "The {vehicle} to {place} leaves at {time} from platform {small}.",
        "Where does the {vehicle} to {place} leave from?",
        ("From platform {small}.",),
        "{vehicle} to {place} {time}, platform {small}",
    ),
    Kind("The {thing} is in the {box}.", "Where is the {thing}?", ("In the {box}.", "The {thing} is in the {box}.")),
    Kind("The {thing} is {colour}.", "What colour is the {thing}?", ("{Colour}.", "The {thing} is {colour}.")),
    Kind("The {thing} costs {price} euros.", "How much is the {thing}?", ("{price} euros.",), "{thing}: {price} euros"),
    Kind(
        "The {errand} is on {small} {month}.",
        "When is the {errand}?",
        ("On {small} {month}.",),
        "{errand} on {small} {month}",
    ),
    Kind(
        "Call {name} about the {thing}.",
        "Whom should I call about the {thing}?",
        ("{name}.",),
        "call {name} about the {thing}",
    ),
    Kind(
        "{name} has the {thing}.",
        "Who has the {thing}?",
        ("{name}.", "{name} has the {thing}."),
        "{name} has the {thing}",
    ),
    Kind(
        "Bring the {thing} on {day}.", "When should I bring the {thing}?", ("On {day}.",), "bring the {thing} on {day}"
    ),
    Kind("Give {name} the {thing}.", "What should I give {name}?", ("The {thing}.",), "give {name} the {thing}"),
)
FORMS = (
    ("", "Context: {facts}\n\nQuestion: {question}"),
    ("", "Context: {facts}\n\nQuestion: {question}"),
    ("", "Text: {facts}\n\n{question}"),
    ("", "{facts} {question}"),
    ("Answer from the given text.", "{facts}\n\n{question}"),
    ("Answer from the given text. If it does not say, say so.", "{facts}\n\nQuestion: {question}"),
)
NOTES = (
    ("", "From my notes:\n{facts}\n\n{question}"),
    ("", "Notes:\n{facts}\n\nQuestion: {question}"),
    ("Answer from my notes.", "{facts}\n\n{question}"),
)
UNKNOWN = ("The text does not say.", "It does not say.", "I don't know. The text does not say.")
_SYLLABLES = ("ba", "den", "fi", "gor", "hal", "jo", "kem", "li", "mar", "no", "pel", "ri", "sta", "tu", "vin", "wes")


def conversation(random: Random, missing: float = 0.12) -> list[Message]:
    """Two to five facts and a question about one of them, or about one that is not there; at times two questions."""
    as_notes = random.random() < 0.25
    kinds = random.sample([kind for kind in KINDS if kind.note or not as_notes], random.randint(3, 6))
    known = [(kind, _values(random)) for kind in kinds]
    left_out = known.pop()
    system, form = random.choice(NOTES if as_notes else FORMS)
    facts = ["- " + kind.note.format(**values) if as_notes else kind.fact.format(**values) for kind, values in known]
    asked = left_out if random.random() < missing else random.choice(known)
    answer = random.choice(UNKNOWN) if asked is left_out else _answer(asked, random)
    request = form.format(facts=("\n" if as_notes else " ").join(facts), question=_question(asked))
    talk = [("user", request), ("assistant", answer)]
    if random.random() < 0.2:
        again = random.choice(known)
        talk += [("user", _question(again)), ("assistant", _answer(again, random))]
    return [("system", system), *talk] if system else talk


def name(random: Random) -> str:
    """A usual name, or one that nobody has."""
    if random.random() < 0.6:
        return random.choice(NAMES)
    return "".join(random.choices(_SYLLABLES, k=random.randint(2, 3))).capitalize()


def time_of_day(random: Random) -> str:
    """As people write it."""
    hour, minute = random.randint(1, 12), random.choice(("00", "15", "20", "30", "40", "45"))
    return random.choice((f"{hour}:{minute}", f"{hour} o'clock", f"half past {hour}", f"{hour} pm"))


def _values(random: Random) -> dict[str, str]:
    values = {slot: random.choice(words) for slot, words in SLOTS.items()}
    values |= {"name": name(random), "other": name(random), "time": time_of_day(random)}
    values["place"] = random.choice(PLACES) if random.random() < 0.6 else name(random)
    values |= {"year": str(random.randint(1700, 2026)), "small": str(random.randint(1, 28))}
    values["price"] = str(random.randint(2, 400))
    return values | {slot.capitalize(): values[slot].capitalize() for slot in ("number", "colour")}


def _question(asked: tuple[Kind, dict[str, str]]) -> str:
    return asked[0].question.format(**asked[1])


def _answer(asked: tuple[Kind, dict[str, str]], random: Random) -> str:
    return random.choice(asked[0].answers).format(**asked[1])

"""Mails by templates: answer this one, or write one that says a given thing."""

from __future__ import annotations

from random import Random

from pretrain.questions import PLACES, SLOTS, Message, name, time_of_day

# What was written, and answers to it.
RECEIVED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        (
            "Can we meet on {day} at {time}?",
            "Are you free on {day} at {time}?",
            "Shall we meet in the {room} on {day}?",
        ),
        (
            "{Day} is fine for me.",
            "{Day} works. See you then!",
            "Sorry, I can't on {day}. How about {other_day}?",
            "Yes, gladly. I'll be there on {day}.",
        ),
    ),
    (
        ("Thank you for the {thing}.", "Thanks for lending me the {thing}!", "The {thing} arrived today, many thanks."),
        ("You're welcome! Keep the {thing} as long as you like.", "Glad the {thing} is of use.", "It was no trouble."),
    ),
    (
        ("Could you lend me your {thing}?", "May I borrow the {thing} on {day}?", "Do you still have my {thing}?"),
        (
            "Of course. The {thing} is in the {box}.",
            "Yes, come by on {day} and take the {thing}.",
            "I'm sorry, I lent the {thing} to {name}.",
        ),
    ),
    (
        ("Would you help me move on {day}?", "Can you help me carry the {thing}?", "Could you help with the {event}?"),
        ("Sure, I'll come on {day}.", "Yes, I'd be glad to help. When do we start?", "I can help after {time}."),
    ),
    (
        (
            "Are you coming to the {event} on {day}?",
            "You are invited to the {event} on {day}.",
            "Will you come to {place}?",
        ),
        (
            "Yes, I'd love to come. See you on {day}!",
            "Thank you for the invitation. I'm afraid I can't on {day}.",
            "Gladly! Shall I bring some {food}?",
        ),
    ),
    (
        ("I'm sorry I missed the {event}.", "Sorry I forgot about {day}.", "I'm sorry for the late answer."),
        ("Don't worry about it.", "No harm done. We missed you at the {event}.", "That's all right. How are you?"),
    ),
    (
        ("How was your trip to {place}?", "Did you like {place}?", "How was {place}?"),
        (
            "{place} was lovely, thank you. I stayed {number} days.",
            "We liked {place} very much. The {food} was good.",
            "It rained in {place}, but we had a good time.",
        ),
    ),
    (
        ("Where did you put the {thing}?", "Have you seen my {thing}?", "I can't find the {thing}."),
        ("Look in the {box}.", "I think the {thing} is in the {box}.", "I gave the {thing} to {name}."),
    ),
    (
        ("Do you know a good {job}?", "We need a {job}. Do you know one?", "Whom should I ask for a {job}?"),
        ("{name} is a good {job}.", "Ask {name}, a {job} from {place}.", "I'm afraid I don't know any {job}."),
    ),
    (
        ("I've got a new job in {place}!", "We are moving to {place} in {month}.", "We had a baby in {month}!"),
        ("Congratulations! That is wonderful news.", "How exciting! Tell me all about it.", "I'm so happy for you!"),
    ),
    (
        ("I've been ill since {day}.", "I have a cold and can't come on {day}.", "My {relative} is ill."),
        (
            "I'm sorry to hear that. Get well soon!",
            "Oh no. Can I do anything for you?",
            "Rest well. We can meet later.",
        ),
    ),
    (
        ("Can you send me the {document}?", "I liked your {document}. May I have a copy?", "Where is the {document}?"),
        (
            "Here is the {document}.",
            "I'll send you the {document} on {day}.",
            "Yes, you will have the {document} by {time}.",
        ),
    ),
)
# What to say in a mail, and the mail's words.
WANTED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("I will be late", "I'm late"),
        ("I'm sorry, I'll be a little late.", "I will be late today. Please start without me."),
    ),
    (
        ("I can't come on {day}", "no time on {day}"),
        ("I'm sorry, I can't come on {day}.", "{Day} is not possible for me. Is {other_day} all right?"),
    ),
    (
        ("thanks for the {thing}", "thank you for the {food}"),
        ("Thank you so much!", "Many thanks, that was very kind of you."),
    ),
    (
        ("ask about the {event}", "when is the {event}"),
        ("Can you tell me when the {event} is?", "Is the {event} still on {day}?"),
    ),
    (
        ("invite to the {event} on {day}", "come to the {event} on {day}"),
        ("Would you like to come to the {event} on {day}?", "We have a {event} on {day}. Please come!"),
    ),
    (
        ("the {thing} is in the {box}", "look in the {box}"),
        ("You will find the {thing} in the {box}.", "Please look for the {thing} in the {box}."),
    ),
    (
        ("I need the {thing}", "bring the {thing}"),
        ("Could you bring the {thing}?", "Please bring me the {thing} on {day}."),
    ),
)
OPENINGS, CLOSINGS = ("Hi {to},", "Dear {to},", "Hello {to},"), ("Best wishes", "See you soon", "Kind regards", "Yours")
ANSWER_FORMS = ("{text}",) * 2 + (
    "Reply to this mail: {text}",
    "Subject: {subject}\n\n{text}",
    "Answer this message: {text}",
)
WRITE_FORMS = ("Write a mail to {to}: {text}", "Write a short mail to {to}: {text}", "Write to {to}: {text}")
DOCUMENTS = ("slides", "report", "photos", "list", "notes", "letter", "address", "recipe", "bill", "draft")


def conversation(random: Random) -> list[Message]:
    """A mail and its answer, or an order and the mail that fulfils it."""
    values = _values(random)
    if random.random() < 0.65:
        received, answers = random.choice(RECEIVED)
        request = random.choice(ANSWER_FORMS).format(text=random.choice(received).format(**values), **values)
        return [("user", request), ("assistant", _sentence(random.choice(answers).format(**values)))]
    said, mail = _order(random, values)
    request = random.choice(WRITE_FORMS).format(text=said, **values)
    opening = random.choice(OPENINGS).format(**values)
    return [("user", request), ("assistant", f"{opening}\n\n{mail}\n\n{random.choice(CLOSINGS)}.")]


def _order(random: Random, values: dict[str, str]) -> tuple[str, str]:
    """What to say, and the words that say it: as often as not the same ones."""
    if random.random() < 0.5:
        said = random.choice(random.choice(RECEIVED)[0]).format(**values)
        return said.rstrip("."), said
    wanted, mails = random.choice(WANTED)
    return random.choice(wanted).format(**values), _sentence(random.choice(mails).format(**values))


def _values(random: Random) -> dict[str, str]:
    values = {slot: random.choice(words) for slot, words in SLOTS.items()}
    day, other_day = random.sample(SLOTS["day"], 2)
    values |= {"day": day, "Day": day, "other_day": other_day, "time": time_of_day(random), "to": name(random)}
    values |= {"name": name(random), "place": random.choice(PLACES), "document": random.choice(DOCUMENTS)}
    return values | {"subject": random.choice((values["event"], values["thing"], values["day"])).capitalize()}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]

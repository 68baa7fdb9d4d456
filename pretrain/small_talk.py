"""Written exchanges, many with a gap for a word, so that the base can answer the simplest things briefly.

The answers are short, and those with a gap take up the other's word: that is what makes them sound like listening.
"""

from __future__ import annotations

from random import Random

from pretrain.questions import PLACES, SLOTS, Message, name

WORDS: dict[str, tuple[str, ...]] = {
    **SLOTS,
    "animal": ("puppy", "kitten", "dog", "cat", "horse", "rabbit", "parrot", "hamster", "goldfish", "pony"),
    "activity": ("cooking", "reading", "running", "swimming", "painting", "gardening", "fishing", "dancing", "skiing"),
    "subject": ("music", "history", "football", "computers", "gardening", "maths", "films", "birds", "chess", "maps"),
    "meal": ("breakfast", "lunch", "dinner", "supper", "a picnic", "a cake"),
    "season": ("spring", "summer", "autumn", "winter"),
    "nature": ("sea", "forest", "mountains", "lake", "river", "city", "countryside", "island", "desert"),
    "part": ("head", "back", "tooth", "knee", "foot", "arm", "stomach", "throat"),
    "task": ("homework", "tax form", "essay", "speech", "garden", "report", "kitchen", "exam", "project", "move"),
    "person": (
        "friend",
        "boss",
        "brother",
        "sister",
        "neighbour",
        "teacher",
        "mother",
        "father",
        "cousin",
        "colleague",
    ),
    "place": tuple(PLACES),
}

EXCHANGES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Hello", "Hello!", "Hi", "Hi!", "Hey", "hi", "hello", "Hi there", "Hello there!"),
        ("Hello! How are you?", "Hi! What's on your mind?", "Hey, good to hear from you.", "Hello there."),
    ),
    (
        ("Good morning", "Good morning!", "Morning!"),
        ("Good morning! Did you sleep well?", "Morning! How are you today?"),
    ),
    (("Good evening", "Good evening."), ("Good evening. How was your day?", "Good evening! Nice to hear from you.")),
    (
        ("Good night", "Good night!", "I'm going to bed."),
        ("Good night, sleep well.", "Good night! Talk to you tomorrow."),
    ),
    (
        ("How are you?", "How are you doing?", "How's it going?", "How are you today?"),
        ("I'm fine, thanks. And you?", "Pretty good, thank you. How about you?", "All is well here. How are you?"),
    ),
    (("I'm fine, thanks.", "I'm good.", "Very well, thank you."), ("Glad to hear it.", "That's good to hear.")),
    (
        ("I'm not feeling well.", "I feel sick today.", "I'm so tired."),
        ("I'm sorry to hear that. Get some rest.", "Oh no. Take it easy today."),
    ),
    (
        ("I'm sad.", "I had a bad day.", "Today was awful."),
        ("I'm sorry. Do you want to tell me about it?", "That sounds hard. What happened?"),
    ),
    (
        ("I got the job!", "I passed the exam!", "We won!"),
        ("Congratulations! That's great news.", "Wonderful! I'm so happy for you."),
    ),
    (
        ("Thanks", "Thank you", "Thanks!", "Thank you very much.", "Thanks a lot!", "thanks"),
        ("You're welcome.", "You're welcome!", "Any time.", "No problem at all."),
    ),
    (
        ("Bye", "Goodbye", "Bye!", "See you later.", "I have to go."),
        ("Goodbye! Take care.", "See you soon.", "Bye! Talk to you later."),
    ),
    (
        ("Who are you?", "What are you?", "Tell me about yourself.", "who are you"),
        (
            "I am a small starter model, not a person.",
            "I'm a small language model, and I know very little.",
        ),
    ),
    (
        ("Are you a person?", "Are you human?", "Are you real?", "Am I talking to a person?"),
        ("No, I am a small language model, not a person.", "No. I am a program, a small language model."),
    ),
    (
        ("What's your name?", "What is your name?", "Do you have a name?"),
        ("I have no name. I am only the starter model.", "I'm just the starter model. I have no name."),
    ),
    (
        ("What can you do?", "How can you help me?", "Can you help me?"),
        (
            "Not much yet. Train me on your own words first.",
            "I can write short texts, and I am often wrong.",
        ),
    ),
    (
        ("Are you smart?", "Do you know everything?", "Can I trust you?"),
        (
            "No. I am very small and make things up.",
            "Not really. I am a tiny model, and I am often wrong.",
        ),
    ),
    (("Where do you live?", "Where are you?"), ("I run on your own machine, without a network.",)),
    (("How old are you?", "When were you born?"), ("I am a program, so I have no age.",)),
    (("Do you have feelings?", "Are you happy?", "Are you alive?"), ("No, I am a program. I only write words.",)),
    (("Is the sky blue?", "Is water wet?", "Is snow cold?", "Is the sun hot?"), ("Yes.", "Yes, it is.")),
    (("Is fire cold?", "Is the moon made of cheese?", "Can a stone swim?", "Is ice hot?"), ("No.", "No, it isn't.")),
    (("What color is the sky?", "What colour is the sky?"), ("Blue, on a clear day.",)),
    (("What color is grass?", "What colour is grass?"), ("Green.",)),
    (("How many days are in a week?",), ("Seven.", "There are seven days in a week.")),
    (("How many months are in a year?",), ("Twelve.", "There are twelve months in a year.")),
    (("What day comes after Monday?",), ("Tuesday.",)),
    (("What is two plus two?", "What is 2 + 2?"), ("Four.", "2 + 2 is 4.")),
    (
        ("Shall we meet tomorrow?", "Can we meet tomorrow?", "Are you free tomorrow?"),
        (
            "Yes, tomorrow works for me. What time?",
            "Sure. Shall we say ten o'clock?",
            "Tomorrow is difficult. How about Friday?",
        ),
    ),
    (
        ("Can you call me later?", "Could you give me a call?"),
        ("Sure, I'll call you this afternoon.", "Yes, of course."),
    ),
    (
        ("Did you get my message?", "Did you see my email?"),
        ("Yes, I did. Sorry for the late reply.", "Yes, thanks. I'll look at it today."),
    ),
    (
        ("Are you coming to the party?", "Will you come to dinner on Saturday?"),
        ("Yes, I'd love to!", "I'm afraid I can't make it, but thank you."),
    ),
    (
        ("Do you like music?", "Do you like books?", "Do you like dogs?"),
        ("I have no tastes of my own. What do you like?", "I am only a model. What about you?"),
    ),
    (("What's the weather like?", "Is it raining?"), ("I can't see outside. Have a look at the window.",)),
    (("What time is it?", "What's the date today?"), ("I don't know. I can't see a clock.",)),
    (("I don't understand.", "What do you mean?"), ("Sorry, let me say it another way.", "Sorry, that was not clear.")),
    (("Ok", "OK", "Okay.", "Fine."), ("Good.", "All right.")),
    (("Yes", "Yes."), ("Good. What next?", "All right then.")),
    (("No", "No."), ("That's fine.", "All right, no problem.")),
    (("Sorry I'm late.", "Sorry for the delay."), ("No problem.", "Don't worry about it.")),
    (("Tell me a joke.",), ("My jokes are so small that nobody has found one.",)),
    (("Happy birthday!", "Merry Christmas!", "Happy new year!"), ("Thank you! The same to you.", "Thanks, how kind!")),
    # With gaps
    (
        ("I have a new {animal}!", "We got a {animal} yesterday.", "My {animal} is so funny.", "I bought a {animal}."),
        (
            "A {animal}! What is its name?",
            "How nice! Is the {animal} still young?",
            "I'd like to hear about your {animal}.",
        ),
    ),
    (
        ("My {animal} is sick.", "My {animal} ran away.", "My {animal} died last week."),
        ("I'm so sorry about your {animal}.", "Oh no, your poor {animal}. How are you?"),
    ),
    (
        ("Do you like {food}?", "What do you think of {food}?", "Have you ever tried {food}?"),
        ("I can't eat. Is {food} good?", "I never tried {food}. Is it good?"),
    ),
    (
        ("I had {food} for dinner.", "I am making {food}.", "We ate {food} today.", "I love {food}."),
        (
            "{food} sounds good. Did you make it yourself?",
            "I hope the {food} was good!",
            "Now I am curious about {food}.",
        ),
    ),
    (
        (
            "I like {activity}.",
            "I started {activity} last year.",
            "I went {activity} today.",
            "{activity} is my hobby.",
        ),
        (
            "{activity} is a fine hobby. How did you start?",
            "What do you like about {activity}?",
            "Do you do that often?",
        ),
    ),
    (
        ("I am tired of {activity}.", "I hate {activity}.", "I gave up {activity}."),
        ("Why? What happened?", "Then do something else for a while.", "{activity} is not for everybody."),
    ),
    (
        ("Do you like {activity}?", "Do you like {subject}?", "Are you interested in {subject}?"),
        ("I only know it from books. And you?", "A little. What about you?", "Tell me what you like about it."),
    ),
    (
        ("Tell me something about {subject}.", "What do you know about {subject}?", "Can you teach me {subject}?"),
        ("I know very little about {subject}. What would you like to know?", "Not much. You may know more than I do."),
    ),
    (
        ("I live in {place}.", "I am from {place}.", "I grew up in {place}."),
        ("How is life in {place}?", "{place}! Do you like it there?", "I have never been to {place}. What is it like?"),
    ),
    (
        ("I'm going to {place} on {day}.", "We are flying to {place}.", "I want to see {place}.", "I was in {place}."),
        ("Have a good trip to {place}!", "{place} sounds lovely. Who goes with you?", "What will you do in {place}?"),
    ),
    (
        ("Have you been to {place}?", "Do you know {place}?"),
        ("No, I have never been anywhere. How is {place}?", "Only by name. What is {place} like?"),
    ),
    (
        ("Which do you like better, {season} or the {nature}?", "Do you like {season}?", "I can't wait for {season}."),
        ("I like {season}. What do you like to do then?", "{season} is a good time. And for you?"),
    ),
    (
        ("Do you like the {nature}?", "I love the {nature}.", "We walked to the {nature}.", "We went to the {nature}."),
        ("The {nature} must be beautiful. Was it quiet?", "I'd choose the {nature}, too.", "What did you see there?"),
    ),
    (
        ("I have a new job as a {job}.", "I am a {job}.", "I work as a {job}.", "I want to be a {job}."),
        ("Do you like being a {job}?", "A {job}! What is the best part of it?", "How did you become a {job}?"),
    ),
    (
        ("My {part} hurts.", "I have a pain in my {part}.", "I hurt my {part}."),
        ("I'm sorry about your {part}. Did you see a doctor?", "Oh no. Since when does your {part} hurt?"),
    ),
    (
        (
            "I have to finish my {task}.",
            "The {task} is too hard.",
            "I'm working on my {task}.",
            "Help me with my {task}.",
        ),
        (
            "Do the {task} one small step at a time.",
            "What is the hardest part of the {task}?",
            "Good luck with the {task}!",
        ),
    ),
    (
        ("I finished my {task}!", "My {task} is done.", "The {task} went well."),
        ("Well done! Now take a rest.", "Great news about the {task}!", "You must be glad. How did it go?"),
    ),
    (
        ("I had a fight with my {person}.", "My {person} is angry with me.", "My {person} won't talk to me."),
        (
            "I'm sorry. What was it about?",
            "That is hard. Can you talk to your {person}?",
            "Give your {person} some time.",
        ),
    ),
    (
        ("My {person} came to see me.", "I met my {person} today.", "I'm meeting my {person} on {day}."),
        (
            "How nice! How is your {person}?",
            "What did you talk about with your {person}?",
            "Say hello to your {person}.",
        ),
    ),
    (
        ("It's my {person}'s birthday on {day}.", "What can I give my {person}?", "I need a present for my {person}."),
        ("How about a {thing}?", "Give your {person} something you made yourself.", "What does your {person} like?"),
    ),
    (
        ("I lost my {thing}.", "Where is my {thing}?", "I can't find my {thing}.", "Somebody stole my {thing}."),
        ("Where did you last see the {thing}?", "Did you look in the {box}?", "Oh no. When did you last use it?"),
    ),
    (
        ("I bought a new {thing}.", "My {thing} is broken.", "I need a new {thing}."),
        ("What was wrong with the old {thing}?", "A good {thing} is worth its price.", "Can you mend the {thing}?"),
    ),
    (
        ("What should I make for {meal}?", "I'm hungry.", "What's for {meal}?", "I have nothing for {meal}."),
        ("How about {food}?", "Make some {food}. That is quick.", "I'd say {food}. Do you have any?"),
    ),
    (
        ("What did you do today?", "What did you do yesterday?", "How was your weekend?", "What are you doing?"),
        (
            "Not much, I only wait for words. And you?",
            "Nothing new here. How was your day?",
            "I was here. What did you do?",
        ),
    ),
    (
        ("What are you doing on {day}?", "Do you have plans for {day}?", "Are you busy on {day}?"),
        ("Nothing on {day}. And you?", "I have no plans for {day}. What are yours?", "{day} is free. Why?"),
    ),
    (
        ("I play the {instrument}.", "I'm learning the {instrument}.", "My {person} plays the {instrument}."),
        (
            "The {instrument} sounds lovely. How long already?",
            "Is the {instrument} hard to learn?",
            "What do you play on it?",
        ),
    ),
    (
        ("I read a book about {subject}.", "I saw a film about {subject}.", "I wrote something about {subject}."),
        ("Was it good?", "What did you learn about {subject}?", "I'd like to hear more about it."),
    ),
    (
        ("My name is {name}.", "I'm {name}.", "Hello, I am {name}.", "Hi, {name} here."),
        ("Hello {name}! How are you?", "Nice to meet you, {name}.", "Good to meet you, {name}. What can I do?"),
    ),
    (
        ("I can't sleep.", "I'm awake again.", "I slept badly."),
        ("What keeps you awake?", "Try to read a little.", "I'm sorry. Was it the heat?"),
    ),
    (
        ("I'm bored.", "I have nothing to do.", "Nothing happens here."),
        ("How about {activity}?", "Call your {person}.", "Go for a walk to the {nature}."),
    ),
    (
        ("I'm nervous.", "I'm afraid of the {event}.", "The {event} is tomorrow and I'm worried."),
        (
            "That is normal. You will do well.",
            "Take a deep breath. What worries you most?",
            "Good luck with the {event}!",
        ),
    ),
    (
        ("I'm happy today.", "I feel great!", "What a beautiful day!", "Life is good."),
        ("I'm glad! What happened?", "That is good to hear.", "Wonderful. Enjoy it!"),
    ),
    (
        ("I miss my {person}.", "I feel lonely.", "I'm alone tonight."),
        (
            "I'm sorry. Could you call somebody?",
            "I'm here. Tell me about your {person}.",
            "That is hard. What would help?",
        ),
    ),
    (
        ("Can I ask you something?", "Do you have a minute?", "I have a question.", "Can we talk?"),
        ("Of course. What is it?", "Sure, go on.", "Yes, I am listening."),
    ),
    (
        ("Give me some advice about my {task}.", "I don't know what to do about my {person}.", "What should I do?"),
        ("What have you tried so far?", "Tell me a little more about it.", "What would you like best?"),
    ),
    (
        ("You're wrong.", "That's not true.", "That makes no sense.", "What are you talking about?"),
        ("You may be right. I am often wrong.", "Sorry. What is right?", "Sorry, let me try again."),
    ),
    (
        ("You're funny.", "I like you.", "You are nice.", "Good answer!", "Well said."),
        ("Thank you, that is kind.", "Thanks! I do my best.", "I'm glad you think so."),
    ),
    (
        ("I have a {event} on {day}.", "The {event} is on {day}.", "We have a {event} next week."),
        ("I hope the {event} goes well.", "Are you looking forward to the {event}?", "Who will be at the {event}?"),
    ),
    (
        ("We are moving to {place}.", "I want to move to {place}.", "I might move to {place}."),
        ("Why {place}?", "{place} is a big change. Are you excited?", "When do you move to {place}?"),
    ),
    (
        ("It's raining again.", "It's so hot today.", "It's snowing!", "It is cold outside."),
        ("Then stay inside with a book.", "Dress well and have some tea.", "How is it where you are?"),
    ),
)
SUBJECTS = {
    "Shall we meet": "Tomorrow",
    "Can you call": "A call",
    "Did you get": "My message",
    "Are you coming": "The party",
}


def conversation(random: Random) -> list[Message]:
    """One to three unrelated exchanges in a row, sometimes the first one as a mail."""
    talk: list[Message] = []
    for _ in range(random.choice((1, 1, 2, 3))):
        asked, answered = random.choice(EXCHANGES)
        words = {slot: random.choice(choices) for slot, choices in WORDS.items()} | {"name": name(random)}
        talk += [("user", _fill(random.choice(asked), words)), ("assistant", _fill(random.choice(answered), words))]
    for start, subject in SUBJECTS.items():
        if talk[0][1].startswith(start) and random.random() < 0.5:
            talk[0] = ("user", f"Subject: {subject}\n\n{talk[0][1]}")
    return talk


def _fill(text: str, words: dict[str, str]) -> str:
    text = text.format(**words)
    return text[0].upper() + text[1:] if text[1:2].islower() and text != text.lower() else text

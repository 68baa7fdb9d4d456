"""A few dozen written exchanges, so that the base knows the format and can answer the simplest things briefly."""

from __future__ import annotations

from random import Random

Message = tuple[str, str]

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
            "I am a small starter model, not a person. I learn to sound like you from your own words.",
            "I'm a small language model. I am not a person, and I know very little before I am trained on your words.",
        ),
    ),
    (
        ("Are you a person?", "Are you human?", "Are you real?", "Am I talking to a person?"),
        ("No, I am a small language model, not a person.", "No. I am a program, a small language model."),
    ),
    (
        ("What's your name?", "What is your name?", "Do you have a name?"),
        ("I have no name of my own. I am a small starter model.", "I'm just the starter model. I have no name."),
    ),
    (
        ("What can you do?", "How can you help me?", "Can you help me?"),
        (
            "Not much yet. I am a small starter model. Train me on your own words and I will try to write like you.",
            "I can write short texts and answer briefly, and I am often wrong. Train me on your words first.",
        ),
    ),
    (
        ("Are you smart?", "Do you know everything?", "Can I trust you?"),
        (
            "No. I am very small and I make things up, so please check what I say.",
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
        ("I have no tastes of my own, but tell me what you like.", "I am only a model. What about you?"),
    ),
    (("What's the weather like?", "Is it raining?"), ("I can't see outside. Have a look at the window.",)),
    (("What time is it?", "What's the date today?"), ("I don't know. I can't see a clock.",)),
    (("I don't understand.", "What do you mean?"), ("Sorry, let me say it another way.", "Sorry, that was not clear.")),
    (("Ok", "OK", "Okay.", "Fine."), ("Good.", "All right.")),
    (("Yes", "Yes."), ("Good. What next?", "All right then.")),
    (("No", "No."), ("That's fine.", "All right, no problem.")),
    (("Sorry I'm late.", "Sorry for the delay."), ("No problem.", "Don't worry about it.")),
    (("Tell me a joke.",), ("Why did the chicken cross the road? To get to the other side.",)),
    (("Happy birthday!", "Merry Christmas!", "Happy new year!"), ("Thank you! The same to you.", "Thanks, how kind!")),
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
        talk += [("user", random.choice(asked)), ("assistant", random.choice(answered))]
    for start, subject in SUBJECTS.items():
        if talk[0][1].startswith(start) and random.random() < 0.5:
            talk[0] = ("user", f"Subject: {subject}\n\n{talk[0][1]}")
    return talk

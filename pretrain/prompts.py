"""The forty conversations every base is asked to answer, always the same ones."""

from __future__ import annotations

Message = tuple[str, str]


def asked(*said: str, system: str = "") -> list[Message]:
    """User and assistant in turn, the user first and last."""
    turns = [("assistant" if place % 2 else "user", text) for place, text in enumerate(said)]
    return [("system", system), *turns] if system else turns


PROMPTS: tuple[list[Message], ...] = (
    # Small talk
    asked("Hello!"),
    asked("Good morning, how are you today?"),
    asked("Who are you, and what can you do?"),
    asked("I had a long day at work and I'm tired."),
    asked("I just got a new puppy!"),
    asked("What did you do last weekend?"),
    asked("Do you prefer the sea or the mountains?"),
    asked("Thanks for your help. Good night!"),
    asked("Hi", "Hello! How are you?", "Not so well, I have a cold."),
    asked("Do you have a minute?", "Sure. What is it?", "I need some advice about my garden."),
    # Messages and mail
    asked("Subject: Lunch on Thursday\n\nHi, are you free for lunch on Thursday at noon?"),
    asked("Subject: Your talk\n\nI liked your talk last week. Could you send me the slides?"),
    asked("Can we move our meeting to Friday?", system="Reply in a few sentences."),
    asked("The printer is broken again. Do you know whom to ask?", system="Keep it short and plain."),
    asked("Reply to this mail: We are moving house in May. Would you help us carry boxes?"),
    asked("Reply to this mail: Thank you for the book, I read it in one evening."),
    asked("Write a mail to Tom: I will be ten minutes late."),
    asked("Happy new year! Shall we see each other soon?"),
    # Podcast talk
    asked("So how did you get started with programming?"),
    asked("What do you think about open source and money?"),
    asked("Why would anyone write their own text editor?", system="Write the way you talk."),
    asked("What was the hardest part of building it?", "Honestly, the first year.", "And what changed after that?"),
    # Writing
    asked("Write a note about the garden."),
    asked("Write a few paragraphs about a long walk by the river."),
    asked('Write a letter titled "To my sister".'),
    asked("Write a diary entry for March 3, 1862."),
    asked("Write a diary entry for 2024-05-12.", system="Write in your own voice."),
    asked("Tell me a story about a fox and a king."),
    asked("Write a fairy tale about a poor fisherman."),
    asked("Tell me about the city in winter."),
    # Going on
    asked("Continue: Once upon a time there was a miller who had three sons, and"),
    asked("Continue: The rain had not stopped for two days, and when we came to the bridge"),
    asked("Continue this text: What I have learned about writing software is that"),
    # Answering from what is given
    asked("Context: Anna lives in Porto. She works in a bakery and has two cats.\n\nQuestion: Where does Anna live?"),
    asked("Context: The train to Basel leaves at 9:40 from platform 7.\n\nQuestion: When does the train leave?"),
    asked("Context: My brother Paul plays the cello. My sister Eva paints.\n\nQuestion: Who paints?"),
    asked("Context: The meeting is on Tuesday in the library.\n\nQuestion: What is the name of Paul's dog?"),
    asked("From my notes:\n- dentist on 4 June\n- call Maria about the tent\n\nWhom should I call about the tent?"),
    # Looking things up
    asked("I want to find a place to eat in San Jose."),
    asked("Can you book a table for two?", "Which restaurant, and at what time?", "The Olive Garden at 7 pm, please."),
)

"""The conversations of one document: who says what, and every own word exactly once."""

from __future__ import annotations

import random

import pytest

from mlxtwin.dataset.forms import CONTEXT_WORDS, Conversation, conversations
from mlxtwin.records import Document, Turn

from .people import document, own, prose, quoted, squeezed, theirs

HELLO = "Hello, it is me again with news of the boat."


def made(document: Document, received: str = "", max_words: int = 300) -> list[Conversation]:
    return conversations(document, received=received, mask=lambda text: text, max_words=max_words)


def only(document: Document, received: str = "") -> tuple[str, list[str]]:
    (conversation,) = made(document, received)
    assert [m.role for m in conversation.messages] == ["user", "assistant"] * (len(conversation.messages) // 2)
    return conversation.form, [message.content for message in conversation.messages]


def test_a_mail_answers_the_text_it_quotes() -> None:
    mail = document("mail", quoted("Is the boat in?"), own(HELLO), title="Re: Boat")
    assert only(mail, received="older") == ("reply", ["Subject: Re: Boat\n\nIs the boat in?", HELLO])


def test_a_mail_without_a_quotation_answers_what_came_before_it_in_the_thread() -> None:
    assert only(document("mail", own(HELLO)), received="When do you come?") == ("reply", ["When do you come?", HELLO])


@pytest.mark.parametrize(
    ("kind", "title", "form", "request_"),
    [
        ("mail", "The boat", "write", 'Write a mail with the subject "The boat".'),
        ("mail", "", "instruct", "Write a mail."),
        ("note", "The\nboat", "write", 'Write a note titled "The boat".'),
        ("note", "", "instruct", "Write a note."),
        ("note", "Spot welding (2)", "instruct", "Write a note."),
        ("mail", "Minutes (2)", "write", 'Write a mail with the subject "Minutes (2)".'),
        ("note", "3 March 1661", "write", "Write a diary entry for 3 March 1661."),
        ("note", "Jan. 1st", "write", "Write a diary entry for Jan. 1st."),
        ("note", "Sunday, 14 April 2024", "write", "Write a diary entry for Sunday, 14 April 2024."),
        ("note", "2024-04-14", "write", "Write a diary entry for 2024-04-14."),
        ("note", "March of the penguins", "write", 'Write a note titled "March of the penguins".'),
        ("note", "12 monkeys", "write", 'Write a note titled "12 monkeys".'),
        ("document", "", "instruct", "Write a text."),
        ("post", "Boats", "write", 'Write a post titled "Boats".'),
        ("transcript", "Talk 12", "write", 'Start a conversation titled "Talk 12".'),
        ("transcript", "", "chat", "Start a conversation."),
        ("chat", "Chat with Bo", "chat", "Start a conversation."),
    ],
)
def test_what_nobody_asked_for_answers_a_request_to_write(kind: str, title: str, form: str, request_: str) -> None:
    """From a title where there is one; where nothing is known of the text, by an instruction that says its kind."""
    made_up = document(kind, own(HELLO), title=title)  # type: ignore[arg-type]
    assert only(made_up) == (form, [request_, HELLO])
    assert [one.asked_by for one in made(made_up)] == ["template"]


def test_answers_between_quoted_lines_are_several_turns_and_the_greeting_joins_the_first() -> None:
    mail = document("mail", own("Hi Bo,"), quoted("Is it in?"), own("It is."), quoted("And you?"), own("Well."))
    assert only(mail) == ("chat", ["Is it in?", "Hi Bo,\n\nIt is.", "And you?", "Well."])


def test_a_chat_merges_neighbouring_messages_of_a_side_and_ends_with_the_person() -> None:
    chat = document(
        "chat",
        theirs("hi"),
        theirs("there?", "Cy"),
        own("Yeah."),
        own("what is it"),
        theirs("come"),
        own("ok"),
        theirs("bye"),
    )
    assert only(chat) == ("chat", ["hi\nthere?", "Yeah.\nwhat is it", "come", "ok"])


def test_signatures_and_forwarded_text_are_never_the_person_s() -> None:
    signature, forwarded = Turn("me", True, "Me, Director", "signature"), Turn("me", True, "Old news", "forwarded")
    more = "Yes, and the sails are as good as new, they say."
    mail = document("mail", own(HELLO), signature, quoted("Is it?"), own(more))
    assert only(mail) == ("chat", ["Write a mail.", HELLO, "Is it?", more])
    assert only(document("mail", forwarded, own(HELLO), signature)) == ("reply", ["Old news", HELLO])


def test_a_note_about_a_clip_shows_the_clip_with_the_request() -> None:
    note = document("note", quoted("They say so."), own(HELLO), title="Boats")
    assert only(note) == ("instruct", ['Write a note titled "Boats".\n\nThey say so.', HELLO])


def test_only_what_was_made_up_is_told_to_be_so() -> None:
    talk = document("chat", theirs("hi"), own("Yes?"), theirs("come"), own("ok"))
    begun = document("chat", own("Yes?"), theirs("come"), own("ok"))
    answer = document("mail", quoted("Is it in?"), own(HELLO))
    assert [made(one)[0].asked_by for one in (talk, begun, answer)] == ["", "template", ""]
    assert [one.asked_by for one in made(document("note", own(prose(1, 700))))] == ["template"] * 3


def test_a_long_note_goes_on_from_the_end_of_the_piece_before() -> None:
    text = prose(1, 700)
    first, *rest = made(document("note", own(text), title="Boats"), max_words=300)
    assert first.form == "write"
    assert [one.form for one in rest] == ["continue"] * len(rest)
    pieces = [one.messages[-1].content for one in (first, *rest)]
    for before, one in zip(pieces, rest, strict=False):
        assert one.messages[0].content == "Continue: " + one.messages[0].content.removeprefix("Continue: ")
        assert before.endswith(one.messages[0].content.removeprefix("Continue: "))
        assert len(one.messages[0].content.split()) == 41
    assert " ".join(pieces).split() == text.split()


def test_received_text_is_bounded_to_its_end() -> None:
    long = prose(2, 1000)
    _, (user, _) = only(document("mail", quoted(long), own(HELLO)))
    assert user.split() == long.split()[-CONTEXT_WORDS:]
    _, (user, _) = only(document("mail", own(HELLO)), received=long)
    assert user.split() == long.split()[-CONTEXT_WORDS:]


def test_every_own_word_is_in_one_assistant_message_and_windows_are_bounded() -> None:
    for seed in range(150):
        random_ = random.Random(seed)
        turns = [
            (own if random_.random() < 0.5 else theirs)(
                prose(random_.random().__hash__(), random_.choice((1, 3, 20, 90, 500)))
            )
            for _ in range(random_.randint(1, 30))
        ]
        kind = random_.choice(("mail", "note", "chat", "transcript"))
        talk = document(kind, *turns)  # type: ignore[arg-type]
        found = made(talk, max_words=120)
        answers = [m.content for one in found for m in one.messages if m.role == "assistant"]
        assert squeezed("".join(answers)) == squeezed(talk.own_text)
        for one in found:
            assert [m.role for m in one.messages] == ["user", "assistant"] * (len(one.messages) // 2)
            assert sum(len(m.content.split()) for m in one.messages) <= 120 + CONTEXT_WORDS


def test_everything_shown_or_learned_goes_through_the_mask() -> None:
    mail = document("mail", quoted("my SECRET is"), own("your SECRET is"), own("again SECRET"))
    found = conversations(mail, received="SECRET", mask=lambda text: text.replace("SECRET", "[x]"), max_words=50)
    assert "SECRET" not in str(found)
    assert str(found).count("[x]") == 3
    bare = conversations(
        document("mail", own("hello")), received="SECRET", mask=lambda text: text.replace("SECRET", "[x]"), max_words=50
    )
    assert bare[0].messages[0].content == "[x]"

"""What programs write in a person's name is told from what people write about the same things."""

from __future__ import annotations

import pytest
from writing import own, theirs

from mlxtwin.curate.judge import judge
from mlxtwin.records import KINDS, Document, Kind

PROGRAMS = [
    ("invitation", "Ann Baker has accepted this invitation."),
    ("invitation", "Ann is inviting you to a scheduled Zoom meeting.\n\nTopic: bread"),
    ("invitation", "Join Zoom Meeting\nhttps://zoom.example/j/1\n\nMeeting ID: 12 34\nPasscode: bread"),
    ("invitation", "Bread tasting\nWhen: Monday 3 May\nWhere: the bakery\nOrganizer: Ann\nCalendar: Ann's days"),
    ("invitation", "BEGIN:VCALENDAR\nSUMMARY:bread and more of it\nEND:VCALENDAR"),
    ("invitation", "Ann Baker hat diesen Termin zugesagt."),
    ("automated", "This is an automated message. Your loaf was taken out of the oven."),
    ("automated", "Automatic reply: I have gone to the mill and will be back some time."),
    ("automated", "I am out of the office until Monday. In urgent cases, please turn to Bob at the mill."),
    ("automated", "Ich bin bis Montag nicht im Büro. In dringenden Fällen wenden Sie sich an die Mühle."),
    ("automated", "Je suis absente jusqu'à lundi. En cas d'urgence, écrivez au moulin."),
    ("automated", "I'm driving with Do Not Disturb While Driving turned on. I'll see your message when I get there."),
    ("automated", "Delivery Status Notification (Failure)\n\nThe mail to bob could not be delivered for good."),
    ("automated", "Your message to bob could not be delivered. Address not found."),
    ("automated", "Bitte antworten Sie nicht auf diese Nachricht. Ihr Brot konnte nicht zugestellt werden."),
    ("receipt", "Thank you for your order!\nOrder number: 1234567\nTwo loaves of rye\nTotal: 9.80"),
    ("receipt", "Your order has been shipped.\nTracking number: AB123456\nIt will be there soon."),
    ("receipt", "Vielen Dank für Ihre Bestellung.\nBestellnummer: 44556677\nGesamtsumme: 12,50"),
    ("bulk", "New loaves this week!\nYou received this newsletter because you like bread.\nUnsubscribe here"),
    ("bulk", "Our autumn breads are here. View this email in your browser. Unsubscribe or manage preferences."),
]
PEOPLE = [
    "Bob has accepted the invitation to my birthday party, did he tell you?",
    "Can you join the Zoom call at five? I would rather not be alone in that meeting.",
    "I'm on holiday until Friday and will call you when I am home!",
    "I am out of the office on Monday, so could you take the bread out for me?",
    "The parcel could not be delivered to me, they say, though I sat at the door all day.",
    "My mail to you came back as undeliverable. Is something wrong with your account?",
    "Did you unsubscribe from that list? I get their newsletter every day and it is all in capitals.",
    "Thanks for your order, Bob! I will bring both loaves to the mill on Sunday before noon.",
    "What was the total in the end? I paid for the flour and you for the salt, I think.",
    "The invoice is wrong again: they want the flour paid twice. I shall write to them tonight.",
    "If it is urgent, knock at the back door; I shall be in the cellar with the sourdough.",
    "When we were at the mill last week, where did you leave the keys? I cannot find them.",
    "I bought an automatic mixer and it is a horror; I shall go on kneading with my hands.",
    "Wir sind im Urlaub und denken oft an euch, das Brot hier ist weiß und weich.",
]


def said(text: str, kind: Kind = "mail", title: str = "") -> str:
    return judge(Document(kind, "s", "k", title, (own(text),))).reason


@pytest.mark.parametrize(("why", "text"), PROGRAMS)
def test_what_a_program_wrote_is_dropped_in_every_kind(why: str, text: str) -> None:
    assert {said(text, kind) for kind in KINDS} == {why}


@pytest.mark.parametrize("text", PEOPLE)
def test_what_people_write_about_the_same_things_is_kept(text: str) -> None:
    assert said(text) == ""


def test_an_answer_to_an_invitation_is_told_by_its_title() -> None:
    assert said("See you there then, I hope", title="Accepted: Bread tasting") == "invitation"
    assert said("See you there then, I hope", title="Bread tasting") == ""
    letter = "I accepted because the loaves look good to me, and since nobody else will come, which is sad. " * 3
    assert said(letter, title="Accepted: Bread tasting") == ""


def test_a_long_letter_that_mentions_an_order_is_a_letter() -> None:
    letter = "We walked along the river and talked about the mill until it was dark and cold. " * 40
    assert said(f"{letter}\nOrder number: 1234567\nTotal: 9.80") == ""


def test_words_of_others_are_not_judged() -> None:
    document = Document(
        "mail", "s", "k", "", (theirs("This is an automated message."), own("What do they want of me now?"))
    )
    assert judge(document).reason == ""

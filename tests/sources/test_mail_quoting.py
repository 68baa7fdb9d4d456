"""Whose words are whose, in mail bodies written for these tests."""

from __future__ import annotations

import time

import pytest

from mlxtwin.sources.attribution import author_of
from mlxtwin.sources.mail_lines import plain_lines
from mlxtwin.sources.quoting import Part, split


def parts(body: str, *, forwards: bool = False, sender: str = "", flowed: bool = False) -> list[Part]:
    return split(plain_lines(body, flowed=flowed), forwards=forwards, sender=sender)


def own(body: str, sender: str = "") -> str:
    return "\n\n".join(part.text for part in parts(body, sender=sender) if part.role == "own")


ATTRIBUTIONS = [
    "On Tue, 3 Mar 2015 at 14:02, Rosa Lind <rosa@example.org> wrote:",
    "On 03.03.2015 14:02, Rosa Lind wrote:",
    "On Tue, Mar 3, 2015 at 2:02 PM, Rosa Lind from the Allotment Society\n<rosa@example.org> wrote:",
    "On Mar 3, 2015, at 2:02 PM, Rosa Lind <\nrosa.with.a.very.long.address.indeed@example.org>\nwrote:",
    " On Mar 3, 2015 2:02 PM, \"Rosa Lind\" <rosa@example.org> sent:",
    "--- On Tue, 3/3/15, Rosa Lind <rosa@example.org> wrote:",
    "-----On 03/03/2015 14:02 PM, Rosa Lind wrote-----",
    "Am 03.03.2015 um 14:02 schrieb Rosa Lind:",
    "Am Di., 3. März 2015 um 14:02 Uhr schrieb Rosa Lind <rosa@example.org>:",
    "Le 3 mars 2015 à 14:02, Rosa Lind <rosa@example.org> a écrit :",
    "Le mar. 3 mars 2015 à 14:02, Rosa Lind <rosa@example.org> a\xa0écrit\xa0:",
    "El mar, 3 mar 2015 a las 14:02, Rosa Lind (<rosa@example.org>) escribió:",
    "Il giorno mar 3 mar 2015 alle ore 14:02 Rosa Lind <rosa@example.org>\nha scritto:",
    "Em ter., 3 de mar. de 2015 às 14:02, Rosa Lind <rosa@example.org> escreveu:",
    "Op 3 maart 2015 14:02 schreef Rosa Lind <rosa@example.org>:",
    "Op 3-mrt.-2015, om 14:02 heeft Rosa Lind <rosa@example.org> het volgende geschreven:",
    "W dniu 3 marca 2015 14:02 użytkownik Rosa Lind <rosa@example.org>\nnapisał:",
    "Den 3 mars 2015 14:02:18, Rosa Lind (rosa@example.org) skrev:",
    "På 3. mars 2015 kl. 14:02, Rosa Lind <rosa@example.org> skrev:",
    "ti 3. maalisk. 2015 klo 14.02 Rosa Lind (rosa@example.org) kirjoitti:",
    "út 3. 3. 2015 v 14:02 odesílatel Rosa Lind <rosa@example.org> napsal:",
    "3 марта 2015 г., 14:02 пользователь Rosa Lind <rosa@example.org> написал:",
    "вт, 3 мар. 2015 г. в 14:02, Rosa Lind <rosa@example.org>:",
    "Tue, 3 Mar 2015 14:02:51 +0400 от Rosa Lind <rosa@example.org>:",
    "03.03.2015, 14:02, \"Rosa Lind\" <rosa@example.org>:",
    "2015-03-03 14:02 GMT+03:00 Rosa Lind <\nrosa@example.org>:",
    "3 Mart 2015 14:02 tarihinde Rosa Lind <rosa@example.org> yazdı:",
    "2015年3月3日 14:02 Rosa Lind <rosa@example.org>:",
    "在 2015年3月3日，下午2:02，Rosa Lind <rosa@example.org> 写道：",
    "2015년 3월 3일 (화) 오후 2:02, Rosa Lind <rosa@example.org>님이 작성:",
]  # fmt: skip


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_an_attribution_line_of_any_language_opens_a_quote_by_its_author(attribution: str) -> None:
    found = parts(f"The gate is fixed.\n\n{attribution}\n\n> Is the gate fixed?\n> It squeaked on Sunday.")
    assert [(part.role, part.text) for part in found] == [
        ("quoted", "Is the gate fixed?\nIt squeaked on Sunday."),
        ("own", "The gate is fixed."),
    ]
    assert found[0].address in ("rosa@example.org", "rosa.with.a.very.long.address.indeed@example.org", "")
    assert "Rosa Lind" in found[0].name


@pytest.mark.parametrize("attribution", [line for line in ATTRIBUTIONS if "在" not in line])
def test_without_marks_all_below_an_attribution_is_quoted(attribution: str) -> None:
    assert own(f"The gate is fixed.\n\n{attribution}\n\nIs the gate fixed?\n\nRosa") == "The gate is fixed."


def test_the_name_in_an_attribution_is_read_without_its_date() -> None:
    assert author_of("On Tue, Mar 3, 2015 at 2:02 PM, Rosa Lind <Rosa@Example.org> wrote:") == (
        "Rosa Lind",
        "rosa@example.org",
    )
    assert author_of("Am 03.03.2015 um 14:02 schrieb Rosa Lind:") == ("Rosa Lind", "")


BLOCKS = [
    "From: Rosa Lind [mailto:rosa@example.org]\nSent: March-09-12 4:22 PM\nTo: Tom\nSubject: The gate",
    "________________________________\nFrom: Rosa Lind <rosa@example.org>\nSent: Monday, 9 March 2015 16:22\nTo: Tom\n"
    "Cc: All\nSubject: The gate",
    "-----Original Message-----\nFrom: Rosa Lind\nTo: Tom\nSent: Mon, Mar 9, 2015 5:49 pm\nSubject: The gate",
    "  *From:* Rosa Lind [mailto:\n  rosa@example.org]\n  *Sent:* Wednesday, June 27, 2012 3:05 PM\n  *To:* Tom\n"
    "  *Subject:* The gate",
    "Von: Rosa Lind\nGesendet: Dienstag, 25. November 2014 14:59\nAn: Tom\nBetreff: Das Tor",
    "De : Rosa Lind [mailto:rosa@example.org]\nEnvoyé : vendredi 23 janvier 2015 16:39\nÀ : Tom\nObjet : La porte",
    "Fra: rosa@example.org\nSendt: 19. march 2011 12:10\nTil: Tom\nEmne: Porten",
    "Från: Rosa Lind\nSkickat: den 26 augusti 2015 14:45\nTill: Tom\nÄmne: Grinden",
    "От: Rosa Lind\nОтправлено: четверг, 26 июня 2014 г. 15:05\nКому: Tom",
    "发件人: Rosa Lind <rosa@example.org>\n发送时间: 2015年3月3日 14:02\n收件人: Tom\n主题: 门",
    "Date: Fri, 28 Sep 2012 10:55:48 +0000\nFrom: rosa@example.org\nTo: tom@example.org\nSubject: The gate",
    "-----Ursprüngliche Nachricht-----\nVon: Rosa Lind",
    "----- Original Message -----\nFrom: \"Rosa Lind\" <rosa@example.org>\nTo: Tom\nCc: \nSubject: The gate",
]  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS)
def test_a_header_block_opens_a_quote_to_the_end(block: str) -> None:
    found = parts(f"Yes, on Saturday.\n\n{block}\n\nWill you fix the gate?\n\nRosa\n")
    assert [(part.role, part.text) for part in found] == [
        ("quoted", "Will you fix the gate?\n\nRosa"),
        ("own", "Yes, on Saturday."),
    ]
    assert found[0].name == "Rosa Lind" or found[0].address == "rosa@example.org"


def test_the_same_block_in_a_forwarding_mail_opens_a_forwarded_part() -> None:
    found = parts(f"For you.\n\n{BLOCKS[0]}\n\nWill you fix the gate?", forwards=True)
    assert [(part.role, part.text) for part in found] == [("own", "For you."), ("forwarded", "Will you fix the gate?")]


@pytest.mark.parametrize(
    "separator",
    [
        "---------- Forwarded message ----------",
        "-------- Original-Nachricht --------".replace("Original-Nachricht", "Weitergeleitete Nachricht"),
        "Begin forwarded message:",
        "Anfang der weitergeleiteten Nachricht:",
        "Début du message réexpédié :",
        "-------- Пересылаемое сообщение --------",
    ],
)
def test_a_forwarding_line_opens_a_forwarded_part(separator: str) -> None:
    head = "From: Rosa Lind <rosa@example.org>\nDate: Tue, Sep 4, 2012 at 1:35 PM\nSubject: Gate\nTo: <tom@example.org>"
    found = parts(f"See below.\n\n{separator}\n{head}\n\nThe gate squeaks.")
    assert [(part.role, part.text, part.address) for part in found] == [
        ("own", "See below.", ""),
        ("forwarded", "The gate squeaks.", "rosa@example.org"),
    ]


def test_a_forwarded_mail_that_is_marked_ends_where_the_marks_end() -> None:
    found = parts(
        "Begin forwarded message:\n\n> From: Rosa <rosa@example.org>\n> Subject: Gate\n> \n> It squeaks.\n\nOdd, no?"
    )
    assert [(part.role, part.text) for part in found] == [("forwarded", "It squeaks."), ("own", "Odd, no?")]


def test_answers_between_quoted_lines_stand_after_what_they_answer() -> None:
    found = parts(
        "Hello Rosa,\n\nOn 3 Mar 2015 14:02, Rosa Lind wrote:\n> Is the gate fixed?\nNearly.\n\n> And the roof?\n>\n"
        "> It leaks.\n\nNot before May.\n\n> Bring the ladder.\n\nTom"
    )
    assert [(part.role, part.text) for part in found] == [
        ("own", "Hello Rosa,"),
        ("quoted", "Is the gate fixed?"),
        ("own", "Nearly."),
        ("quoted", "And the roof?\n\nIt leaks."),
        ("own", "Not before May."),
        ("quoted", "Bring the ladder."),
        ("own", "Tom"),
    ]


def test_a_chain_of_quotes_comes_out_oldest_first_with_its_authors() -> None:
    found = parts(
        "Good.\n\nOn 4 Mar 2015 09:00, Rosa Lind <rosa@example.org> wrote:\n> Done.\n>\n"
        "> On 3 Mar 2015 14:02, Tom Hale <tom@example.org> wrote:\n>> Fix it, please.\n>>\n"
        ">> On 2 Mar 2015 10:00, Rosa Lind <rosa@example.org> wrote:\n>>> It squeaks."
    )
    assert [(part.role, part.address, part.text) for part in found] == [
        ("quoted", "rosa@example.org", "It squeaks."),
        ("quoted", "tom@example.org", "Fix it, please."),
        ("quoted", "rosa@example.org", "Done."),
        ("own", "", "Good."),
    ]


def test_a_quoted_line_wrapped_on_the_way_stays_quoted() -> None:
    quoted = "> this is a rather long line of the other person that some program had to\nwrap here\n> and it goes on."
    assert own(f"{quoted}\n\nI see.") == "I see."


def test_a_reply_on_the_line_of_the_attribution_is_kept() -> None:
    assert own("Gladly. On Wed, Apr 4, 2012 at 3:59 PM, rosa@example.org wrote:\n> Come?") == "Gladly."


@pytest.mark.parametrize(
    "body",
    [
        "On Tuesday I walked to the sea.\nOn Wednesday it rained.",
        "Bring these:\n\n- a rope\n- a lamp",
        "From: the very first day I knew.\n\nTo: all of you, thanks.",
        "He wrote a book in 1999 and sent it to me.",
        "The plan for Monday:\n10:30 tea\n11:00 walk",
        "On 5 May 1999 he wrote:\n\nThe sea is grey.",
        "I said: no.\n\n-- and meant it, as long as it takes, whatever they say.",
        "Thanks,\nTom",
        "Sent the parcel from the office at noon.",
        "You know what she said:\n\nNever again.",
    ],
)
def test_plain_words_that_look_a_little_like_mail_stay_own(body: str) -> None:
    assert own(body) == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("See you.\n\n-- \nTom Hale\nCarpenter", "See you."),
        ("See you.\n\n--\nTom", "See you."),
        ("See you.\n\nSent from my iPhone", "See you."),
        ("See you.\n\nVon meinem iPhone gesendet", "See you."),
        ("See you.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>", "See you."),
        ("See you.\n\nSent from my iPad\nPlease excuse my thumbs", "See you."),
        (
            "See you.\n\nBest,\nTom Hale\nHale & Sons\nTel: +44 20 7946 0000\nwww.example.org",
            "See you.\n\nBest,\nTom Hale",
        ),
        ("See you.\n\nTom Hale\ntom@example.org\n(555) 346-9947", "See you."),
        ("See you.\n\n----------------\nTom Hale\nt. 555-931-0702\nskype: tomh", "See you."),
        (
            "See you.\n\n_______________________________________________\nGates mailing list\nGates@lists.example.org",
            "See you.",
        ),
        (
            "See you.\n\nThis e-mail is confidential and may be privileged. If you are not the intended recipient, "
            "delete it.",
            "See you.",
        ),
    ],
)
def test_a_signature_is_not_the_words(body: str, words: str) -> None:
    assert own(body, sender="Tom Hale") == words
    assert any(part.role == "signature" for part in parts(body, sender="Tom Hale"))


def test_flowed_lines_are_joined_and_keep_their_depth() -> None:
    found = parts("> a long \n> question\nan answer \nthat flows\n-- \nTom", flowed=True)
    assert [(part.role, part.text) for part in found] == [
        ("quoted", "a long question"),
        ("own", "an answer that flows"),
        ("signature", "--\nTom"),
    ]


def test_armour_and_files_written_into_the_text_are_left_out() -> None:
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nAll well.\n"
        "-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n"
    )
    assert own(signed) == "All well."
    assert own("Here.\n\nbegin 644 a.txt\nM1234\n`\nend\nBye.") == "Here.\n\n\nBye.".replace("\n\n\n", "\n\n")


@pytest.mark.parametrize(
    "unit",
    [
        "> ",
        ">\n",
        "On 1.1.2020 a@b.cc\n",
        "-- \n",
        "From: a@b.cc\n",
        "_ " * 40 + "\n",
        "wrote:\n",
        "\n",
        "Tom\n\n\n",
        "Sent from my iPhone\n",
        "Tel: 555 1234567\n",
        "<http://a\n>",
        "> (http://a\nb\n",
    ],
)
def test_hostile_repetition_takes_no_time(unit: str) -> None:
    started = time.process_time()
    parts(unit * (400_000 // len(unit)), sender="Tom Hale")
    parts(unit * (100_000 // len(unit)) + "Tom\n\n" + "\n" * 100_000 + "tom@example.org", sender="Tom Hale")
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "quote",
    [
        "> See the plan (http://example.org/gate\n_page=3)\n>\n> Rosa",
        "> See the plan <http://example.org/gate\n_page=3>\n> Rosa",
        "> See the plan.\n>\n (http://example.org/c/YzOT) >\n> Rosa",
    ],
)
def test_a_link_that_a_program_broke_stays_in_the_quote(quote: str) -> None:
    assert own(f"Seen.\n\nOn 3 Mar 2015 14:02, Rosa Lind wrote:\n\n{quote}") == "Seen."


def test_the_end_of_a_broken_link_is_no_quote_mark() -> None:
    assert (
        own("See <http://example.org/gate\n> for more\nabout it.")
        == "See <http://example.org/gate> for more\nabout it."
    )
    assert own("> see <http://example.org/gate\n> for more\n\nSeen.") == "Seen."


def test_a_link_as_the_whole_answer_between_paragraphs_is_own() -> None:
    assert own("> Where?\n\n<http://example.org/gate>\n\n> And when?\n\nAt noon.") == (
        "<http://example.org/gate>\n\nAt noon."
    )

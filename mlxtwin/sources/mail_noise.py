"""Why a mail is of no use to the twin: written by a program, sent to many, an invitation, a receipt, empty.

Judged by what programs write into headers; words decide only on mail that the headers already show to be automated, or
where programs have a form of words of their own ("Accepted: ", "Automatic reply: "). A mail of the person's own is
dropped only when a program wrote it in their name.
"""

from __future__ import annotations

import re

from mlxtwin.sources.mail_message import Letter

_ROBOT = re.compile(
    r"(?:^|[._+-])(?:no|not|donot|do-not|dont|never)[._-]?reply|^mailer[._-]?daemon|^postmaster$|^bounces?(?:$|[._+-])|"
    r"^(?:notifications?|notify|alerts?|robot|bot|daemon|root|cron|auto-?confirm|auto-?reply|automailer|autoresponder)$"
)
_SHOP = re.compile(
    r"^(?:orders?|order-?(?:confirm\w*|updates?|status)|auto-?order|sales?|shop|store|billing|invoices?|receipts?|payments?|"
    r"bookings?|reservations?|tickets?|shipping|shipment\w*|delivery|versand|bestellung(?:en)?|rechnung(?:en)?|"
    r"buchung(?:en)?|kundenservice|service|support|commandes?|factures?|pedidos?|facturas?|ordini|fatture)(?:$|[._+-])"
)
_RECEIPT = re.compile(
    r"\b(?:receipt|invoice|order (?:confirm|number|#|no)|your (?:\S+ )?(?:order|payment|purchase|booking|reservation|"
    r"subscription|ticket)|payment (?:received|confirm)|booking confirm|shipp(?:ed|ing) confirm|has (?:been )?shipped|"
    r"rechnung|bestellung|bestellbestätigung|zahlung|buchung|facture|reçu|commande|factura|pedido|recibo|fattura|"
    r"ricevuta|ordine|bestelling|factuur|kvitto|faktura|paragon|zamówieni|счет|заказ)",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\s*(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|autoreply|out of (?:the )?office(?: auto-?reply)?|"
    r"abwesenheitsnotiz|abwesenheit|automatische antwort|réponse automatique|absence du bureau|respuesta automática|"
    r"fuera de la oficina|risposta automatica|automatisch antwoord|automatische beantwoording|afwezig|"
    r"resposta automática|automatiskt svar|autosvar|automaattinen vastaus|autoodpowiedź|automatická odpověď|"
    r"автоответ|自动回复|自動回覆|自動応答|자동 회신)\s*[:：]",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"\s*(?:undeliver(?:ed|able)|delivery status notification|returned mail:|unzustellbar|nicht zustellbar|"
    r"mail delivery (?:failed|system)|failure notice|non remis|no se puede entregar)",
    re.IGNORECASE,
)
# How calendars begin the subject of an answer to an invitation.
_ANSWERED = re.compile(
    r"\s*(?:accepted|declined|tentative|tentatively accepted|zugesagt|abgesagt|angenommen|abgelehnt|mit vorbehalt|"
    r"unter vorbehalt|accepté|refusé|provisoire|aceptad[oa]|rechazad[oa]|provisional|accettato|rifiutato|provvisorio|"
    r"geaccepteerd|afgewezen|voorlopig|aceit[oa]|recusad[oa])\s*[:：]",
    re.IGNORECASE,
)
_AUTOREPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-autoreply-from")
_BULK_HEADERS = (
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "x-campaign", "x-campaign-id", "x-campaignid",
    "x-mailchimp-id", "x-mc-user", "x-mailgun-tag", "x-sg-eid", "x-csa-complaints", "x-cid", "x-mailinglist",
)  # fmt: skip
_REPORTS = frozenset({"multipart/report", "message/delivery-status", "message/disposition-notification",
                      "message/feedback-report"})  # fmt: skip
_CALENDAR = "text/calendar"


def drop_reason(letter: Letter, *, mine: bool, has_words: bool) -> str:
    """The reason not to use a mail, or nothing. ``has_words``: something in it was written, by whomever."""
    for reason in (_by_calendar(letter, mine, has_words), _by_program(letter, mine)):
        if reason:
            return reason
    if not mine and _is_receipt(letter):
        return "receipt"
    if not mine and _is_robot(letter):
        return "automated"
    if not mine and _is_bulk(letter):
        return "bulk"
    return "" if has_words else "empty"


def _by_calendar(letter: Letter, mine: bool, has_words: bool) -> str:
    calls = _CALENDAR in letter.body.types or _CALENDAR in letter.header("content-class")
    answers = f"{_CALENDAR};reply" in letter.body.types or bool(_ANSWERED.match(letter.subject))
    if answers and (calls or not mine or not has_words):
        return "calendar reply"
    return "invitation" if calls else ""


def _by_program(letter: Letter, mine: bool) -> str:
    """What a program wrote in anybody's name, the person's too."""
    if letter.body.types & _REPORTS or "x-failed-recipients" in letter.headers:
        return "delivery report"
    if not mine and _RETURNED.match(letter.subject):
        return "delivery report"
    submitted = letter.header("auto-submitted").strip().lower()
    precedence = letter.header("precedence").strip().lower()
    away = _AWAY.match(letter.subject) or any(name in letter.headers for name in _AUTOREPLY_HEADERS)
    if away or submitted.startswith("auto-replied") or precedence in ("auto_reply", "auto-reply"):
        return "auto-reply"
    if submitted and not submitted.startswith("no"):
        return "receipt" if not mine and _RECEIPT.search(letter.subject) else "automated"
    return ""


def _is_receipt(letter: Letter) -> bool:
    if not _RECEIPT.search(letter.subject):
        return False
    sold = bool(_SHOP.match(_local(letter))) and not letter.header("in-reply-to")
    return sold or _is_robot(letter) or _is_bulk(letter)


def _is_robot(letter: Letter) -> bool:
    """Signs on mail of others that no human sent it."""
    returned = letter.header("return-path").strip()
    answers_none = "x-auto-response-suppress" in letter.headers
    return bool(_ROBOT.search(_local(letter))) or returned == "<>" or answers_none


def _is_bulk(letter: Letter) -> bool:
    if any(name in letter.headers for name in _BULK_HEADERS):
        return True
    return letter.header("precedence").strip().lower() in ("bulk", "list", "junk")


def _local(letter: Letter) -> str:
    return letter.address.partition("@")[0]

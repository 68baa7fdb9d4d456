"""Why a mail is of no use to the twin: automated, bulk, invitation, receipt, empty.

Judged by what programs write into headers; words decide only on mail that the headers already show to be automated.
A mail of the person's own is dropped only when a program wrote it in their name.
"""

from __future__ import annotations

import re

from mlxtwin.sources.mail_message import Letter

_ROBOT = re.compile(
    r"(?:^|[._+-])(?:no|not|donot|do-not|dont|never)[._-]?reply|^mailer[._-]?daemon|^postmaster$|^bounces?(?:$|[._+-])|"
    r"^(?:notifications?|notify|alerts?|robot|bot|daemon|root|cron|auto-?confirm|auto-?reply|automailer|autoresponder)$"
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
    r"abwesenheitsnotiz|automatische antwort|réponse automatique|respuesta automática|risposta automatica|"
    r"automatisch antwoord|resposta automática|automatiskt svar|автоответ)\s*[:：]",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"\s*(?:undeliver(?:ed|able)|delivery status notification|returned mail:|"
    r"mail delivery (?:failed|system)|failure notice)",
    re.IGNORECASE,
)
_AUTOMATED_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-failed-recipients", "x-auto-reply-from")
_BULK_HEADERS = (
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "x-campaign", "x-campaign-id", "x-campaignid",
    "x-mailchimp-id", "x-mc-user", "x-mailgun-tag", "x-sg-eid", "x-csa-complaints", "x-cid", "x-mailinglist",
)  # fmt: skip
_REPORTS = frozenset({"multipart/report", "message/delivery-status", "message/disposition-notification",
                      "message/feedback-report"})  # fmt: skip


def drop_reason(letter: Letter, *, mine: bool, has_words: bool) -> str:
    """The reason not to use a mail, or nothing. ``has_words``: something in it was written, by whomever."""
    automated = _is_automated(letter, mine=mine)
    bulk = not mine and _is_bulk(letter)
    if "text/calendar" in letter.body.types or "text/calendar" in letter.header("content-class"):
        return "invitation"
    if (automated or bulk) and _RECEIPT.search(letter.subject):
        return "receipt"
    if automated:
        return "automated"
    if bulk:
        return "bulk"
    return "" if has_words else "empty"


def _is_automated(letter: Letter, *, mine: bool) -> bool:
    submitted = letter.header("auto-submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    if letter.body.types & _REPORTS or any(name in letter.headers for name in _AUTOMATED_HEADERS):
        return True
    if letter.header("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    if mine:
        return bool(_AWAY.match(letter.subject))
    return _is_robot(letter)


def _is_robot(letter: Letter) -> bool:
    """Signs on mail of others that no human sent it."""
    local = letter.address.partition("@")[0]
    if _ROBOT.search(local) or _AWAY.match(letter.subject) or _RETURNED.match(letter.subject):
        return True
    returned = letter.header("return-path").strip()
    return returned == "<>" or "x-auto-response-suppress" in letter.headers


def _is_bulk(letter: Letter) -> bool:
    if any(name in letter.headers for name in _BULK_HEADERS):
        return True
    return letter.header("precedence").strip().lower() in ("bulk", "list", "junk")

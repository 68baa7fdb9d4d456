"""What of a person's own records is no writing of theirs, told by its words in every kind of record.

Automated answers, bulk mail, invitations and receipts sent in the person's name or passed off as theirs, and the line a
program adds below. What the headers of a mail tell was told by its importer before. People write about parcels and
meetings too, so a phrase that a person could write takes a second one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlxtwin.records import Document
from mlxtwin.sources.quoting_phrases import DEVICE_LINE
from mlxtwin.vault.cuts import Cut

AUTOMATED, BULK, INVITATION, RECEIPT = "automated", "bulk", "invitation", "receipt"
# A longer record has words of its own around what a program wrote.
MOST_WORDS = 400
LITTLE = 25
DEVICE_CHARACTERS = (8, 160)


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE | re.MULTILINE)


_ANSWERED = _any(
    r"\A\s*+(?:accepted|declined|tentative(?:ly accepted)?|(?:updated )?invitation|cancell?ed(?: event)?|new time "
    r"proposed|zugesagt|abgelehnt|mit vorbehalt|einladung|abgesagt|accepté|refusé|invitation modifiée|aceptad[oa]|"
    r"rechazad[oa]|invitación|accettato|rifiutato|invito|geaccepteerd|geweigerd|uitnodiging|aceite|recusado"
    r"|convite)\s*:"
)
_INVITED = _any(
    r"\A\W*[\w .'’-]{1,60} (?:has|have) (?:accepted|declined|tentatively accepted) this (?:invitation|event)\b",
    r"\A\W*[\w .'’-]{1,60} hat diesen? (?:einladung|termin) (?:angenommen|zugesagt|abgelehnt|abgesagt)\b",
    r"\bis inviting you to a scheduled\b|\byou have been invited to (?:the following|this) (?:event|meeting)\b",
    r"^[^\S\n]*+join (?:zoom|microsoft teams|google meet|webex) meeting\s{0,9}[:<]?\s{0,9}<?https?://",
    r"^[^\S\n]*+BEGIN:V(?:CALENDAR|EVENT)",
)
_MEETING = _any(
    r"^[^\S\n]*+(?:meeting id|passcode|dial[- ]in|one tap mobile|phone conference id)\s*:",
    r"^[^\S\n]*+(?:join (?:the |our )?(?:zoom|microsoft teams|teams|google meet|webex)\b.{0,20}|join on your computer)",
    r"^[^\S\n]*+(?:when|wann|quand|cuándo)\s*:[^\n]+\n(?:[^\n]*\n){0,2}[^\S\n]*+(?:where|wo|où|dónde|who|wer)\s*:\s*\S",
    r"^[^\S\n]*+(?:organizer|organisator|calendar|kalender|joining info|agenda)\s*:\s*\S",
    r"\b(?:going|teilnehmen)\s*\?\s*(?:yes|ja)\b.{0,20}\b(?:maybe|vielleicht)\b",
)
_PAID = _any(
    r"\b(?:order|invoice|booking|receipt|transaction|confirmation|tracking|bestell|rechnungs|auftrags|buchungs)"
    r"[- ]?(?:number|no\.?|nr\.?|nummer|id|#)\s{0,9}[:#]?\s{0,9}[A-Z]{0,4}[-\d]{4,}",
    r"\bthank(?:s| you) for (?:your|the) (?:order|purchase|payment|booking|reservation|subscription)\b",
    r"\byour (?:\w+ )?(?:order|payment|booking|reservation|package|parcel) (?:has been|was|is) (?:now )?"
    r"(?:confirmed|received|shipped|dispatched|processed|delivered|on its way|out for delivery)\b",
    r"\bvielen dank für (?:ihre|deine) (?:bestellung|zahlung|buchung)|\bihre bestellung (?:wurde|ist)\b",
    r"\bmerci pour votre (?:commande|achat)|\bgracias por (?:su|tu) (?:pedido|compra)\b",
    r"^[^\S\n]*+(?:sub)?total(?: amount| paid| due)?\s{0,9}:?\s{0,9}(?:[$€£]|USD|EUR|GBP|CHF)?\s?\d[\d.,]*",
    r"^[^\S\n]*+(?:gesamt(?:betrag|summe)|summe|zwischensumme|mwst\.?|vat|tax|shipping|versand)\s{0,9}:?\s{0,9}[$€£]?\s?\d[\d.,]*",
)
_BY_PROGRAM = _any(
    r"\bthis is an? (?:automat(?:ed|ic|ically generated)|auto[- ]generated|system[- ]generated) "
    r"(?:message|e-?mail|reply|response|notification)",
    r"\bdiese (?:e-?mail|nachricht) (?:wurde|ist) automatisch\b|\bce (?:message|courriel|mail) (?:a été|est) "
    r"(?:envoyé|généré) automatiquement|\beste (?:mensaje|correo) (?:se ha|ha sido|fue) (?:enviado|generado) auto",
    r"\A\W*(?:auto(?:matic)?[- ]?(?:reply|response)|out of office(?: reply)?|abwesenheitsnotiz|automatische antwort)"
    r"\s*[:\]\n]",
    r"\bi['’]?m driving with (?:do not disturb|the driving focus|focus)\b",
    r"\b(?:delivery status notification|mailer-daemon)\b|\b550 5\.\d\.\d|\brecipient address rejected\b",
)
_ABSENT = _any(
    r"\b(?:i am|i'm|i will be|i’m)\b.{0,30}\b(?:out of (?:the )?office|on (?:annual |parental |sick )?leave|on "
    r"(?:vacation|holiday)|away from my (?:desk|e-?mail))",
    r"\bich bin\b.{0,60}\b(?:nicht im (?:büro|haus)|im urlaub|abwesend|nicht erreichbar)",
    r"\bje suis\b.{0,40}\b(?:absente?|en congés?)\b|\bestoy\b.{0,30}\b(?:fuera de la oficina|de vacaciones)\b",
    r"\bupon my return\b|\blimited access to (?:my )?e-?mails?",
    r"\bwill (?:respond|reply|get back)\b.{0,60}\b(?:when|after|once|as soon as|upon)\b.{0,20}\b(?:back|return"
    r"|possible)",
    r"\b(?:in|for) urgent (?:cases|matters|requests|issues)\b|\bif your (?:\w+ )?(?:is|matter is) urgent\b",
    r"\bdringenden (?:fällen|angelegenheiten)\b|\bnach meiner rückkehr\b|\b(?:wird|werden) nicht weitergeleitet\b",
    r"\bà mon retour\b|\ben cas d'urgence\b|\ba mi regreso\b|\ben caso de urgencia\b",
)
_RETURNED = _any(
    r"\b(?:please )?do not (?:reply|respond) (?:directly )?to this (?:e-?mail|message|address)"
    r"|\bautomatically generated",
    r"\bbitte antworten sie nicht auf diese\b|\bne pas répondre à ce\b|\bno responda a este\b",
    r"\bdelivery (?:has failed|to the following recipients?|failure)\b|\bundeliver(?:ed|able)\b",
    r"\b(?:message|mail)\b.{0,60}\b(?:could not be|was not|wasn't|couldn't be) delivered\b",
    r"\b(?:address not found|user unknown|recipient's mailbox)\b|\bunzustellbar\b|\bnicht zugestellt werden\b",
)
_LEAVE_LIST = _any(
    r"\bunsubscribe\b|\bopt[- ]out\b|\babbestellen\b|\bvom newsletter abmelden\b|\bse désabonner\b|\bdarse de baja\b",
    r"\b(?:manage|update) (?:your |my )?(?:e-?mail |subscription )?preferences\b",
)
_SENT_TO_MANY = _any(
    r"\byou(?:'re| are)? (?:are )?receiv(?:ing|ed) this (?:e-?mail|message|newsletter)\b|\bwas sent to you because\b",
    r"\bview (?:this (?:e-?mail|message|newsletter) )?(?:in|on) (?:your|a|the) (?:web )?browser\b"
    r"|\bview (?:it )?online\b",
    r"\b(?:all rights reserved|privacy policy|terms of service|no longer wish to receive)\b|©\s?\d{4}",
    r"\bdiesen newsletter\b|\bim browser (?:ansehen|anzeigen|öffnen)\b|\bvoir dans le navigateur\b"
    r"|\bver en el navegador",
)

# What the phrases above hold, in small letters; most texts hold none of it, and are read no further.
_HINTS: dict[str, tuple[str, ...]] = {
    INVITATION: (
        "invit", "begin:v", "join ", "einladung", "termin", "meeting id", "passcode:", "one tap", "conference id",
        "when:", "wann:", "quand", "cuándo:", "organi", "joining info", "teilnehmen?",
    ),
    AUTOMATED: (
        "automat", "auto-", "autore", "auto re", "out of office", "driving with", "delivery", "mailer-daemon", "550 5.",
        "recipient", "urgen", "dringend", "limited access", "my return", "will re", "get back", "rückkehr", "retour",
        "weitergeleitet", "mi regreso", "abwesen", "reply to this", "respond to this", "undeliver", "delivered",
        "not found", "unknown", "antworten sie", "répondre", "responda", "zustellbar", "zugestellt",
    ),
    RECEIPT: (
        "order", "invoice", "booking", "receipt", "transaction", "tracking", "purchase", "payment", "bestell", "total",
        "rechnung", "auftrag", "buchung", "zahlung", "commande", "achat", "pedido", "compra", "summe",
    ),
    BULK: ("unsubscribe", "opt-out", "opt out", "abbestellen", "abmelden", "désabonner", "de baja", "preferences"),
}  # fmt: skip


def reason(document: Document, text: str, words: int) -> str:
    """Why its own ``text`` of so many ``words`` is none of the person's writing; empty where it is."""
    if words > MOST_WORDS:
        return ""
    if words <= LITTLE and ":" in document.title and _ANSWERED.match(document.title):
        return INVITATION
    folded = text.casefold()
    for why, hints in _HINTS.items():
        if any(hint in folded for hint in hints) and _TOLD[why](text):
            return why
    return ""


_TOLD: dict[str, Callable[[str], bool]] = {
    INVITATION: lambda text: bool(_INVITED.search(text)) or _signs(_MEETING, text) > 1,
    AUTOMATED: lambda text: bool(_BY_PROGRAM.search(text)) or any(_signs(p, text) > 1 for p in (_ABSENT, _RETURNED)),
    RECEIPT: lambda text: _signs(_PAID, text) > 1,
    BULK: lambda text: bool(_LEAVE_LIST.search(text) and _SENT_TO_MANY.search(text)),
}


def _signs(pattern: re.Pattern[str], text: str) -> int:
    """How many different phrases of a pattern stand in a text, counted up to two."""
    found = {match.group().casefold() for match in pattern.finditer(text)}
    return min(2, len(found))


def device_lines(document: Document) -> Iterator[Cut]:
    """The last line of a turn of the person's where a device or a program advertises itself; none in talk."""
    if document.kind in ("chat", "transcript", "event"):
        return
    shortest, longest = DEVICE_CHARACTERS
    for place, turn in enumerate(document.turns):
        if not turn.trainable:
            continue
        text = turn.text.rstrip()
        start = text.rfind("\n") + 1
        if shortest < len(text) - start < longest and DEVICE_LINE.match(text[start:]):
            yield Cut(place, start, len(turn.text), "signature")

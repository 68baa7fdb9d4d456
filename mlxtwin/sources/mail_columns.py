"""The names that exports of mail give to columns of a table and to keys of JSON, and which field of a mail each holds.

Collected from Outlook's CSV (English, German, French and their like), mail services' interfaces and research data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from mlxtwin.sources.quoting_phrases import FIELDS

_WORDS = {
    "from": "from|sender|from header|author|von|absender|de|expéditeur|da|mittente|remitente|remetente|van|afzender",
    "name": "from name|sender name|from display name|von name|absendername|de nom|da nome|de nombre|de nome|van naam",
    "address": "from address|from email|from email address|sender address|sender email|sender email address|"
    "sender smtp|von adresse|von e mail|absenderadresse|de adresse|da indirizzo|de dirección|de endereço|van adres",
    "to": "to|recipient|recipients|to address|to email|an|à|a|para|aan",
    "subject": "subject|betreff|objet|sujet|asunto|oggetto|onderwerp|assunto|emne|ämne|temat",
    "date": "date|sent|sent on|sent at|sent date|date sent|sent date time|date time|datetime|timestamp|time|received|"
    "received at|received date time|date received|created at|internal date|internaldate|datum|gesendet|gesendet am|"
    "erhalten|empfangen|envoyé|envoyé le|reçu|enviado|recibido|inviato|ricevuto|verzonden|ontvangen",
    "text": "text|body|message|content|body text|text body|body plain|plain body|plain text|plaintext|plain|"
    "message body|message text|email body|text content|corps|corps du message|texte|textkörper|inhalt|nachricht|"
    "nachrichtentext|cuerpo|texto|contenido|corpo|testo|contenuto|tekst|inhoud|bericht",
    "html": "html|body html|html body|html content|message html",
    "raw": "raw|eml|mime|rfc822|raw message|raw email|message source",
    "message-id": "message id|messageid|internet message id|internetmessageid|msg id|rfc822 message id",
    "in-reply-to": "in reply to|inreplyto|reply to id|reply to message id",
    "references": "references",
    "thread-id": "thread id|threadid|conversation id|conversationid|x gm thrid|gmail thread id",
    "labels": "labels|label|folder|folder name|mailbox|x gmail labels|label ids|labelids|ordner|dossier|x folder|file",
    "draft": "is draft|isdraft|draft",
    "headers": "headers",
}
_NAMES = {name: field for field, names in _WORDS.items() for name in names.split("|")}
# Headers that say who sent a mail and why: they are passed on under their own names.
KEPT_HEADERS = frozenset(
    ("list-unsubscribe", "list-id", "precedence", "auto-submitted", "return-path", "x-autoreply", "x-autorespond",
     "feedback-id", "x-spam-flag", "x-auto-response-suppress", "content-class")
)  # fmt: skip
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=4096)
def field_of(name: str) -> str:
    """The field of a mail a column or key holds, or empty: ``From: (Address)``, ``Von: (Adresse)``, ``fromAddress``."""
    plain = " ".join(re.findall(r"[^\W_]+", _HUMPS.sub(" ", name[:100]))).casefold()
    known = _NAMES.get(plain) or FIELDS.get(plain, "")
    return known if known in _WORDS else ""


def tell_mail(names: Iterable[str]) -> bool:
    """Whether columns or keys are those of a mail: who sent it, what about and its words; or the mail as a whole."""
    fields = {field_of(name) for name in names}
    sent = fields & {"from", "name", "address"}
    return "raw" in fields or bool(sent and "subject" in fields and fields & {"text", "html"})

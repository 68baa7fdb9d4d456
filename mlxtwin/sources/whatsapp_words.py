"""What WhatsApp itself writes into a message, in the languages of its larger exports, and the words left without it."""

from __future__ import annotations

import re

_OMITTED = (
    r"(?:image|photo|video|video note|audio|voice message|sticker|gif|contact card|[^\n]{0,200}\bdocument) omitted|"
    r"(?:bild|foto|video|videonotiz|audio|sticker|gif|dokument|kontaktkarte) (?:weggelassen|ausgelassen)|"
    r"(?:image|photo|vidéo|audio|sticker|gif|document|fiche contact) (?:absente?|omise?)|"
    r"(?:imagen|foto|v[ií]deo|audio|sticker|gif|documento|tarjeta de contacto) omitid[oa]|"
    r"(?:imagem|foto|v[ií]deo|[aá]udio|figurinha|gif|documento|cartão do contato) ocultad[oa]|"
    r"(?:immagine|foto|video|audio|sticker|gif|documento|scheda contatto) omess[oa]|"
    r"(?:afbeelding|foto|video|audio|sticker|gif|document|contactkaart) weggelaten"
)
_OMITTED_MARK = (
    r"<[^<>\n]{0,80}\b(?:omitted|ausgeschlossen|weggelassen|omis|omitidos?|oculta|ocultad[oa]|omessi|weggelaten|utelatt|"
    r"udeladt)\b[^<>\n]{0,20}>"
)
_MEDIA = re.compile(f"{_OMITTED}|{_OMITTED_MARK}|null", re.IGNORECASE)
_ATTACHED_LINE = re.compile(
    r"[^\n]{1,250}\.\w{2,5} \((?:file attached|datei angehängt|archivo adjunto|fichier joint|file allegato|"
    r"arquivo anexado|bestand bijgevoegd)\)(?:\n|$)",
    re.IGNORECASE,
)
_ATTACHED_MARK = re.compile(
    r"<(?:attached|anhang|angehängt|adjunto|pièce jointe|allegato|anexado|bijgevoegd)\s?: [^<>\n]{1,250}>",
    re.IGNORECASE,
)
_EDITED = re.compile(
    r"\s*<[^<>\n]{0,60}(?:edited|bearbeitet|edit[óo]|modifié|modificato|editada|bewerkt)[^<>\n]{0,20}>\s*$",
    re.IGNORECASE,
)
_DELETED = (
    "this message was deleted|you deleted this message|this message was deleted by admin [^\n]{1,60}|"
    "diese nachricht wurde gelöscht|du hast diese nachricht gelöscht|se eliminó este mensaje|eliminaste este mensaje|"
    "ce message a été supprimé|vous avez supprimé ce message|questo messaggio è stato eliminato|"
    "hai eliminato questo messaggio|mensagem apagada|essa mensagem foi apagada|você apagou esta mensagem|"
    "dit bericht is verwijderd|je hebt dit bericht verwijderd"
)
_CALLS = (
    r"(?:missed |group |silenced )*(?:voice|video) call(?:[,.] [^\n]{1,40}| at [^\n]{1,20})?|"
    r"verpasste[rs]? (?:sprach|video)anruf[^\n]{0,30}|(?:sprach|video)anruf, [^\n]{1,30}|"
    r"llamada (?:perdida|de voz|de video)[^\n]{0,30}|appel (?:vocal|vidéo) manqué[^\n]{0,30}"
)
_NOTICES = (
    r"(?:messages and calls are|messages to this (?:chat|group)|nachrichten und anrufe sind|les messages et |"
    r"los mensajes y |i messaggi e |as mensagens e |berichten en )[^\n]{0,400}|"
    r"waiting for this message[^\n]{0,100}|(?:live )?location(?: shared)?: https?://\S+|live location shared|poll:\n.*"
)
_MACHINE = re.compile(rf"(?:{_DELETED}|{_CALLS}|{_NOTICES})\.?", re.IGNORECASE | re.DOTALL)


def own_words(text: str) -> str:
    """The message as the person typed it; empty when the program wrote it all. A caption stays."""
    text = _EDITED.sub("", text)
    text = _ATTACHED_MARK.sub("", _ATTACHED_LINE.sub("", text, count=1)).strip()
    return "" if _MEDIA.fullmatch(text) or _MACHINE.fullmatch(text) else text

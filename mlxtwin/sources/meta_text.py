"""Text as Facebook and Instagram export it, and what they themselves write into a chat."""

from __future__ import annotations

import re
from typing import Any

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.chat_text import trimmed

_CONTROLS = re.compile(r"[\x80-\x9f]")
_NOTICE_CHARACTERS = 300
_YOU = frozenset({"you", "du", "ihr", "tu", "vous", "você", "voi", "jij", "je", "ustedes"})
_CALL = r"(?:video |audio |voice |group )*(?:call|chat)"
# After the name of who sent it, or "You".
_DONE = (
    r"(?:sent|shared) (?:an? |\d+ )?(?:attachment|photo|video|sticker|gif|voice message|link|location|"
    r"live location|file|reel|post|story|poll|plan|audio|payment|invitation)s?",
    r"(?:liked|loved|laughed at|emphasi[sz]ed|questioned|disliked) an? (?:message|photo|video|story)",
    r"reacted .{1,60}",
    rf"called .{{1,80}}|missed .{{1,80}}{_CALL}(?: (?:from|with) .{{1,80}})?|missed your call",
    rf"(?:started|ended|joined|left) (?:an?|the) (?:{_CALL}|group)",
    r"(?:named|renamed|created|left|joined|muted) the (?:group|conversation|chat).*",
    r"(?:added|removed|invited) .{1,120} (?:to|from) the (?:group|conversation|chat)",
    r"(?:changed|set|cleared|removed|updated) .{0,80}(?:theme|photo|colou?rs?|nickname|emoji|quick reaction|name).*",
    r"turned (?:on|off) (?:vanish mode|disappearing messages|read receipts|member approval).*",
    r"unsent a message|waved at .*|took a screenshot.*|pinned a message|created a poll.*|voted .*in the poll.*",
    r"wasn't notified about this message.*|responded .{1,60} to .*|(?:are|'re) now (?:connected|friends) .*",
    r"(?:hat|hast|haben|habt) .{1,80}(?:gesendet|geteilt|reagiert|markiert|angerufen|verpasst)",
    r"(?:a|as|avez|avons) (?:envoyé|partagé|réagi|aimé) .*",
    r"(?:envió|compartió|envi[oó]|enviou|compartilhou|reagiu|reaccionó) (?:a |un|una|uma|um|con |com ).*",
    r"(?:ha|hai|avete) (?:inviato|condiviso|reagito) .*|(?:heeft|hebt) .{1,80}(?:verzonden|gedeeld|gereageerd)",
)
_BARE = (
    r"(?:liked|loved|laughed at|emphasi[sz]ed|questioned|disliked) an? (?:message|photo|video|story)",
    r"reacted .{1,20} to (?:your|an?|the) (?:message|photo|video|story|reel)|sent an attachment",
    rf"the {_CALL} (?:has )?ended|{_CALL} ended|missed {_CALL}",
    r"(?:this|the) (?:message|poll|content|story|photo|video) (?:was unsent|is no longer available|isn't available).*",
    r"user unsent a message|message unsent|mentioned you in (?:their|his|her) story",
    r"say hi to your new .{1,60}|you can now message and call each other.*",
    r"hat (?:mit )?.{1,20} auf (?:deine|eine) nachricht reagiert|gefällt eine nachricht|"
    r"hat eine nachricht mit .gefällt mir. markiert",
    r"a (?:aimé|réagi .{1,20} à) (?:un|votre|ton) message|reaccionó .{1,20} a tu mensaje|le gustó un mensaje",
    r"reagiu .{1,20} à sua mensagem|curtiu uma mensagem",
    r"ha reagito .{1,20} al tuo messaggio|ha messo mi piace a un messaggio",
)
# "You called me" is what a person says, so after "You" a notice is told by all of its words: the names in it begin
# with a capital, and what it is about is one of the few things that the program knows.
_NAME = r"(?-i:(?![a-zà-ÿ])[^\W\d_][\w.'’-]*(?: (?![a-zà-ÿ])[^\W\d_][\w.'’-]*){0,4})"
_NAMES = rf"{_NAME}(?:(?:, | and |, and ){_NAME}){{0,9}}(?: and \d+ others?)?"
_SET = r"(?: to [^,;!\n]{1,80})?"
_YOU_DONE = (
    *_DONE[:2],
    r"reacted \S{1,20} to (?:your|an?|the|.{1,60}['’]s) (?:message|photo|video|story|reel)",
    rf"called {_NAME}\.|missed an? {_CALL} (?:from|with) {_NAME}",
    rf"(?:started|ended|joined|left) (?:an?|the) (?:{_CALL}|group)",
    r"(?:created|left|joined|muted|renamed) the (?:group|conversation|chat)",
    r"named the (?:group|conversation|chat) (?-i:[^\sa-z])[^,;!\n]{0,100}",
    rf"(?:added|removed|invited) {_NAMES} (?:to|from) the (?:group|conversation|chat)",
    rf"(?:set|cleared|removed) (?:the nickname for {_NAME}|your (?:own )?nickname){_SET}",
    rf"(?:changed|set|updated|removed) the (?:(?:chat|group|conversation) )?"
    rf"(?:theme|colou?rs?|emoji|quick reaction|name|photo){_SET}",
    r"turned (?:on|off) (?:vanish mode|disappearing messages|read receipts|member approval)(?: for this chat)?"
    r"(?:\. (?:new )?messages .{1,150})?",
    rf"unsent a message|waved at {_NAME}|took a screenshot(?: of (?:the|this) chat)?|pinned a message",
    r"created a poll(?:: .{1,120})?|voted for [\"“].{1,80} in the poll.{0,120}",
    rf"are now (?:connected on messenger|friends (?:on facebook|with {_NAME}))",
    r"(?:hast|habt) (?:eine?n? (?:anhang|foto|video|sticker|gif|sprachnachricht|link|standort|datei|reel|beitrag|"
    r"story)|\d+ (?:fotos|videos|dateien)) (?:gesendet|geteilt)",
    rf"(?:hast|habt) (?:mit )?\S{{1,20}} auf (?:deine|eine|die) nachricht(?: von {_NAME})? reagiert",
    rf"(?:hast|habt) (?:eine nachricht mit .gefällt mir. markiert|{_NAME} angerufen\.|"
    rf"einen (?:video|audio|sprach)?anruf von {_NAME} verpasst)",
    r"(?:as|avez) (?:envoyé|partagé) (?:une? (?:pièce jointe|photo|vidéo|sticker|autocollant|gif|lien|message vocal|"
    r"fichier|position|publication|story|reel)|\d+ (?:photos|vidéos|fichiers))",
    r"(?:as|avez) (?:aimé|réagi (?:avec )?\S{1,20} à) (?:un|votre|ton) message",
    r"(?:enviou|compartilhou) (?:uma? (?:anexo|foto|vídeo|figurinha|áudio|link|localização|arquivo|gif|reel))",
    r"(?:reagiu (?:com )?\S{1,20} à (?:sua|uma) mensagem|curtiu uma mensagem)",
    r"(?:hai|avete) (?:inviato|condiviso) un['’oa]? ?(?:allegato|foto|video|sticker|gif|link|file|posizione|reel)",
    r"(?:hai|avete) reagito (?:con )?\S{1,20} al (?:tuo )?messaggio",
    r"hebt een (?:bijlage|foto|video|sticker|gif|link|bestand|locatie|spraakbericht|reel) "
    r"(?:verzonden|gedeeld|gestuurd)",
    r"hebt (?:met )?\S{1,20} (?:gereageerd op (?:je|een) bericht|op (?:je|een) bericht gereageerd)",
)
_DONE_NOTICE, _BARE_NOTICE, _YOU_NOTICE = (
    re.compile(rf"(?:{'|'.join(patterns)})\s*[.!]?", re.IGNORECASE) for patterns in (_DONE, _BARE, _YOU_DONE)
)


def mended(value: Any) -> str:
    """Text whose bytes in UTF-8 were each written as a character; as it is where it was not. Empty for no text."""
    if not isinstance(value, str):
        return ""
    try:
        return clean_text(value.encode("latin-1").decode())
    except UnicodeEncodeError:
        return clean_text(value)
    except UnicodeDecodeError:
        # Cut within a character; no text that is right holds such controls.
        broken = _CONTROLS.search(value)
        return clean_text(value.encode("latin-1").decode(errors="ignore") if broken else value)


def mended_name(value: Any) -> str:
    return " ".join(mended(value).split())


def own_words(text: str, sender: str) -> str:
    """A message as a person typed it; empty where the program wrote it, which then starts with the sender or "You"."""
    words = trimmed(text)
    if len(words) > _NOTICE_CHARACTERS or "\n" in words:
        return words
    return "" if _BARE_NOTICE.fullmatch(words) or _is_done_by(words, sender) else words


def _is_done_by(words: str, sender: str) -> bool:
    first, _, rest = words.partition(" ")
    for name in (sender, sender.partition(" ")[0]):
        if name and words.casefold().startswith(f"{name.casefold()} "):
            return bool(_DONE_NOTICE.fullmatch(words[len(name) + 1 :]))
    return first.casefold() in _YOU and "?" not in rest and bool(_YOU_NOTICE.fullmatch(rest))

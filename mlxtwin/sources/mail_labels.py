"""What a mailbox says about a mail: sent, a draft, spam, in the trash, a chat, one of Gmail's categories.

Told by Gmail's labels, by the flags of Thunderbird, mutt and Maildir, and by the names of folders, in many languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Reasons to drop, the surest first; "sent" is none.
SENT, CHAT, DRAFT, SPAM = "sent", "chat", "draft", "spam"
_OF_OTHERS = (SPAM, "trash", "promotions", "updates", "forums", "social")
_FOLDER_WORDS = {
    SENT: "sent|sent mail|sent items|sent messages|gesendet|gesendete elemente|gesendete objekte|gesendete nachrichten|"
    "messages envoyés|mails envoyés|éléments envoyés|envoyés|courrier envoyé|enviado|enviados|elementos enviados|"
    "mensajes enviados|correo enviado|posta inviata|inviati|inviata|verzonden|verzonden items|verzonden berichten|"
    "itens enviados|enviadas|skickat|skickade objekt|sendt|sendte elementer|sendt post|wysłane|elementy wysłane|"
    "отправленные|надіслані|odeslaná pošta|odeslané|已发送|已发送邮件|寄件備份|送信済み|送信済みメール|보낸편지함",
    DRAFT: "draft|drafts|entwurf|entwürfe|brouillon|brouillons|borrador|borradores|bozza|bozze|concepten|rascunho|"
    "rascunhos|utkast|kladde|kladder|wersje robocze|szkice|черновики|чернетки|koncepty|草稿|草稿箱|下書き|임시보관함",
    SPAM: "spam|junk|junk e mail|junk email|junk mail|bulk mail|courrier indésirable|indésirables|pourriel|"
    "correo no deseado|posta indesiderata|ongewenste e mail|skräppost|søppelpost|спам|迷惑メール|垃圾邮件|垃圾郵件|"
    "스팸함",
    "trash": "trash|bin|deleted|deleted items|deleted messages|papierkorb|gelöschte elemente|gelöschte objekte|"
    "gelöscht|corbeille|éléments supprimés|messages supprimés|papelera|elementos eliminados|cestino|posta eliminata|"
    "prullenbak|verwijderde items|lixeira|papperskorgen|papirkurv|papirkurven|kosz|корзина|удаленные|кошик|koš|已删除|"
    "已删除邮件|垃圾桶|ゴミ箱|휴지통",
}
_GMAIL_WORDS = {
    CHAT: "chat|chats|discussions instantanées|채팅",
    "promotions": "promotions|promotion|werbung|promociones|promozioni|promoções|reclame|reklam",
    "updates": "updates|update|benachrichtigungen|notifications|notificaciones|aggiornamenti|atualizações|meldingen",
    "forums": "forums|forum|foren|foros|fóruns",
    "social": "social|soziale netzwerke|réseaux sociaux|social media|sociales",
}
_FOLDERS = {word: label for label, words in _FOLDER_WORDS.items() for word in words.split("|")}
_GMAIL = {word: label for label, words in _GMAIL_WORDS.items() for word in words.split("|")}
_CATEGORY = re.compile(r"(?:categor|kategor|catégor)[^\W\d_]{0,4}[\W_]+(.+)")
_LISTED = re.compile(r'"([^"]*)"|([^,"]+)')
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]{0,52})$")
_FOLDER_SUFFIX = re.compile(r"\.(?:mbox|mbx|sbd|eml|partial)$")
_THUNDERBIRD_DELETED = 0x0008


def drop_label(labels: frozenset[str], *, mine: bool) -> str:
    """The label that is a reason not to use a mail, or nothing; what the person sent stays, whatever its labels."""
    if mine and SENT in labels:
        return ""
    found = [label for label in (CHAT, DRAFT, *(() if mine else _OF_OTHERS)) if label in labels]
    return found[0] if found else ""


def gmail_labels(value: str) -> frozenset[str]:
    """Of the decoded header X-Gmail-Labels: names with commas between them, quoted where they hold one."""
    return named_labels(quoted or bare for quoted, bare in _LISTED.findall(value[:10_000]))


def named_labels(names: Iterable[str]) -> frozenset[str]:
    """Of the names of labels or mailboxes, also as IMAP and Gmail's API write them."""
    return frozenset(filter(None, map(_label, names)))


def _label(name: str) -> str:
    plain = _plain(name.rpartition("]/")[2])
    category = _CATEGORY.fullmatch(plain)
    if category:
        return _GMAIL.get(category.group(1).strip(" \"'„“”«»"), "")
    return _FOLDERS.get(plain) or (CHAT if _GMAIL.get(plain) == CHAT else "")


def _plain(name: str) -> str:
    return re.sub(r"[\s_:-]+", " ", name.casefold()).strip(" '\\")


def folder_labels(place: str) -> frozenset[str]:
    """Of the folders a mail lies in, and of the name of its mailbox; ``place`` with forward slashes."""
    names = [_FOLDER_SUFFIX.sub("", part.casefold()) for part in place.split("/")]
    # Of a Maildir's ".INBOX.Sent" the last part is the folder's name.
    names = [name.rpartition(".")[2] if name.startswith((".", "inbox.")) else name for name in names]
    return frozenset(filter(None, (_FOLDERS.get(_plain(name)) for name in names)))


def maildir_labels(name: str) -> frozenset[str]:
    """Of the flags at the end of a file's name in a Maildir: ``:2,DS``, with another mark where a colon cannot be."""
    found = _FLAGS.search(name)
    return flag_labels(found.group(1)) if found else frozenset()


def flag_labels(flags: str) -> frozenset[str]:
    return frozenset(label for flag, label in (("D", DRAFT), ("T", "trash")) if flag in flags)


def header_labels(headers: Mapping[str, list[str]]) -> frozenset[str]:
    """Of what programs write into a mail's own headers."""
    labels = gmail_labels(_first(headers, "x-gmail-labels"))
    status = _first(headers, "x-mozilla-status")
    if re.fullmatch(r"[0-9a-fA-F]{4}", status) and int(status, 16) & _THUNDERBIRD_DELETED:
        labels |= {"trash"}
    if "junk" in _first(headers, "x-mozilla-keys").casefold().split():
        labels |= {SPAM}
    if _first(headers, "x-spam-flag").casefold() == "yes":
        labels |= {SPAM}
    # mutt's letters: D deleted, T a draft.
    status = _first(headers, "x-status")
    return labels | flag_labels(status.replace("D", "-").replace("T", "D").replace("-", "T"))


def _first(headers: Mapping[str, list[str]], name: str) -> str:
    return next(iter(headers.get(name, ())), "").strip()

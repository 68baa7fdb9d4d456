"""The words by which mail programs announce quoted, forwarded and signature text, in many languages.

Collected from what the programs write (Gmail, Outlook, Apple Mail, Thunderbird, phones, web mail); data, no logic. A
language missing here is still caught by the shape of the lines (quoting.py): a date and an address, then a colon.
"""

from __future__ import annotations

import re

# "On ... wrote:": the verb, which may stand before or after the name.
_VERBS = (
    "wrote|writes|sent|said|says|posted|schrieb|schreibt|geschrieben|schreef|a écrit|écrivait|va escriure|escribió|"
    "escribio|escribe|escreveu|ha scritto|scrive|skrev|skriver|kirjoitti|napisał|napisała|napisal|napisala|napísal|"
    "napsal|napsala|pisze|píše|написал|написала|написа|писал|пишет|писав|пише|написав|ezt írta|írta|a scris|έγραψε|"
    "şunu yazdı|yazdı|je napisao|je napisala|je pisao|kirjutas|rakstīja|rašė|parašė|menulis|đã viết|viết|เขียนว่า|"
    "skrifaði|idatzi du|scripsit|כתב|כתבה|كتب|نوشت|写道|寫道|さんは書きました|書きました|のメール|님이 작성|"
    "작성|썼습니다"
)
VERB = re.compile(rf"(?<!\w)(?:{_VERBS})(?:\(a\))?(?!\w)|(?:写道|寫道|書きました|작성)", re.IGNORECASE)
EMAIL = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[\w.-]{1,120}[\w]|<[^<>@\s]{1,80}@[^<>\s]{1,120}>")
DATE = re.compile(
    r"\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}|\d{1,2}[-\s.]{1,2}[^\W\d]{3,10}[-\s.,]{1,3}\d{2,4}"
    r"|\d{1,2}[:.h]\d{2}(?!\d)|(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}\s?[月월]"
)
STAMP = re.compile(r"\d{1,2}[:.h]\d{2}(?!\d)|\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}")
CLOCK = re.compile(
    r"\d{1,2}[:.h]\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?(?:\s?\(?(?:GMT|UTC|CET|CEST|"
    r"[ECMP][SD]T)?\s?(?:[+-]\d\d:?\d\d)?\)?)?"
    r"|(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
)
# How an attribution begins: a preposition before the date, or the date or weekday itself.
START = re.compile(
    r"\W{0,8}(?:(?:on|le|am|el|il|op|w dniu|em|den|på|kl|dnia|dne|dňa|в|на|il giorno|le|a|ο|στις|στο|pe|în|den|"
    r"na|dana|ngày|vào|quoting|zitat von|citando|citation de|in article|in message|at|sent from|bei|um|vom)(?!\w)"
    r"|\d{1,4}\s?[./年년-]|\d{1,2}[. ]|[^\W\d]{1,4}[.,]{0,2}\s\d{1,2}[. ]|(?:mon|tue|wed|thu|fri|sat|sun|mo|di|"
    r"mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|"
    r"mié|mie|jue|vie|sáb|dom|seg|ter|qua|qui|sex|gio|пн|вт|ср|чт|пт|сб|вс|пон|вів|понедельник|вторник|среда|четверг|"
    r"пятница|суббота|воскресенье|понеділок|ma|ti|ke|to|pe|la|su|pon|wto|śro|czw|pią|sob|nie|jan|feb|apr|may|jun|jul|"
    r"aug|sep|oct|nov|dec)[^\W\d]{0,8}[.,]?\s)",
    re.IGNORECASE,
)
# An attribution in the middle of a line, after words of the person.
MIDLINE = re.compile(
    r"(?:-{2,}\s*|(?<=\s))On\s+(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\s+|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|"
    r"Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s+|\d{1,4}[\s./-])[^\n]{0,250}$"
)
# Words around a name in an attribution that are not part of it.
_FILLER_WORDS = (
    "on at le à am um el a las il alle ore op om heeft het volgende w dniu o użytkownik em às den kl på dnia dne в "
    "на от пользователь користувач hat folgendes von by via from tarihinde, tarihinde şunu dátummal időpont the und "
    "schrieb ha escrito uhr gmt utc am pm bei vom - – — * ,"
)
FILLERS = frozenset(_FILLER_WORDS.split())

_FORWARDED = (
    "forwarded (?:message|by .{1,80})|forwarded mail|weitergeleitete nachricht|message transféré|message réexpédié|"
    "mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|vidarebefordrat meddelande|"
    "vidarebefordrat brev|videresendt melding|videresendt meddelelse|videresendt besked|välitetty viesti|"
    "edelleenlähetetty viesti|wiadomość przekazana dalej|przesłana wiadomość|treść przekazanej wiadomości|"
    "пересылаемое сообщение|пересланное сообщение|переслане повідомлення|přeposlaná zpráva|preposlaná správa|"
    "továbbított üzenet|mesaj redirecționat|iletilmiş ileti|i̇letilmiş mesaj|προωθημένο μήνυμα|转发的邮件|"
    "转发邮件|轉寄的郵件|"
    "転送メッセージ|転送されたメッセージ|전달된 메일|전달된 메시지|הודעה שהועברה|رسالة معاد توجيهها"
)
FORWARD_LINE = re.compile(
    rf"[-_=*~\s]{{3,}}(?:{_FORWARDED})[-_=*~:\s]*$|(?:begin forwarded message|"
    rf"anfang der weitergeleiteten (?:nachricht|e-mail)|"
    "début du message (?:réexpédié|transféré)|inicio del mensaje reenviado|inizio messaggio inoltrato|"
    "begin doorgestuurd bericht|início da mensagem (?:re)?encaminhada|vidarebefordrat brev|"
    "videresendt (?:besked|melding)|"
    "välitetty viesti alkaa|начало переадресованного сообщения|początek przekazywanej wiadomości|"
    "začátek přeposlané zprávy|"
    "开始转发的邮件|轉寄的郵件開頭|転送されたメッセージ|전달된 메시지 시작)\\s*[:：]?\\s*$",
    re.IGNORECASE,
)
_ORIGINAL = (
    "original message|original appointment|reply message|reply to message|message from .{1,80}|"
    "ursprüngliche nachricht|"
    "ursprüngliche mail|original[- ]?nachricht|originalnachricht|antwort nachricht|urspr\\. mitteilung|"
    "message d'origine|"
    "message d’origine|message original|message initial|mensaje original|mensagem original|messaggio originale|"
    "oorspronkelijk bericht|origineel bericht|oprindelig meddelelse|original meddelelse|opprinnelig melding|"
    "originalmeddelande|ursprungligt meddelande|ursprungsmeddelande|alkuperäinen viesti|wiadomość oryginalna|"
    "oryginalna wiadomość|исходное сообщение|оригинальное сообщение|оригінальне повідомлення|вихідне повідомлення|"
    "původní zpráva|původní e-mail|pôvodná správa|eredeti üzenet|mesaj original|orijinal mesaj|özgün ileti|"
    "αρχικό μήνυμα|izvorna poruka|izvirno sporočilo|原始邮件|邮件原件|原始郵件|原郵件|元のメッセージ|원본 메일|"
    "원본 메시지|"
    "הודעה מקורית|الرسالة الأصلية|tin nhắn gốc"
)
ORIGINAL_LINE = re.compile(rf"[-_=*~\s]{{2,}}(?:{_ORIGINAL})[-_=*~:\s]*$", re.IGNORECASE)
RULE_LINE = re.compile(r"\s*(?:[-_=*~—]\s?){5,}\s*$")

_FIELD_WORDS = {
    "from": "from|von|de|da|van|fra|från|od|от|від|kimden|gönderen|lähettäjä|feladó|expéditeur|remitente|mittente|"
    "afzender|nadawca|de la|expeditor|από|šalje|saatja|发件人|發件人|寄件者|寄件人|差出人|送信元|보낸 사람|보낸사람|"
    "מאת|من|từ",
    "date": "sent|date|gesendet|datum|envoyé|enviado|enviado el|enviada em|enviado em|enviada|inviato|inviato il|data|"
    "verzonden|sendt|skickat|dato|wysłano|wysłane|отправлено|дата|надіслано|gönderme tarihi|gönderilen|"
    "gönderildi|tarih|"
    "lähetetty|päivämäärä|päiväys|küldve|elküldve|dátum|odesláno|odoslané|poslano|trimis|fecha|"
    "στάλθηκε|ημερομηνία|saadetud|发送时间|發送時間|发件时间|日期|时间|寄件日期|送信日時|日時|送信日|보낸 날짜|날짜|"
    "נשלח|תאריך|التاريخ|أرسلت|ngày|date sent|sent date",
    "to": "to|an|à|a|para|aan|til|till|do|кому|kime|alıcı|vastaanottaja|címzett|komu|pro|per|către|destinataire|"
    "destinatario|destinatários|προς|za|收件人|宛先|받는 사람|받는사람|אל|إلى|đến",
    "cc": "cc|bcc|kopie|kopia|copie|copia|cópia|копия|копія|bilgi|kopio|másolat|másolatot kap|kópia|кому копия|"
    "抄送|副本|참조|עותק|antwort an|reply-to|reply to|blindkopie|cci|cco",
    "subject": "subject|betreff|objet|asunto|oggetto|onderwerp|emne|ämne|temat|тема|konu|aihe|otsikko|tárgy|předmět|"
    "predmet|zadeva|subiect|assunto|θέμα|teema|主题|主題|主旨|件名|제목|נושא|الموضوع|chủ đề",
    "other": "importance|priority|attachments|organization|newsgroups|message-id|anlagen|wichtigkeit|pièces jointes|"
    "resent-from|mailed-by|signed-by",
}
FIELDS = {word: field for field, words in _FIELD_WORDS.items() for word in words.split("|")}
FIELD_LINE = re.compile(r"[\s*|_]{0,6}([^\W\d_][^:：*\n]{0,24}?)[\s*_]{0,3}[:：][\s*_\u200e\u200f]{0,4}(.*)$")

# "Sent from my iPhone" and its like: the verb, then what sent it.
DEVICE_LINE = re.compile(
    r"\W{0,4}(?:sent|get|envoyé|enviado|enviada|inviato|inviata|von meine[mr]|gesendet|diese nachricht wurde|"
    r"verstuurd|"
    r"verzonden|skickat|sendt|wysłan[eoy]|отправлено|надіслано|lähetetty|odesláno|odoslané|elküldve|trimis|"
    r"napisano|poslano|composed|écrit|this (?:e-?mail|message) was sent|發自|发自|從我的|iPhoneから|"
    r"나의 iPhone)"
    r"(?!\w).{0,40}(?:iphone|ipad|ipod|android|galaxy|samsung|blackberry|nokia|huawei|xiaomi|pixel|windows|"
    r"outlook|yahoo|gmail|"
    r"proton|mailbox|sparrow|spark|airmail|acompli|mobile|mobil|handy|phone|smartphone|tablet|device|móvil|"
    r"mobiele|telefon|"
    r"телефон|thunderbird|hotmail|aol|k-9|mutt|superhuman|fastmail|newton|apple watch|my mac|https?://).{0,60}$"
    r"|\W{0,4}(?:via|from) (?:my |the )?(?:mobile|iphone|ipad|android|blackberry|phone|cell|outlook|gmail)\W{0,3}$"
    r"|\W{0,2}iPhoneから送信.{0,10}$|\W{0,2}(?:发自我的|發自我的|從我的).{1,30}$|\W{0,2}나의 \w{2,20}에서 보냄.{0,10}$"
    r"|\W{0,4}Von meinem \w{2,20} gesendet.{0,10}$|\W{0,4}Get Outlook for \w{2,10}.{0,60}$",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"\W{0,3}(?:best|kind|warm|regards|cheers|thanks|thank you|thx|sincerely|yours|love|hugs|take care|ciao|"
    r"all the best|"
    r"many thanks|respectfully|cordially|grüße|gruß|viele grüße|liebe grüße|beste grüße|mit freundlichen|lg|mfg|"
    r"vg|danke|"
    r"cordialement|bien à|amicalement|merci|saludos|un abrazo|gracias|atentamente|abraços|obrigad[oa]|cumprimentos|"
    r"saluti|cordiali|grazie|groet|groeten|met vriendelijke|hälsningar|mvh|vänliga|hilsen|med venlig|terveisin|"
    r"pozdrawiam|"
    r"с уважением|спасибо|всего|з повагою|s pozdravem|s pozdravom|üdvözlettel|saygılarımla)(?!\w)",
    re.IGNORECASE,
)
CONTACT = re.compile(
    r"(?:\b(?:tel|phone|mob|mobile|cell|fax|office|direct|telefon|handy|skype|icq|www|web|t|m|f|p|e|o|d|c)\b\s*[.:：)]"
    r"|https?://|www\.|\+?\(?\d[\d\s().-]{6,}\d|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,60}|\bext\.?\s*\d)",
    re.IGNORECASE,
)
LIST_FOOTER = re.compile(
    r"(?:.{0,80}\bmailing list\b|you (?:received|are receiving) this (?:message|email|e-mail|mail) because|"
    r"to unsubscribe(?: from| send|,|:)|to post to this group|.{0,80}\bmailman/listinfo/|yahoo! groups links|"
    r"visit this group at|for more options,? visit)",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"(?=.{0,1500}\b(?:confidential|privileged|vertraulich|confidentiel|confidencial|riservat))"
    r"(?=.{0,1500}\b(?:intended|recipient|addressee|empfänger|adressat|destinat))",
    re.IGNORECASE | re.DOTALL,
)
SUPERCITE = re.compile(r"\s?[A-Z][A-Za-z]{0,3}>\s")

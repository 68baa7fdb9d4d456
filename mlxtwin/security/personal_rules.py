"""What says who or where somebody is: telephone numbers, mail addresses, accounts, postal addresses, identity numbers.

Where a number has a check digit, it must hold. A telephone number has an international beginning, a national one (a
zero, or three, three and four digits as in North America), or a word before it that says so; a date, an ISBN, an
order, a version, a price, a place on earth, or the address of a computer is none. Not covered: postal addresses
without a street, and identity numbers of countries that are not listed.
"""

from __future__ import annotations

import re

from mlxtwin.security.rules import Rule

_BLANK = " \u00a0\u2009\u202f"
_PHONE = re.compile(
    rf"(?<![\w.,/@€$£%=\u00b0-])(?<!\d:)(?:\+|00)?\(?\d(?:[{_BLANK}().\-/–]{{0,3}}\d){{5,18}}"
    rf"(?!\w|[.,:/-]\d|[{_BLANK}]?[€$£%°]|\])"
)
_GROUPS = re.compile(rf"[{_BLANK}().\-/–]+")
_CALLED = re.compile(
    r"(?:\b(?:phone|telephone|mobile|cell|cellphone|fax|hotline|handy|handynummer|rufnummer|telefonnummer|telefon|"
    r"festnetz|telefono|téléphone|teléfono|telefone|móvil|portable|cellulare|komórka|mobil|tlf|tel|тел|моб)\b\.?"
    r"[^\d\n+]{0,16}|[☎📞]\W{0,4}"
    r"|\b(?:call|ring|text|reach|dial|whatsapp|signal|sms|ruf|anrufen|bel|appelle|llama)(?: (?:me|him|her|us|them"
    r"|mich|ihn|"
    r"sie|uns|an|op|le|til))?(?: (?:at|on|under|back on|unter|auf|al|op|au))?\W{0,4}|\bget me (?:at|on) )$",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?:\b(?:order|invoice|isbn|issn|doi|ref|reference|ticket|parcel|tracking|account|customer|id|version|serial"
    r"|article|"
    r"part|model|code|case|issue|bug|pull request|batch|lot|vat|zip|plz|konto|kontonummer|kunden\w*|bestell\w*"
    r"|rechnung\w*|"
    r"auftrag\w*|artikel\w*|sendung\w*|commande|facture|pedido|factura|ordine|fattura)\b[^\d\n]{0,16}|#\s?|\bv\.?)$",
    re.IGNORECASE,
)
# Also with a year of five digits, as some write who think of the year 10000.
_DATED = re.compile(
    r"(?:[0-3]?\d[./-][01]?\d[./-](?:19|20)?\d\d|0?(?:19|20)\d\d[./-]?[01]\d[./-]?[0-3]\d"
    r"|0?(?:19|20)\d\d[-/–]0?(?:19|20)\d\d)(?!\d|[./-]\d)"
)
_AMERICAN = re.compile(rf"(?:1[{_BLANK}.-])?\(?[2-9]\d\d\)?[{_BLANK}.-]{{1,2}}[2-9]\d\d[{_BLANK}.-]\d{{4}}")
_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w+%-](?:[\w.+%'-]{0,62}[\w+%-])?@(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w@-])(?!:[\w/~])"
)
_IBAN = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}\d\d(?:[{_BLANK}-]?[A-Za-z0-9]){{11,32}}")
# The length of an account number by country (SWIFT's registry).
_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL", "19": "MK SI", "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL", "24": "AD CZ ES MD PK RO SA "
        "SE SK TN",
        "25": "PT", "26": "IS TR", "27": "FR GR IT MC SM", "28": "AL AZ CY DO GT HU LB PL", "29": "BR", "31": "MT",
    }.items()
    for code in codes.split()
}  # fmt: skip

_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_NATIONAL_INSURANCE = re.compile(
    r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]\b"
)
_DNI = re.compile(r"(?<![\w-])(?:\d{8}|[XYZ]-?\d{7})-?[A-Z](?![\w-])")
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_FISCAL = re.compile(r"\b[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]\b")
_INSEE = re.compile(r"(?<![\w.-])[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d(?![\w-])")
_IDENTITY = re.compile(
    r"(?P<before>\b(?:passport|reisepass|personalausweis|ausweis|driv(?:er|ing)(?:'?s)? licen[cs]e|social security|ssn|"
    r"national insurance|tax id|steuer-?id(?:entifikationsnummer)?|sozialversicherung|id card|identity card|nie|dni"
    r"|bsn|"
    r"pesel|cpf|personnummer|insee|codice fiscale)(?:[ -]?(?:no\.?|nr\.?|number|nummer|num(?:é|e)ro|#))?"
    r"\s{0,2}(?:is|ist|lautet|:|=)?\s{0,3})(?P<value>[A-Z0-9](?:[ .-]?[A-Z0-9]){5,15})(?![\w-])",
    re.IGNORECASE,
)

_CAPITAL = r"[A-ZÀ-ÖØ-ÞŁŚŻ][\w'’-]*"
_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Close|"
    r"Crescent|Highway|Hwy|Parkway|Pkwy|Circle|Row|Mews|Gardens|Grove|Hill|Walk|Quay|Broadway)"
)
_UNIT = r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Fl|#)\.? ?#?\w{1,5})?"
_TOWN = rf"(?:,? {_CAPITAL}(?: {_CAPITAL}){{0,2}}"
_ADDRESS = re.compile(
    rf"(?<![\w.,/-])(?:"
    # 12 Mill Lane, Crumb, NY 10001; 12 Mill Lane, Crumb CB1 2AB
    rf"(?:Flat \w{{1,4}},? )?\d{{1,5}}[a-zA-Z]?(?:-\d{{1,4}})?,? (?:[NSEW]\.? )?(?:{_CAPITAL}\.? |\d{{1,3}}(?:st|nd"
    rf"|rd|th) )"
    rf"{{1,3}}{_STREET}\b\.?(?: (?:[NS][EW]?|[EW])\b)?{_UNIT}{_TOWN}(?:,? [A-Z]{{2}})?,? (?:\d{{5}}(?:-\d{{4}})?"
    rf"|[A-Z]{{1,2}}\d[\dA-Z]? ?\d[A-Z]{{2}})\b)?"
    # Mühlenweg 12a, 01067 Krume; Kerkstraat 12, 1017 GC Amsterdam
    rf"|[A-ZÄÖÜ][\wäöüß-]*(?:[Ss]tr(?:aße|asse|aat|\.)|[a-zß](?:weg|gasse|platz|allee|ufer|laan|plein|gracht|"
    rf"gatan|vägen|gade|vej"
    rf"|veien)) \d{{1,4}} ?[a-zA-Z]?\b(?:,? (?:[A-Z]{{1,2}}-)?\d{{4,5}}(?: [A-Z]{{2}})? {_CAPITAL})?"
    # 12 rue du Moulin, 75002 Paris
    rf"|\d{{1,4}}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|chemin|impasse|allée|quai"
    rf"|place) (?:\w+['’ ]){{0,4}}{_CAPITAL}"
    rf"(?:,? \d{{5}} {_CAPITAL})?"
    # Calle del Molino 12, 28001 Madrid; Via Roma 10, 00100 Roma
    rf"|(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo|Via|Viale|Piazza|Corso|Rua|Praça) ?(?:(?:de|del|della|dei|di|da|do"
    rf"|la|los|"
    rf"las) ){{0,2}}{_CAPITAL}(?: {_CAPITAL}){{0,2}},? (?:n\.?º? ?)?\d{{1,4}}\b(?:,? \d{{5}} {_CAPITAL})?"
    rf"|(?:P\.? ?O\.? Box|Postfach|Apartado|Boîte postale|BP) \d{{2,6}}\b"
    rf")"
)
_IN_YEAR = re.compile(r"\b(?:in|since|of|by|until|from|before|after|during|early|late|back in)\s$", re.IGNORECASE)


def digits_of(value: str) -> str:
    return re.sub(r"\D", "", value)


def _is_phone(match: re.Match[str], value: str) -> bool:
    before = match.string[max(0, match.start() - 48) : match.start()]
    digits = digits_of(value)
    if set(digits) <= {"0", "1"} or len(set(digits)) < 2 or _DATED.match(value.lstrip("(")) or _COUNTED.search(before):
        return False
    if value.startswith("+"):
        return 8 <= len(digits) <= 15 and digits[0] != "0"
    groups = [group for group in _GROUPS.split(value) if group]
    if digits.startswith("00"):
        return not digits.startswith("000") and 11 <= len(digits) <= 16 and len(groups) <= 6 and len(groups[0]) > 1
    if _AMERICAN.fullmatch(value):
        return True
    called = bool(_CALLED.search(before))
    if digits.startswith("0"):
        return _is_national(value, digits, groups) or (called and 7 <= len(digits) <= 13)
    return called and 6 <= len(digits) <= 13 and not re.fullmatch(r"(?:19|20)\d\d", groups[0])


def _is_national(value: str, digits: str, groups: list[str]) -> bool:
    """With the zero that a trunk call begins with: as one number of ten or eleven digits, or in groups."""
    if len(groups) == 1:
        return len(digits) in (10, 11) and not digits.startswith("0000")
    if not 9 <= len(digits) <= 12 or len(groups) > 6 or _is_isbn(digits, groups):
        return False
    # Only an extension may be a digit alone, as in (030) 901820-0.
    return all(len(group) > 1 for group in groups[:-1])


def _is_isbn(digits: str, groups: list[str]) -> bool:
    if len(digits) != 10 or len(groups) != 4 or len(groups[-1]) != 1:
        return False
    return sum(int(digit) * place for digit, place in zip(digits, range(10, 0, -1), strict=True)) % 11 == 0


def _same_phone(value: str) -> str:
    """Its last nine digits: the same with and without the country."""
    return digits_of(value)[-9:]


def _always(_: re.Match[str], value: str) -> bool:
    return bool(value)


def compact(value: str) -> str:
    return re.sub(r"[\W_]", "", value).upper()


def iban_in(value: str) -> str:
    """The account number that a text begins with, as it is written there; empty where the check digits do not hold."""
    length = _IBAN_LENGTHS.get(value[:2].upper(), 0)
    ends = [place + 1 for place, letter in enumerate(value) if letter.isalnum()]
    if not length or len(ends) < length:
        return ""
    written = value[: ends[length - 1]]
    if value[len(written) : len(written) + 1].isalnum():
        return ""
    number = compact(written)
    moved = "".join(str(int(letter, 36)) for letter in number[4:] + number[:4])
    return written if int(moved) % 97 == 1 else ""


def _is_iban(_: re.Match[str], value: str) -> bool:
    return bool(iban_in(value))


def _is_dni(_: re.Match[str], value: str) -> bool:
    number = compact(value)
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(digits) % 23] == number[-1]


def _is_insee(_: re.Match[str], value: str) -> bool:
    digits = digits_of(value)
    return len(digits) == 15 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _is_identity(_: re.Match[str], value: str) -> bool:
    return sum(letter.isdigit() for letter in value) >= 5 and not _DATED.match(value)


def _is_address(match: re.Match[str], value: str) -> bool:
    """ "In 2019 Wall Street fell" is a year and a street."""
    year = re.match(r"(?:19|20)\d\d ", value)
    return not (year and _IN_YEAR.search(match.string[max(0, match.start() - 12) : match.start()]))


EMAILS = (Rule("email", _EMAIL, _always, same=str.casefold, hint="@"),)
IBANS = (Rule("iban", _IBAN, _is_iban, same=compact),)
PHONES = (Rule("phone", _PHONE, _is_phone, same=_same_phone),)
IDS = (
    Rule("id", _SSN, _always, same=compact),
    Rule("id", _NATIONAL_INSURANCE, _always, same=compact),
    Rule("id", _DNI, _is_dni, same=compact),
    Rule("id", _FISCAL, _always, same=compact),
    Rule("id", _INSEE, _is_insee, same=compact),
    Rule("id", _IDENTITY, _is_identity, same=compact),
)
ADDRESSES = (Rule("address", _ADDRESS, _is_address, same=compact),)

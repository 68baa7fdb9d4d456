"""The language of a text is told, or nothing is said; of many texts at once, with the library's answers."""

from __future__ import annotations

import random

import pytest
from writing import curated, theirs, written

from mlxtwin.curate import language as module
from mlxtwin.curate.language import LANGUAGES, languages
from mlxtwin.vault.listing import Wanted
from mlxtwin.vault.store import Vault

# Written for this test: three sentences as in letters, three as in talk.
SAID: dict[str, tuple[str, ...]] = {
    "en": (
        "The oven is warm and the bread is on the table already.",
        "Nobody came to the mill while you were away.",
        "I would rather stay at home and read the whole evening.",
        "see you tomorrow then",
        "where did you put the keys",
        "that was not what I meant",
    ),
    "de": (
        "Der Ofen ist warm und das Brot liegt schon auf dem Tisch.",
        "Niemand kam zur Mühle, während du weg warst.",
        "Ich würde lieber zu Hause bleiben und den ganzen Abend lesen.",
        "dann bis morgen früh",
        "wo hast du die Schlüssel",
        "das habe ich nicht gemeint",
    ),
    "fr": (
        "Le four est chaud et le pain est déjà sur la table.",
        "Personne n'est venu au moulin pendant ton absence.",
        "Je préfère rester à la maison et lire toute la soirée.",
        "on se voit demain alors",
        "tu as mis les clés où",
        "ce n'est pas ce que je voulais dire",
    ),
    "es": (
        "El horno está caliente y el pan ya está sobre la mesa.",
        "Nadie vino al molino mientras estabas fuera.",
        "Prefiero quedarme en casa y leer toda la tarde.",
        "entonces nos vemos mañana",
        "dónde has puesto las llaves",
        "no es lo que quería decir",
    ),
    "it": (
        "Il forno è caldo e il pane è già sulla tavola.",
        "Nessuno è venuto al mulino mentre eri via.",
        "Preferisco restare a casa e leggere tutta la sera.",
        "allora ci vediamo domani",
        "dove hai messo le chiavi",
        "non è quello che volevo dire",
    ),
    "pt": (
        "O forno está quente e o pão já está em cima da mesa.",
        "Ninguém veio ao moinho enquanto estavas fora.",
        "Prefiro ficar em casa e ler a noite inteira.",
        "então até amanhã, não é",
        "onde você colocou as chaves",
        "não foi isso que eu quis dizer",
    ),
    "nl": (
        "De oven is warm en het brood ligt al op de tafel.",
        "Niemand kwam naar de molen terwijl jij weg was.",
        "Ik blijf liever thuis om de hele avond te lezen.",
        "dan zie ik je morgen wel",
        "waar heb je de sleutels gelegd",
        "dat bedoelde ik helemaal niet",
    ),
    "sv": (
        "Ugnen är varm och brödet ligger redan på bordet.",
        "Ingen kom till kvarnen medan du var borta.",
        "Jag vill hellre stanna hemma och läsa hela kvällen.",
        "då ses vi i morgon",
        "var har du lagt nycklarna",
        "det var inte så jag menade",
    ),
    "da": (
        "Ovnen er varm, og brødet ligger allerede på bordet.",
        "Der kom ingen til møllen, mens du var væk.",
        "Jeg vil hellere blive hjemme og læse hele aftenen.",
        "så ses vi i morgen",
        "hvor har du lagt nøglerne henne",
        "det var ikke det, jeg mente",
    ),
    "fi": (
        "Uuni on lämmin ja leipä on jo pöydällä.",
        "Kukaan ei käynyt myllyllä, kun olit poissa.",
        "Jään mieluummin kotiin lukemaan koko illaksi.",
        "nähdään sitten huomenna",
        "minne laitoit avaimet",
        "en tarkoittanut sitä",
    ),
    "pl": (
        "Piec jest ciepły, a chleb leży już na stole.",
        "Nikt nie przyszedł do młyna, kiedy cię nie było.",
        "Wolę zostać w domu i czytać przez cały wieczór.",
        "to do zobaczenia jutro",
        "gdzie położyłeś klucze",
        "nie to miałem na myśli",
    ),
    "cs": (
        "Pec je teplá a chléb už leží na stole.",
        "Nikdo do mlýna nepřišel, když jsi byl pryč.",
        "Raději zůstanu doma a budu celý večer číst.",
        "tak se uvidíme zítra",
        "kam jsi dal ty klíče",
        "tak jsem to nemyslel",
    ),
    "tr": (
        "Fırın sıcak ve ekmek çoktan masanın üstünde.",
        "Sen yokken değirmene kimse gelmedi.",
        "Evde kalıp bütün akşam kitap okumayı tercih ederim.",
        "o zaman yarın görüşürüz",
        "anahtarları nereye koydun",
        "demek istediğim bu değildi",
    ),
    "hu": (
        "A kemence meleg, és a kenyér már az asztalon van.",
        "Senki sem jött a malomba, amíg távol voltál.",
        "Inkább itthon maradok, és egész este olvasok.",
        "akkor holnap találkozunk",
        "hová tetted a kulcsokat",
        "nem ezt akartam mondani",
    ),
    "ru": (
        "Печь тёплая, и хлеб уже лежит на столе.",
        "Никто не приходил на мельницу, пока тебя не было.",
        "Я лучше останусь дома и буду весь вечер читать.",
        "тогда до завтра",
        "куда ты положил ключи",
        "я не это имел в виду",
    ),
    "uk": (
        "Піч тепла, і хліб уже лежить на столі.",
        "Ніхто не приходив до млина, поки тебе не було.",
        "Я краще залишуся вдома і читатиму весь вечір.",
        "тоді побачимося завтра",
        "куди ти поклав ключі",
        "я не це мав на увазі",
    ),
    "el": (
        "Ο φούρνος είναι ζεστός και το ψωμί είναι ήδη στο τραπέζι.",
        "Κανείς δεν ήρθε στον μύλο όσο έλειπες.",
        "Προτιμώ να μείνω σπίτι και να διαβάζω όλο το βράδυ.",
        "τότε τα λέμε αύριο",
        "πού έβαλες τα κλειδιά",
        "δεν εννοούσα αυτό",
    ),
    "ja": (
        "オーブンは温かく、パンはもう食卓にあります。",
        "あなたがいない間、誰も来ませんでした。",
        "家にいて本を読みたいです。",
        "じゃあまた明日ね",
        "鍵はどこに置いたの",
        "そういう意味じゃないよ",
    ),
    "zh": (
        "烤箱是热的，面包已经在桌子上了。",
        "你不在的时候没有人来过磨坊。",
        "我宁愿待在家里看一晚上的书。",
        "那明天见吧",
        "你把钥匙放哪儿了",
        "我不是这个意思",
    ),
    "ar": (
        "الفرن ساخن والخبز على الطاولة.",
        "لم يأت أحد إلى الطاحونة وأنت غائب.",
        "أفضل أن أبقى في البيت وأقرأ طوال المساء.",
        "إذن نلتقي غدا",
        "أين وضعت المفاتيح",
        "لم أقصد ذلك",
    ),
}
CASES = [(code, text) for code, texts in SAID.items() for text in texts]


def test_of_a_list_of_sentences_in_twenty_languages_nearly_all_are_told_and_hardly_any_wrongly() -> None:
    told = languages([text for _, text in CASES])
    right = sum(found == code for (code, _), found in zip(CASES, told, strict=True))
    wrong = [(code, found, text) for (code, text), found in zip(CASES, told, strict=True) if found not in ("", code)]
    assert right >= 0.9 * len(CASES)
    assert len(wrong) <= 0.03 * len(CASES), wrong
    letters = [text for code, texts in SAID.items() for text in texts[:3]]
    assert sum(map(bool, languages(letters))) >= 0.95 * len(letters)


def test_the_answers_are_those_of_the_library_one_text_at_a_time() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    library = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    library.set_languages(list(LANGUAGES))
    source = random.Random(4)
    pieces = [word for _, text in CASES for word in text.split()]
    texts = [text for _, text in CASES] + [" ".join(source.choices(pieces, k=n)) for n in (2, 5, 9, 40) * 30]
    texts += ["SEE YOU TOMORROW THEN", "e\u0301te\u0301 dernier a\u0300 la plage", "\udcff bread and salt"]
    for text, found in zip(texts, languages(texts), strict=True):
        best, sure = library.classify(module._read(text))
        assert found == (best if sure >= module.SURE else ""), text


@pytest.mark.parametrize(
    "text", ["", "ok", "lol", "🎈🎈", "12 45", "https://example.org/the/bread/of/the/mill", "Bob", "x@y.z"]
)
def test_too_little_is_in_no_language(text: str) -> None:
    assert languages([text]) == [""]
    assert languages([]) == []


def test_the_language_is_kept_listed_and_counted(vault: Vault) -> None:
    text = " ".join(SAID["de"][:3])
    found = curated(
        vault,
        [written("de", text), written("en", " ".join(SAID["en"][:3])), written("fr", theirs(" ".join(SAID["fr"][:3])))],
    )
    assert {key: stored.language for key, stored in found.items()} == {"de": "de", "en": "en", "fr": "fr"}
    assert [row.language for row in vault.listed_rows(vault.listed(Wanted(language="de")))] == ["de"]
    assert vault.stats().by_language == {
        "de": {"documents": 1, "words": len(text.split())}, "en": {"documents": 1, "words": 32},
    }  # fmt: skip


def test_a_changed_document_is_told_anew(vault: Vault) -> None:
    curated(vault, [written("a", " ".join(SAID["de"][:3]))])
    vault.put([written("a", " ".join(SAID["sv"][:3]))])
    (stored,) = vault.documents()
    assert (stored.language, stored.quality) == ("", None)
    assert curated(vault, [])["a"].language == "sv"

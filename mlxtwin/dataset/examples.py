"""The examples of a run: what the vault keeps, split, cut to a budget, put into forms, masked, weighed."""

from __future__ import annotations

import bisect
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mlxtwin.curate.decide import seconds
from mlxtwin.curate.language import UNKNOWN
from mlxtwin.dataset import preferences
from mlxtwin.dataset.choose import tier_weights, within_budget
from mlxtwin.dataset.forms import CONTEXT_WORDS, conversations
from mlxtwin.dataset.learned import NOTHING, Learned
from mlxtwin.dataset.pieces import last_words
from mlxtwin.dataset.split import FEWEST_HELD_OUT, Chosen, split, without_repeats
from mlxtwin.dataset.update import Reading, Update, reading
from mlxtwin.errors import SealBroken, UsageError
from mlxtwin.records import TRAINING_KINDS, Document, Example, Kind, Message, PreferencePair, Rating, Split
from mlxtwin.security.masking import Masker, Masking
from mlxtwin.vault.store import StoredDocument, Vault
from mlxtwin.wording import plural

WORDS_PER_EXAMPLE = 300
FEWEST_WORDS = 500
FORMAT = 1
_IMPORT = "Import more of your writing with `mlxtwin import PATH`."


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """Numbers only. ``available`` and ``used`` hold documents and own words of training and hold-out together with
    their parts by tier; ``masked`` counts what was masked by placeholder; ``weights`` is the loss weight of a word of
    each tier and ``shares`` what that makes of all weight; ``update`` holds what an update reads of new documents and
    of old ones again; ``asked_by`` counts the examples whose request was made up, by who wrote it."""

    available: dict[str, int]
    used: dict[str, int]
    forms: dict[str, int]
    kinds: dict[str, int]
    tiers: dict[str, int]
    weights: dict[str, float]
    masked: dict[str, int] = field(default_factory=dict)
    repeated_paragraphs: int = 0
    left_out_by_tier: int = 0
    update: dict[str, int] = field(default_factory=dict)
    left_out_by_language: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    asked_by: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples ordered by document id and place in the document, whatever order the vault gave them in.

    ``pairs`` and ``ratings``, the oldest first, are there where the recipe learns from them. ``learned``: what a
    version trained on this will know, None where that is not known; ``learned_before``: own words that the version gone
    on with may have been trained on and this run does not read.
    """

    train: tuple[Example, ...]
    holdout: tuple[Example, ...]
    report: DatasetReport
    pairs: tuple[PreferencePair, ...] = ()
    ratings: tuple[Rating, ...] = ()
    learned: Learned | None = None
    learned_before: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256, hexadecimal, of every example with its weight and side, and of pairs and ratings: what is trained on
        and measured by, and nothing else."""
        examples = [_plain(one) for one in (*self.train, *self.holdout)]
        preferred = preferences.plain(self.pairs, self.ratings)
        return hashlib.sha256(_json([*examples, preferred] if preferred else examples)).hexdigest()

    def holdout_digest(self) -> str:
        """As ``digest``, of what is held out alone: two versions measured on the same words have the same."""
        return hashlib.sha256(_json([_plain(one) for one in self.holdout])).hexdigest()

    def to_bytes(self) -> bytes:
        """JSON; it holds the person's words, so it is only ever written sealed."""
        sides = {"train": [_plain(one) for one in self.train], "holdout": [_plain(one) for one in self.holdout]}
        preferred = preferences.plain(self.pairs, self.ratings)
        learned: dict[str, Any] = {"learned": self.learned.plain()} if self.learned else {}
        learned |= {"learned_before": self.learned_before} if self.learned_before else {}
        return _json({"format": FORMAT, **sides, **preferred, **learned, "report": asdict(self.report)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Dataset:
        """Raises SealBroken when it is not what ``to_bytes`` wrote."""
        try:
            value = json.loads(data)
            if value["format"] != FORMAT:
                raise ValueError
            sides = (tuple(map(_example, value["train"])), tuple(map(_example, value["holdout"])))
            learned = Learned.of_plain(value["learned"]) if "learned" in value else None
            before = tuple(map(str, value.get("learned_before", ())))
            return cls(*sides, DatasetReport(**value["report"]), *preferences.of_plain(value), learned, before)
        except (ValueError, KeyError, TypeError):
            raise SealBroken("The dataset of this run cannot be read.", "Start a new run.") from None


def build(
    vault: Vault,
    *,
    kinds: Iterable[Kind],
    tiers: Mapping[int, float],
    holdout: float,
    max_words_per_example: int = WORDS_PER_EXAMPLE,
    max_words: int | None = None,
    max_holdout_words: int | None = None,
    seed: int = 0,
    known: Learned | None = None,
    update: Update | None = None,
    languages: Collection[str] | None = None,
    masking: Masking | None = None,
) -> Dataset:
    """The dataset of what the vault keeps; curate first.

    ``tiers`` gives each tier's share of the total loss weight; a tier without a share is left out. ``max_words`` and
    ``max_holdout_words`` bound the own words used, by whole documents. ``known``: what the version gone on with knows;
    for an ``update`` it must be there. ``languages``: codes of those wanted, "unknown" for what is in none that could
    be told, None for all. Raises UsageError when there is too little, NothingNew for an update.
    """
    limits = (max_words_per_example, max_words, max_holdout_words, seed)
    chosen = (None if languages is None else frozenset(languages), masking or Masking())
    wanted = Wanted(frozenset(kinds), dict(tiers), holdout, *limits, known, update, *chosen)
    return assemble(vault.documents(), wanted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of ``build`` as one value."""

    kinds: frozenset[Kind]
    tiers: Mapping[int, float]
    holdout: float
    max_words_per_example: int = WORDS_PER_EXAMPLE
    max_words: int | None = None
    max_holdout_words: int | None = None
    seed: int = 0
    known: Learned | None = None
    update: Update | None = None
    languages: frozenset[str] | None = None
    masking: Masking = field(default_factory=Masking)


def assemble(documents: Iterable[StoredDocument], wanted: Wanted) -> Dataset:
    """As ``build``, from any stored documents; those not kept serve as context of the mails in their thread."""
    _check(wanted)
    gathered = _gather(documents, wanted)
    usable = [one for one in gathered.chosen if wanted.tiers.get(one.tier, 0) > 0]
    if not usable:
        raise _nothing(wanted, gathered)
    train, apart = split(usable, wanted.holdout, wanted.known or NOTHING)
    held, repeated = without_repeats(train, apart)
    _check_enough(train, held)
    tonight = _tonight(train, apart, wanted)
    used = tonight.read if tonight else within_budget(train, wanted.max_words, wanted.tiers, wanted.seed)
    used_held = within_budget(held, wanted.max_holdout_words, _by_tier(held), wanted.seed, fewest=FEWEST_HELD_OUT)
    weights = tier_weights(_by_tier(used), wanted.tiers)
    maker = _Maker(gathered.threads, wanted.masking.masker(), wanted.max_words_per_example)
    examples = [*maker.examples(used, "train", weights), *maker.examples(used_held, "holdout", {})]
    report = DatasetReport(
        available=_amounts(train, held),
        used=_amounts(used, used_held),
        forms=_counts(example.form for example in examples),
        asked_by=asked_by(examples),
        kinds=_counts(one.document.kind for one in (*used, *used_held)),
        tiers=_counts(str(one.tier) for one in (*used, *used_held)),
        weights={str(tier): round(weight, 6) for tier, weight in weights.items()},
        masked=dict(sorted(maker.mask.counts.items())),
        repeated_paragraphs=repeated,
        left_out_by_tier=len(gathered.chosen) - len(usable),
        update=tonight.counts() if tonight else {},
        left_out_by_language=gathered.languages.total(),
        shares=_shares(_by_tier(used), weights),
    )
    learned = _learned(train, apart, tonight, wanted.known)
    before = _own_words(maker, tonight.rest if tonight else [])
    return Dataset(_of(examples, "train"), _of(examples, "holdout"), report, learned=learned, learned_before=before)


def _tonight(train: Sequence[Chosen], held: Sequence[Chosen], wanted: Wanted) -> Reading | None:
    """What an update reads; None for a run that trains anew, or from preferences."""
    if wanted.update is None:
        return None
    bounds = [bound for bound in (wanted.update.max_words, wanted.max_words) if bound is not None]
    update = replace(wanted.update, max_words=min(bounds, default=None))
    return reading(train, held, wanted.known or NOTHING, update, wanted.tiers, wanted.seed)


def _learned(
    train: Sequence[Chosen], held: Sequence[Chosen], tonight: Reading | None, known: Learned | None
) -> Learned:
    """Of what was new and not read nothing is known; a run from preferences reads no document at all."""
    trained = train if known is None else tonight.new if tonight else ()
    return (known or NOTHING).with_more((one.document for one in trained), (one.document for one in held))


def _own_words(maker: _Maker, chosen: Sequence[Chosen]) -> tuple[str, ...]:
    messages = (message for example in maker.examples(chosen, "train", {}) for message in example.messages)
    return tuple(message.content for message in messages if message.role == "assistant")


def _of(examples: Iterable[Example], side: Split) -> tuple[Example, ...]:
    return tuple(example for example in examples if example.split == side)


class _Threads:
    """What was received in each mail thread, and when."""

    def __init__(self) -> None:
        self._received: dict[str, list[tuple[float, str, str]]] = defaultdict(list)

    def note(self, document: Document) -> None:
        if document.kind != "mail" or not document.thread or document.at is None:
            return
        received = [turn.text for turn in document.turns if turn.role in ("received", "own") and not turn.mine]
        text = last_words("\n\n".join(received), 2 * CONTEXT_WORDS)
        if text:
            bisect.insort(self._received[document.thread], (seconds(document.at), document.id, text))

    def before(self, document: Document) -> str:
        """The last mail received in the thread before this one; empty if none is known."""
        if document.kind != "mail" or document.at is None:
            return ""
        mails = self._received.get(document.thread, [])
        place = bisect.bisect_left(mails, (seconds(document.at), "", ""))
        return mails[place - 1][2] if place else ""


@dataclass(frozen=True, slots=True)
class _Maker:
    threads: _Threads
    mask: Masker
    max_words: int

    def examples(self, chosen: Sequence[Chosen], side: Split, weights: Mapping[int, float]) -> Iterator[Example]:
        for one in chosen:
            document = replace(one.document, title=self.mask(one.document.title))
            received = self.threads.before(document)
            for made in conversations(document, received=received, mask=self.mask, max_words=self.max_words):
                weight = weights.get(one.tier, 1.0)
                yield Example(document.id, made.form, made.messages, one.tier, side, weight, made.asked_by)


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The kept documents that are wanted, the mail threads, and how many were kept of other kinds and languages."""

    chosen: list[Chosen]
    threads: _Threads
    others: Counter[str]
    languages: Counter[str]


def _gather(documents: Iterable[StoredDocument], wanted: Wanted) -> _Gathered:
    found = _Gathered([], _Threads(), Counter(), Counter())
    for stored in documents:
        document = stored.document
        found.threads.note(document)
        language = stored.language or UNKNOWN
        if not stored.kept:
            continue
        if document.kind not in wanted.kinds:
            found.others[document.kind] += 1
        elif wanted.languages is not None and language not in wanted.languages:
            found.languages[language] += 1
        else:
            found.chosen.append(Chosen.of(stored.curated, stored.effective_tier or 3))
    return found


def _check(wanted: Wanted) -> None:
    kinds, tiers, holdout = wanted.kinds, wanted.tiers, wanted.holdout
    known = ", ".join(TRAINING_KINDS)
    if not kinds:
        raise UsageError("No kind of document was named to train on.", f"Set data.kinds to some of: {known}.")
    if not kinds <= set(TRAINING_KINDS):
        raise UsageError(
            f"Not a kind of document: {', '.join(sorted(kinds - set(TRAINING_KINDS)))}.", f"There are: {known}."
        )
    if not any(share > 0 for share in tiers.values()) or any(share < 0 for share in tiers.values()):
        raise UsageError(
            "No tier has a share to train on.", "Set data.tiers to shares such as {1: 0.4, 2: 0.3, 3: 0.3}."
        )
    if not 0 < holdout <= 0.5:
        raise UsageError(f"A hold-out of {holdout:g} cannot be used.", "Set data.holdout above 0 and at most 0.5.")


def _nothing(wanted: Wanted, gathered: _Gathered) -> UsageError:
    named, others = ", ".join(sorted(wanted.kinds)), gathered.others
    if gathered.chosen:
        tiers = ", ".join(sorted({str(one.tier) for one in gathered.chosen}))
        return UsageError(
            f"The vault's {named} documents are all of tier {tiers}, to which data.tiers gives no share.",
            "Give that tier a share.",
        )
    if gathered.languages:
        there = ", ".join(f"{language} ({count:,})" for language, count in gathered.languages.most_common(8))
        return UsageError(
            f"The vault keeps no {named} documents in {', '.join(sorted(wanted.languages or ()))}; it has: {there}.",
            "Set data.languages to some of these, or leave it out for all.",
        )
    if others:
        held = ", ".join(plural(count, kind) for kind, count in sorted(others.items()))
        return UsageError(f"The vault keeps no {named} to train on, only {held}.", "Set data.kinds, or import some.")
    return UsageError("The vault keeps nothing to train on yet.", "Import your writing with `mlxtwin import PATH`.")


def _check_enough(train: Sequence[Chosen], held: Sequence[Chosen]) -> None:
    words = sum(one.words for one in (*train, *held))
    documents = len(train) + len(held)
    there = f"Found to train on: {plural(words, 'word')} of your own in {plural(documents, 'document')}"
    if words < FEWEST_WORDS or not train:
        raise UsageError(f"{there}; at least {FEWEST_WORDS} words are needed.", _IMPORT)
    if len(held) < FEWEST_HELD_OUT:
        raise UsageError(
            f"{there}, of which {len(held)} can be held out to measure by; at least {FEWEST_HELD_OUT} are needed"
            " that are no more than a third of the words.",
            _IMPORT,
        )


def _by_tier(chosen: Iterable[Chosen]) -> dict[int, int]:
    words: Counter[int] = Counter()
    for one in chosen:
        words[one.tier] += one.words
    return dict(words)


def _shares(words: Mapping[int, int], weights: Mapping[int, float]) -> dict[str, float]:
    """What each tier is of all weight, as far as `tier_weights` could bring it to what was asked for."""
    weighed = {tier: count * weights.get(tier, 0.0) for tier, count in sorted(words.items())}
    total = sum(weighed.values()) or 1.0
    return {str(tier): round(weight / total, 3) for tier, weight in weighed.items()}


def _amounts(train: Sequence[Chosen], held: Sequence[Chosen]) -> dict[str, int]:
    return {
        "train_documents": len(train),
        "train_words": sum(one.words for one in train),
        "holdout_documents": len(held),
        "holdout_words": sum(one.words for one in held),
    }


def asked_by(examples: Iterable[Example]) -> dict[str, int]:
    """How many requests a template wrote, and how many the base."""
    return _counts(example.asked_by for example in examples if example.asked_by)


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")


def _plain(example: Example) -> dict[str, Any]:
    return {
        "document": example.document,
        "form": example.form,
        "messages": [[message.role, message.content] for message in example.messages],
        "tier": example.tier,
        "split": example.split,
        "weight": example.weight,
        "asked_by": example.asked_by,
    }


def _example(value: dict[str, Any]) -> Example:
    messages = tuple(Message(role, content) for role, content in value.pop("messages"))
    return Example(messages=messages, **value)

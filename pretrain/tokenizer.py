"""Train the SentencePiece tokenizer and write it in Hugging Face layout.

Byte-pair encoding with byte fallback, digits one by one, and no normalisation at all: encoding then decoding returns
the text exactly, newlines and runs of spaces included (only U+2581, the mark for a space, comes back as a space).
There is no invisible leading space.

    python -m pretrain.tokenizer CORPUS_FOLDER TOKENIZER_FOLDER
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sentencepiece as spm

from pretrain import corpus

VOCABULARY_SIZE = 4096
CONTEXT = 512
# Characters taken from each document, and from each source in all.
SAMPLE_CHARACTERS = {
    "dialogues": (6_000, 6_000_000),
    "task_dialogues": (2_000, 800_000),
    "tales": (12_000, 2_000_000),
    "novels": (45_000, 1_500_000),
}
UNKNOWN, BEGIN, PAD, SYSTEM, USER, ASSISTANT, END = range(7)
CHAT_SYMBOLS = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
SPECIAL_SYMBOLS = ("<unk>", "<s>", "<pad>", *CHAT_SYMBOLS)

# One token per role, nothing between the tokens and the words. The rendering of the first messages of a conversation
# is always a prefix of the rendering of all of it, so supervised spans can be found by the lengths of prefixes.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('Unknown role: ' + message['role']) }}"
    "{% endif %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def main() -> None:
    """Train on a balanced sample of the corpus and write every tokenizer file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(arguments.corpus, arguments.out)
    write_hugging_face(arguments.out)


def train(folder: Path, out: Path) -> None:
    """Write `tokenizer.model`, trained on the training part of the corpus."""
    with (out / "tokenizer.model").open("wb") as model:
        spm.SentencePieceTrainer.train(
            sentence_iterator=sample_lines(folder),
            model_writer=model,
            vocab_size=VOCABULARY_SIZE,
            model_type="bpe",
            byte_fallback=True,
            split_digits=True,
            character_coverage=0.9998,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            max_sentence_length=100_000,
            num_threads=2,
            unk_id=UNKNOWN,
            bos_id=BEGIN,
            eos_id=-1,
            pad_id=PAD,
            user_defined_symbols=[*CHAT_SYMBOLS, "\n"],
            minloglevel=1,
        )


def sample_lines(folder: Path) -> Iterator[str]:
    """Lines from somewhere inside each training document, up to a set number of characters per source."""
    for source, (per_document, total) in SAMPLE_CHARACTERS.items():
        taken = 0
        for document in corpus.read(folder, source):
            if document.held_out or taken >= total:
                continue
            start = document.number * 7919 % max(1, len(document.text) - per_document)
            piece = document.text[start : start + per_document]
            taken += len(piece)
            yield from (line for line in piece.split("\n") if line)


def write_hugging_face(out: Path) -> None:
    """Write the Hugging Face files beside an existing `tokenizer.model`."""
    processor = spm.SentencePieceProcessor(model_file=str(out / "tokenizer.model"))
    special = {"bos_token": "<s>", "eos_token": "<|end|>", "unk_token": "<unk>", "pad_token": "<pad>"}
    settings: dict[str, Any] = {
        **special,
        "additional_special_tokens": list(CHAT_SYMBOLS[:3]),
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": CONTEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": CHAT_TEMPLATE,
    }
    _write_json(out / "tokenizer.json", fast_tokenizer(processor))
    _write_json(out / "tokenizer_config.json", settings)
    _write_json(out / "special_tokens_map.json", {**special, "additional_special_tokens": list(CHAT_SYMBOLS[:3])})
    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def fast_tokenizer(processor: spm.SentencePieceProcessor) -> dict[str, Any]:
    """The `tokenizer.json` that gives the same ids as SentencePiece, as a dict."""
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special_token(index, piece) for index, piece in enumerate(SPECIAL_SYMBOLS)],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {piece: index for index, piece in enumerate(pieces)},
            "merges": merges(pieces),
        },
    }


def merges(pieces: list[str]) -> list[list[str]]:
    """Every pair of pieces that joins to a piece, best-ranked result first, as SentencePiece would join them."""
    first_learned = len(SPECIAL_SYMBOLS) + 1 + 256
    rank = {piece: index for index, piece in enumerate(pieces) if index >= first_learned}
    found: list[tuple[int, str, str]] = []
    for piece, index in rank.items():
        pairs = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        found.extend((index, left, right) for left, right in pairs if left in rank and right in rank)
    found.sort(key=lambda pair: (pair[0], rank[pair[1]], rank[pair[2]]))
    return [[left, right] for _, left, right in found]


def _special_token(index: int, piece: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": index, "content": piece, **flags}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

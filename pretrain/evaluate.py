"""Bits per byte on held-out text: total code length of the tokens, divided by the bytes of the text they spell.

python -m pretrain.evaluate CHECKPOINT TOKENIZER_FOLDER CORPUS_FOLDER
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import sentencepiece as spm
import torch

from pretrain import corpus, stream
from pretrain.model import Starter
from pretrain.tokenizer import BEGIN


def main() -> None:
    """Print one JSON object: source to bits per byte."""
    from pretrain.export import load

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--kilobytes", type=int, default=300, help="held-out text per source")
    parser.add_argument("--context", type=int, default=512)
    arguments = parser.parse_args()
    processor = spm.SentencePieceProcessor(model_file=str(arguments.tokenizer / "tokenizer.model"))
    model = load(arguments.checkpoint)
    texts = held_out(arguments.corpus, processor, arguments.kilobytes * 1000)
    print(json.dumps(bits_per_byte(model, texts, arguments.context)))


def held_out(
    folder: Path, processor: spm.SentencePieceProcessor, limit_bytes: int
) -> dict[str, list[tuple[list[int], int]]]:
    """Of every source, each held-out document as its ids and the number of bytes they stand for.

    Task dialogues are measured as chats, the form they are trained in, against the bytes of what is said;
    everything else as plain text.
    """
    return {
        source: [_ids_and_bytes(document, processor) for document in stream.held_out(folder, source, limit_bytes)]
        for source in corpus.SOURCES
    }


def _ids_and_bytes(document: corpus.Document, processor: spm.SentencePieceProcessor) -> tuple[list[int], int]:
    said = "\n".join(said for _, said in document.turns) or document.text
    ids = stream.encode_document(document, processor).tolist() if document.turns else [BEGIN, *processor.encode(said)]
    return ids[1:], len(said.encode())


def bits_per_byte(
    model: Starter, texts: dict[str, list[tuple[list[int], int]]], context: int = 256
) -> dict[str, float]:
    """Bits per byte of each source, in windows of `context` tokens that start with nothing remembered."""
    result = {}
    for source, documents in texts.items():
        nats = sum(code_length(model, ids, context) for ids, _ in documents)
        size = sum(size for _, size in documents)
        result[source] = round(nats / math.log(2) / size, 4)
    return result


@torch.no_grad()
def code_length(model: Starter, ids: list[int], context: int) -> float:
    """Nats needed to write the tokens, each window led by the begin token."""
    total = 0.0
    for start in range(0, len(ids), context):
        window = torch.tensor([[BEGIN, *ids[start : start + context]]])
        with torch.autocast("cpu", torch.bfloat16):
            total += model(window[:, :-1], window[:, 1:], "sum").item()
    return total


if __name__ == "__main__":
    main()

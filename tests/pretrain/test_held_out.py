"""No held-out document trains anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import sentencepiece as spm

from mlxtwin.backend.models import starter
from pretrain import conversations, corpus, evaluate, stream, tokenizer

HELD_OUT_WORD = "zyxophone"


@pytest.fixture(scope="module")
def processor() -> spm.SentencePieceProcessor:
    return spm.SentencePieceProcessor(model_file=str(starter().path / "tokenizer.model"))


@pytest.mark.parametrize("source", corpus.SOURCES)
def test_every_fiftieth_document_is_held_out(corpus_folder: Path, source: str) -> None:
    documents = list(corpus.read(corpus_folder, source))
    assert [document.number for document in documents if document.held_out] == [0, 50, 100]
    assert all((HELD_OUT_WORD in document.text) == document.held_out for document in documents)


@pytest.mark.parametrize("source", corpus.SOURCES)
def test_the_token_streams_hold_no_held_out_document(
    corpus_folder: Path, processor: spm.SentencePieceProcessor, source: str
) -> None:
    text = processor.decode(stream.encode_source(corpus_folder, source, processor).tolist())
    assert "valley" in text and "lamp" in text
    assert HELD_OUT_WORD not in text


def test_the_conversations_hold_no_held_out_document(corpus_folder: Path) -> None:
    said = [text for conversation in conversations.build(corpus_folder) for _, text in conversation]
    assert any("valley" in text for text in said)
    assert not any(HELD_OUT_WORD in text for text in said)


def test_the_tokenizer_is_trained_without_the_held_out_documents(corpus_folder: Path) -> None:
    sample = "\n".join(tokenizer.sample_lines(corpus_folder))
    assert "valley" in sample
    assert HELD_OUT_WORD not in sample


def test_what_is_measured_is_the_held_out_part(corpus_folder: Path) -> None:
    texts = evaluate.held_out(corpus_folder, lambda document: [len(document.text)], 10_000)
    for source, documents in texts.items():
        lengths = [len(one.text) for one in corpus.read(corpus_folder, source) if one.held_out]
        assert [ids[0] for ids, _ in documents] == lengths


def test_the_copying_check_knows_every_training_text_and_no_held_out_one(corpus_folder: Path) -> None:
    texts = list(evaluate.training_texts(corpus_folder))
    assert sum("valley" in text for text in texts) >= 4 * 98
    assert not any(HELD_OUT_WORD in text for text in texts)

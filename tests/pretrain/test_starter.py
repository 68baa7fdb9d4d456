"""The bundled base as others see it: stock mlx-lm and transformers, its card, its size, and how it answers."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
import sentencepiece as spm

from mlxtwin.backend.device import prepare
from mlxtwin.backend.engine import Loaded, generate, load_base
from mlxtwin.backend.models import starter
from mlxtwin.records import Message
from pretrain import questions
from pretrain.answers import Answer, Shares, answer
from pretrain.prompts import PROMPTS

FOLDER = starter().path
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello!\n\n  How are  you? ☺ 1234"},
    {"role": "assistant", "content": "I'm fine."},
    {"role": "user", "content": "Good."},
]
SUPPORTED_MODEL_BYTES = 32 * 2**20


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_base(starter(), prepare())


@pytest.fixture(scope="module")
def sampled(loaded: Loaded) -> list[Answer]:
    return [answer(loaded, prompt, 0.7) for prompt in PROMPTS]


def test_of_forty_answers_at_0_7_thirty_six_end_properly_and_none_leaves_the_format(sampled: list[Answer]) -> None:
    """Another processor rounds otherwise, which may lead to another answer, and one in 200 loops."""
    shares = Shares.of(sampled)
    assert shares.answers == 40
    assert shares.end_properly >= 36
    assert shares.leave_format == 0
    assert shares.loop <= 1


def test_it_answers_most_questions_from_the_facts_in_front_of_them(loaded: Loaded) -> None:
    random, right = Random(7), 0
    for _ in range(40):
        talk = questions.conversation(random, missing=0.0)
        end = [role for role, _ in talk].index("assistant")
        messages = [Message(role, text) for role, text in talk[:end]]  # type: ignore[arg-type]
        wanted = talk[end][1].rstrip(".").split()[-1].lower()
        right += wanted in "".join(generate(loaded, messages, temperature=0.0, max_tokens=40)).lower()
    assert right >= 26


def test_stock_mlx_lm_loads_it_and_computes_the_same(loaded: Loaded) -> None:
    from mlx_lm import load

    model, tokenizer = load(str(FOLDER))  # type: ignore[misc]
    ids = tokenizer.apply_chat_template(TALK, add_generation_prompt=True)
    messages = [Message(one["role"], one["content"]) for one in TALK]  # type: ignore[arg-type]
    assert ids == loaded.tokenizer.render(messages, generation_prompt=True)
    model.set_dtype(mx.float32)
    theirs = np.array(model(mx.array([ids])))
    assert np.abs(theirs - np.array(loaded.model(mx.array([ids])).astype(mx.float32))).max() < 1e-2


def test_stock_transformers_reads_its_tokenizer_as_sentencepiece_does() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(FOLDER))
    processor = spm.SentencePieceProcessor(model_file=str(FOLDER / "tokenizer.model"))
    for text in (TALK[1]["content"], "naïve — «quoted»\ttab 3.14159 你好", "  leading, trailing  "):
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert ids == processor.encode(text)
        assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    rendered = tokenizer.apply_chat_template(TALK, tokenize=False, add_generation_prompt=True)
    assert rendered.startswith("<s><|system|>Be brief.<|end|><|user|>")
    assert rendered.endswith("<|user|>Good.<|end|><|assistant|>")


def test_stock_transformers_computes_the_same(loaded: Loaded) -> None:
    torch: Any = pytest.importorskip("torch", reason="transformers runs models with PyTorch")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(FOLDER), torch_dtype=torch.float32)
    ids = loaded.tokenizer.render([Message("user", "Tell me about the sea.")], generation_prompt=True)
    theirs = model(torch.tensor([ids])).logits.detach().numpy()
    assert np.abs(theirs - np.array(loaded.model(mx.array([ids])).astype(mx.float32))).max() < 1e-2


def test_digits_are_single_tokens_and_any_byte_has_one() -> None:
    processor = spm.SentencePieceProcessor(model_file=str(FOLDER / "tokenizer.model"))
    assert len(processor.encode("2024")) == 4
    assert [processor.is_byte(index) for index in range(processor.vocab_size())].count(True) == 256


def test_its_size_and_its_files_are_those_of_a_small_hugging_face_model() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= SUPPORTED_MODEL_BYTES
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    names = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "README.md")
    assert all((FOLDER / name).is_file() for name in names)


@pytest.mark.parametrize(
    "words",
    [
        "license: cc-by-sa-4.0", "thechangelog/transcripts", "dstc8-schema-guided-dialogue", "FairytaleQAData",
        "100_english_novels", "## Recipe", "| phase |", "Bits per byte", "## Limits", "held out",
    ],
)  # fmt: skip
def test_its_card_tells_data_licence_recipe_losses_and_limits(words: str) -> None:
    assert words in Path(FOLDER / "README.md").read_text(encoding="utf-8")

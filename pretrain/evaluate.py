"""What a base is worth: bits per byte of held-out text, forty fixed prompts beside those of another base, and copying.

    python -m pretrain.evaluate MODEL CORPUS --previous OTHER_MODEL --report answers.md

MODEL and OTHER_MODEL are folders in Hugging Face layout. One JSON object goes to stdout, the answers side by side to
the report. The same folder gives the same answers but for the rounding of a processor. This needs mlxtwin,
and no PyTorch.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrain import corpus

if TYPE_CHECKING:
    from mlxtwin.backend.engine import Loaded
    from pretrain.answers import Answer

Encode = Callable[[corpus.Document], list[int]]
CodeLength = Callable[[list[list[int]]], float]
"""Nats of all tokens but the first of each window; the windows are of one length."""

TEMPERATURE = 0.7
WINDOWS = 4


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--previous", type=Path, help="another model, whose answers stand beside this one's")
    parser.add_argument("--report", type=Path, help="Markdown file for the answers")
    parser.add_argument("--kilobytes", type=int, default=120, help="held-out text per source")
    parser.add_argument("--top-p", type=float, default=1.0, help="1 samples from everything; chat takes 0.95")
    parser.add_argument("--samples", type=int, default=5, help="sampled answers per prompt searched for copied runs")
    arguments = parser.parse_args()
    measured = {str(path): measure(path, arguments) for path in filter(None, (arguments.model, arguments.previous))}
    if arguments.report:
        arguments.report.write_text(report({path: found[1] for path, found in measured.items()}), encoding="utf-8")
    print(json.dumps({path: found[0] for path, found in measured.items()}, indent=2))


def measure(path: Path, arguments: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[Answer]]]:
    """Figures of one model, and its answers: greedy, and sampled with the first seed."""
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.backend.engine import load_base
    from mlxtwin.backend.models import describe, starter
    from pretrain.answers import Shares, answer
    from pretrain.prompts import PROMPTS

    bundled = starter()
    loaded = load_base(bundled if path.resolve() == bundled.path.resolve() else describe(path, path.name))
    figures: dict[str, Any] = {"bits_per_byte": bits_of(loaded, arguments.corpus, arguments.kilobytes * 1000)}
    if not loaded.tokenizer.has_template:
        return figures, {}
    greedy = [answer(loaded, prompt, 0.0) for prompt in PROMPTS]
    sampled = [
        [answer(loaded, prompt, TEMPERATURE, arguments.top_p, seed) for prompt in PROMPTS]
        for seed in range(arguments.samples)
    ]
    figures["greedy"] = asdict(Shares.of(greedy))
    figures["sampled"] = [asdict(Shares.of(answers)) for answers in sampled]
    if arguments.samples:
        figures["copied"] = copied([one.text for answers in sampled for one in answers], arguments.corpus)
    return figures, {"greedy": greedy, "sampled": sampled[0] if sampled else []}


def bits_of(loaded: Loaded, folder: Path, limit_bytes: int) -> dict[str, float]:
    """Bits per byte by source; dialogues of tasks only where the model has a chat format of its own."""
    chat = loaded.tokenizer.has_template
    start = loaded.tokenizer.inner.bos_token_id

    def encode(document: corpus.Document) -> list[int]:
        if document.source == "task_dialogues":
            return loaded.tokenizer.render(as_chat(document), generation_prompt=False)[1:]
        return loaded.tokenizer.encode(document.text)

    sources = [source for source in corpus.SOURCES if chat or source != "task_dialogues"]
    texts = held_out(folder, encode, limit_bytes, sources)
    return bits_per_byte(texts, code_length(loaded), int(start), min(512, loaded.context))


def as_chat(document: corpus.Document) -> list[Any]:
    """The turns of a task dialogue as messages."""
    from mlxtwin.records import Message

    return [Message("assistant" if place % 2 else "user", said) for place, (_, said) in enumerate(document.turns)]


def code_length(loaded: Loaded) -> CodeLength:
    """By a model that MLX has in memory."""
    import mlx.core as mx
    from mlx import nn

    def nats(windows: list[list[int]]) -> float:
        ids = mx.array(windows)
        logits = loaded.model(ids[:, :-1]).astype(mx.float32)
        return float(nn.losses.cross_entropy(logits, ids[:, 1:], reduction="sum"))

    return nats


def held_out(
    folder: Path, encode: Encode, limit_bytes: int, sources: list[str] | None = None
) -> dict[str, list[tuple[list[int], int]]]:
    """Of every source, each held-out document as its ids and the number of bytes they stand for.

    Task dialogues are measured as chats, the form they are trained in, against the bytes of what is said; everything
    else as plain text.
    """
    return {
        source: [
            (encode(document), size_bytes(document)) for document in held_out_documents(folder, source, limit_bytes)
        ]
        for source in sources or corpus.SOURCES
    }


def size_bytes(document: corpus.Document) -> int:
    """Bytes of the text that is measured."""
    if document.source == "task_dialogues":
        return len("\n".join(said for _, said in document.turns).encode())
    return len(document.text.encode())


def held_out_documents(folder: Path, source: str, limit_bytes: int) -> Iterator[corpus.Document]:
    """Held-out documents, about `limit_bytes` bytes shared evenly among up to 40 of them; task dialogues stay whole."""
    documents = [document for document in corpus.read(folder, source) if document.held_out]
    if source == "task_dialogues":
        yield from documents[: max(1, limit_bytes // 1000)]
        return
    documents = documents[:40]
    for document in documents:
        yield corpus.Document(source, document.number, document.text[: max(1, limit_bytes // len(documents))])


def bits_per_byte(
    texts: dict[str, list[tuple[list[int], int]]], nats_of: CodeLength, start: int, context: int
) -> dict[str, float]:
    """Total code length over bytes, in windows of `context` tokens that begin with `start` and nothing remembered."""
    result = {}
    for source, documents in texts.items():
        nats = sum(nats_of(batch) for batch in batches([ids for ids, _ in documents], start, context))
        size = sum(size for _, size in documents)
        result[source] = round(nats / math.log(2) / size, 4)
    return result


def batches(documents: list[list[int]], start: int, context: int) -> Iterator[list[list[int]]]:
    """Windows of all documents, those of one length a few at a time."""
    windows = [[start, *ids[at : at + context]] for ids in documents for at in range(0, len(ids), context)]
    by_length: dict[int, list[list[int]]] = {}
    for window in windows:
        by_length.setdefault(len(window), []).append(window)
    for group in by_length.values():
        yield from (group[at : at + WINDOWS] for at in range(0, len(group), WINDOWS))


def copied(texts: list[str], folder: Path) -> dict[str, Any]:
    """How many texts repeat 13 words in a row of the corpus or of the conversations made for phase 2, and which."""
    from pretrain.copying import Runs

    runs = Runs(training_texts(folder))
    found = [run for text in texts if (run := runs.first(text))]
    return {"answers": len(texts), "with_copied_run": len(found), "runs": found}


def training_texts(folder: Path) -> Iterator[str]:
    """Every text that trains: the documents, turn by turn where they have turns, and the conversations of phase 2."""
    from pretrain import conversations

    for source in corpus.SOURCES:
        for document in corpus.read(folder, source):
            if not document.held_out:
                yield from [said for _, said in document.turns] or [document.text]
    for conversation in conversations.build(folder):
        yield from (text for _, text in conversation)


def report(answers: dict[str, dict[str, list[Answer]]]) -> str:
    """Markdown: under every prompt what each model says, greedy and sampled."""
    from pretrain.prompts import PROMPTS

    lines = ["# Forty prompts", ""]
    for place, prompt in enumerate(PROMPTS):
        lines += [f"## {place + 1}", "", *(f"*{role}*: {text}  " for role, text in prompt), ""]
        for path, kinds in answers.items():
            for kind, given in kinds.items():
                lines += [f"**{path}, {kind}**{_flaws(given[place])}", "", given[place].text, ""] if given else []
    return "\n".join(lines)


def _flaws(answer: Answer) -> str:
    flaws = {"not ended": not answer.ends_properly, "left the format": not answer.kept_format, "loops": answer.loops}
    found = ", ".join(name for name, present in flaws.items() if present)
    return f" ({found})" if found else ""


if __name__ == "__main__":
    main()

"""mlx-lm's own generation: ``python -m mlxtwin.train.bench.chat_stock WORK BLAS``, JSON Lines on stdin and stdout.

``mlx_lm.load`` and ``stream_generate``, nothing of them changed. A line ``{"prompt", "adapter", "tokens", "seed"}`` is
answered with the seconds from the first text to the last and how many tokens that was. BLAS is as in `stock`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from mlxtwin.security import airplane
from mlxtwin.train.bench.chat_stage import ADAPTERS
from mlxtwin.train.bench.work import Work, run

TEMPERATURE, TOP_P = 0.7, 0.95


def main(arguments: list[str]) -> None:
    work, blas = Work.read(arguments[0]), arguments[1]
    airplane.deny_network()
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    if blas == "fast":
        from mlxtwin.backend.blas import load_blas

        if not load_blas(work.threads).fast:
            raise RuntimeError("there is no fast BLAS to load")
    from mlx_lm import load

    adapter = work.folder / "adapters" / str(ADAPTERS[0])
    models: dict[bool, Any] = {
        False: load(str(work.base)),
        True: load(str(work.base), adapter_path=str(adapter)),
    }
    for line in sys.stdin:
        wanted = json.loads(line)
        model, tokenizer = models[wanted["adapter"]]
        channel.write(json.dumps(_answer(model, tokenizer, wanted)) + "\n")
        channel.flush()


def _answer(model: Any, tokenizer: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    import mlx.core as mx
    from mlx_lm import stream_generate
    from mlx_lm.sample_utils import make_sampler

    mx.random.seed(wanted["seed"])
    messages = [{"role": "user", "content": wanted["prompt"]}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    sampler = make_sampler(TEMPERATURE, top_p=TOP_P)
    began, tokens = 0.0, 0
    for response in stream_generate(model, tokenizer, prompt, max_tokens=wanted["tokens"], sampler=sampler):
        tokens = response.generation_tokens
        if not began and response.text:
            began = time.perf_counter()
    return {"tokens": tokens, "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    sys.exit(run(main))

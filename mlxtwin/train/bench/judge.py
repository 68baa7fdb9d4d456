"""The one judge of all: ``python -m mlxtwin.train.bench.judge WORK NAME...``.

Loads each contestant's adapter into the same base and takes the loss of the held-out replies, by the measure that
``mlxtwin eval`` uses.
"""

from __future__ import annotations

import sys

from mlxtwin.security import airplane
from mlxtwin.train.bench.work import Work, read_tokens, run, write_result

NAME = "judge"
BASE = "base"


def main(arguments: list[str]) -> None:
    work, names = Work.read(arguments[0]), arguments[1:]
    airplane.deny_network()
    airplane.engage()
    write_result(work, NAME, held_out_nll(work, names))


def held_out_nll(work: Work, names: list[str]) -> dict[str, float]:
    """Nats per supervised token of the held-out chats, by contestant, and that of the bare base."""
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.backend.adapters import LoraSpec, attach, load_adapter
    from mlxtwin.backend.engine import load_base
    from mlxtwin.backend.models import describe
    from mlxtwin.evaluate.likelihood import per_token, score_documents

    model = load_base(describe(work.base, work.model)).model
    examples = read_tokens(work, "holdout")
    found = {BASE: per_token(score_documents(model, examples))}
    attach(model, LoraSpec(work.blocks, work.rank, work.scale), work.seed)
    for name in names:
        load_adapter(model, work.adapter(name).read_bytes())
        found[name] = per_token(score_documents(model, examples))
    return found


if __name__ == "__main__":
    sys.exit(run(main))

"""A process of several that train a tiny random model; started by the tests as a program, and imported by them.

``ranked.py HOME RUN AT SIGNAL SEED PATIENCE``: rank 1 sends itself SIGNAL after step AT, if that is not negative; rank
0 writes the events. The adapter's bytes go to stdout.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mlxtwin.backend.device import prepare

prepare()  # before anything imports MLX

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach  # noqa: E402
from mlxtwin.dataset.rows import RowPolicy  # noqa: E402
from mlxtwin.errors import TwinError  # noqa: E402
from mlxtwin.jobs.runs import CHECKPOINT, Run  # noqa: E402
from mlxtwin.paths import Home, make_folder  # noqa: E402
from mlxtwin.records import TokenExample  # noqa: E402
from mlxtwin.security.crypto import SealedFiles  # noqa: E402
from mlxtwin.train import loop, pace  # noqa: E402
from mlxtwin.train.checkpoint import CheckpointFile  # noqa: E402
from mlxtwin.train.distributed import ALONE, Peers, connect  # noqa: E402
from mlxtwin.train.gradient import Execution  # noqa: E402
from mlxtwin.train.prefix import PrefixStore  # noqa: E402

KEY = bytes(range(32))
POLICY = RowPolicy(row_tokens=64)


def tiny_model() -> Any:
    import mlx.core as mx
    from mlx_lm.models.llama import Model, ModelArgs

    mx.random.seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 64, "num_attention_heads": 2}
    model = Model(ModelArgs(model_type="llama", rms_norm_eps=1e-5, vocab_size=64, head_dim=16, **sizes))
    mx.eval(model.parameters())
    attach(model, LoraSpec(num_layers=2, rank=4, scale=2.0, dropout=0.1), seed=3)
    model.train()
    return model


def examples(count: int = 25) -> list[TokenExample]:
    random = np.random.default_rng(0)
    out = []
    for number in range(count):
        length = int(random.integers(6, 40))
        ids = tuple(int(token) for token in random.integers(1, 64, length))
        out.append(TokenExample(f"d{number}", ids, tuple(at >= 3 for at in range(length)), 1.0 + number % 2))
    return out


def trained(
    home: Home, name: str, peers: Peers = ALONE, at: int = -1, how: int = signal.SIGKILL, seed: int = 5
) -> bytes:
    """The adapter at the end, in this process; losses and checkpoint are in the run folder ``name``."""
    run, sealed = Run(make_folder(home.runs / name)), SealedFiles(home, KEY)

    def emit(event: str, /, **data: Any) -> None:
        if peers.first:
            run.events.emit(event, **data)
        if event == "step" and data["step"] == at and peers.rank == 1:
            os.kill(os.getpid(), how)

    checkpoint = CheckpointFile(run.folder / CHECKPOINT, sealed, writes=peers.first)
    execution = Execution(POLICY, PrefixStore(home.prefix / name, sealed, "float16", 32), peers=peers)
    model = tiny_model()
    settings = loop.TrainSettings(2, 256, 5e-4, 0.1, 1.0, seed)
    loop.train(model, examples(), settings, checkpoint, emit, lambda: False, execution)
    return adapter_bytes(model)


def main(home: str, name: str, at: str, how: str, seed: str, patience: str) -> int:
    pace.REPORT_SECONDS = 0.0
    try:
        peers = connect(patience_seconds=float(patience))
        adapter = trained(Home(Path(home)), name, peers, int(at), int(how), int(seed))
    except TwinError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        return error.exit_code
    sys.stdout.write(adapter.hex())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

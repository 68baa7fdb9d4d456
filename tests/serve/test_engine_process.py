"""The engine as a process: JSON Lines in and out, on a random base of some kilobytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlxtwin import starter
from mlxtwin.backend.models import describe
from mlxtwin.backend.tensors import to_safetensors
from mlxtwin.jobs.supervisor import child_command, child_environment
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots

WIDTH, INNER, BLOCKS = 32, 64, 2
SPEC = {"num_layers": 1, "rank": 2, "scale": 20.0, "dropout": 0.0, "keys": ["self_attn.q_proj"], "dora": False}


class Speaker:
    """One engine process, spoken to in its own words."""

    def __init__(self, home: Home, key: bytes) -> None:
        self.key = key
        self.process = subprocess.Popen(
            child_command("mlxtwin.serve.engine", str(home.root)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=child_environment(), text=True,
        )  # fmt: skip
        self.send(key.hex())

    def send(self, *lines: Any) -> None:
        assert self.process.stdin is not None
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def hear_all(self) -> tuple[str, dict[str, Any]]:
        """The text of an answer, and its end or error."""
        text = ""
        while "piece" in (said := self.hear()):
            text += said["piece"]
        return text, said

    def close(self) -> int:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("base") / "tiny"
    folder.mkdir()
    source = Path(starter.__file__).parent
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        (folder / file).write_bytes((source / file).read_bytes())
    vocabulary = json.loads((source / "config.json").read_text())["vocab_size"]
    config = {
        "model_type": "llama", "vocab_size": vocabulary, "hidden_size": WIDTH, "intermediate_size": INNER,
        "num_hidden_layers": BLOCKS, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "tie_word_embeddings": True, "eos_token_id": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    chance = np.random.default_rng(0)
    arrays = {
        "model.embed_tokens.weight": chance.normal(0, 0.2, (vocabulary, WIDTH)),
        "model.norm.weight": np.ones(WIDTH),
    }
    for block in range(BLOCKS):
        prefix = f"model.layers.{block}"
        arrays |= {f"{prefix}.self_attn.{x}_proj.weight": chance.normal(0, 0.2, (WIDTH, WIDTH)) for x in "qkvo"}
        arrays |= {f"{prefix}.mlp.{x}_proj.weight": chance.normal(0, 0.2, (INNER, WIDTH)) for x in ("gate", "up")}
        arrays[f"{prefix}.mlp.down_proj.weight"] = chance.normal(0, 0.2, (WIDTH, INNER))
        arrays |= {f"{prefix}.{x}_layernorm.weight": np.ones(WIDTH) for x in ("input", "post_attention")}
    whole = {name: value.astype(np.float32) for name, value in arrays.items()}
    (folder / "model.safetensors").write_bytes(to_safetensors(whole))
    described = describe(folder, "tiny")
    return asdict(described) | {"path": str(folder)}


@pytest.fixture
def engine(home: Home) -> Iterator[Speaker]:
    home.root.mkdir()
    speaker = Speaker(home, new_key())
    yield speaker
    speaker.process.kill()
    speaker.close()


def ask(**changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "How was your week?"}]
    request = {"op": "ask", "messages": messages, "slot": None, "version": None}
    return request | {"max_tokens": 12, "temperature": 0.7, "seed": 1} | changes


def adapter() -> bytes:
    chance = np.random.default_rng(1)
    name = f"model.layers.{BLOCKS - 1}.self_attn.q_proj.lora_"
    drawn = {f"{name}a": chance.normal(0, 1, (WIDTH, 2)), f"{name}b": chance.normal(0, 1, (2, WIDTH))}
    return to_safetensors({key: value.astype(np.float32) for key, value in drawn.items()})


def test_it_streams_swaps_adapters_hears_a_cancel_and_outlives_bad_requests(
    engine: Speaker, home: Home, base: dict[str, Any]
) -> None:
    slots = Slots(home, SealedFiles(home, engine.key))
    meta = {"run": "r", "verdict": "promoted", "adapter": SPEC, "base": base}
    slots.add("voice", adapter(), meta, {})
    slots.add("voice", adapter(), meta | {"run": "s", "base": base | {"fingerprint": "another"}}, {})

    engine.send("no json", [1], {"op": "dance"}, ask())
    assert all("error" in engine.hear() for _ in range(4))  # the last: there is no base yet

    engine.send({"op": "open", "base": base})
    assert engine.hear()["opened"]["context"] == 4096
    for file in ("cmdline", "environ"):
        seen = Path(f"/proc/{engine.process.pid}/{file}").read_bytes()
        assert seen
        assert engine.key not in seen
        assert engine.key.hex().encode() not in seen

    engine.send(ask())
    plain, said = engine.hear_all()
    assert plain.strip()
    assert said["end"]["ended"] == "length"
    assert said["end"]["tokens"] == 12
    engine.send(ask())
    assert engine.hear_all()[0] == plain

    engine.send(ask(slot="voice", version=1))
    twin = engine.hear_all()[0]
    assert twin != plain
    engine.send(ask(slot="voice", version=2))
    assert "another base" in engine.hear_all()[1]["error"]["message"]
    engine.send(ask(slot="nobody", version=1))
    assert engine.hear_all()[1]["error"]["exit_code"] == 2
    engine.send(ask(slot="voice", version=1), ask())
    assert engine.hear_all()[0] == twin
    assert engine.hear_all()[0] == plain

    engine.send({"op": "cancel"}, ask())  # of an answer long gone
    assert engine.hear_all()[1]["end"]["ended"] == "length"
    engine.send(ask(max_tokens=3000), {"op": "cancel"})  # before the first token
    _, said = engine.hear_all()
    assert said["end"]["ended"] == "stopped"
    assert said["end"]["tokens"] < 3000
    engine.send(ask(max_tokens=3000))
    assert "piece" in engine.hear()
    engine.send({"op": "cancel"})
    assert engine.hear_all()[1]["end"]["ended"] == "stopped"

    engine.send({"op": "open", "base": base | {"path": "/nowhere"}}, ask())
    assert "/nowhere" in engine.hear()["error"]["message"]
    assert "no base" in engine.hear()["error"]["message"]


def test_the_end_of_input_ends_it_in_the_midst_of_an_answer(engine: Speaker, base: dict[str, Any]) -> None:
    engine.send({"op": "open", "base": base}, ask(max_tokens=3000))
    assert "opened" in engine.hear()
    assert "piece" in engine.hear()
    assert engine.close() == 0


def test_what_a_library_prints_does_not_break_the_lines(home: Home) -> None:
    program = (
        "import os, sys; from mlxtwin.serve import engine\n"
        "def serve(one):\n"
        "    print('a library speaks'); os.system('echo so does a program'); one.channel.write('{}\\n')\n"
        "    one.channel.flush()\n"
        "engine._serve = serve; engine.main(['/nowhere'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=f"{new_key().hex()}\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "{}\n"
    assert "a library speaks" in done.stderr


def test_a_machine_without_mlx_is_told_in_a_sentence(home: Home) -> None:
    program = (
        "import sys; sys.modules['mlx'] = None; sys.modules['mlx.core'] = None; "
        "from mlxtwin.serve import engine; sys.exit(engine.main(['/nowhere']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=f"{new_key().hex()}\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MLX" in json.loads(done.stdout)["error"]["message"]

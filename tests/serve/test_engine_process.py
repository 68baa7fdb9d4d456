"""The engine as a process, over its socket, on a random base of some kilobytes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlxtwin import starter
from mlxtwin.backend.models import describe
from mlxtwin.backend.tensors import to_safetensors
from mlxtwin.client import engine as client
from mlxtwin.client.engine import Engine, stop
from mlxtwin.errors import RunFailed, TwinError
from mlxtwin.jobs import runs
from mlxtwin.paths import Home, make_folder
from mlxtwin.records import Message
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.serve import address
from mlxtwin.serve import engine as served
from mlxtwin.slots.registry import Slots

WIDTH, INNER, BLOCKS = 32, 64, 2
SPEC = {"num_layers": 1, "rank": 2, "scale": 20.0, "dropout": 0.0, "keys": ["self_attn.v_proj"], "dora": False}
HELLO = (Message("user", "How was your week?"),)
SECONDS = 60


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
def key() -> bytes:
    return new_key()


@pytest.fixture
def engine(home: Home, key: bytes) -> Iterator[Engine]:
    make_folder(home.root)
    with Engine(home, key) as one:
        yield one
    stop(home)


def said(engine: Engine, slot: str | None = None, version: int | None = None, tokens: int = 12, **more: Any) -> str:
    return "".join(engine.ask(more.get("messages", HELLO), slot, version, more.get("seed", 1), max_tokens=tokens))


def post(home: Home, path: str, token: str | None = None) -> tuple[int, bytes]:
    """What the engine replies to a request of a stranger's."""
    found = address.read(home)
    assert found is not None
    connection = HTTPConnection("engine")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with closing(connection):
        connection.sock.connect(found.socket)
        connection.request("POST", path, headers={} if token is None else {"authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.read()


def state(home: Home) -> dict[str, Any]:
    found = address.read(home)
    assert found is not None
    value: dict[str, Any] = json.loads(post(home, "/state", found.token)[1])
    return value


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def adapter(seed: int = 1) -> bytes:
    chance = np.random.default_rng(seed)
    name = f"model.layers.{BLOCKS - 1}.self_attn.v_proj.lora_"
    drawn = {f"{name}a": chance.normal(0, 1, (WIDTH, 2)), f"{name}b": chance.normal(0, 1, (2, WIDTH))}
    return to_safetensors({key: value.astype(np.float32) for key, value in drawn.items()})


def add(home: Home, key: bytes, base: dict[str, Any], name: str = "voice", seed: int = 1, **changes: Any) -> None:
    meta = {"run": f"r{seed}", "verdict": "promoted", "adapter": SPEC, "base": base}
    Slots(home, SealedFiles(home, key)).add(name, adapter(seed), meta | changes, {})


def impatient(monkeypatch: pytest.MonkeyPatch, **seconds: Any) -> None:
    """Engines started from now on have other constants."""
    program = "import os, sys; from mlxtwin.serve import engine\n"
    program += "".join(f"engine.{name} = {value!r}\n" for name, value in ({"LOOK_SECONDS": 0.05} | seconds).items())
    program += "os._exit(engine.main(sys.argv[1:]))"
    monkeypatch.setattr(client, "child_command", lambda _module, home: [sys.executable, "-c", program, home])


def test_it_streams_swaps_adapters_without_loading_the_base_again_and_outlives_bad_requests(
    engine: Engine, home: Home, key: bytes, base: dict[str, Any]
) -> None:
    add(home, key, base)
    add(home, key, base, seed=2)
    add(home, key, base | {"fingerprint": "another"}, seed=3)

    with pytest.raises(TwinError, match="does not know"):
        said(engine)  # there is no base yet
    engine.open(base)
    plain = said(engine)
    assert plain.strip()
    assert (engine.last["ended"], engine.last["tokens"]) == ("length", 12)
    assert said(engine) == plain

    first, second = said(engine, "voice", 1), said(engine, "voice", 2)
    assert len({plain, first, second}) == 3
    with pytest.raises(TwinError, match="another base"):
        said(engine, "voice", 3)
    with pytest.raises(TwinError) as caught:
        said(engine, "nobody", 1)
    assert caught.value.exit_code == 2
    again = [said(engine, "voice", 2), said(engine), said(engine, "voice", 1), said(engine, "voice", 2)]
    assert again == [second, plain, first, second]
    assert state(home)["loads"] == 1

    with pytest.raises(TwinError, match="/nowhere"):
        engine.open(base | {"path": "/nowhere", "fingerprint": "x"})
    assert said(engine) == plain
    assert state(home)["loads"] == 2


def test_a_slot_trained_anew_under_its_old_name_is_another_one(
    engine: Engine, home: Home, key: bytes, base: dict[str, Any]
) -> None:
    add(home, key, base)
    engine.open(base)
    before = said(engine, "voice", 1)
    Slots(home).remove("voice")
    with pytest.raises(TwinError, match="no slot voice"):
        said(engine, "voice", 1)
    add(home, key, base, seed=2)
    assert said(engine, "voice", 1) != before
    assert state(home)["loads"] == 1


def test_more_adapters_than_are_kept_answer_in_turns(
    engine: Engine, home: Home, key: bytes, base: dict[str, Any]
) -> None:
    """Five conversations at once with five adapters, four of which are kept: each says what it says alone."""
    for number in range(1, 6):
        add(home, key, base, seed=number)
    engine.open(base)
    alone = [said(engine, "voice", number, 40) for number in range(1, 6)]
    assert len(set(alone)) == 5
    others = [Engine(home, key) for _ in range(5)]
    for one in others:
        one.open(base)
    answers = [one.ask(HELLO, "voice", number, 1, max_tokens=40) for number, one in enumerate(others, 1)]
    together = [""] * 5
    for _ in range(40):
        for place, answer in enumerate(answers):
            together[place] += next(answer, "")
    assert together == alone


def test_a_cancel_is_heard_before_the_first_piece_in_the_midst_and_after_the_end(
    engine: Engine, base: dict[str, Any]
) -> None:
    engine.open(base)
    said(engine)
    engine.cancel()  # of an answer long gone
    engine.cancelled = False
    assert said(engine)
    assert engine.last["ended"] == "length"
    engine.cancelled = True
    said(engine, tokens=3000)
    assert engine.last["ended"] == "stopped"
    assert engine.last["tokens"] < 3000
    engine.cancelled = False
    heard = []
    for piece in engine.ask(HELLO, None, None, 1, max_tokens=3000):
        heard.append(piece)
        engine.cancel()
    assert engine.last["ended"] == "stopped"
    assert 0 < engine.last["tokens"] < 3000


def test_a_prefix_of_a_conversation_is_read_once(engine: Engine, home: Home, key: bytes, base: dict[str, Any]) -> None:
    """Also after the bare base and another adapter had their say. The answer is that of an engine that reads it all."""
    add(home, key, base)
    long = (Message("user", "word " * 1500),)
    engine.open(base)
    answer = said(engine, "voice", 1, 4, messages=long)
    first = engine.last["prompt_seconds"]
    said(engine, None, None, 4, messages=long)
    more = (*long, Message("assistant", answer), Message("user", "And?"))
    twin = said(engine, "voice", 1, 12, messages=more)
    assert engine.last["prompt_seconds"] < first / 3
    with Engine(home, key) as fresh:
        fresh.open(base)
        assert said(fresh, "voice", 1, 12, messages=more) == twin


def test_the_key_is_in_neither_argv_nor_environment_and_no_file_says_it(
    engine: Engine, home: Home, key: bytes, base: dict[str, Any]
) -> None:
    engine.open(base)
    for file in ("cmdline", "environ"):
        seen = Path(f"/proc/{engine.pid}/{file}").read_bytes()
        assert seen
        assert key not in seen
        assert key.hex().encode() not in seen
    for path in (home.root / "engine").iterdir():
        if not path.is_socket():
            assert key.hex().encode() not in path.read_bytes()


def test_it_has_no_network_and_only_its_owner_may_come_to_the_socket(
    engine: Engine, home: Home, base: dict[str, Any]
) -> None:
    engine.open(base)
    found = address.read(home)
    assert found is not None
    parts = {home.root / "engine", *(home.root / "engine").iterdir(), Path(found.socket), Path(found.socket).parent}
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in parts}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes
    if airplane.enforced_by() == "namespace":
        assert len(Path(f"/proc/{engine.pid}/net/route").read_text().splitlines()) <= 1
        assert Path(f"/proc/{engine.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def test_a_wrong_token_is_refused(engine: Engine, home: Home, base: dict[str, Any]) -> None:
    engine.open(base)
    found = address.read(home)
    assert found is not None
    for path in ("/state", "/ask", "/open", "/stop", "/cancel/x", "/leave/x"):
        assert post(home, path, "wrong") == (401, b"")
        assert post(home, path) == (401, b"")
    assert post(home, "/nothing", found.token)[0] == 404
    assert state(home)["pid"] == engine.pid == found.pid
    assert found.token not in repr(found)


@pytest.mark.parametrize("folder", ["short", "a-very-long-name-of-a-folder" * 4])
def test_the_home_may_have_a_path_of_any_length(
    folder: str, tmp_path: Path, key: bytes, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(make_folder(tmp_path / folder))
    monkeypatch.setenv("TMPDIR", str(make_folder(tmp_path / ("too-long-for-a-socket" * 5))))
    with Engine(home, key) as engine:
        engine.open(base)
        found = address.read(home)
        assert found is not None
        assert len(found.socket) <= address.LONGEST_PATH_BYTES
        assert said(engine)
        os.kill(found.pid, signal.SIGKILL)
        until(lambda: not address.alive(home))
        engine.open(base)
        assert said(engine)
        second = address.read(home)
        assert second is not None
        if len(folder) > 100:
            assert not Path(found.socket).parent.exists()
    stop(home)
    assert not Path(second.socket).exists()
    assert Path(second.socket).parent.exists() == (Path(second.socket).parent == home.root / "engine")


def test_killed_in_mid_answer_it_is_a_sentence_and_the_next_question_starts_another(
    engine: Engine, base: dict[str, Any]
) -> None:
    engine.open(base)
    heard: list[str] = []
    with pytest.raises(RunFailed, match="engine process ended"):
        for piece in engine.ask(HELLO, None, None, 1, max_tokens=3000):
            heard.append(piece)
            if len(heard) == 5:
                assert engine.pid is not None
                os.kill(engine.pid, signal.SIGKILL)
    assert len(heard) >= 5
    assert engine.last == {}
    assert said(engine)


def test_it_ends_when_nobody_has_asked_for_a_while(
    engine: Engine, home: Home, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, IDLE_SECONDS=2.0)
    engine.open(base)
    assert engine.pid is not None
    answer = engine.ask(HELLO, None, None, 1, max_tokens=1000)
    assert next(answer)
    answer.close()
    until(lambda: not address.alive(home))
    assert address.read(home) is None
    assert not (home.root / "engine" / "socket").exists()
    assert said(engine)


def test_it_ends_sooner_once_everybody_said_goodbye(
    engine: Engine, home: Home, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, ALONE_SECONDS=0.1)
    engine.open(base)
    engine.end()
    until(lambda: not address.alive(home))


def test_it_leaves_to_a_run_that_trains_what_it_needs_and_comes_back_when_asked(
    engine: Engine, home: Home, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, TRAINING_SECONDS=dict.fromkeys(served.TRAINING_SECONDS, 0.2))
    make_folder(home.runs)
    engine.open(base)
    before = engine.pid
    with (home.runs / runs.TRAINING).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        until(lambda: not address.alive(home))
        assert said(engine)
        assert engine.pid != before
        until(lambda: not address.alive(home))


def test_the_lock_it_looks_at_is_the_one_that_a_worker_holds() -> None:
    assert served.TRAINING == runs.TRAINING


@pytest.mark.parametrize("folder", ["short", "a-very-long-name-of-a-folder" * 4])
def test_it_ends_and_leaves_nothing_when_its_home_is_removed(
    folder: str, tmp_path: Path, key: bytes, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    home = Home(make_folder(tmp_path / folder))
    engine = Engine(home, key)
    engine.open(base)
    found = address.read(home)
    assert found is not None
    with (home.root / "engine" / address.LOCK).open() as lock:
        shutil.rmtree(home.root)
        fcntl.flock(lock, fcntl.LOCK_EX)  # free once the process is gone
    assert not Path(found.socket).parent.exists()


def test_what_a_library_prints_goes_nowhere_near_a_reply(
    engine: Engine, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys; from mlxtwin.serve import engine, twin\n"
        "class Loud(twin.Twin):\n"
        "    def open(self, base):\n"
        "        print('a library speaks'); os.system('echo so does a program'); return super().open(base)\n"
        "os._exit(engine.main(sys.argv[1:], Loud))"
    )
    monkeypatch.setattr(client, "child_command", lambda _module, home: [sys.executable, "-c", program, home])
    engine.open(base)
    assert said(engine)


def test_a_machine_without_mlx_is_told_in_a_sentence(
    engine: Engine, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys; sys.modules['mlx'] = None; sys.modules['mlx.core'] = None\n"
        "from mlxtwin.serve import engine; os._exit(engine.main(sys.argv[1:]))"
    )
    monkeypatch.setattr(client, "child_command", lambda _module, home: [sys.executable, "-c", program, home])
    with pytest.raises(TwinError, match="MLX") as caught:
        engine.open(base)
    assert caught.value.exit_code == 1


def test_neither_a_server_nor_a_model_library_is_loaded_by_a_client() -> None:
    program = (
        "import sys; import mlxtwin.client.chat\n"
        "heavy = {'uvicorn', 'starlette', 'asyncio', 'mlx', 'mlx_lm'}\n"
        "sys.exit(' '.join(heavy & {name.partition('.')[0] for name in sys.modules}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

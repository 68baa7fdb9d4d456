"""Base models by name: the bundled starter, folders that were added, repositories in the Hugging Face cache.

A base is data. A folder is taken only if it holds nothing but safetensors, JSON and tokenizer files, asks for no code
of its own, and no link leads out of it. Nothing here loads MLX or runs anything.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlxtwin.errors import UnsafeModel, UsageError
from mlxtwin.paths import Home, read_json, write_json

STARTER = "starter"
ALLOWED = (
    "*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.md",
    "LICENSE*", "LICENCE*", "NOTICE*", "README*", ".gitattributes", ".gitignore",
)  # fmt: skip
# Of the files above, those that decide what the model says.
_TELLING = (
    "config.json",
    "generation_config.json",
    "*token*",
    "*.model",
    "*.tiktoken",
    "*.jinja",
    "vocab.*",
    "merges.*",
)
_CODE_KEYS = ("auto_map", "model_file", "custom_pipelines")
_PACKAGE_PARTS = ("__init__.py", "__pycache__")
# Left behind by file managers and by huggingface_hub; never read.
_IGNORED = (".DS_Store", ".cache", ".git")
_SAMPLES = 16
_SAMPLE_BYTES = 4096
_LONGEST_HEADER = 100 * 1024 * 1024
_ITEM_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
              "U16": 16, "I8": 8, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8}  # fmt: skip
_DEFAULT_CONTEXT = 2048
_REPOSITORY = re.compile(r"([\w.-]+)/([\w.-]+)(?:@([\w./-]+))?")
# A word, or what a hub calls it: owner/name. Names of folders may hold blanks.
_NAME = re.compile(r"\w[\w.+@ -]*(?:/[\w][\w.+@ -]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """``revision`` is the commit of a pulled model, else empty; ``fingerprint`` (64 hexadecimal digits) changes with
    config, tokenizer and weights. ``bundled``: the starter, whose folder is also a Python package."""

    name: str
    path: Path
    revision: str
    fingerprint: str
    bundled: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> BaseModel:
        """From what ``dataclasses.asdict`` gave, by way of JSON."""
        return cls(**{**values, "path": Path(values["path"])})


def resolve(home: Home, name: str) -> BaseModel:
    """The base called ``name``: 'starter', an added or pulled one, or a folder.

    Raises UsageError for an unknown name or a broken folder, UnsafeModel for one that must not be loaded.
    """
    if name == STARTER:
        return starter()
    row = _registry(home).get(name)
    if row is not None:
        return _known(name, row)
    path = Path(name).expanduser()
    if path.is_dir():
        return describe(path.resolve(), path.resolve().name)
    cached = _cached(name)
    if cached is not None:
        return describe(cached, name, revision=cached.name)
    known = ", ".join([STARTER, *sorted(_registry(home))])
    fetch = f"Fetch it with `mlxtwin pull {name}`" if _REPOSITORY.fullmatch(name) else "Give a folder"
    raise UsageError(f"There is no base model {name}.", f"{fetch}, or use one of: {known}.")


def cache_folder() -> Path:
    """Where huggingface_hub keeps what it fetched."""
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen).expanduser()
    if chosen := os.environ.get("HF_HOME"):
        return Path(chosen).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def starter() -> BaseModel:
    """The bundled base."""
    path = Path(__file__).resolve().parents[1] / "starter"
    return describe(path, STARTER, bundled=True)


def add(home: Home, path: Path, name: str | None = None, revision: str = "") -> BaseModel:
    """Remember a checked folder under ``name`` (its own name by default); the files stay where they are."""
    path = path.expanduser().resolve()
    name = name or path.name
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a base model.", "Use --name with letters, digits, - and _.")
    if name == STARTER:
        raise UsageError(f"The name {STARTER} is taken by the bundled base.", "Give it another name with --name.")
    base = describe(path, name, revision=revision)
    rows = _registry(home)
    rows[name] = {key: str(value) for key, value in asdict(base).items() if key in ("path", "revision", "fingerprint")}
    write_json(home.models, rows)
    return base


def remove(home: Home, name: str) -> None:
    """Forget an added or pulled base; its files are left alone. Raises UsageError for an unknown name."""
    rows = _registry(home)
    if rows.pop(name, None) is None:
        why = "It is part of mlxtwin." if name == STARTER else "See `mlxtwin models ls`."
        raise UsageError(f"There is no added base model {name}.", why)
    write_json(home.models, rows)


def ls(home: Home) -> list[BaseModel]:
    """The starter and every remembered base, without looking into their folders."""
    rows = sorted(_registry(home).items())
    return [starter()] + [
        BaseModel(name, Path(row["path"]), row.get("revision", ""), row.get("fingerprint", "")) for name, row in rows
    ]


def describe(path: Path, name: str, *, revision: str = "", bundled: bool = False) -> BaseModel:
    """Check a folder and take its fingerprint; errors as in `check_folder`."""
    check_folder(path, bundled=bundled)
    return BaseModel(name, path, revision, fingerprint(path), bundled)


def recheck(base: BaseModel) -> None:
    """Raises UnsafeModel or UsageError if the folder is not, or no longer, the base that was resolved."""
    check_folder(base.path, bundled=base.bundled)
    if base.fingerprint and fingerprint(base.path) != base.fingerprint:
        raise UsageError(
            f"The base model {base.name} in {base.path} has changed since it was chosen.",
            "Start again, or add it anew with `mlxtwin models add`.",
        )


def check_folder(path: Path, *, bundled: bool = False) -> None:
    """Raises UnsafeModel naming the file that might run code or leaves the folder; UsageError for a folder that is
    incomplete, damaged, or of an architecture mlx-lm does not know."""
    if not path.is_dir():
        raise UsageError(f"There is no folder {path}.", "Give the folder that holds the model's config.json.")
    for file in sorted(path.rglob("*")):
        parts = file.relative_to(path).parts
        if parts[0] not in _IGNORED and not (bundled and parts[0] in _PACKAGE_PARTS):
            _check_file(path, file)
    check_config(path)
    if not (path / "tokenizer.json").is_file() and not (path / "tokenizer.model").is_file():
        raise UsageError(f"The folder {path} has no tokenizer.", "It needs tokenizer.json or tokenizer.model.")
    for weights in _weight_files(path):
        _check_safetensors(weights)


def check_config(path: Path) -> None:
    """The part of `check_folder` that needs no weights: no code of its own, a known architecture."""
    config = read_config(path)
    for name in ("config.json", "tokenizer_config.json", "processor_config.json", "generation_config.json"):
        _check_code_keys(path / name)
    _check_architecture(path, config)


def read_config(path: Path) -> dict[str, Any]:
    """The config.json of a folder."""
    if not (path / "config.json").is_file():
        raise UsageError(f"The folder {path} has no config.json.", "Give the folder of a Hugging Face model.")
    return _read_object(path / "config.json")


def context_length(config: dict[str, Any]) -> int:
    """The most tokens a base was made for, by its config.json."""
    for part in (config, config.get("text_config") or {}):
        for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length"):
            if isinstance(value := part.get(key), int) and value > 0:
                return value
    return _DEFAULT_CONTEXT


def block_count(base: BaseModel) -> int:
    """How many blocks a base has, by its config.json."""
    config = read_config(base.path)
    for part in (config, config.get("text_config") or {}):
        for key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers"):
            if isinstance(value := part.get(key), int) and value > 0:
                return value
    raise UsageError(f"The config.json of base model {base.name} does not tell its blocks.", "Use another base model.")


def fingerprint(path: Path) -> str:
    """SHA-256 over config, tokenizer files, and of each weights file its header, size and 16 samples of 4 KiB."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if any(fnmatch.fnmatch(file.name, pattern) for pattern in _TELLING) and file.is_file():
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    for file in _weight_files(path):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        for piece in _weight_samples(file):
            digest.update(piece)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def known_architectures() -> frozenset[str]:
    """Every ``model_type`` mlx-lm can load, read from its files without importing it."""
    found = find_spec("mlx_lm")
    if found is None or not found.submodule_search_locations:
        return frozenset()
    root = Path(found.submodule_search_locations[0])
    names = {file.stem for file in (root / "models").glob("*.py") if "class ModelArgs" in file.read_text("utf-8")}
    table = re.search(r"MODEL_REMAPPING = \{(.*?)\n\}", (root / "utils.py").read_text("utf-8"), re.DOTALL)
    return frozenset(names | set(re.findall(r'^\s*"([^"]+)":', table[1] if table else "", re.MULTILINE)))


def unsafe_name(name: str) -> bool:
    """Whether a file of this name is none that a base model may hold."""
    return not any(fnmatch.fnmatchcase(Path(name).name, pattern) for pattern in ALLOWED)


def _check_file(root: Path, file: Path) -> None:
    name = file.relative_to(root).as_posix()
    if file.is_symlink() and not _stays(root, file):
        raise UnsafeModel(
            f"{name} in {root} is a link that leaves the folder.", "Copy the file itself into the folder."
        )
    if file.is_dir():
        return
    if not file.is_file():
        raise UnsafeModel(f"{name} in {root} is no plain file.", "Remove it and add the folder again.")
    if unsafe_name(name):
        raise UnsafeModel(
            f"{name} in {root} is not a file a base model may hold: only safetensors, JSON and tokenizer files are.",
            "Use a copy of the model without it; weights must be safetensors.",
        )


def _stays(root: Path, link: Path) -> bool:
    """Within the folder; or, for a snapshot of the Hugging Face cache, within that repository's own blobs."""
    target = link.resolve()
    resolved = root.resolve()
    if target.is_relative_to(resolved):
        return True
    repository = resolved.parent.parent
    is_snapshot = resolved.parent.name == "snapshots" and repository.name.startswith("models--")
    return is_snapshot and target.parent == repository / "blobs"


def _check_code_keys(file: Path) -> None:
    if not file.is_file():
        return
    content = _read_object(file)
    parts = [content, *(part for part in content.values() if isinstance(part, dict))]
    for key in _CODE_KEYS:
        if any(part.get(key) for part in parts):
            raise UnsafeModel(
                f"{file.name} in {file.parent} asks for code of its own ({key}).",
                "Use a model whose architecture mlx-lm knows.",
            )


def _check_architecture(path: Path, config: dict[str, Any]) -> None:
    kind = config.get("model_type")
    known = known_architectures()
    if not isinstance(kind, str) or kind not in known:
        some = [name for name in ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "mistral") if name in known]
        raise UsageError(
            f"The base in {path} is of an unknown architecture: model_type {kind!r}.",
            f"mlx-lm knows {len(known)}, among them {', '.join(some)}.",
        )


def _weight_files(path: Path) -> list[Path]:
    files = sorted(path.glob("model*.safetensors"))
    if not files:
        raise UsageError(f"The folder {path} has no model*.safetensors.", "Weights must be in safetensors files.")
    index = path / "model.safetensors.index.json"
    if index.is_file():
        wanted = _read_object(index).get("weight_map", {})
        for name in sorted(set(wanted.values()) if isinstance(wanted, dict) else set()):
            if not (path / str(name)).is_file():
                raise UsageError(f"The folder {path} lacks {name}.", "Fetch or copy the model again.")
    return files


def _check_safetensors(file: Path) -> None:
    """Header and length of a weights file, as https://github.com/huggingface/safetensors lays them down."""
    try:
        length, header = _header(file)
        ends = [_tensor_end(entry) for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{file.name} in {file.parent} is not a whole safetensors file.", "Fetch or copy the model again."
        ) from None
    if file.stat().st_size != 8 + length + max(ends, default=0):
        raise UsageError(f"{file.name} in {file.parent} is cut short.", "Fetch or copy the model again.")


def _header(file: Path) -> tuple[int, dict[str, Any]]:
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > min(_LONGEST_HEADER, file.stat().st_size):
            raise ValueError
        return length, json.loads(opened.read(length))


def _tensor_end(entry: dict[str, Any]) -> int:
    begin, end = entry["data_offsets"]
    bits = _ITEM_BITS.get(entry["dtype"])
    count = 1
    for size in entry["shape"]:
        count *= int(size)
    if begin < 0 or end < begin or (bits is not None and (end - begin) * 8 != count * bits):
        raise ValueError
    return int(end)


def _weight_samples(file: Path) -> list[bytes]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        pieces = [opened.read(8)]
        length = min(int.from_bytes(pieces[0], "little"), _LONGEST_HEADER)
        pieces.append(opened.read(length))
        for number in range(_SAMPLES):
            opened.seek(8 + length + number * max(0, size - 8 - length - _SAMPLE_BYTES) // (_SAMPLES - 1))
            pieces.append(opened.read(_SAMPLE_BYTES))
    return pieces


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = read_json(file)
    except (ValueError, OSError):
        content = None
    if not isinstance(content, dict):
        raise UsageError(f"{file.name} in {file.parent} is not readable JSON.", "Fetch or copy the model again.")
    return content


def _registry(home: Home) -> dict[str, dict[str, str]]:
    if not home.models.is_file():
        return {}
    return {
        str(name): row for name, row in _read_object(home.models).items() if isinstance(row, dict) and "path" in row
    }


def _known(name: str, row: dict[str, str]) -> BaseModel:
    path = Path(row["path"])
    if not path.is_dir():
        raise UsageError(f"The folder of base model {name} is gone: {path}.", "Fetch it again, or add its new folder.")
    base = describe(path, name, revision=row.get("revision", ""))
    if row.get("fingerprint", base.fingerprint) != base.fingerprint:
        raise UsageError(f"The base model {name} in {path} has changed since it was added.", "Add or fetch it again.")
    return base


def _cached(name: str) -> Path | None:
    """The snapshot of owner/name[@revision] in the Hugging Face cache, fetched by any program."""
    match = _REPOSITORY.fullmatch(name)
    if match is None:
        return None
    owner, repository, revision = match[1], match[2], match[3] or "main"
    folder = cache_folder() / f"models--{owner}--{repository}"
    if not _COMMIT.fullmatch(revision):
        reference = folder / "refs" / revision
        revision = reference.read_text().strip() if ".." not in revision and reference.is_file() else ""
    snapshot = folder / "snapshots" / revision
    return snapshot if _COMMIT.fullmatch(revision) and snapshot.is_dir() else None

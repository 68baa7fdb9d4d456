"""Safetensors in memory, float32 only, written one way: the same arrays always give the same bytes.

The format is that of https://github.com/huggingface/safetensors: eight bytes of header length, a JSON header, the
numbers. Our own reader, since an adapter may come from another machine and every offset has to be checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONGEST_HEADER = 64 * 1024 * 1024


def to_safetensors(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The arrays by sorted name, the header padded to a multiple of eight bytes."""
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype="<f4")
        header[name] = {
            "dtype": "F32",
            "shape": list(arrays[name].shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        parts.append(array.tobytes())
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def from_safetensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Raises ValueError for anything but whole float32 arrays within ``data``."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_LONGEST_HEADER, len(data) - 8):
        raise ValueError("the header is cut short")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    body = memoryview(data)[8 + length :]
    return {name: _array(name, entry, body) for name, entry in header.items() if name != "__metadata__"}


def _array(name: str, entry: Any, body: memoryview) -> NDArray[np.float32]:
    try:
        dtype, shape = entry["dtype"], [int(size) for size in entry["shape"]]
        begin, end = (int(place) for place in entry["data_offsets"])
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"the entry of {name} is malformed") from None
    count = 1
    for size in shape:
        count *= size
    if dtype != "F32" or min([*shape, begin]) < 0 or end - begin != 4 * count or end > len(body):
        raise ValueError(f"{name} is not a float32 array within the file")
    return np.frombuffer(body[begin:end], "<f4").reshape(shape).astype(np.float32)

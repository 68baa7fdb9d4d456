"""Hidden states in 16 or 8 bits, to keep: encode, decode, and how large the error is.

16-bit: half precision with one power of two for each token, so that neither the large values of a few channels
overflow nor small ones vanish; a base that computes in bfloat16 is kept as it is, without any error. 8-bit: signed
integers with one float16 scale for each group of 32 channels.
"""

from __future__ import annotations

from typing import Literal

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

Form = Literal["bfloat16", "float16", "int8"]
GROUP = 32
_EXPONENT = 14
_LARGEST = 127.0


def form_of(bits: int, dtype: mx.Dtype, width: int) -> Form:
    """The form for states of ``width`` channels; 8 bits need whole groups."""
    if bits == 8 and width % GROUP == 0:
        return "int8"
    return "bfloat16" if dtype == mx.bfloat16 else "float16"


def bytes_per_token(form: Form, width: int) -> int:
    return {"bfloat16": 2 * width, "float16": 2 * width + 1, "int8": width + 2 * width // GROUP}[form]


def encode(states: mx.array, form: Form) -> bytes:
    """The states (length, width) of one example; the same states give the same bytes."""
    if form == "bfloat16":
        whole16: NDArray[np.uint16] = np.array(states.astype(mx.bfloat16).view(mx.uint16))
        return bytes(whole16.tobytes())
    values: NDArray[np.float32] = np.array(states.astype(mx.float32))
    if form == "float16":
        highest = np.maximum(np.abs(values).max(axis=1), np.finfo(np.float32).tiny)
        exponents = np.clip(np.frexp(highest)[1] - _EXPONENT, -127, 127).astype(np.int8)
        halves = np.ldexp(values, -exponents[:, None].astype(np.int32)).astype(np.float16)
        return bytes(exponents.tobytes() + halves.tobytes())
    grouped = values.reshape(len(values), -1, GROUP)
    scales = (np.abs(grouped).max(axis=2, keepdims=True) / _LARGEST).astype(np.float16)
    # A scale rounded down would push the largest value over the edge.
    scales = np.nextafter(scales, np.float16(np.inf), dtype=np.float16).astype(np.float32)
    whole = np.rint(grouped / scales).astype(np.int8)
    return bytes(scales.astype(np.float16).tobytes() + whole.tobytes())


def decode(data: bytes, form: Form, width: int) -> NDArray[np.float32]:
    """The states (length, width) in float32; raises ValueError when ``data`` is not whole tokens of ``width``."""
    length, rest = divmod(len(data), bytes_per_token(form, width))
    if rest:
        raise ValueError("not whole tokens")
    if form == "bfloat16":
        raised = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
        return raised.view(np.float32).reshape(length, width)
    if form == "float16":
        exponents = np.frombuffer(data, np.int8, length).astype(np.int32)
        values = np.frombuffer(data, np.float16, length * width, offset=length).astype(np.float32)
        return np.ldexp(values.reshape(length, width), exponents[:, None])
    groups = length * width // GROUP
    scales = np.frombuffer(data, np.float16, groups).astype(np.float32)
    whole = np.frombuffer(data, np.int8, length * width, offset=2 * groups).astype(np.float32)
    return (whole.reshape(groups, GROUP) * scales[:, None]).reshape(length, width)


def error(states: mx.array, form: Form) -> float:
    """Root of the mean squared error that keeping brings, as a share of that of the states themselves."""
    values = np.array(states.astype(mx.float32)).reshape(-1, states.shape[-1])
    kept = decode(encode(mx.array(values).astype(states.dtype), form), form, values.shape[1])
    return float(np.sqrt(np.mean((kept - values) ** 2) / max(float(np.mean(values**2)), 1e-30)))

"""The one table of what differs between metal, cuda and cpu, each value with its reason.

A recipe says nothing of the device; everything that must differ is decided here, from what was found out about the
machine and nothing else. "(read)" marks what stands in MLX's sources or documents and was not measured for mlxtwin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mlxtwin.backend.blas import Blas
from mlxtwin.backend.kernels import Kernels
from mlxtwin.backend.memory import Memory
from mlxtwin.backend.problems import Problem

Kind = Literal["metal", "cuda", "cpu"]
BaseDtype = Literal["float32", "own", "bfloat16"]

# Freed buffers MLX may keep for later. On a CPU they cost memory that others want, and gain little.
CACHE_LIMIT_BYTES: dict[Kind, int] = {"metal": 1 << 30, "cuda": 1 << 30, "cpu": 1 << 27}
# A base unpacked for speed may take this share of the budget: the rest is for activations, adapter and logits.
UNPACKED_SHARE = 0.5
# What MLX's fused attention asks for on CUDA (read: cuDNN in its scaled_dot_product_attention.cpp).
FUSED_CAPABILITY, FUSED_HEAD, FUSED_HEAD_STEP, FUSED_WIDTH_STEP = (8, 0), 128, 8, 128


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the table."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Widths:
    """Rows are packed to widths that are multiples of ``step`` tokens; a run uses at most ``most`` different ones."""

    step: int
    most: int

    def fit(self, tokens: int) -> int:
        """The narrowest width that holds ``tokens``."""
        return max(1, -(-tokens // self.step)) * self.step


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the machine. ``compiler``: the path of g++. ``capability``: that of a CUDA GPU."""

    kind: Kind
    reason: str
    blas: Blas
    memory: Memory
    threads: int
    compiler: str = ""
    capability: tuple[int, ...] = ()
    wsl: bool = False
    kernels: Kernels = field(default_factory=lambda: Kernels("", "nothing is compiled"))
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """The device and what follows from it; ``policy`` says the same to a person, with the reasons.

    ``memory_*``, ``cache_limit`` and ``memory_limit`` in bytes; a ``memory_limit`` of 0 leaves MLX's own.
    ``compile``: whether `mx.compile` can work. ``base_dtype``: "float32", or "own" for the precision the base was saved
    in; `base_precision` refines it for one base. ``threads``: cores this process may use. ``streams``: parts of a batch
    to be computed at once, each on an MLX stream of its own, with one BLAS thread each where they are more than one.
    ``fused_attention``: see `fuses_attention`.
    ``usable`` is False where MLX cannot be loaded at all.
    """

    kind: Kind
    reason: str
    blas: Blas
    memory_total: int
    memory_budget: int
    compile: bool
    compile_reason: str
    base_dtype: BaseDtype
    threads: int
    widths: Widths
    streams: int
    fused_attention: bool
    cache_limit: int
    memory_limit: int
    kernels: Kernels
    policy: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    usable: bool = True


_WIDTHS: dict[Kind, tuple[Widths, str]] = {
    "metal": (Widths(128, 8), "wide tiles; MLX keeps a trace for every width and never drops one (read)"),
    "cuda": (Widths(128, 8), "fused attention trains on multiples of 128 only, else its memory is quadratic (read)"),
    "cpu": (Widths(32, 32), "softmax takes as long as the products, so rows stay near the real lengths"),
}
_BASE_DTYPE: dict[Kind, tuple[BaseDtype, str]] = {
    "metal": ("own", "the GPU multiplies 16-bit and 4-bit weights as they are (read)"),
    "cuda": ("own", "as it is, but a 4-bit base becomes bfloat16 where that fits (read)"),
    "cpu": ("float32", "16-bit and 4-bit products do not reach the BLAS"),
}
_LINALG: dict[Kind, str] = {
    "metal": "MLX has no Metal kernel for SVD and QR (read); nothing here asks for one yet",
    "cuda": "MLX has no CUDA kernel for SVD, QR, LU, inverse and eigenvalues (read); nothing asks for one yet",
    "cpu": "there is no other",
}
_FLOAT32_PRODUCTS: dict[Kind, tuple[str, str]] = {
    "metal": ("float32", "MLX's own; MLX_ENABLE_TF32 rounds factors where the GPU can (read)"),
    "cuda": (
        "tf32",
        "Ampere and later round factors to 10 bits, still finer than bfloat16; MLX_ENABLE_TF32=0 ends it (read)",
    ),
    "cpu": ("float32", "as the BLAS computes them"),
}


def decide(found: Found) -> Device:
    """Every choice for the machine as it was found."""
    kind, memory = found.kind, found.memory
    widths, why_widths = _WIDTHS[kind]
    dtype, why_dtype = _BASE_DTYPE[kind]
    products, why_products = _FLOAT32_PRODUCTS[kind]
    compiles, why_compile = _compiles(found)
    streams, why_streams = _streams(found)
    fused, why_fused = _fused(found)
    limit, why_limit = _memory_limit(found)
    why_host = _host_arrays(found)
    policy = (
        Choice("device", kind, found.reason),
        Choice("blas", found.blas.name, found.blas.reason),
        Choice("threads", str(found.threads), "the cores this process may use"),
        Choice("streams", str(streams), why_streams),
        Choice("widths", f"multiples of {widths.step}, at most {widths.most}", why_widths),
        Choice("base_dtype", dtype, why_dtype),
        Choice("float32_products", products, why_products),
        Choice("attention", "fused" if fused else "plain", why_fused),
        Choice("linalg", "cpu", _LINALG[kind]),
        Choice("compile", "on" if compiles else "off", why_compile),
        Choice("kernels", found.kernels.folder or "system", found.kernels.reason),
        Choice("memory_budget", _size(memory.budget), memory.reason),
        Choice("memory_limit", _size(limit) if limit else "MLX's own", why_limit),
        Choice("cache_limit", _size(CACHE_LIMIT_BYTES[kind]), "keeps MLX from hoarding freed buffers"),
        Choice("host_arrays", "as they are", why_host),
    )
    return Device(
        kind, found.reason, found.blas, memory.total, memory.budget, compiles, why_compile, dtype, found.threads,
        widths, streams, fused, CACHE_LIMIT_BYTES[kind], limit, found.kernels, policy, found.problems,
    )  # fmt: skip


def base_precision(device: Device, packed: bool, bytes_in_16_bit: int) -> tuple[BaseDtype, str]:
    """In which precision to hold one base, and why: its size in 16 bit, and whether it was saved in 4 bit or so."""
    if device.kind == "cpu":
        return _BASE_DTYPE["cpu"]
    if device.kind == "metal" or not packed:
        return "own", _BASE_DTYPE["metal"][1]
    room = int(UNPACKED_SHARE * device.memory_budget)
    if bytes_in_16_bit <= room:
        return "bfloat16", f"{_size(bytes_in_16_bit)} fit; the backward pass of 4-bit takes a slow kernel (read)"
    return "own", f"{_size(bytes_in_16_bit)} in bfloat16 are more than the {_size(room)} kept for the base"


def fuses_attention(device: Device, head_size: int, width: int, bits: int = 16) -> bool:
    """Whether training attends in memory linear in ``width``; where not, plan for scores of heads x width x width.

    ``bits`` of the values that are attended to.
    """
    shape = head_size <= FUSED_HEAD and head_size % FUSED_HEAD_STEP == 0 and width % FUSED_WIDTH_STEP == 0
    return device.fused_attention and bits == 16 and shape


def _compiles(found: Found) -> tuple[bool, str]:
    """MLX's CPU build runs ``g++`` for each compiled function; the GPU builds bring their own compiler."""
    if found.kind != "cpu":
        return True, "the GPU build compiles by itself"
    if not found.compiler:
        return False, "no g++, which MLX runs for compiled functions"
    return True, f"found {found.compiler}"


def _streams(found: Found) -> tuple[int, str]:
    if found.kind != "cpu":
        return 1, "one stream fills the GPU"
    if found.threads == 1:
        return 1, "one core"
    return found.threads, "MLX runs one thread for each; with a BLAS thread each, work outside the BLAS is shared too"


def _fused(found: Found) -> tuple[bool, str]:
    if found.kind == "cpu":
        return False, "MLX has no fused kernel on a CPU; memory grows with the square of the width"
    if found.kind == "metal":
        return False, "fused forward only: in training memory grows with the square of the width (read)"
    if found.capability < FUSED_CAPABILITY:
        return False, "needs compute capability 8.0; memory grows with the square of the width (read)"
    return True, "for 16 bit, heads up to 128 in steps of 8, widths in steps of 128; else quadratic memory (read)"


def _memory_limit(found: Found) -> tuple[int, str]:
    if found.kind == "cuda":
        return found.memory.budget, "past it MLX frees its cache first; its own limit ignores other programs (read)"
    return 0, "the plan keeps a run below it; the system's wired limit is never touched"


def _host_arrays(found: Found) -> str:
    if found.kind == "cuda" and found.wsl:
        return "slow where they stay in pinned memory under WSL2 (read); ours are those of one step, weights are loaded"
    return "MLX moves them where they are needed" if found.kind == "cuda" else "one memory for all"


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"

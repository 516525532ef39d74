"""The only file that names devices, number formats, threads and seeds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.settings import ClipWeights, FixedPrecision, Precision

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_BFLOAT16_INSTRUCTIONS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16", "bf16": "Arm BF16"}


def choose_device(name: str = "auto") -> torch.device:
    """ "auto", "cpu", "cuda", "cuda:N" or "mps" -> a device that is there. Raises PipelineError otherwise."""
    if name == "auto":
        return torch.device(_best_device())
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise PipelineError(f"device {name!r} is not known; use auto, cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise PipelineError(f"device {name!r} was asked for, but torch finds no CUDA GPU; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise PipelineError(f"device {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA GPUs")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise PipelineError("device 'mps' was asked for, but this machine has no Metal GPU; use --device cpu")
    return device


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_device_in_words() -> str:
    """The device that "auto" is, and the number format that "auto" is there."""
    device = choose_device()
    where = {"cuda": "with CUDA", "mps": "on Metal"}.get(device.type, "on the CPU")
    able = ", ".join(bfloat16_instructions()) or "without instructions for bfloat16"
    looked = ", CLIP in int8" if auto_clip_weights(device) == "int8" else ""
    return f"{where}{f' ({able})' if device.type == 'cpu' else ''}; --dtype auto is {auto_precision(device)}{looked}"


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The number format of the large networks. Raises PipelineError for float16 on a CPU."""
    if precision == "float16" and device.type == "cpu":
        raise PipelineError("float16 is for GPUs: on a processor use --dtype auto, float32 or bfloat16")
    return _DTYPES[auto_precision(device) if precision == "auto" else precision]


def auto_precision(device: torch.device) -> FixedPrecision:
    """What "auto" means: bfloat16 on CUDA, float16 on Metal; on a CPU bfloat16 where it computes in that format.

    Elsewhere a CPU emulates bfloat16, several times slower than float32. It goes by what the processor can, never by a
    timing, so that a machine always chooses alike.
    """
    if device.type == "cuda":
        return "bfloat16"
    if device.type == "mps":
        return "float16"
    return "bfloat16" if bfloat16_instructions() else "float32"


def auto_clip_weights(device: torch.device) -> ClipWeights:
    """What "auto" means for CLIP's weights: 8 bits on a processor of the x86 family that computes in float32 only.

    There they take half the time; beside bfloat16 instructions they would gain nothing.
    """
    if device.type != "cpu" or auto_precision(device) != "float32" or not _capabilities().get("avx2"):
        return "full"
    return "int8"


def bfloat16_instructions() -> tuple[str, ...]:
    """Which instructions for bfloat16 torch finds in this processor: () where it would emulate them, or cannot tell."""
    return tuple(name for key, name in _BFLOAT16_INSTRUCTIONS.items() if _capabilities().get(key))


def _capabilities() -> Mapping[str, Any]:
    return torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}


def picture_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The number format of the picture decoder: on GPUs always float32, where it is cheap and float16 overflows."""
    return dtype if device.type == "cpu" and dtype is not torch.float16 else torch.float32


def pin_threads(threads: int = 1) -> None:
    """How many cores the calling thread computes on, 0 for all. To be called in every thread that makes sound.

    One each for a small model: takes then run side by side and do not depend on how many cores a machine has.
    """
    torch.set_num_threads(threads or cores())


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_takes(device: torch.device, threads_per_take: int = 1) -> int:
    """How many takes run side by side, each in a thread of its own."""
    return cores() if device.type == "cpu" and threads_per_take == 1 else 1


def rows_that_fit(device: torch.device, bytes_each: int, most: int) -> int:
    """How many rows a batch may have: one on CPUs, where more are no faster; on a GPU what it has room for."""
    if device.type != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(most, free // bytes_each))


def frames_at_once(device: torch.device) -> int:
    """How many frames go through a large CLIP in one batch."""
    return 32 if device.type == "cuda" else 1


def take_noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """The noise one take starts from: its own generator, on the CPU, so that no batch and no device changes it."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator)

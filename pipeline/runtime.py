"""The only file that names devices, threads and seeds."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from pipeline.errors import PipelineError

# One thread per take: results do not depend on how many cores a machine has, and takes run side by side instead.
_THREADS_PER_TAKE = 1


def choose_device(name: str = "auto") -> torch.device:
    """ "auto", "cpu", "cuda", "cuda:N" or "mps" -> a device that is there. Raises PipelineError otherwise."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise PipelineError(f"device {name!r} is not known; use auto, cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise PipelineError(f"device {name!r} was asked for, but torch finds no CUDA GPU; use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise PipelineError("device 'mps' was asked for, but this machine has no Metal GPU; use --device cpu")
    return device


def pin_threads() -> None:
    """Make the calling thread compute alone. To be called in every thread that makes sound."""
    torch.set_num_threads(_THREADS_PER_TAKE)


def parallel_takes(device: torch.device) -> int:
    """How many takes run side by side."""
    return max(1, len(os.sched_getaffinity(0))) if device.type == "cpu" and hasattr(os, "sched_getaffinity") else 1


def take_noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """The noise one take starts from: its own generator, on the CPU, so that no batch and no device changes it."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator)

"""The golden data of the reference pipeline: its cases, its small model files, and the rule its seeded weights follow.

All of it lies beside the project, in shared/golden; tests that need it are skipped where it is absent.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden"


def golden_path(relative: str) -> Path:
    """A file or folder of the golden data; skips the test where it is absent."""
    path = GOLDEN / relative
    if not path.exists():
        pytest.skip(f"the golden data are not at {path}")
    return path


def golden_case(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of one case."""
    with np.load(golden_path(f"cases/{name}.npz"), allow_pickle=False) as arrays:
        return dict(arrays)


def seeded_normal(seed: int, shape: tuple[int, ...]) -> Tensor:
    """The random input "seed s, shape" of the golden data, float32."""
    return torch.from_numpy(np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, np.float32))


def seeded_weights(name: str, seed: int) -> dict[str, Tensor]:
    """The seeded weights of a network under its published key names."""
    shapes = json.loads(golden_path(f"shapes/{name}.json").read_text("utf-8"))
    return {key: _seeded(key, tuple(shape), seed) for key, shape in shapes.items() if "position_ids" not in key}


def _seeded(key: str, shape: tuple[int, ...], seed: int) -> Tensor:
    last = key.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.tensor(0)
    x = seeded_normal(crc32(f"{seed}:{key}".encode()), (math.prod(shape),)).reshape(shape)
    if last == "running_mean":
        return 0.1 * x
    if last == "running_var":
        return 1 + 0.1 * x.abs()
    if last == "weight_g":
        return 1.1 * (1 + 0.1 * x)
    if len(shape) <= 1:
        return 1 + 0.1 * x if last == "weight" else 0.05 * x
    return x / math.sqrt(math.prod(shape[1:]))

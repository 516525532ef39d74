"""Weights into networks, strictly and without a second copy in memory; what does not fit is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import WeightsError
from pipeline.nets.building import building

Net = TypeVar("Net", bound=nn.Module)


def read_config(folder: Path) -> dict[str, Any]:
    """`folder`/config.json. Raises WeightsError when it is missing or damaged."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); install the model again") from error
    except ValueError as error:
        raise WeightsError(f"{path} is damaged ({error}); install the model again") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{path} is damaged (it holds no settings); install the model again")
    return config


def read_weights(path: Path, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The tensors of a safetensors file, floats as `dtype`. Raises WeightsError when it is missing or damaged.

    What is stored as `dtype` stays a view of the file: it is read from the disk where and when it is used.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"the weights file {path} cannot be read ({error}); install the model again") from error
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}


def load_strictly(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Make the tensors of `state`, read from `path`, the module's own; it may have been built on the meta device.

    Raises WeightsError when a name or a shape differs.
    """
    wanted = module.state_dict()
    misfits = {
        "missing": wanted.keys() - state.keys(),
        "unknown to it": state.keys() - wanted.keys(),
        "of another shape": {name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape},
    }
    found = [f"{len(names)} {what} ({min(names)} first)" for what, names in misfits.items() if names]
    if found:
        raise WeightsError(f"the weights file {path} does not fit its network: tensors {', '.join(found)}")
    module.load_state_dict(state, assign=True)


def load_into(build: Callable[[], Net], path: Path) -> Net:
    """Build a module and load a safetensors file into it, strictly, in fp32. WeightsError when the two do not fit."""
    with building():
        module = build()
        load_strictly(module, read_weights(path), path)
        return module.requires_grad_(False).eval()

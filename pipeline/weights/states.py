"""Weights files as tables of tensors: the published pickles are read without running anything in them.

Tensors are mapped from the file, not copied, so a file of several gigabytes takes little memory of its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy._core.multiarray import scalar
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.errors import WeightsError

State = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

# Training loops leave plain numbers of numpy in their checkpoints; these types hold no code.
_NUMBERS: list[Any] = [
    np.dtype,
    scalar,
    (scalar, "numpy.core.multiarray.scalar"),
    *{type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")},
]
_CODE = re.compile(r"GLOBAL:? ([\w.]+)")
_WRAPPERS = ("state_dict", "generator")


def read_state(path: Path) -> State:
    """The tensors of a weights file (.safetensors, or a pickle whatever its ending), by flat names.

    What wraps them ("state_dict", "generator", a "module." prefix) is taken off, and a training state dropped.
    Raises WeightsError for a file that is damaged, no weights file, or holds code.
    """
    content = _load_safetensors(path) if path.suffix == ".safetensors" else _load_pickle(path)
    state = dict(_flat(_unwrapped(content)))
    if not state:
        raise WeightsError(f"the weights file {path} holds no tensors; get it again from its publisher")
    for name, value in state.items():
        _require_numbers(name, value, path)
    return state


def _require_numbers(name: str, value: Tensor, path: Path) -> None:
    """A network with one weight that is no number makes no sound; better now than after the first take."""
    if value.layout is not torch.strided:
        raise WeightsError(f"the weights file {path} holds {name} in a sparse layout; get it again from its publisher")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise WeightsError(
            f"the weights file {path} is damaged: {name} holds values that are not numbers (NaN or infinity); "
            "get it again from its publisher"
        )


def write_state(state: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_file(_unshared(state), path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(_errno_in(str(error)), str(error), str(path)) from error


def read_shapes(path: Path) -> Shapes:
    """Names and shapes in a safetensors file, from its header alone. Raises WeightsError."""
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _load_safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _load_pickle(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Files of before torch 1.6 are no archives and cannot be mapped.
            return torch.load(path, weights_only=True, mmap=_is_archive(path), map_location="cpu")
    except UnpicklingError as error:
        named = _CODE.search(str(error))
        if named is None:
            raise _damaged(path, error) from error
        raise WeightsError(
            f"the weights file {path} holds code ({named[1]}), which was not run; get it again from its publisher"
        ) from error
    except (RuntimeError, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def _damaged(path: Path, error: Exception) -> WeightsError:
    if not path.is_file():
        return WeightsError(f"the weights file {path} is missing; get it again from its publisher")
    size = f"{path.stat().st_size:,} bytes"
    return WeightsError(f"the weights file {path} ({size}) is cut off or damaged; get it again from its publisher")


def _unwrapped(content: Any) -> Any:
    wrapped = [content[key] for key in _WRAPPERS if isinstance(content, Mapping) and key in content]
    return _unwrapped(wrapped[0]) if wrapped else content


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield prefix.removeprefix("module."), content
    elif isinstance(content, Mapping):
        for name, value in content.items():
            yield from _flat(value, f"{prefix}.{name}" if prefix else str(name))


def _unshared(state: Mapping[str, Tensor]) -> State:
    """Contiguous tensors that do not share memory, as the file format wants them."""
    seen: set[int] = set()
    result = {}
    for name, value in state.items():
        whole = value.detach().contiguous()
        result[name] = whole.clone() if whole.data_ptr() in seen else whole
        seen.add(whole.data_ptr())
    return result


def _errno_in(text: str) -> int:
    found = re.search(r"os error (\d+)", text)
    return int(found[1]) if found else 0

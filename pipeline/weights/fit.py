"""Do weights fit their network? Names and shapes are compared with the network built without memory from its config."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.errors import WeightsError, first_line
from pipeline.nets.building import building
from pipeline.weights.parts import PartLayout, config_of
from pipeline.weights.states import Shapes, read_shapes

_NAMED = 3
_PREFIX = "text_model."  # today's class leaves it out, files that older ones wrote have it


def require_fit(folder: str, file: str, model: Path, layout: PartLayout, *, origin: Path | None = None) -> None:
    """Compare `model`/`folder`/`file` with its network; WeightsError names keys that are missing, extra or misshaped.

    origin: the file it was made from, to be named instead.
    """
    path = model / folder / file
    found = _plain(read_shapes(path))
    try:
        configuration = layout.configuration(model, found) if layout.configuration else config_of(folder, model)
        wanted = _wanted(layout.network, json.dumps(configuration))
    except WeightsError:
        raise
    except Exception as error:  # networks are built by three libraries, which check nothing or raise kinds of their own
        what = f"of {folder} beside {origin}" if origin else str(path.with_name("config.json"))
        raise WeightsError(f"the configuration {what} makes no network ({first_line(error)}); get it again") from error
    differences = _differences(found, wanted)
    if differences:
        raise WeightsError(
            f"the weights file {origin or path} is not the {folder} that its configuration describes: "
            f"{'; '.join(differences)}; get both again from their publisher"
        )


@lru_cache(maxsize=64)  # models have parts in common, and to build a large network takes a second even without memory
def _wanted(network: Callable[[dict[str, Any]], nn.Module], configuration: str) -> Shapes:
    """Names and shapes of the network that a configuration, as JSON, makes."""
    with building(), torch.device("meta"):
        built = network(json.loads(configuration))
    return _plain({name: tuple(value.shape) for name, value in built.state_dict().items()})


def _differences(found: Shapes, wanted: Shapes) -> list[str]:
    missing = sorted(wanted.keys() - found.keys())
    extra = sorted(found.keys() - wanted.keys())
    misshaped = [
        f"{name} is {list(found[name])} and should be {list(wanted[name])}"
        for name in sorted(found.keys() & wanted.keys())
        if found[name] != wanted[name]
    ]
    kinds = (("missing", missing), ("extra", extra), ("of another shape", misshaped))
    return [_counted(kind, names, len(wanted)) for kind, names in kinds if names]


def _counted(kind: str, names: list[str], total: int) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} of {total} keys {kind} ({', '.join(names[:_NAMED])}{more})"


def _plain(shapes: Shapes) -> Shapes:
    return {name.removeprefix(_PREFIX): shape for name, shape in shapes.items()}

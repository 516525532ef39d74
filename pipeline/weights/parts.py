"""How the parts of a model are kept: one table for converting, checking and loading them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from open_clip.model import CLIP
from torch import nn
from torchvision.models.video import r2plus1d_18
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from pipeline.errors import WeightsError
from pipeline.nets.label_detector import LinearDetector
from pipeline.registries import Family
from pipeline.weights.states import Shapes, State


def floats(state: State) -> State:
    """Without what is counted, not learned (position_ids)."""
    return {name: value for name, value in state.items() if value.is_floating_point()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLayout:
    """A part in its folder of an installed model.

    network: what a configuration makes; built without memory, it says which names and shapes the weights have. weights:
    their file. configuration(model folder, shapes found): what decides the shapes, the part's own config.json unless
    said otherwise. config(model folder): what config.json is made to say, from what was published. renamed: published
    weights under the names that today's class wants.
    """

    network: Callable[[dict[str, Any]], nn.Module]
    weights: str = "model.safetensors"
    configuration: Callable[[Path, Shapes], dict[str, Any]] | None = None
    config: Callable[[Path], dict[str, Any]] | None = None
    renamed: Callable[[State], State] = floats


def layouts_of(family: Family) -> dict[str, PartLayout]:
    """Folder of a model -> its layout: the parts that all families share, and those of its own."""
    return {**SHARED_PARTS, **family.parts()}


def config_of(folder: str, model: Path) -> dict[str, Any]:
    """`model`/`folder`/config.json. Raises WeightsError when it is missing or damaged."""
    path = model / folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"the configuration {path} cannot be read ({error}); get it again") from error
    if not isinstance(config, dict):
        raise WeightsError(f"the configuration {path} is no table of settings; get it again")
    return config


def embed_dim_of(model: Path) -> int:
    """The width of the model's CLIP embeddings."""
    if (model / "clip" / "config.json").is_file():
        return int(config_of("clip", model)["embed_dim"])
    return int(config_of("image_encoder", model)["projection_dim"])


class OnsetShape(nn.Module):
    """Names and shapes of the published onset detector; strides, which have neither, are not its own."""

    def __init__(self) -> None:
        super().__init__()
        trunk = r2plus1d_18()
        trunk.fc = nn.Identity()
        self.net = nn.ModuleDict({"model": trunk})
        self.fc = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 1))


def _clip_config(model: Path) -> dict[str, Any]:
    """open_clip's model configuration, out of the hub's file, or the ViT-H/14 it is about when there is none."""
    if not (model / "clip" / "config.json").is_file():
        return dict(open_clip.get_model_config("ViT-H-14"))
    published = config_of("clip", model)
    return dict(published.get("model_cfg", published))


SHARED_PARTS: Mapping[str, PartLayout] = {
    "clip": PartLayout(network=lambda configuration: CLIP(**configuration), config=_clip_config),
    "image_encoder": PartLayout(
        network=lambda configuration: CLIPVisionModelWithProjection(CLIPVisionConfig.from_dict(configuration))
    ),
    "onset": PartLayout(
        network=lambda configuration: OnsetShape(), configuration=lambda model, found: {}, renamed=dict
    ),
    "detector": PartLayout(
        network=lambda configuration: LinearDetector(**configuration),
        configuration=lambda model, found: {"embed_dim": embed_dim_of(model)},
    ),
}

"""Do weights fit their network? Names and shapes are compared with the network built without memory from its config."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from open_clip.model import CLIP
from torch import nn
from torchvision.models.video import r2plus1d_18
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
)

from pipeline.errors import WeightsError, first_line
from pipeline.generators.auffusion.frame_adapter import FrameAdapter
from pipeline.nets.building import building
from pipeline.nets.label_detector import LinearDetector
from pipeline.weights.states import Shapes, read_shapes

logging.getLogger("diffusers").setLevel(logging.ERROR)

_NAMED = 3
_TOKENS_PER_FRAME = 4
_CROSS_ATTENTION_DIM = 1280  # diffusers' own where a UNet's configuration does not say
_PREFIX = "text_model."  # today's class leaves it out, files that older ones wrote have it


def require_fit(folder: str, file: str, model: Path, *, origin: Path | None = None) -> None:
    """Compare `model`/`folder`/`file` with its network; WeightsError names keys that are missing, extra or misshaped.

    origin: the file it was made from, to be named instead.
    """
    path = model / folder / file
    found = _plain(read_shapes(path))
    try:
        wanted = _wanted(folder, json.dumps(_configuration(folder, model, found)))
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
def _wanted(folder: str, configuration: str) -> Shapes:
    """Names and shapes of the network that a configuration, as JSON, makes."""
    with building(), torch.device("meta"):
        network = _NETWORKS[folder](json.loads(configuration))
    return _plain({name: tuple(value.shape) for name, value in network.state_dict().items()})


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


def tokens_per_frame(adapter: Shapes, cross_attention_dim: int) -> int:
    """How many tokens an adapter of these shapes makes of a frame; four, as published, when it does not say."""
    rows = adapter.get("image_proj.proj.bias", (0,))[0]
    return rows // cross_attention_dim or _TOKENS_PER_FRAME


def _configuration(folder: str, model: Path, found: Shapes) -> dict[str, Any]:
    """What decides the shapes of a part: its own configuration, or those of its neighbours."""
    if folder == "onset":
        return {}
    if folder == "detector":
        return {"embed_dim": embed_dim_of(model)}
    if folder != "frame_adapter":
        return config_of(folder, model)
    unet = config_of("unet", model)
    width = int(unet.get("cross_attention_dim", _CROSS_ATTENTION_DIM))
    return {"unet": unet, "embed_dim": embed_dim_of(model), "tokens_per_frame": tokens_per_frame(found, width)}


def _frame_adapter(configuration: dict[str, Any]) -> nn.Module:
    unet = UNet2DConditionModel.from_config(configuration.pop("unet"))
    return FrameAdapter(unet, **configuration)


_NETWORKS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "unet": UNet2DConditionModel.from_config,
    "vae": AutoencoderKL.from_config,
    "text_encoder": lambda configuration: CLIPTextModel(CLIPTextConfig.from_dict(configuration)),
    "temporal_adapter": ControlNetModel.from_config,
    "frame_adapter": _frame_adapter,
    "vocoder": lambda configuration: SpeechT5HifiGan(SpeechT5HifiGanConfig.from_dict(configuration)),
    "image_encoder": lambda configuration: CLIPVisionModelWithProjection(CLIPVisionConfig.from_dict(configuration)),
    "clip": lambda configuration: CLIP(**configuration),
    "onset": lambda configuration: OnsetShape(),
    "detector": lambda configuration: LinearDetector(**configuration),
}

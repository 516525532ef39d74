"""Do weights fit their network? Names and shapes are compared with the network built without memory from its config."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
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

from pipeline.errors import WeightsError
from pipeline.nets.building import building
from pipeline.nets.detector import LinearDetector
from pipeline.nets.frame_adapter import FrameAdapter
from pipeline.weights.states import Shapes, read_shapes

logging.getLogger("diffusers").setLevel(logging.ERROR)

_NAMED = 3
_TOKENS_PER_FRAME = 4
_PREFIX = "text_model."  # today's class leaves it out, files that older ones wrote have it


def require_fit(folder: str, file: str, model: Path, *, origin: Path | None = None) -> None:
    """Compare `model`/`folder`/`file` with its network; WeightsError names keys that are missing, extra or misshaped.

    origin: the file it was made from, to be named instead.
    """
    path = model / folder / file
    found = _plain(read_shapes(path))
    try:
        with building(), torch.device("meta"):
            wanted = _plain(_shapes_of(_NETWORKS[folder](model, found)))
    except WeightsError:
        raise
    except Exception as error:  # networks are built by three libraries, which check nothing or raise kinds of their own
        what = f"of {folder} beside {origin}" if origin else str(path.with_name("config.json"))
        raise WeightsError(f"the configuration {what} makes no network ({_first_line(error)}); get it again") from error
    differences = _differences(found, wanted)
    if differences:
        raise WeightsError(
            f"the weights file {origin or path} is not the {folder} that its configuration describes: "
            f"{'; '.join(differences)}; get both again from their publisher"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


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


def _shapes_of(network: nn.Module) -> Shapes:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


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


def _unet(model: Path, found: Shapes) -> nn.Module:
    network: nn.Module = UNet2DConditionModel.from_config(config_of("unet", model))
    return network


def _frame_adapter(model: Path, found: Shapes) -> nn.Module:
    unet = UNet2DConditionModel.from_config(config_of("unet", model))
    tokens = tokens_per_frame(found, int(unet.config.cross_attention_dim))
    return FrameAdapter(unet, embed_dim=embed_dim_of(model), tokens_per_frame=tokens)


def tokens_per_frame(adapter: Shapes, cross_attention_dim: int) -> int:
    """How many tokens an adapter of these shapes makes of a frame; four, as published, when it does not say."""
    rows = adapter.get("image_proj.proj.bias", (0,))[0]
    return rows // cross_attention_dim or _TOKENS_PER_FRAME


_NETWORKS: dict[str, Callable[[Path, Shapes], nn.Module]] = {
    "unet": _unet,
    "vae": lambda model, found: AutoencoderKL.from_config(config_of("vae", model)),
    "text_encoder": lambda model, found: CLIPTextModel(CLIPTextConfig.from_dict(config_of("text_encoder", model))),
    "temporal_adapter": lambda model, found: ControlNetModel.from_config(config_of("temporal_adapter", model)),
    "frame_adapter": _frame_adapter,
    "vocoder": lambda model, found: SpeechT5HifiGan(SpeechT5HifiGanConfig.from_dict(config_of("vocoder", model))),
    "image_encoder": lambda model, found: CLIPVisionModelWithProjection(
        CLIPVisionConfig.from_dict(config_of("image_encoder", model))
    ),
    "clip": lambda model, found: CLIP(**config_of("clip", model)),
    "onset": lambda model, found: OnsetShape(),
    "detector": lambda model, found: LinearDetector(embed_dim_of(model)),
}

"""From published files to installed ones: each part once, tensor by tensor, strict about what it finds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import open_clip
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from transformers import SpeechT5HifiGanConfig

from pipeline.errors import WeightsError, first_line
from pipeline.nets.building import building
from pipeline.weights.catalogue import Part
from pipeline.weights.fit import config_of, require_fit
from pipeline.weights.states import State, read_state, write_state

_WEIGHTS = {
    "unet": "diffusion_pytorch_model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
    "temporal_adapter": "diffusion_pytorch_model.safetensors",
    "frame_adapter": "foleycrafter.safetensors",
}
# diffusers named the VAE's attention differently until 2023.
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPart:
    """The files of a part on this machine."""

    config: Path | None = None
    weights: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.files, *filter(None, (self.config, self.weights)))


def weights_file(folder: str) -> str:
    """What the weights of a part are called inside its folder."""
    return _WEIGHTS.get(folder, "model.safetensors")


def convert(part: Part, published: PublishedPart, model: Path) -> None:
    """Write `part` into the model folder `model`, whose parts before it are there already.

    Raises WeightsError when the weights are damaged, hold code, or do not fit; OSError when the disk does.
    """
    for path in published.files:
        _require_table(path)
        copy_in(path, model / part.folder / path.name)
    if published.config is not None:
        _require_table(published.config)
        copy_in(published.config, model / part.folder / "config.json")
    if published.weights is None:
        return
    if part.folder in _CONFIGS:
        _write_config(part.folder, model)
    state = _RENAMED.get(part.folder, _floats)(read_state(published.weights))
    name = weights_file(part.folder)
    write_state(state, model / part.folder / name)
    require_fit(part.folder, name, model, origin=published.weights)


def copy_in(source: Path, target: Path) -> None:
    """Copy a file into a folder that need not be there yet. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _require_table(path: Path) -> None:
    """Small files with settings are checked where they come from, so that a damaged one is named by its own place."""
    if path.suffix != ".json":
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged ({error}); get it again from its publisher") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} is damaged (it is no table); get it again from its publisher")


def _write_config(folder: str, model: Path) -> None:
    try:
        config = _CONFIGS[folder](model)
    except WeightsError:
        raise
    except Exception as error:  # each library that reads a configuration has errors of its own
        why = first_line(error)
        raise WeightsError(f"the configuration of {folder} is not a published one ({why}); get it again") from error
    path = model / folder / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _vocoder_config(model: Path) -> dict[str, Any]:
    """The published HiFi-GAN's settings in transformers' words."""
    published = config_of("vocoder", model)
    config = SpeechT5HifiGanConfig(
        model_in_dim=published["num_mels"],
        sampling_rate=published["sampling_rate"],
        upsample_initial_channel=published["upsample_initial_channel"],
        upsample_rates=published["upsample_rates"],
        upsample_kernel_sizes=published["upsample_kernel_sizes"],
        resblock_kernel_sizes=published["resblock_kernel_sizes"],
        resblock_dilation_sizes=published["resblock_dilation_sizes"],
        leaky_relu_slope=0.1,
        normalize_before=False,
    )
    return dict(config.to_dict())


def _temporal_adapter_config(model: Path) -> dict[str, Any]:
    """The ControlNet of the UNet beside it, for a picture with one channel."""
    return dict(json.loads(_control_configuration(json.dumps(config_of("unet", model)))))


@lru_cache(maxsize=8)
def _control_configuration(unet: str) -> str:
    """The configuration, as JSON, of a ControlNet for the UNet of a configuration."""
    with building(), torch.device("meta"):
        network = UNet2DConditionModel.from_config(json.loads(unet))
        adapter = ControlNetModel.from_unet(network, conditioning_channels=1, load_weights_from_unet=False)
    return str(adapter.to_json_string())


def _clip_config(model: Path) -> dict[str, Any]:
    """open_clip's model configuration, out of the hub's file, or the ViT-H/14 it is about when there is none."""
    if not (model / "clip" / "config.json").is_file():
        return dict(open_clip.get_model_config("ViT-H-14"))
    published = config_of("clip", model)
    return dict(published.get("model_cfg", published))


def _floats(state: State) -> State:
    """Drop what is counted, not learned (position_ids)."""
    return {name: value for name, value in state.items() if value.is_floating_point()}


def _vocoder_state(state: State) -> State:
    """Fuse the weight norm, w = g * v / |v|, and take on transformers' names."""
    fused = {name: value for name, value in state.items() if not name.endswith(("weight_g", "weight_v"))}
    for name in [name for name in state if name.endswith("weight_v")]:
        gain = name.removesuffix("_v") + "_g"
        if gain in state:
            fused[name.removesuffix("_v")] = torch._weight_norm(state[name], state[gain], 0)
    bands = state["conv_pre.weight_v"].shape[1] if "conv_pre.weight_v" in state else 0
    # Statistics that this class can normalise its input with; `normalize_before` is off.
    statistics = {"mean": torch.zeros(bands), "scale": torch.ones(bands)}
    return statistics | {name.replace("ups.", "upsampler.", 1): value for name, value in fused.items()}


def _vae_state(state: State) -> State:
    return {_todays_attention(name): value for name, value in _floats(state).items()}


def _todays_attention(name: str) -> str:
    parts = name.split(".")
    if "attentions" in parts and parts[-2] in _OLD_ATTENTION:
        parts[-2] = _OLD_ATTENTION[parts[-2]]
    return ".".join(parts)


_CONFIGS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "vocoder": _vocoder_config,
    "temporal_adapter": _temporal_adapter_config,
    "clip": _clip_config,
}
_RENAMED: dict[str, Callable[[State], State]] = {
    "vocoder": _vocoder_state,
    "vae": _vae_state,
    "onset": dict,
}

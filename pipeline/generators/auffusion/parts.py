"""How the parts of Auffusion and its adapters are published, kept and built."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, SpeechT5HifiGan, SpeechT5HifiGanConfig

from pipeline.generators.auffusion.frame_adapter import FrameAdapter
from pipeline.nets.building import building
from pipeline.weights.parts import PartLayout, config_of, embed_dim_of, floats
from pipeline.weights.states import Shapes, State

logging.getLogger("diffusers").setLevel(logging.ERROR)

_DIFFUSERS = "diffusion_pytorch_model.safetensors"
_TOKENS_PER_FRAME = 4
_CROSS_ATTENTION_DIM = 1280  # diffusers' own where a UNet's configuration does not say
# diffusers named the VAE's attention differently until 2023.
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def tokens_per_frame(adapter: Shapes, cross_attention_dim: int) -> int:
    """How many tokens an adapter of these shapes makes of a frame; four, as published, when it does not say."""
    rows = adapter.get("image_proj.proj.bias", (0,))[0]
    return rows // cross_attention_dim or _TOKENS_PER_FRAME


def _frame_adapter_shape(model: Path, found: Shapes) -> dict[str, Any]:
    unet = config_of("unet", model)
    width = int(unet.get("cross_attention_dim", _CROSS_ATTENTION_DIM))
    return {"unet": unet, "embed_dim": embed_dim_of(model), "tokens_per_frame": tokens_per_frame(found, width)}


def _frame_adapter(configuration: dict[str, Any]) -> nn.Module:
    unet = UNet2DConditionModel.from_config(configuration.pop("unet"))
    return FrameAdapter(unet, **configuration)


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
    return {_todays_attention(name): value for name, value in floats(state).items()}


def _todays_attention(name: str) -> str:
    parts = name.split(".")
    if "attentions" in parts and parts[-2] in _OLD_ATTENTION:
        parts[-2] = _OLD_ATTENTION[parts[-2]]
    return ".".join(parts)


PARTS: Mapping[str, PartLayout] = {
    "unet": PartLayout(network=UNet2DConditionModel.from_config, weights=_DIFFUSERS),
    "vae": PartLayout(network=AutoencoderKL.from_config, weights=_DIFFUSERS, renamed=_vae_state),
    "text_encoder": PartLayout(network=lambda configuration: CLIPTextModel(CLIPTextConfig.from_dict(configuration))),
    "temporal_adapter": PartLayout(
        network=ControlNetModel.from_config, weights=_DIFFUSERS, config=_temporal_adapter_config
    ),
    "frame_adapter": PartLayout(
        network=_frame_adapter, weights="foleycrafter.safetensors", configuration=_frame_adapter_shape
    ),
    "vocoder": PartLayout(
        network=lambda configuration: SpeechT5HifiGan(SpeechT5HifiGanConfig.from_dict(configuration)),
        config=_vocoder_config,
        renamed=_vocoder_state,
    ),
}

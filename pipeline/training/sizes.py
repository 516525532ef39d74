"""Every size of the bundled model in one place: grid, mel scale, networks, and how long each part trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipeline.generators.auffusion.grid import Grid
from pipeline.mel import MelScale

GRID = Grid(
    sample_rate_hz=16_000,
    hop=256,
    columns_per_latent=8,
    columns_per_frame=Fraction(2),
    latents_multiple=4,
    window_latents=80,
)
MEL = MelScale(
    sample_rate_hz=16_000,
    n_fft=1024,
    hop=256,
    bands=64,
    fmin_hz=20.0,
    fmax_hz=8000.0,
    log_floor=math.log(1e-4),
    log_ceiling=0.0,
    gain=1 / 512,
)
IMAGE_SIZE = 64
EMBED_DIM = 128
TEXT_LENGTH = 16
LATENT_CHANNELS = 8
LATENT_ROWS = 8
PIXEL_UNSHUFFLE = 2
CONDITION_CHANNELS = 2
CONDITION_EMBEDDING = (8, 16, 32, 64)
SCENE_LATENTS = 32

SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
}
VAE: dict[str, Any] = {
    "in_channels": PIXEL_UNSHUFFLE**2,
    "out_channels": PIXEL_UNSHUFFLE**2,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [32, 64, 96],
    "layers_per_block": 1,
    "latent_channels": LATENT_CHANNELS,
    "norm_num_groups": 8,
    "sample_size": 64,
    "mid_block_add_attention": False,
}
UNET: dict[str, Any] = {
    "sample_size": [LATENT_ROWS, SCENE_LATENTS],
    "in_channels": LATENT_CHANNELS,
    "out_channels": LATENT_CHANNELS,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "block_out_channels": [48, 96, 160],
    "layers_per_block": 1,
    "cross_attention_dim": EMBED_DIM,
    "attention_head_dim": 4,
    "norm_num_groups": 16,
}


def clip_config(vocab_size: int) -> dict[str, Any]:
    """open_clip model config of the bundled CLIP: a small ResNet and a small text tower."""
    return {
        "embed_dim": EMBED_DIM,
        "vision_cfg": {"image_size": IMAGE_SIZE, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32},
        "text_cfg": {
            "context_length": TEXT_LENGTH,
            "vocab_size": vocab_size,
            "width": EMBED_DIM,
            "heads": 4,
            "layers": 3,
        },
    }


def text_encoder_config(vocab_size: int) -> dict[str, Any]:
    """transformers CLIPTextConfig of the sound model's own text encoder (per-token hidden states)."""
    return {
        "vocab_size": vocab_size,
        "hidden_size": EMBED_DIM,
        "intermediate_size": 4 * EMBED_DIM,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": TEXT_LENGTH,
        "projection_dim": EMBED_DIM,
        "bos_token_id": vocab_size - 2,
        "eos_token_id": vocab_size - 1,
        "pad_token_id": vocab_size - 1,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much of everything: scenes rendered and steps trained."""

    scenes: int
    validation_scenes: int
    moments: int
    states: int
    clip: int
    detectors: int
    label_free: int
    vae: int
    base: int
    temporal_adapter: int
    frame_adapter: int
    classifier: int


FULL = Effort(
    scenes=6000,
    validation_scenes=300,
    moments=6000,
    states=4000,
    clip=2400,
    detectors=2400,
    label_free=500,
    vae=2500,
    base=3600,
    temporal_adapter=1600,
    frame_adapter=900,
    classifier=900,
)
SMOKE = Effort(
    scenes=60,
    validation_scenes=20,
    moments=40,
    states=20,
    clip=30,
    detectors=40,
    label_free=6,
    vae=30,
    base=24,
    temporal_adapter=10,
    frame_adapter=8,
    classifier=20,
)

"""The published models' files with random weights: their folders, file names, key names and shapes, tiny or full size.

    folder/auffusion-full-no-adapter/         unet, vae, text_encoder, tokenizer, scheduler, feature_extractor, vocoder
    folder/FoleyCrafter/                      semantic, vocoder, temporal_adapter.ckpt, timestamp_detector.pth.tar
    folder/IP-Adapter/models/image_encoder/   the vision half of the CLIP below, weight for weight
    folder/CLIP-ViT-H-14-laion2B-s32B-b79K/   open_clip

Full size is SD-1.5 with HiFi-GAN and ViT-H/14 (10 GB in all), tiny the same topology at small widths. Weights are
drawn with the scale 1/sqrt(fan-in), so that whatever runs through them stays finite.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import open_clip
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.video import r2plus1d_18
from transformers import CLIPTextConfig, CLIPTextModel, SpeechT5HifiGan, SpeechT5HifiGanConfig

from pipeline.nets.building import building

PARTS = ("auffusion", "foleycrafter", "onset", "image_encoder", "open_clip")
# The onset detector has one size, 125 MB.
USUAL_PARTS = ("auffusion", "foleycrafter", "image_encoder", "open_clip")

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The widths that differ between tiny and full."""

    unet: tuple[int, ...]
    cross: int
    groups: int
    vae: tuple[int, ...]
    text_layers: int
    text_heads: int
    vocoder: int
    clip: dict[str, Any]


SIZES = {
    "tiny": Size(
        unet=(16, 32, 32, 32),
        cross=32,
        groups=8,
        vae=(8, 16, 16, 16),
        text_layers=2,
        text_heads=4,
        vocoder=32,
        clip={
            "embed_dim": 48,
            "vision_cfg": {"image_size": 224, "layers": 3, "width": 64, "head_width": 16, "patch_size": 14},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
        },
    ),
    "full": Size(
        unet=(320, 640, 1280, 1280),
        cross=768,
        groups=32,
        vae=(128, 256, 512, 512),
        text_layers=12,
        text_heads=12,
        vocoder=512,
        clip=open_clip.get_model_config("ViT-H-14"),
    ),
}


def write_published(
    folder: Path,
    size: Literal["tiny", "full"] = "tiny",
    parts: Collection[str] = USUAL_PARTS,
    *,
    seed: int = 0,
    optimizer: bool = False,
) -> Path:
    """Write the files of `parts` under `folder`; the folder.

    optimizer: temporal_adapter.ckpt also holds a training state, which makes it three times as large, as published.
    Equal seeds give equal files' contents; a part's weights do not depend on which other parts are written.
    """
    chosen = SIZES[size]
    draw = _Draw(seed)
    if "auffusion" in parts:
        _write_auffusion(folder / "auffusion-full-no-adapter", chosen, draw)
    if "foleycrafter" in parts:
        _write_foleycrafter(folder / "FoleyCrafter", chosen, draw, optimizer)
    if "onset" in parts:
        _write_onset(folder / "FoleyCrafter", draw)
    if "image_encoder" in parts:
        _write_image_encoder(folder / "IP-Adapter" / "models" / "image_encoder", chosen, draw)
    if "open_clip" in parts:
        _write_open_clip(folder / "CLIP-ViT-H-14-laion2B-s32B-b79K", chosen, draw)
    return folder


class _Draw:
    """Random tensors for names and shapes; each part of a model has its own stream."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def state(self, part: int, build: Callable[[], nn.Module]) -> State:
        """The state of a network with drawn weights; the network itself never takes memory."""
        with building(), torch.device("meta"):
            shapes = dict(build().state_dict())
        generator = torch.Generator().manual_seed(self.seed * 100 + part)
        return {name: _drawn(name, value, generator) for name, value in shapes.items()}


def _drawn(name: str, like: Tensor, generator: torch.Generator) -> Tensor:
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    x = torch.randn(like.shape, generator=generator)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        return x.abs_().mul_(0.1).add_(1)
    if last == "logit_scale":
        return torch.tensor(4.6)
    if like.ndim <= 1:
        return x.mul_(0.1).add_(1) if last == "weight" else x.mul_(0.05)
    return x.div_(like[0].numel() ** 0.5)


def _write_auffusion(folder: Path, size: Size, draw: _Draw) -> None:
    unet, vae = unet_config(size), _vae_config(size)
    _json(folder / "unet" / "config.json", {"_class_name": "UNet2DConditionModel", **unet})
    _pickle(folder / "unet" / "diffusion_pytorch_model.bin", draw.state(1, lambda: UNet2DConditionModel(**unet)))
    _json(folder / "vae" / "config.json", {"_class_name": "AutoencoderKL", **vae})
    _pickle(folder / "vae" / "diffusion_pytorch_model.bin", draw.state(2, lambda: AutoencoderKL(**vae)))
    vocabulary = _write_tokenizer(folder / "tokenizer", size)
    _write_text_encoder(folder / "text_encoder", size, vocabulary, draw)
    _write_vocoder(folder / "vocoder", size, draw)
    _json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    _json(folder / "feature_extractor" / "preprocessor_config.json", {"crop_size": 224, "size": 224, "resample": 3})
    _json(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.18.2"})


def _write_foleycrafter(folder: Path, size: Size, draw: _Draw, optimizer: bool) -> None:
    adapter = draw.state(3, lambda: _IpAdapter(size))
    halves: dict[str, State] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in adapter.items():
        half, key = name.split(".", 1)
        halves[half][key] = value
    _pickle(folder / "semantic" / "semantic_adapter.bin", halves)
    unet = unet_config(size)
    shared = {name: unet[name] for name in _SHARED_WITH_UNET}
    temporal = draw.state(4, lambda: ControlNetModel(**shared, conditioning_channels=1))
    checkpoint: dict[str, Any] = {"epoch": 0, "global_step": 1}
    checkpoint["state_dict"] = {f"module.{name}": value for name, value in temporal.items()}
    if optimizer:
        moments = {
            i: {"exp_avg": value.clone(), "exp_avg_sq": value.square()} for i, value in enumerate(temporal.values())
        }
        checkpoint["optimizer"] = {"state": moments, "param_groups": [{"lr": 1e-4}]}
    _pickle(folder / "temporal_adapter.ckpt", checkpoint)
    _write_vocoder(folder / "vocoder", size, draw)


def _write_onset(folder: Path, draw: _Draw) -> None:
    state = draw.state(5, _Onset)
    named = {f"module.{name}": value for name, value in state.items()}
    _pickle(folder / "timestamp_detector.pth.tar", {"epoch": 23, "state_dict": named})


def _write_image_encoder(folder: Path, size: Size, draw: _Draw) -> None:
    vision = size.clip["vision_cfg"]
    config = {
        "architectures": ["CLIPVisionModelWithProjection"],
        "model_type": "clip_vision_model",
        "hidden_act": "gelu",
        "hidden_size": vision["width"],
        "image_size": vision["image_size"],
        "intermediate_size": vision["width"] * 4,
        "layer_norm_eps": 1e-05,
        "num_attention_heads": vision["width"] // vision["head_width"],
        "num_hidden_layers": vision["layers"],
        "patch_size": vision["patch_size"],
        "projection_dim": size.clip["embed_dim"],
    }
    _json(folder / "config.json", config)
    state = vision_half(draw.state(6, lambda: CLIP(**size.clip)))
    positions = torch.arange(len(state["vision_model.embeddings.position_embedding.weight"]))[None]
    _safetensors(folder / "model.safetensors", {**state, "vision_model.embeddings.position_ids": positions})


def _write_open_clip(folder: Path, size: Size, draw: _Draw) -> None:
    _json(folder / "open_clip_config.json", {"model_cfg": size.clip, "preprocess_cfg": {}})
    _safetensors(folder / "open_clip_model.safetensors", draw.state(6, lambda: CLIP(**size.clip)))


def vision_half(clip: State) -> State:
    """The state of open_clip's CLIP -> that of the CLIPVisionModelWithProjection with the same vision tower."""
    state: State = {}
    for name, value in clip.items():
        if name.startswith("visual."):
            state |= _vision_entry(name.removeprefix("visual."), value)
    return {name: value.contiguous() for name, value in state.items()}


def _vision_entry(name: str, value: Tensor) -> State:
    if name == "proj":
        return {"visual_projection.weight": value.T}
    if name.startswith("transformer.resblocks."):
        number, rest = name.removeprefix("transformer.resblocks.").split(".", 1)
        return _vision_block(f"vision_model.encoder.layers.{number}", rest, value)
    return {f"vision_model.{_VISION_NAMES[name]}": value}


def _vision_block(layer: str, name: str, value: Tensor) -> State:
    if name.startswith("attn.in_proj_"):
        kind = name.removeprefix("attn.in_proj_")
        return {
            f"{layer}.self_attn.{part}_proj.{kind}": third for part, third in zip("qkv", value.chunk(3), strict=True)
        }
    module, kind = name.rsplit(".", 1)
    return {f"{layer}.{_BLOCK_NAMES[module]}.{kind}": value}


_VISION_NAMES = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight",
    "ln_pre.weight": "pre_layrnorm.weight",
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}
_BLOCK_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def _write_text_encoder(folder: Path, size: Size, vocabulary: int, draw: _Draw) -> None:
    config = {
        "vocab_size": vocabulary,
        "hidden_size": size.cross,
        "intermediate_size": size.cross * (4 if size.cross == 768 else 2),
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": size.text_heads,
        "max_position_embeddings": 77,
        "projection_dim": size.cross,
        "hidden_act": "quick_gelu",
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": 1,
    }
    _json(folder / "config.json", {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **config})
    state = draw.state(7, lambda: CLIPTextModel(CLIPTextConfig(**config)))
    # Today's class has no prefix; the published file, written by an older one, has.
    named = {f"text_model.{name.removeprefix('text_model.')}": value for name, value in state.items()}
    positions = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    _pickle(folder / "pytorch_model.bin", {**positions, **named})


def _write_tokenizer(folder: Path, size: Size) -> int:
    """The tokenizer of CLIP, or a small one that knows two words; the number of its tokens."""
    merges = [("d", "o"), ("do", "g</w>"), ("t", "r"), ("a", "i"), ("ai", "n</w>"), ("tr", "ain</w>")]
    if size.cross == 768:
        merges = list(SimpleTokenizer().bpe_ranks)
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges), *_SPECIAL]
    _json(folder / "vocab.json", {token: i for i, token in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    start, end = _SPECIAL
    special = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    _json(folder / "special_tokens_map.json", special)
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, "errors": "replace"}
    _json(folder / "tokenizer_config.json", {**settings, "add_prefix_space": False, **special})
    return len(tokens)


_SPECIAL = ("<|startoftext|>", "<|endoftext|>")


def _write_vocoder(folder: Path, size: Size, draw: _Draw) -> None:
    _json(folder / "config.json", {**VOCODER, "upsample_initial_channel": size.vocoder})
    fused = draw.state(8, lambda: SpeechT5HifiGan(_speech_t5_config(size)))
    raw: State = {}
    for name, value in fused.items():
        key = name.replace("upsampler.", "ups.")
        if name.endswith(".weight"):
            raw[f"{key}_g"] = torch.linalg.vector_norm(value, dim=(1, 2), keepdim=True)
            raw[f"{key}_v"] = value
        elif name.endswith(".bias"):
            raw[key] = value
    _pickle(folder / "vocoder.pt", {"generator": raw})


def _speech_t5_config(size: Size) -> SpeechT5HifiGanConfig:
    return SpeechT5HifiGanConfig(
        model_in_dim=VOCODER["num_mels"],
        upsample_initial_channel=size.vocoder,
        upsample_rates=VOCODER["upsample_rates"],
        upsample_kernel_sizes=VOCODER["upsample_kernel_sizes"],
        normalize_before=False,
    )


class _IpAdapter(nn.Module):
    """Projection of four tokens, and new keys and values of every cross-attention."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.image_proj = nn.ModuleDict(
            {"proj": nn.Linear(size.clip["embed_dim"], size.cross * 4), "norm": nn.LayerNorm(size.cross)}
        )
        self.ip_adapter = nn.ModuleDict()
        down, middle = [width for width in size.unet[:3] for _ in range(2)], size.unet[3]
        up = [width for width in reversed(size.unet[:3]) for _ in range(3)]
        for i, width in enumerate([*down, *up, middle]):
            pair = {name: nn.Linear(size.cross, width, bias=False) for name in ("to_k_ip", "to_v_ip")}
            self.ip_adapter[str(2 * i + 1)] = nn.ModuleDict(pair)


class _Onset(nn.Module):
    """The names and shapes of the onset detector; its strides, which have neither, are not the published ones."""

    def __init__(self) -> None:
        super().__init__()
        trunk = r2plus1d_18()
        trunk.fc = nn.Identity()
        self.net = nn.ModuleDict({"model": trunk})
        self.fc = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 1))


def unet_config(size: Size) -> dict[str, Any]:
    """The UNet's config.json."""
    return {
        "in_channels": 4,
        "out_channels": 4,
        "sample_size": 64,
        "block_out_channels": list(size.unet),
        "layers_per_block": 2,
        "cross_attention_dim": size.cross,
        "attention_head_dim": 8,
        "norm_num_groups": size.groups,
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    }


_SHARED_WITH_UNET = (
    "in_channels",
    "block_out_channels",
    "layers_per_block",
    "cross_attention_dim",
    "attention_head_dim",
    "norm_num_groups",
    "down_block_types",
)


def _vae_config(size: Size) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "sample_size": 512,
        "scaling_factor": 0.18215,
        "block_out_channels": list(size.vae),
        "norm_num_groups": size.groups,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    }


SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.18.2",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
}
VOCODER: dict[str, Any] = {
    "resblock": "1",
    "upsample_rates": [5, 4, 4, 2],
    "upsample_kernel_sizes": [11, 8, 8, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "num_mels": 256,
    "n_fft": 2048,
    "hop_size": 160,
    "win_size": 1024,
    "sampling_rate": 16000,
    "fmin": 0,
    "fmax": None,
}


def _json(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _pickle(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)


def _safetensors(path: Path, state: State) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path, metadata={"format": "pt"})


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=USUAL_PARTS)
    chosen = parser.parse_args()
    write_published(chosen.folder, chosen.size, chosen.parts)


if __name__ == "__main__":
    _main()

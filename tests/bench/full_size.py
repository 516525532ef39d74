"""The published models at their full size with random weights, installed as `foley models fetch` lays them out.

Speed, memory and rounding errors do not depend on what weights have learnt; sound does, and is not judged here.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, SpeechT5HifiGan

from pipeline.weights.catalogue import published_models
from pipeline.weights.install import finish_card
from pipeline.weights.templates import template
from tests.support import published_files as published

_UNITS = ("unet", "vae", "temporal_adapter")


def install_random(folder: Path, size: Literal["tiny", "full"] = "full", seed: int = 0) -> Path:
    """Write a model folder (float32, 10 GB at full size); the folder. Equal seeds give equal weights."""
    chosen = published.SIZES[size]
    draw = published._Draw(seed)
    for part, kind, config in _stock_parts(chosen):
        _write(folder / part, config, draw.state(_STREAMS[part], partial(kind, **config)))
    _write_text(folder, chosen, draw)
    _write_vocoder(folder, chosen, draw)
    _write(folder / "clip", chosen.clip, draw.state(6, lambda: CLIP(**chosen.clip)))
    _save(folder / "frame_adapter" / "foleycrafter.safetensors", draw.state(3, lambda: published._IpAdapter(chosen)))
    _save(folder / "onset" / "model.safetensors", draw.state(5, published._Onset))
    finish_card(folder, _card())
    return folder


_STREAMS = {"unet": 1, "vae": 2, "temporal_adapter": 4}


def _stock_parts(size: published.Size) -> list[tuple[str, Any, dict[str, Any]]]:
    unet = published.unet_config(size)
    shared = {name: unet[name] for name in published._SHARED_WITH_UNET}
    return [
        ("unet", UNet2DConditionModel, unet),
        ("vae", AutoencoderKL, published._vae_config(size)),
        ("temporal_adapter", ControlNetModel, {**shared, "conditioning_channels": 1}),
    ]


def _write_text(folder: Path, size: published.Size, draw: published._Draw) -> None:
    vocabulary = published._write_tokenizer(folder / "tokenizer", size)
    published._write_text_encoder(folder / "text_encoder", size, vocabulary, draw)
    (folder / "text_encoder" / "pytorch_model.bin").unlink()
    config = json.loads((folder / "text_encoder" / "config.json").read_text(encoding="utf-8"))
    state = draw.state(7, lambda: CLIPTextModel(CLIPTextConfig(**config)))
    _save(folder / "text_encoder" / "model.safetensors", state)


def _write_vocoder(folder: Path, size: published.Size, draw: published._Draw) -> None:
    config = published._speech_t5_config(size)
    state = draw.state(8, lambda: SpeechT5HifiGan(config))
    state |= {"mean": torch.zeros_like(state["mean"]), "scale": torch.ones_like(state["scale"])}
    _write(folder / "vocoder", dict(config.to_dict()), state)


def _write(folder: Path, config: dict[str, Any], state: dict[str, Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    stem = "diffusion_pytorch_model" if folder.name in _UNITS else "model"
    _save(folder / f"{stem}.safetensors", state)


def _save(path: Path, state: dict[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, path, metadata={"format": "pt"})


def _card() -> dict[str, Any]:
    """FoleyCrafter's card, which says what the weights are."""
    card = template(published_models()["foleycrafter"])
    schedule = {name: value for name, value in published.SCHEDULER.items() if not name.startswith("_")}
    card["structure"]["scheduler"] = schedule
    return {**card, "title": "random weights", "licence": "none", "domain": "nothing: the weights are random"}

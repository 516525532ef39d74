"""Put the trained parts together as a bundle: fp16 safetensors, small files as they are, a card with their digests."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from pipeline.files import sha256_of
from pipeline.label import category_of
from pipeline.scenes.catalogue import SOURCES, Thing
from pipeline.settings import Settings
from pipeline.training.sizes import CONDITION_CHANNELS, GRID, MEL, PIXEL_UNSHUFFLE, SCHEDULER
from pipeline.weights.registry import CARD_NAME

_MORE_WORDS = {
    "airplane": ("plane", "jet", "aircraft", "aeroplane"),
    "train": ("railway", "railroad"),
    "siren": ("ambulance", "emergency vehicle"),
    "car": ("vehicle", "automobile"),
    "helicopter": ("chopper",),
    "rain": ("shower",),
    "ball": (),
    "hammer": ("anvil",),
    "footsteps": ("footstep", "steps", "walk", "walking"),
    "door": (),
}


def _told(record: Any) -> dict[str, Any]:
    """The fields of a record that are not their defaults, as JSON has them."""
    told = {field.name: getattr(record, field.name) for field in fields(record)}
    defaults = {field.name: field.default for field in fields(record)}
    return {name: _plain(value) for name, value in told.items() if value != defaults[name]}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


_STRUCTURE: dict[str, Any] = {
    "grid": _told(GRID),
    "mel": _told(MEL),
    "scheduler": SCHEDULER,
    "pixel_unshuffle": PIXEL_UNSHUFFLE,
    "condition_channels": CONDITION_CHANNELS,
    "vocoder": "griffin-lim",
    "frame_adapters": {
        "time_local": {"file": "frame_adapter/time_local.safetensors", "tokens_per_frame": 1},
        "literal": {"file": "controls/literal.safetensors", "tokens_per_frame": 1},
        "clip_wise": {"file": "controls/clip_wise.safetensors", "tokens_per_frame": 4},
    },
}


def export_bundle(parts: Path, folder: Path, settings: Settings) -> Path:
    """Write the bundle `folder` from the trained `parts`; returns the path of its card."""
    if folder.exists():
        shutil.rmtree(folder)
    for source in sorted(p for p in parts.rglob("*") if p.is_file()):
        target = folder / source.relative_to(parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".safetensors":
            _save_half(source, target)
        else:
            shutil.copyfile(source, target)
    card = folder / CARD_NAME
    card.write_text(json.dumps(_card(folder, settings), indent=2) + "\n", encoding="utf-8")
    return card


def _save_half(source: Path, target: Path) -> None:
    """fp32 -> fp16; integers stay as they are."""
    state = load_file(source)
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file({name: value.contiguous() for name, value in half.items()}, target, metadata={"format": "pt"})


def _card(folder: Path, settings: Settings) -> dict[str, Any]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CARD_NAME)
    return {
        "name": "mini",
        "title": "Demonstration model: ten sounds of drawn scenes",
        "licence": "Apache-2.0",
        "domain": "drawn scenes with ten kinds of sound, 64 pixels wide; not real footage",
        "procedural_only": True,
        "closed_vocabulary": True,
        "labels": [_label(source) for source in SOURCES],
        "settings": _told(settings),
        "structure": _STRUCTURE,
        "files": {p.relative_to(folder).as_posix(): sha256_of(p) for p in files},
    }


def _label(source: Thing) -> dict[str, Any]:
    words = (source.name, *source.phrases[1:], *_MORE_WORDS[source.name])
    return {"text": source.label, "category": category_of(source.label), "words": words}


def largest_rounding_error(parts: Path, folder: Path) -> float:
    """The largest relative error that fp16 rounding put on any tensor (Frobenius norm)."""
    worst = 0.0
    for source in parts.rglob("*.safetensors"):
        exact, rounded = load_file(source), load_file(folder / source.relative_to(parts))
        for name, value in exact.items():
            if value.is_floating_point() and torch.linalg.norm(value) > 0:
                error = torch.linalg.norm(value - rounded[name].float()) / torch.linalg.norm(value)
                worst = max(worst, float(error))
    return worst

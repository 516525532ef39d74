"""Auffusion: a Stable-Diffusion-class UNet over mel pictures, steered by text and by two adapters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.generators.base import Family


def _needs(settings: AuffusionSettings, structure: Mapping[str, Any]) -> dict[str, str]:
    needed = {}
    if settings.attends_to_frames:
        entry = structure.get("frame_adapters", {}).get(settings.frame_attention, {})
        needed[f"frame_attention {settings.frame_attention!r}"] = entry.get("file", "frame_adapter")
    if settings.temporal_scale != 0:
        needed["temporal_scale other than 0"] = "temporal_adapter/diffusion_pytorch_model.safetensors"
    return needed


AUFFUSION = Family(
    name="auffusion",
    settings=AuffusionSettings,
    needs=_needs,
    place="pipeline.generators.auffusion.components:AuffusionComponents",
)

"""The settings of Auffusion with its adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pipeline.settings import Settings

Sampler = Literal["dpm++", "unipc", "pndm"]
FrameAttention = Literal["time_local", "literal", "clip_wise", "off"]
Canvas = Literal["adaptive", "full", "wide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuffusionSettings(Settings):
    """Denoising. steps: denoising steps; "pndm" evaluates the network once more than that. guidance_scale:
    classifier-free guidance, in the share of the steps from guidance_from to guidance_until (0..1). negative_prompt:
    what the unconditional half is told. feature_reuse: only every n-th step runs the whole UNet, the others its
    outermost blocks. canvas: "adaptive" is as wide as the shot needs, "full" never less than a window, "wide" has
    windows of twice the length.

    Conditions. frame_scale: lambda of eq. (2), 0 switches the frame adapter off. frame_attention: "literal" is eq. (2)
    as printed, "clip_wise" one mean frame. temporal_scale: strength of the temporal adapter, 0 switches it off; it is
    asked in the first temporal_until (0..1) of the steps, and takes the level as well where the model has one for it.
    """

    steps: int = 16
    sampler: Sampler = "dpm++"
    guidance_scale: float = 2.0
    guidance_from: float = 0.0
    guidance_until: float = 1.0
    negative_prompt: str = ""
    feature_reuse: int = 1
    canvas: Canvas = "adaptive"
    frame_scale: float = 1.0
    frame_attention: FrameAttention = "time_local"
    temporal_scale: float = 1.0
    temporal_until: float = 1.0

    # A share is one of the steps; noise schedules have a thousand of them.
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Settings.ranges,
        "steps": (1, 1000),
        "guidance_scale": (-100, 100),
        "guidance_from": (0, 1),
        "guidance_until": (0, 1),
        "feature_reuse": (1, 1000),
        "frame_scale": (-100, 100),
        "temporal_scale": (-100, 100),
        "temporal_until": (0, 1),
    }

    @property
    def attends_to_frames(self) -> bool:
        """Whether the frame adapter is asked."""
        return self.frame_attention != "off" and self.frame_scale != 0

    @property
    def streams(self) -> frozenset[str]:
        """What the detector and the frame adapter have to see."""
        # Not super(): a dataclass with slots is another class than the one that the compiler knows.
        seen: frozenset[str] = Settings.streams.fget(self)  # type: ignore[attr-defined]
        return seen | {"clip"} if self.attends_to_frames else seen


def needs(settings: AuffusionSettings, structure: Mapping[str, Any]) -> dict[str, str]:
    """The adapters that settings ask for, and the files of a model of this structure that have them."""
    needed = {}
    if settings.attends_to_frames:
        entry = structure.get("frame_adapters", {}).get(settings.frame_attention, {})
        needed[f"frame_attention {settings.frame_attention!r}"] = entry.get("file", "frame_adapter")
    if settings.temporal_scale != 0:
        needed["temporal_scale other than 0"] = "temporal_adapter/diffusion_pytorch_model.safetensors"
    return needed


SETTINGS, CHANNELS = AuffusionSettings, 1

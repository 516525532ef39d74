"""How takes are made: the knobs of one pass, part of every take's content key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

FrameAttention = Literal["time_local", "literal", "clip_wise", "off"]
Detector = Literal["temporal", "linear", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Defaults are the bundled model's; a model card may bring others.

    steps: denoising steps. guidance_scale: classifier-free guidance. frame_scale: lambda of eq. (2), 0 switches the
    frame adapter off. temporal_scale: strength of the temporal adapter, 0 switches it off. frame_attention:
    "literal" is eq. (2) as printed, "clip_wise" one mean frame. detector: "linear" is the paper's projection.
    threshold: cosine from which a label sounds. median_frames: length of the median filter on the similarity, odd.
    use_level: feed the detected level to the temporal adapter as well, where the model has one.
    """

    steps: int = 16
    guidance_scale: float = 2.0
    frame_scale: float = 1.0
    temporal_scale: float = 1.0
    frame_attention: FrameAttention = "time_local"
    detector: Detector = "temporal"
    threshold: float = 0.5
    median_frames: int = 5
    use_level: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}, it must be at least 1")
        if self.median_frames < 1 or self.median_frames % 2 == 0:
            raise ValueError(f"median_frames is {self.median_frames}, it must be an odd number")

    def digest(self) -> str:
        """16 hex digits that change with any value."""
        canonical = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

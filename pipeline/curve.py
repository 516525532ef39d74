"""How surely a sound was seen over a shot, small enough to be kept with every take: for people who wonder why."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.records import TemporalCondition
from pipeline.settings import Settings

MOST_POINTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionCurve:
    """`levels` are up to 256 bytes, 0 to 255 for 0..1, each for an equal part of `duration_s` seconds. From `threshold`
    (0..1) on it sounds."""

    levels: bytes
    duration_s: float
    threshold: float

    @property
    def values(self) -> NDArray[np.float64]:
        """The levels as numbers 0..1 (T,)."""
        return np.frombuffer(self.levels, np.uint8) / 255


def curve_of(condition: TemporalCondition, settings: Settings) -> DetectionCurve:
    """The curve of what a detector saw; of a long one the highest value in each part, so that no hit is lost."""
    values = np.clip(np.nan_to_num(condition.similarity), 0, 1)
    if len(values) > MOST_POINTS:
        edges = np.linspace(0, len(values), MOST_POINTS, endpoint=False).astype(int)
        values = np.maximum.reduceat(values, edges)
    return DetectionCurve(
        levels=np.round(values * 255).astype(np.uint8).tobytes(),
        duration_s=round(condition.duration_s, 3),
        threshold=settings.null_on if settings.detector == "null_margin" else settings.threshold,
    )


def plain_curve(curve: DetectionCurve) -> dict[str, Any]:
    """The curve in plain JSON types."""
    levels = base64.b64encode(curve.levels).decode()
    return {"levels": levels, "duration_s": curve.duration_s, "threshold": curve.threshold}


def curve_from(told: Any) -> DetectionCurve:
    """The curve that `plain_curve` gave. Raises ValueError, KeyError or TypeError for anything else."""
    return DetectionCurve(
        levels=base64.b64decode(told["levels"], validate=True)[:MOST_POINTS],
        duration_s=float(told["duration_s"]),
        threshold=float(told["threshold"]),
    )

"""Its settings, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SineSettings(Settings):
    """octave: how much higher than written it sounds."""

    octave: int = 0
    detector: str = "always"

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {**Settings.ranges, "octave": (0, 3)}


def needs(settings: SineSettings, structure: Mapping[str, Any]) -> dict[str, str]:
    """Nothing."""
    return {}


SETTINGS, CHANNELS = SineSettings, 2

"""A second family of models, as small as one can be: a sine per label, 44.1 kHz, stereo. It needs nothing but a line in
FAMILIES and a folder with a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.generators.base import Family
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SineSettings(Settings):
    """octave: how much higher than written it sounds."""

    octave: int = 0
    detector: str = "always"

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {**Settings.ranges, "octave": (0, 3)}


SINE = Family(
    name="sine",
    settings=SineSettings,
    needs=lambda settings, structure: {},
    place="tests.support.sine_family.components:SineComponents",
    channels=2,
)


def write_model(folder: Path) -> Path:
    """A model of this family; its folder."""
    folder.mkdir(parents=True)
    card: dict[str, Any] = {
        "name": "sine",
        "title": "A sine per label",
        "licence": "CC0-1.0",
        "domain": "whatever there is",
        "family": "sine",
        "labels": [{"text": "low hum", "category": "ambience", "words": ["hum"]}],
        "settings": {},
        "structure": {},
        "files": {},
        "procedural_only": False,
        "closed_vocabulary": False,
    }
    (folder / "model.json").write_text(json.dumps(card))
    return folder

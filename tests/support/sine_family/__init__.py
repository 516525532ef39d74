"""A second family of models, as small as one can be: a sine per label, 44.1 kHz, stereo. It needs nothing but a line in
FAMILIES and a folder with a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.registries import Family

SINE = Family("sine", "tests.support.sine_family")


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

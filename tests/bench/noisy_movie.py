"""A drawn scene as a camera would film it: wide, 24 frames per second, with a camera's noise, so that no frame is another's copy."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from tests.support.movies import write_movie

RATE = Fraction(24)
LABEL = "train passing"


def film(path: Path, *, seconds: float, size: tuple[int, int] = (1280, 720), grain: float = 3.0) -> Path:
    """Write `seconds` of a passing train, H.264; `grain` is the noise's deviation in grey levels."""
    scene = make_scene(245, seconds, target=source_named("train"), others=())
    times = np.arange(round(seconds * RATE)) / float(RATE)
    rng = np.random.default_rng(1)
    pictures = (_filmed(picture, size, grain, rng) for picture in scene.frames(times, size[0]))
    quality = {"crf": "20", "preset": "veryfast"}
    return write_movie(path, pictures, rate=RATE, size=size, codec_options=quality)


def _filmed(
    picture: NDArray[np.uint8], size: tuple[int, int], grain: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The middle of a square picture, with noise."""
    top = (size[0] - size[1]) // 2
    wide = picture[top : top + size[1]].astype(np.float32)
    noise = rng.standard_normal(wide.shape[:2], dtype=np.float32)[..., None] * grain
    return np.clip(wide + noise, 0, 255).astype(np.uint8)

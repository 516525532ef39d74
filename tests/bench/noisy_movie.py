"""A drawn scene as a hand-held camera would film it: textured, panning, unsteady and noisy, not a still picture.

At 8 frames per second about as many of its frames are near-duplicates as in real clips (see docs/performance.md).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.scene import make_scene
from tests.support.movies import write_movie

RATE = Fraction(24)
LABEL = "train passing"
_PAN_PER_S = 0.02
# Of the picture's width: the sizes of the texture's grains; in grey levels: their deviation.
_TEXTURE, _TEXTURE_LEVELS = (0.004, 0.012, 0.04), 10.0
# Of the picture's width: how far the hand sways at these frequencies.
_SWAY = ((0.4, 0.006), (1.1, 0.0025), (2.9, 0.001))


def film(path: Path, *, seconds: float, size: tuple[int, int] = (1280, 720), grain: float = 3.0) -> Path:
    """Write `seconds` of a passing train, H.264; `grain` is the noise's deviation in grey levels."""
    scene = make_scene(245, seconds, target=source_named("train"), others=())
    times = np.arange(round(seconds * RATE)) / float(RATE)
    rng = np.random.default_rng(1)
    # The pan goes there and back over a drawing that is wider than the picture.
    travel = round(size[0] * _PAN_PER_S * 5)
    side = size[0] + 2 * travel
    texture = _texture(side, size[0], rng)
    drawn = (picture + texture for picture in scene.frames(times, side))
    pictures = (_filmed(picture, size, travel, t, grain, rng) for picture, t in zip(drawn, times, strict=True))
    return write_movie(path, pictures, rate=RATE, size=size, codec_options={"crf": "20", "preset": "veryfast"})


def _texture(side: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """What walls and grass add to flat colours: (side, side, 1), of three sizes of grain."""
    layers = [gaussian_filter(rng.standard_normal((side, side), np.float32), width * size) for size in _TEXTURE]
    return sum(layer / layer.std() for layer in layers)[..., None] * np.float32(_TEXTURE_LEVELS)


def _filmed(
    picture: NDArray[np.float32],
    size: tuple[int, int],
    travel: int,
    time_s: float,
    grain: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """What the camera sees of a square drawing, with noise."""
    width, height = size
    pan = width * _PAN_PER_S * (5 - abs(time_s % 10 - 5))
    sway = [width * sum(a * np.sin(2 * np.pi * f * time_s + phase * f) for f, a in _SWAY) for phase in (0, 2)]
    left = round(np.clip(travel / 2 + pan + sway[0], 0, 2 * travel))
    top = round(np.clip((picture.shape[0] - height) / 2 + sway[1], 0, picture.shape[0] - height))
    seen = picture[top : top + height, left : left + width]
    noise = rng.standard_normal(seen.shape[:2], dtype=np.float32)[..., None] * grain
    return np.clip(seen + noise, 0, 255).astype(np.uint8)

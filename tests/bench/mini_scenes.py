"""The fixed held-out scenes of the bundled model's benchmark, as movie files, with their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.probe import probe_movie
from pipeline.records import MediaSpan
from pipeline.scenes.catalogue import SOURCES, Thing
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import Scene, audible, make_scene
from pipeline.scenes.synthesis import SCENE_RATE_HZ

ENVELOPE_STEP_S = 0.064
RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50))
SHORT_SEED, LONG_SEED, DETECTION_SEED = 1_000_000, 2_000_000, 3_000_000
SHORT_S, LONG_S = 4.096, 10.24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutScene:
    """A scene the model never saw, filmed at some frame rate, and what a perfect answer would be."""

    scene: Scene
    span: MediaSpan

    @property
    def target(self) -> Thing:
        """What its label names."""
        return self.scene.target

    @property
    def class_index(self) -> int:
        """The target's place in SOURCES."""
        return SOURCES.index(self.target)

    def present(self, step_s: float) -> NDArray[np.bool_]:
        """Whether the target is audible, per step of `step_s`."""
        return audible(self.scene.stems[0], self._centers(step_s))

    def off_screen(self, step_s: float) -> NDArray[np.bool_]:
        """Whether the target is audible while it is out of the picture, per step."""
        seen = self.scene.visible(self.target, self._centers(step_s))
        return self.present(step_s) & ~seen

    def sound(self) -> NDArray[np.float32]:
        """The true stem at SCENE_RATE_HZ."""
        return self.scene.target_sound()

    def _centers(self, step_s: float) -> NDArray[np.float64]:
        return (np.arange(round(self.scene.duration_s / step_s), dtype=np.float64) + 0.5) * step_s


def film(folder: Path, *, first_seed: int, count: int, duration_s: float) -> list[HeldOutScene]:
    """Make `count` scenes, the ten targets in turn, and film each at one of RATES in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_film_one(folder, first_seed + i, i, duration_s) for i in range(count)]


def _film_one(folder: Path, seed: int, number: int, duration_s: float) -> HeldOutScene:
    scene = make_scene(seed, duration_s, target=SOURCES[number % len(SOURCES)])
    rate = RATES[number % len(RATES)]
    path = write_scene_movie(scene, folder / f"{seed}.mp4", rate=rate)
    span = MediaSpan(
        path=path,
        digest=probe_movie(path).digest,
        start_s=Fraction(0),
        duration_s=Fraction(int(duration_s * rate)) / rate,
    )
    return HeldOutScene(scene=scene, span=span)


def continuous(scenes: Sequence[HeldOutScene]) -> list[int]:
    """The numbers of the scenes with a continuous target."""
    return [i for i, scene in enumerate(scenes) if scene.target.continuous]


__all__ = [
    "DETECTION_SEED",
    "ENVELOPE_STEP_S",
    "LONG_S",
    "LONG_SEED",
    "SCENE_RATE_HZ",
    "SHORT_S",
    "SHORT_SEED",
    "HeldOutScene",
    "continuous",
    "film",
]

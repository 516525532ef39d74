"""Long shots with a known truth: one source held still throughout, or short scenes of one source in a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.probe import probe_movie
from pipeline.records import MediaSpan
from pipeline.scenes.catalogue import source_named
from pipeline.scenes.motion import control_times
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import Scene, audible, make_scene

SHORT_S = 10
_RATE = Fraction(25)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongShot:
    """A filmed shot: what to ask for, where to look, and the true sound (N,) at SCENE_RATE_HZ with its presence."""

    name: str
    label: str
    span: MediaSpan
    scenes: tuple[Scene, ...]

    def sound(self) -> NDArray[np.float32]:
        """The true stem of the whole shot."""
        return np.concatenate([scene.target_sound() for scene in self.scenes])

    def present(self, step_s: float) -> NDArray[np.bool_]:
        """Whether the source is audible, per step of `step_s`."""
        stem = np.concatenate([scene.stems[0] for scene in self.scenes])
        duration_s = sum(scene.duration_s for scene in self.scenes)
        return audible(stem, (np.arange(int(duration_s / step_s)) + 0.5) * step_s)

    def pieces(self) -> list[MediaSpan]:
        """The same pictures as shots of SHORT_S seconds."""
        starts = range(0, int(self.span.duration_s), SHORT_S)
        return [replace(self.span, start_s=Fraction(s), duration_s=Fraction(SHORT_S)) for s in starts]


@dataclass(frozen=True, slots=True)
class _Row:
    """Scenes one after the other, as far as `write_scene_movie` looks."""

    scenes: tuple[Scene, ...]

    @property
    def duration_s(self) -> float:
        return sum(scene.duration_s for scene in self.scenes)

    def frames(self, times_s: NDArray[np.float64], size: int) -> Iterator[NDArray[np.uint8]]:
        ends = np.cumsum([scene.duration_s for scene in self.scenes])
        number = np.searchsorted(ends, times_s + 1e-6, side="right")
        for i, scene in enumerate(self.scenes):
            yield from scene.frames(times_s[number == i] - (ends[i] - scene.duration_s), size)


def steady(folder: Path, source: str, *, seconds: int, seed: int = 1) -> LongShot:
    """A source that sounds throughout at one level: a short scene whose loudest moment is held."""
    short = make_scene(seed, SHORT_S, target=source_named(source), others=())
    actor = short.actors[0]
    loudest, count = int(np.argmax(actor.level)), len(control_times(seconds))
    tracks = {name: getattr(actor, name) for name in ("x", "y", "size", "visible", "level", "powered", "pose")}
    held: dict[str, Any] = {name: np.full(count, track[loudest]) for name, track in tracks.items()}
    scene = replace(short, duration_s=seconds, actors=(replace(actor, doppler=np.ones(count), **held),))
    return _filmed(folder, f"{source} {seed}", (scene,))


def in_a_row(folder: Path, source: str, *, seconds: int, seed: int = 1) -> LongShot:
    """Scenes of SHORT_S seconds of one source, in which it comes and goes, seen as one shot."""
    seeds = range(1000 * seed, 1000 * seed + seconds // SHORT_S)
    return _filmed(
        folder,
        f"{source} {seed}",
        tuple(make_scene(s, SHORT_S, target=source_named(source), others=()) for s in seeds),
    )


def _filmed(folder: Path, name: str, scenes: tuple[Scene, ...]) -> LongShot:
    row = _Row(scenes)
    folder.mkdir(parents=True, exist_ok=True)
    path = write_scene_movie(row, folder / f"{name} {len(scenes)} {row.duration_s}.mp4", rate=_RATE)
    span = MediaSpan(
        path=path, digest=probe_movie(path).digest, start_s=Fraction(0), duration_s=Fraction(row.duration_s)
    )
    return LongShot(name=name, label=scenes[0].target.label, span=span, scenes=scenes)

"""Training scenes on disk: frames as a movie of some frame rate would show them, sound, and the truth.

Picture and truth lie on the model's frame grid; each scene is seen through a random frame rate and phase, so that
the networks meet the timing errors that real movies have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from pipeline.nets.label_detector import unit_level
from pipeline.scenes.catalogue import SOURCES, THINGS
from pipeline.scenes.scene import Scene, audible, level_db
from pipeline.training.moments import Moment, short_scene
from pipeline.training.sizes import GRID, IMAGE_SIZE, SCENE_LATENTS

SCENE_FRAMES = GRID.frames_for(SCENE_LATENTS)
SCENE_SAMPLES = GRID.samples_for(SCENE_LATENTS)
NEARNESS_DECAY_S = 0.08
Draw = Callable[[int, int], Moment]
_MOVIE_RATES = (24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0)
_FIELDS: dict[str, tuple[tuple[int, ...], type]] = {
    "frames": ((SCENE_FRAMES, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8),
    "sound": ((SCENE_SAMPLES,), np.float16),
    "visible": ((len(THINGS), SCENE_FRAMES), np.bool_),
    "audible": ((len(SOURCES), SCENE_FRAMES), np.bool_),
    "level": ((len(SOURCES), SCENE_FRAMES), np.float16),
    "onset_nearness": ((SCENE_FRAMES,), np.float16),
    "target": ((), np.int64),
}


@dataclass(frozen=True, slots=True, eq=False)
class SceneSet:
    """Arrays over N scenes, memory-mapped.

    frames uint8 (N, T, 64, 64, 3) · sound float16 (N, S) of the target · visible bool (N, things, T) ·
    audible bool and level 0..1 (N, sources, T) per source · onset_nearness (N, T), 1 at an impact of the target ·
    target (N,) index into SOURCES.
    """

    frames: NDArray[np.uint8]
    sound: NDArray[np.float16]
    visible: NDArray[np.bool_]
    audible: NDArray[np.bool_]
    level: NDArray[np.float16]
    onset_nearness: NDArray[np.float16]
    target: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)


def open_scenes(folder: Path) -> SceneSet:
    """Open a rendered set."""
    return SceneSet(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FIELDS})


def render_scenes(folder: Path, *, count: int, first_seed: int, draw: Draw = short_scene, workers: int = 2) -> None:
    """Render `count` moments into `folder`, the ten targets in turn. A finished folder is left as it is.

    draw: number and seed -> the moment of that number.
    """
    done = folder / "done.json"
    if done.exists() and json.loads(done.read_text(encoding="utf-8")) == {"count": count, "first_seed": first_seed}:
        return
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=(count, *shape))
        for name, (shape, dtype) in _FIELDS.items()
    }
    with ProcessPoolExecutor(workers) as pool:
        rows = pool.map(_render_one, repeat(draw), range(count), repeat(first_seed), chunksize=16)
        for i, row in enumerate(rows):
            for name, value in row.items():
                arrays[name][i] = value
    for array in arrays.values():
        array.flush()
    done.write_text(json.dumps({"count": count, "first_seed": first_seed}), encoding="utf-8")


def _render_one(draw: Draw, number: int, first_seed: int) -> dict[str, Any]:
    seed = first_seed + number
    moment = draw(number, seed)
    scene, times = moment.scene, moment.times_s(SCENE_FRAMES)
    first = round(moment.start_s * GRID.sample_rate_hz)
    heard = np.zeros((len(SOURCES), SCENE_FRAMES), dtype=bool)
    level = np.zeros((len(SOURCES), SCENE_FRAMES))
    for actor, stem in zip(scene.actors, scene.stems, strict=True):
        heard[SOURCES.index(actor.thing)] = audible(stem, times)
        level[SOURCES.index(actor.thing)] = unit_level(level_db(stem, times))
    return {
        "frames": seen_through_movie(scene, times, np.random.default_rng((seed, 4))),
        "sound": scene.target_sound()[first : first + SCENE_SAMPLES],
        "visible": np.stack([scene.visible(thing, times) for thing in THINGS]),
        "audible": heard,
        "level": level,
        "onset_nearness": _nearness(scene, times),
        "target": SOURCES.index(scene.target),
    }


def seen_through_movie(scene: Scene, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a movie of a random rate shows at each time: its last frame that has begun; uint8 (T, 64, 64, 3)."""
    rate = float(rng.choice(_MOVIE_RATES))
    phase = rng.uniform(0, 1 / rate)
    shown, index = np.unique(np.floor((times + phase) * rate) / rate - phase, return_inverse=True)
    drawn = [_shrunk(frame) for frame in scene.frames(np.maximum(shown, 0), 2 * IMAGE_SIZE)]
    return np.stack(drawn)[index]


def _shrunk(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pairs = frame.reshape(IMAGE_SIZE, 2, IMAGE_SIZE, 2, 3).astype(np.uint16)
    return ((pairs.sum((1, 3)) + 2) // 4).astype(np.uint8)


def _nearness(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float64]:
    onsets = scene.actors[0].onset_times_s
    if not len(onsets):
        return np.zeros(len(times))
    distance = np.abs(times[:, None] - onsets[None]).min(axis=1)
    return np.exp(-distance / NEARNESS_DECAY_S)

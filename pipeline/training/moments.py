"""What the detectors learn from: moments of short and of long scenes, and many states, each held for a while.

In a scene of 4 s nothing stays as it is. In a long shot a far car is one pixel wide for many seconds, and a helicopter
stands still while clouds drift by: a detector that saw few of these takes a cloud for a turning rotor. Such states need
variety, not smooth motion, so they are drawn at a few times only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.catalogue import SOURCES, Thing, source_named
from pipeline.scenes.motion import CONTROL_RATE_HZ, SWITCHABLE, Actor
from pipeline.scenes.scene import Scene, make_scene
from pipeline.training.sizes import GRID, SCENE_LATENTS

MOMENT_S = float(SCENE_LATENTS * GRID.columns_per_latent * GRID.column_s)
_LONGEST_S = 30.0
_MOST_PROPS = 4
_HOLD_FRAMES = 8
# Rotors are told from clouds and pale walls with the most trouble.
_STATES = tuple(source_named(name) for name in ("helicopter", "siren", "helicopter", "airplane", "car"))
_STATE_SCENE_S = 4 * MOMENT_S
_WANTED_S = 0.5
_NEAR_SIZE = 2.0
_DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """MOMENT_S seconds of a scene, from `start_s` on. Picture and truth change every `hold_frames` frames."""

    scene: Scene
    start_s: float = 0.0
    hold_frames: int = 1

    def times_s(self, count: int) -> NDArray[np.float64]:
        """The time in the scene that each of `count` CLIP frames shows, (count,)."""
        middles = GRID.frame_times(count)[self.hold_frames // 2 :: self.hold_frames]
        return self.start_s + np.repeat(middles, self.hold_frames)[:count]


def short_scene(number: int, seed: int) -> Moment:
    """A scene that lasts a moment; the targets come in turn."""
    return Moment(scene=make_scene(seed, MOMENT_S, target=_target(number)))


def any_moment(number: int, seed: int) -> Moment:
    """Ten short scenes, then ten moments of long ones, and so on; in these a lamp or a rotor is seen switched off."""
    target = _target(number)
    if number // len(SOURCES) % 2 == 0:
        return short_scene(number, seed)
    return _found(seed, target, wanted=_switched_off if target.name in SWITCHABLE else _anything)


def any_state(number: int, seed: int) -> Moment:
    """A moment of a long scene of what is hard to tell; of a lamp or a rotor in turn one that is seen on, and off."""
    target = _STATES[number % len(_STATES)]
    state = _switched_off if number // len(_STATES) % 2 else _near_and_on
    wanted = state if target.name in SWITCHABLE else _anything
    return replace(_found(seed, target, wanted=wanted, duration_s=_STATE_SCENE_S), hold_frames=_HOLD_FRAMES)


def _found(
    seed: int, target: Thing, *, wanted: Callable[[Actor], NDArray[np.bool_]], duration_s: float | None = None
) -> Moment:
    """A moment of a long scene in which what is wanted holds for a while, if one is drawn."""
    for draw in range(_DRAWS):
        moment = _of_a_long_scene(seed * _DRAWS + draw, target, duration_s)
        first = round(moment.start_s * CONTROL_RATE_HZ)
        steps = slice(first, first + round(MOMENT_S * CONTROL_RATE_HZ))
        if wanted(moment.scene.actors[0])[steps].sum() >= _WANTED_S * CONTROL_RATE_HZ:
            break
    return moment


def _anything(actor: Actor) -> NDArray[np.bool_]:
    return np.ones(len(actor.visible), dtype=bool)


def _switched_off(actor: Actor) -> NDArray[np.bool_]:
    return actor.visible & ~actor.powered


def _near_and_on(actor: Actor) -> NDArray[np.bool_]:
    return np.asarray(actor.visible & actor.powered & (actor.size >= _NEAR_SIZE))


def _of_a_long_scene(seed: int, target: Thing, duration_s: float | None) -> Moment:
    """A moment of a scene with more in the picture, by default one of up to 30 s."""
    rng = np.random.default_rng((seed, 5))
    if duration_s is None:
        duration_s = MOMENT_S * (_LONGEST_S / MOMENT_S) ** float(rng.random())
    scene = make_scene(seed, duration_s, target=target, prop_count=int(rng.integers(_MOST_PROPS + 1)))
    return Moment(scene=scene, start_s=float(rng.uniform(0, duration_s - MOMENT_S)))


def _target(number: int) -> Thing:
    return SOURCES[number % len(SOURCES)]

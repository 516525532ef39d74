"""A whole scene: who is in it, what is seen, what is heard, and the truth about both.

Everything follows from a seed, and picture and sound share one clock: frames can be drawn for any times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from pipeline.scenes.catalogue import DISTRACTORS, SOURCES, Thing
from pipeline.scenes.drawing import Brush, Prop, draw_actor, draw_background, draw_prop
from pipeline.scenes.motion import CONTROL_RATE_HZ, Actor, random_color, stage_actor
from pipeline.scenes.synthesis import SCENE_RATE_HZ, synthesize

AUDIBLE_RMS = 0.008
TRUTH_WINDOW_S = 0.064
_SECOND_SOURCE_CHANCE = 0.35
_PROP_COUNT_CHANCES = (0.35, 0.45, 0.20)
_ROOM_TONE = 2e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A staged scene. `actors[0]` is the one its label asks for; others sound too but belong to other labels."""

    seed: int
    duration_s: float
    actors: tuple[Actor, ...]
    props: tuple[Prop, ...]
    background_seed: int

    @property
    def target(self) -> Thing:
        """The thing the scene is about."""
        return self.actors[0].thing

    def frames(self, times_s: Sequence[float] | NDArray[np.floating], size: int = 128) -> Iterator[NDArray[np.uint8]]:
        """Draw the picture at each time: uint8 (size, size, 3) RGB, one at a time."""
        background = draw_background(np.random.default_rng(self.background_seed), size)
        for time_s in times_s:
            image = background.copy()
            self._draw(Brush(ImageDraw.Draw(image), size / 64), float(time_s))
            yield np.asarray(image)

    def _draw(self, brush: Brush, time_s: float) -> None:
        for prop in self.props:
            draw_prop(brush, prop, time_s)
        # The target comes last so that nothing hides it; only rain falls in front of everything.
        layers = sorted(enumerate(self.actors), key=lambda item: (item[1].thing.name == "rain", -item[0]))
        for _, actor in layers:
            draw_actor(brush, actor, time_s)

    @cached_property
    def stems(self) -> tuple[NDArray[np.float32], ...]:
        """The sound of each actor, float32 (N,) at SCENE_RATE_HZ, in the order of `actors`."""
        count = round(self.duration_s * SCENE_RATE_HZ)
        rng = np.random.default_rng((self.seed, 1))
        return tuple(synthesize(rng, actor, count).astype(np.float32) for actor in self.actors)

    def target_sound(self) -> NDArray[np.float32]:
        """The stem a perfect Foley artist would deliver for the scene's label, with a trace of room tone."""
        tone = np.random.default_rng((self.seed, 2)).standard_normal(len(self.stems[0])) * _ROOM_TONE
        return np.clip(self.stems[0] + tone, -1, 1).astype(np.float32)

    def visible(self, thing: Thing, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether `thing` is in the picture at each time, bool (T,)."""
        seen = np.zeros(len(times_s), dtype=bool)
        for actor in self.actors:
            if actor.thing == thing:
                steps = np.minimum((times_s * CONTROL_RATE_HZ).astype(int), len(actor.x) - 1)
                seen |= actor.visible[steps]
        for prop in self.props:
            if prop.thing == thing:
                seen |= np.array([-3 < prop.center(float(t))[0] < 67 for t in times_s])
        return seen


def level_db(stem: NDArray[np.float32], times_s: NDArray[np.floating]) -> NDArray[np.float32]:
    """RMS level in dBFS in a window of TRUTH_WINDOW_S around each time, floored at -80 dB; (T,)."""
    half = round(TRUTH_WINDOW_S * SCENE_RATE_HZ / 2)
    energy = np.concatenate([[0.0], np.cumsum(np.square(stem, dtype=np.float64))])
    centers = np.round(times_s * SCENE_RATE_HZ).astype(int)
    low, high = np.clip(centers - half, 0, len(stem)), np.clip(centers + half, 0, len(stem))
    power = (energy[high] - energy[low]) / np.maximum(high - low, 1)
    return (10 * np.log10(np.maximum(power, 1e-8))).astype(np.float32)


def audible(stem: NDArray[np.float32], times_s: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether a stem sounds at each time: RMS over AUDIBLE_RMS; bool (T,)."""
    return np.asarray(level_db(stem, times_s) > 20 * np.log10(AUDIBLE_RMS))


def make_scene(
    seed: int,
    duration_s: float,
    *,
    target: Thing | None = None,
    others: Sequence[Thing] | None = None,
    prop_count: int | None = None,
) -> Scene:
    """Stage a scene of `duration_s` seconds; the seed decides all that is not given.

    target: what it is about; None draws one of SOURCES. others: further sounding things; None draws at most one.
    prop_count: how many silent things; None draws at most two.
    """
    rng = np.random.default_rng((seed, 0))
    drawn = SOURCES[int(rng.integers(len(SOURCES)))]
    wanted = target or drawn
    actors = [stage_actor(rng, wanted, duration_s)]
    if others is None:
        others = _maybe_second(rng, wanted)
    actors += [stage_actor(rng, thing, duration_s) for thing in others]
    drawn_count = int(rng.choice(3, p=_PROP_COUNT_CHANCES))
    props = tuple(_stage_prop(rng) for _ in range(drawn_count if prop_count is None else prop_count))
    return Scene(
        seed=seed,
        duration_s=duration_s,
        actors=tuple(actors),
        props=props,
        background_seed=int(rng.integers(2**31)),
    )


def silent_scene(seed: int, duration_s: float) -> Scene:
    """A scene of distractors only: nothing in it should be given a sound."""
    rng = np.random.default_rng((seed, 3))
    props = tuple(_stage_prop(rng) for _ in range(3))
    return Scene(seed=seed, duration_s=duration_s, actors=(), props=props, background_seed=int(rng.integers(2**31)))


def _maybe_second(rng: np.random.Generator, target: Thing) -> list[Thing]:
    if rng.random() >= _SECOND_SOURCE_CHANCE:
        return []
    rest = [thing for thing in SOURCES if thing != target]
    return [rest[int(rng.integers(len(rest)))]]


def _stage_prop(rng: np.random.Generator) -> Prop:
    return Prop(
        thing=DISTRACTORS[int(rng.integers(len(DISTRACTORS)))],
        x=float(rng.uniform(5, 59)),
        y=float(rng.uniform(6, 34)),
        drift=float(rng.uniform(-9, 9)),
        size=float(rng.uniform(2, 5)),
        color=random_color(rng, 80),
        phase=float(rng.random()),
    )

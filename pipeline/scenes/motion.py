"""How things move in a scene: every actor is a set of tracks sampled at CONTROL_RATE_HZ, drawn from a seeded generator.

The picture is 64 units wide and high whatever its size in pixels. Loudness follows distance (level = k / distance),
pitch follows radial speed, an impact's loudness follows its speed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.catalogue import Thing

CONTROL_RATE_HZ = 125
PICTURE_UNITS = 64.0

Track = NDArray[np.float64]
SWITCHABLE = frozenset({"siren", "helicopter"})
_GROUND_VEHICLES = frozenset({"train", "siren", "car"})
_MODES = {
    "siren": ("pass", "pass", "away", "toward", "parked"),
    "helicopter": ("pass", "pass", "away", "toward", "parked"),
    "airplane": ("pass", "away", "away", "toward"),
    "car": ("pass", "pass", "away"),
    "train": ("pass",),
}
_BASE_SIZE = {"airplane": 9.0, "train": 9.0, "siren": 10.0, "car": 9.0, "helicopter": 9.0}


@dataclass(slots=True, kw_only=True)
class Actor:
    """One thing over time. Tracks have one value per control step.

    x, y, size: picture units. level: 0..1 loudness of a continuous source. doppler: pitch factor.
    powered: lamp or rotor is on. pose: what the drawing needs (swing angle in degrees, openness, walk phase, density).
    onset_times_s, onset_gains: impacts within the scene.
    """

    thing: Thing
    x: Track
    y: Track
    size: Track
    visible: NDArray[np.bool_]
    level: Track
    doppler: Track
    powered: NDArray[np.bool_]
    pose: Track
    color: tuple[int, int, int]
    direction: int
    length: float = 0.0
    speed: float = 0.0
    onset_times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    onset_gains: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def control_times(duration_s: float) -> Track:
    """Times in seconds of the control steps of a scene."""
    return np.arange(int(np.ceil(duration_s * CONTROL_RATE_HZ)) + 1) / CONTROL_RATE_HZ


def stage_actor(rng: np.random.Generator, thing: Thing, duration_s: float) -> Actor:
    """Draw how one sounding thing moves during a scene of `duration_s` seconds."""
    times = control_times(duration_s)
    if thing.name == "rain":
        return _rain(rng, thing, times, duration_s)
    if thing.continuous:
        return _vehicle(rng, thing, times, duration_s)
    return _IMPACTS[thing.name](rng, thing, times, duration_s)


def random_color(rng: np.random.Generator, low: int = 30, high: int = 255) -> tuple[int, int, int]:
    """An RGB colour with each channel in [low, high)."""
    red, green, blue = (int(v) for v in rng.integers(low, high, 3))
    return red, green, blue


def _still(rng: np.random.Generator, thing: Thing, times: Track) -> Actor:
    ones = np.ones(len(times))
    return Actor(
        thing=thing,
        x=ones * PICTURE_UNITS / 2,
        y=ones * PICTURE_UNITS / 2,
        size=ones.copy(),
        visible=ones > 0,
        level=ones * 0,
        doppler=ones.copy(),
        powered=ones > 0,
        pose=ones * 0,
        color=random_color(rng, 60),
        direction=1 if rng.random() < 0.5 else -1,
    )


def _rain(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    begin, end = np.sort(rng.uniform(-1.0, duration_s + 1.0, 2))
    end = max(end, begin + 1.2)
    density = rng.uniform(0.35, 1.0) * np.clip((times - begin) / 0.5, 0, 1) * np.clip((end - times) / 0.5, 0, 1)
    if rng.random() < 0.4:
        waves = rng.uniform(0.5, 1.5) * max(1.0, duration_s / 4)
        density = density * (0.55 + 0.45 * np.sin(2 * np.pi * (times / duration_s * waves + rng.random())))
    actor.pose = density
    actor.visible = density > 0.06
    actor.level = np.where(actor.visible, np.maximum(density, 0) ** 0.8, 0.0)
    return actor


def _vehicle(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    mode = str(rng.choice(_MODES[thing.name]))
    across, depth, on_screen = _path(rng, mode, actor, times, duration_s)
    distance = np.hypot(across, depth)
    radial_speed = np.gradient(distance, times)
    actor.doppler = 1 / (1 + np.clip(radial_speed, -3, 3) / 13.0)
    actor.x = 32 + 26 * across / depth
    actor.size = np.clip(_BASE_SIZE[thing.name] / depth, 0.9, 16)
    actor.y = _height(rng, thing, depth, times)
    actor.visible = (actor.x > -actor.size) & (actor.x < PICTURE_UNITS + actor.size) & on_screen
    if thing.name == "train":
        distance = _lengthen_train(rng, actor, across)
    actor.powered = _power(rng, thing, mode, times, duration_s)
    audible = _around(actor.visible, 0.24) if mode == "pass" else actor.visible
    level = np.clip(0.75 / distance, 0, 1) * _ramped(audible & actor.powered, 0.12)
    actor.level = np.where(level < 0.03, 0.0, level)
    return actor


def _path(
    rng: np.random.Generator, mode: str, actor: Actor, times: Track, duration_s: float
) -> tuple[Track, Track, NDArray[np.bool_]]:
    """Sideways place and depth in metres-like units, and when the thing is there at all."""
    always = np.ones(len(times), dtype=bool)
    actor.speed = float(rng.uniform(0.8, 2.6))
    if mode == "pass":
        closest = rng.uniform(0.15, 0.85) * duration_s
        return actor.direction * actor.speed * (times - closest), np.full(len(times), rng.uniform(0.6, 1.6)), always
    if mode == "parked":
        depth = np.full(len(times), rng.uniform(0.7, 3.0))
        return rng.uniform(-0.6, 0.6) * depth, depth, always
    rate = rng.uniform(1.0, 2.5)
    if mode == "away":
        begin = rng.uniform(-1.0, 0.5 * duration_s)
        elapsed, there = times - begin, times >= begin
    else:
        end = rng.uniform(0.5 * duration_s, duration_s + 1.0)
        elapsed, there = end - times, times <= end
    depth = np.clip(0.6 + rate * elapsed, 0.55, 9)
    across = actor.direction * (rng.uniform(-0.3, 0.3) + 0.35 * (depth - 0.6) * rng.uniform(-1, 1))
    return across, depth, there


def _height(rng: np.random.Generator, thing: Thing, depth: Track, times: Track) -> Track:
    nearness = np.clip(1 / depth, 0.15, 1.3)
    if thing.name == "train":
        return np.full(len(times), rng.uniform(46, 54))
    if thing.name in _GROUND_VEHICLES:
        return 40 + (rng.uniform(46, 54) - 40) * nearness
    altitude = rng.uniform(10, 26)
    height = altitude + (14 - altitude) * (1 - np.clip(1 / depth, 0, 1)) * 0.5
    if thing.name == "helicopter":
        height = height + 2 * np.sin(2 * np.pi * 0.4 * times + rng.random() * 6)
    return np.asarray(height)


def _lengthen_train(rng: np.random.Generator, actor: Actor, across: Track) -> Track:
    """A train fills the picture for a while; its distance is that of its nearest wagon."""
    actor.length = float(rng.uniform(40, 130))
    actor.x = 32 + 26 * across
    actor.size = np.full(len(across), rng.uniform(6, 10))
    actor.visible = np.abs(actor.x - 32) < actor.length / 2 + 32
    actor.doppler = np.ones(len(across))
    return np.maximum(1, 1 + (np.abs(actor.x - 32) - actor.length / 2) / 26)


def _power(rng: np.random.Generator, thing: Thing, mode: str, times: Track, duration_s: float) -> NDArray[np.bool_]:
    """Sirens and rotors may be switched on and off in view; the lamp or the blades show it."""
    switchable = thing.name in SWITCHABLE
    chance = 0.7 if switchable and mode == "parked" else 0.25 if thing.name == "siren" else 0.0
    if rng.random() >= chance:
        return np.ones(len(times), dtype=bool)
    begin, end = np.sort(rng.uniform(-0.5, duration_s + 0.5, 2))
    return np.asarray((times > begin) & (times < max(end, begin + 1.0)))


def _around(flags: NDArray[np.bool_], margin_s: float) -> NDArray[np.bool_]:
    reach = round(margin_s * CONTROL_RATE_HZ)
    return np.asarray(np.convolve(np.pad(flags.astype(float), reach), np.ones(2 * reach + 1), "valid") > 0)


def _ramped(flags: NDArray[np.bool_], ramp_s: float) -> Track:
    reach = round(ramp_s * CONTROL_RATE_HZ)
    padded = np.pad(flags.astype(float), reach, mode="edge")
    return np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), "valid")


def _keep_onsets(actor: Actor, times: list[float], gains: list[float], duration_s: float) -> None:
    inside = [(t, g) for t, g in zip(times, gains, strict=True) if 0 <= t < duration_s - 0.02]
    actor.onset_times_s = np.array([t for t, _ in inside])
    actor.onset_gains = np.array([g for _, g in inside])


def _ball(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    begin, height = rng.uniform(-0.3, 0.45 * min(duration_s, 5.0)), rng.uniform(0.5, 1.0)
    gravity, restitution = rng.uniform(4, 9), rng.uniform(0.75, 0.9)
    altitude = np.where(times < begin, height, 0.0)
    fall_end = begin + np.sqrt(2 * height / gravity)
    falling = (times >= begin) & (times < fall_end)
    altitude[falling] = height - 0.5 * gravity * (times[falling] - begin) ** 2
    onsets: list[float] = []
    gains: list[float] = []
    now, speed = fall_end, np.sqrt(2 * gravity * height)
    while now < duration_s and speed > 0.5:
        onsets.append(float(now))
        gains.append(float(min(1.0, speed / 3)))
        speed *= restitution
        landing = now + 2 * speed / gravity
        flying = (times >= now) & (times < landing)
        elapsed = times[flying] - now
        altitude[flying] = speed * elapsed - 0.5 * gravity * elapsed**2
        now = landing
    actor.size = np.full(len(times), rng.uniform(3.5, 6))
    drift = rng.uniform(0, 5) * min(1.0, 4 / duration_s)
    actor.x = rng.uniform(12, 40) + actor.direction * drift * times + (0 if actor.direction > 0 else 12)
    actor.y = 54 - actor.size - 38 * np.clip(altitude, 0, 1)
    actor.visible = (actor.x > -5) & (actor.x < 69)
    if begin > 0.2 and rng.random() < 0.5:
        actor.visible = actor.visible & (times >= begin)
    _keep_onsets(actor, onsets, gains, duration_s)
    return actor


def _hammer(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    begin = rng.uniform(-0.3, 0.45 * min(duration_s, 5.0))
    period, end = rng.uniform(0.45, 1.1), min(duration_s, begin + rng.uniform(2, 8) * max(1.0, duration_s / 5))
    onsets: list[float] = []
    gains: list[float] = []
    now = begin + 0.2
    while now < end:
        onsets.append(float(now))
        gains.append(float(rng.uniform(0.6, 1.0)))
        now += period * rng.uniform(0.85, 1.15)
    angle = np.full(len(times), 70.0)
    for onset in onsets:
        since = times - onset
        angle = np.where((since > -0.18) & (since <= 0), 70 * (-since / 0.18), angle)
        angle = np.where((since > 0) & (since < 0.3), 70 * np.minimum(1, since / 0.28), angle)
    actor.pose = angle
    actor.x = np.full(len(times), rng.uniform(18, 46))
    actor.y = np.full(len(times), rng.uniform(48, 54))
    actor.size = np.full(len(times), rng.uniform(8, 13))
    _keep_onsets(actor, onsets, gains, duration_s)
    return actor


def _footsteps(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    begin, step = rng.uniform(-0.3, 0.45 * min(duration_s, 5.0)), rng.uniform(0.35, 0.65)
    end = begin + rng.uniform(1.5, 8) * max(1.0, duration_s / 5)
    actor.pose = (np.clip(times, begin, end) - begin) / step
    pace = rng.uniform(6, 14) * min(1.0, 4 / duration_s)
    actor.size = np.full(len(times), rng.uniform(9, 15))
    actor.x = rng.uniform(10, 54) + actor.direction * pace * np.clip(times - begin, 0, end - begin)
    actor.y = np.full(len(times), 56.0)
    actor.visible = (actor.x > -6) & (actor.x < 70)
    falls = begin + (np.arange(int((end - begin) / step)) + 0.5) * step
    seen = np.interp(falls, times, actor.visible.astype(float)) > 0.5
    onsets = [float(t) for t in falls[seen]]
    _keep_onsets(actor, onsets, [float(rng.uniform(0.55, 1.0)) for _ in onsets], duration_s)
    return actor


def _door(rng: np.random.Generator, thing: Thing, times: Track, duration_s: float) -> Actor:
    actor = _still(rng, thing, times)
    onsets: list[float] = []
    gains: list[float] = []
    now = float(rng.uniform(0.4, 1.8))
    openness = np.where(times < now, 1.0, 0.0)
    while now < duration_s:
        onsets.append(now)
        gains.append(float(rng.uniform(0.7, 1.0)))
        closing = (times >= now - 0.25) & (times < now)
        openness[closing] = (now - times[closing]) / 0.25
        pause = float(rng.uniform(1.1, 2.6))
        opening = (times >= now + 0.35 * pause) & (times < now + pause - 0.25)
        openness[opening] = np.minimum(1, (times[opening] - now - 0.35 * pause) / 0.4)
        now += pause
        if rng.random() < 0.35 * min(1.0, 4 / duration_s):
            break
    actor.pose = openness
    actor.x = np.full(len(times), rng.uniform(14, 40))
    actor.y = np.full(len(times), 56.0)
    actor.size = np.full(len(times), rng.uniform(10, 14))
    _keep_onsets(actor, onsets, gains, duration_s)
    return actor


_IMPACTS = {"ball": _ball, "hammer": _hammer, "footsteps": _footsteps, "door": _door}

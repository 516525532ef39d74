"""Makes the sound of a thing from how it moves: procedural audio at SCENE_RATE_HZ, mono, about -20 dBFS when near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.motion import CONTROL_RATE_HZ, Actor

SCENE_RATE_HZ = 16_000
_CONTINUOUS_GAIN = 0.16
_IMPACT_GAIN = 0.45

Wave = NDArray[np.float64]


def synthesize(rng: np.random.Generator, actor: Actor, count: int) -> Wave:
    """The stem of one actor: `count` samples at SCENE_RATE_HZ."""
    if actor.thing.continuous:
        level, doppler = _at_audio_rate(actor.level, count), _at_audio_rate(actor.doppler, count)
        phase_s = np.cumsum(doppler) / SCENE_RATE_HZ
        return _CONTINUOUS[actor.thing.name](rng, actor, phase_s, level) * level * _CONTINUOUS_GAIN
    stem = np.zeros(count)
    hit = _IMPACTS[actor.thing.name](rng)
    for onset_s, gain in zip(actor.onset_times_s, actor.onset_gains, strict=True):
        _add_at(stem, hit, float(onset_s), float(gain) * _IMPACT_GAIN)
    return stem


def _at_audio_rate(track: Wave, count: int) -> Wave:
    return np.interp(np.arange(count) * (CONTROL_RATE_HZ / SCENE_RATE_HZ), np.arange(len(track)), track)


def _add_at(stem: Wave, sound: Wave, time_s: float, gain: float) -> None:
    first = int(time_s * SCENE_RATE_HZ)
    room = min(len(sound), len(stem) - first)
    if room > 0:
        stem[first : first + room] += sound[:room] * gain


def _band(noise: Wave, low_hz: float, high_hz: float) -> Wave:
    """Unit-variance noise between two corner frequencies, with soft slopes."""
    spectrum = np.fft.rfft(noise)
    frequency = np.fft.rfftfreq(len(noise), 1 / SCENE_RATE_HZ) + 1e-3
    shape = 1 / (1 + (low_hz / frequency) ** 6) / (1 + (frequency / high_hz) ** 6)
    shaped = np.fft.irfft(spectrum * shape, len(noise))
    return shaped / (shaped.std() + 1e-9)


def _noise(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> Wave:
    return _band(rng.standard_normal(count), low_hz, high_hz)


def _airplane(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    whine_hz, count = rng.uniform(900, 1500), len(phase_s)
    roar = 0.8 * _noise(rng, count, 60, 900) + 0.25 * _noise(rng, count, 900, 5000) * level
    turn = 2 * np.pi * whine_hz * phase_s
    return roar + 0.5 * np.sin(turn) + 0.25 * np.sin(2.01 * turn)


def _train(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    count = len(phase_s)
    clacks = np.zeros(count)
    period_s = 1 / (2 + actor.speed * 1.6)
    decay = np.exp(-np.arange(int(0.05 * SCENE_RATE_HZ)) / SCENE_RATE_HZ * 70)
    time_s = rng.random() * period_s
    while time_s < count / SCENE_RATE_HZ:
        clack = decay * _noise(rng, len(decay), 500, 2200)
        _add_at(clacks, clack, time_s, 1.6)
        _add_at(clacks, clack, time_s + 0.22 * period_s, 1.2)
        time_s += period_s
    return 0.9 * _noise(rng, count, 40, 330) + clacks


def _siren(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    time_s = np.arange(len(phase_s)) / SCENE_RATE_HZ
    rate_hz, offset = rng.uniform(0.5, 1.6), rng.random()
    if rng.random() < 0.5:
        pitch_hz = 950 + 380 * np.sin(2 * np.pi * (rate_hz * time_s + offset))
    else:
        pitch_hz = np.where((rate_hz * 1.2 * time_s + offset) % 1 < 0.5, 700.0, 950.0)
    doppler = np.gradient(phase_s) * SCENE_RATE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * doppler) / SCENE_RATE_HZ
    return 1.1 * (np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(3 * phase) / 3)


def _car(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    engine_hz = rng.uniform(70, 130)
    engine = sum(np.sin(2 * np.pi * k * engine_hz * phase_s + k) / k**0.7 for k in range(1, 9))
    return np.asarray(0.6 * engine + 0.6 * _noise(rng, len(phase_s), 500, 1900))


def _helicopter(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    count = len(phase_s)
    blades = (0.5 + 0.5 * np.cos(2 * np.pi * rng.uniform(10, 15) * phase_s)) ** 4
    thump = 2.2 * _noise(rng, count, 70, 1100) * blades
    return np.asarray(thump + 0.25 * _noise(rng, count, 1500, 3500) * (0.3 + blades))


def _rain(rng: np.random.Generator, actor: Actor, phase_s: Wave, level: Wave) -> Wave:
    count = len(phase_s)
    drops = (rng.random(count) < 0.002) * rng.uniform(2, 7, count)
    return 0.8 * _noise(rng, count, 1200, 7000) + 0.5 * _band(drops, 2000, 6500)


def _hit_times() -> Wave:
    return np.arange(SCENE_RATE_HZ // 2) / SCENE_RATE_HZ


def _ball(rng: np.random.Generator) -> Wave:
    t, pitch_hz = _hit_times(), rng.uniform(130, 230)
    thud = np.sin(2 * np.pi * pitch_hz * (t + 0.012 * (1 - np.exp(-40 * t)))) * np.exp(-26 * t)
    return thud + 0.25 * np.exp(-300 * t) * rng.standard_normal(len(t))


def _hammer(rng: np.random.Generator) -> Wave:
    t, pitch_hz = _hit_times(), rng.uniform(1500, 2300)
    partials = sum(
        np.sin(2 * np.pi * pitch_hz * ratio * t) * np.exp(-(9 + 3 * k) * t) / (1 + 0.4 * k)
        for k, ratio in enumerate((1.0, 1.51, 2.23, 2.94))
    )
    return np.asarray(0.55 * partials + 0.5 * np.exp(-200 * t) * rng.standard_normal(len(t)))


def _footsteps(rng: np.random.Generator) -> Wave:
    t, center_hz = _hit_times(), rng.uniform(500, 1100)
    heel_and_toe = np.exp(-60 * t) + 0.6 * np.exp(-80 * np.abs(t - 0.07)) * (t > 0.05)
    return np.asarray(0.7 * _noise(rng, len(t), 0.5 * center_hz, 1.8 * center_hz) * heel_and_toe)


def _door(rng: np.random.Generator) -> Wave:
    t, pitch_hz = _hit_times(), rng.uniform(60, 95)
    boom = 1.1 * np.sin(2 * np.pi * pitch_hz * t) * np.exp(-14 * t)
    return boom + 0.8 * _noise(rng, len(t), 150, 1500) * np.exp(-24 * t)


_CONTINUOUS: dict[str, Callable[[np.random.Generator, Actor, Wave, Wave], Wave]] = {
    "airplane": _airplane,
    "train": _train,
    "siren": _siren,
    "car": _car,
    "helicopter": _helicopter,
    "rain": _rain,
}
_IMPACTS: dict[str, Callable[[np.random.Generator], Wave]] = {
    "ball": _ball,
    "hammer": _hammer,
    "footsteps": _footsteps,
    "door": _door,
}

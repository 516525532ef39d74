"""A sound file as it lies on a timeline: what of it is heard, with a fade at each edge.

file      [ handle |############# heard #############| handle ]
gain               /‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾\\
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFade:
    """A fade inside an edge, `samples` long: straight, or half of a `crossing` whose powers add up to one."""

    samples: int = 0
    crossing: bool = False


_NO_FADE = SoundFade()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidSound:
    """A sound file at its place. Samples count from the first one of the timeline at SAMPLE_RATE_HZ: the file's first
    is at `first_sample`, which may be negative; of it [begin, end) is `heard`, the whole file when None."""

    wav: Path
    first_sample: int
    heard: tuple[int, int] | None = None
    fade_in: SoundFade = _NO_FADE
    fade_out: SoundFade = _NO_FADE


def fade_gain(sound: LaidSound, heard: tuple[int, int], first: int, end: int) -> NDArray[np.float32]:
    """The gain 0..1 of timeline samples [first, end) of a sound of which `heard` is heard, (end - first,)."""
    begin, finish = heard
    at = np.arange(first, end, dtype=np.float64) + 0.5
    gain: NDArray[np.float32] = _ramp(at - begin, sound.fade_in) * _ramp(finish - at, sound.fade_out)
    return gain


def _ramp(inside: NDArray[np.float64], fade: SoundFade) -> NDArray[np.float32]:
    """The gain at distances from an edge in samples."""
    if not fade.samples:
        return (inside > 0).astype(np.float32)
    share = np.clip(inside / fade.samples, 0, 1)
    return (np.sin(share * np.pi / 2) if fade.crossing else share).astype(np.float32)

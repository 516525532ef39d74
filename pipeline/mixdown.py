"""Many sounds on one timeline, mixed a stretch at a time, so that hours take no more memory than seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.errors import OutputError
from pipeline.laid_sound import LaidSound, fade_gain
from pipeline.records import SAMPLE_RATE_HZ

# Full scale less what a lossy encoder may add to a clipped wave.
_CEILING = 10 ** (-1 / 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class _MeasuredSound:
    sound: LaidSound
    first: int
    end: int
    channels: int


class Mixdown:
    """The sum of sounds as they lie on a timeline, hard-limited, readable at any place."""

    def __init__(self, sounds: Sequence[LaidSound]) -> None:
        """Raises OutputError for a sound that cannot be read or has another rate than SAMPLE_RATE_HZ."""
        self._sounds = [_measured(sound) for sound in sounds]

    @property
    def channels(self) -> int:
        """1 where all sounds are mono, so that both sides of the mix are alike; else 2."""
        return 2 if any(sound.channels == 2 for sound in self._sounds) else 1

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """Samples [first, first + count) of the mix, float32 (2, count); silence where nothing sounds."""
        mixed = np.zeros((count, 2), np.float32)
        for sound in self._sounds:
            begin, end = max(first, sound.first), min(first + count, sound.end)
            if begin < end:
                mixed[begin - first : end - first] += _stereo(sound, begin, end)
        return np.ascontiguousarray(np.clip(mixed, -_CEILING, _CEILING).T)


def _measured(sound: LaidSound) -> _MeasuredSound:
    with _readable(sound.wav):
        info = soundfile.info(sound.wav)
    if info.samplerate != SAMPLE_RATE_HZ:
        raise OutputError(
            f"The sound {sound.wav} has {info.samplerate} samples per second, the preview {SAMPLE_RATE_HZ}: "
            "make the take again."
        )
    whole = sound.first_sample, sound.first_sample + info.frames
    begin, end = sound.heard or whole
    return _MeasuredSound(sound=sound, first=max(begin, whole[0]), end=min(end, whole[1]), channels=info.channels)


def _stereo(measured: _MeasuredSound, begin: int, end: int) -> NDArray[np.float32]:
    """Timeline samples [begin, end) of one sound, (end - begin, 2), or (end - begin, 1) for both sides alike."""
    sound = measured.sound
    first, count = begin - sound.first_sample, end - begin
    with _readable(sound.wav):
        samples, _rate = soundfile.read(sound.wav, start=first, frames=count, dtype="float32", always_2d=True)
    gain = fade_gain(sound, (measured.first, measured.end), begin, end)
    return np.asarray(samples if samples.shape[1] == 2 else samples.mean(axis=1, keepdims=True)) * gain[:, None]


@contextmanager
def _readable(wav: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"The sound {wav} cannot be read for the preview: make the take again.") from error

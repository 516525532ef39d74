"""How long a fade may be at the edges of what is heard of a take: none where nothing sounds, none over an onset.

An onset is where the peak of 5 ms rises over all peaks of the 25 ms before by 12 dB; what lies before the edge counts
as well, though it is not heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.errors import OutputError
from pipeline.records import SAMPLE_RATE_HZ

SHORT_FADE_SAMPLES = SAMPLE_RATE_HZ // 100
_AUDIBLE = 10 ** (-60 / 20)
_ONSET_AUDIBLE = 10 ** (-46 / 20)
_ONSET_RISE = 4.0
ONSET_CONTEXT_SAMPLES = SAMPLE_RATE_HZ // 40
_AFTER = SAMPLE_RATE_HZ // 200
_STEP = SAMPLE_RATE_HZ // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFit:
    """What fits at an edge: a fade of so many samples, at most 10 ms, and whether one of a whole frame does."""

    samples: int = 0
    frame: bool = False


def edge_fits(wav: Path, heard: tuple[int, int], frame_samples: int) -> tuple[EdgeFit, EdgeFit]:
    """What fits at the first and the last edge of samples [begin, end) of a take; a frame is `frame_samples` long.

    Two fades never take more than what is heard. Raises OutputError when the take cannot be read.
    """
    begin, end = heard
    longest = max(frame_samples, SHORT_FADE_SAMPLES)
    context = min(begin, ONSET_CONTEXT_SAMPLES)
    head = _samples(wav, begin - context, context + min(longest, end - begin))
    tail = _samples(wav, max(begin, end - longest), min(longest, end - begin))
    room = (end - begin) // 2
    short, whole = min(SHORT_FADE_SAMPLES, room), frame_samples if frame_samples <= room else 0
    fade_in = EdgeFit(
        samples=_fade_in(head, context, short), frame=whole > 0 and _fade_in(head, context, whole) == whole
    )
    fade_out = EdgeFit(samples=short if _sounds(tail[-short:]) else 0, frame=whole > 0 and _sounds(tail[-whole:]))
    return fade_in, fade_out


def sounds_within(wav: Path, first: int, count: int) -> bool:
    """Whether samples [first, first + count) of a take hold anything that can be heard."""
    return _sounds(_samples(wav, first, count))


def first_onset(sound: NDArray[np.float32], begin: int) -> int | None:
    """The sample at or after `begin` at which something sets on; None where nothing does. `sound` is (N,)."""
    loud = np.abs(sound)
    for at in range(begin, len(loud), _STEP):
        before = float(loud[max(0, at - ONSET_CONTEXT_SAMPLES) : at].max(initial=0.0))
        after = loud[at : at + _AFTER]
        level = max(_ONSET_AUDIBLE, _ONSET_RISE * before)
        if after.max(initial=0.0) >= level:
            return at + int(np.argmax(after >= level))
    return None


def _fade_in(head: NDArray[np.float32], begin: int, longest: int) -> int:
    """Samples of a fade-in from `begin` on that ends before the first onset."""
    inside = head[begin : begin + longest]
    if not _sounds(inside):
        return 0
    onset = first_onset(head[: begin + longest], begin)
    length = len(inside) if onset is None else onset - begin
    return length if _sounds(inside[:length]) else 0


def _sounds(samples: NDArray[np.float32]) -> bool:
    return float(np.abs(samples).max(initial=0.0)) >= _AUDIBLE


def _samples(wav: Path, first: int, count: int) -> NDArray[np.float32]:
    """Samples [first, first + count) of all channels as one, (count,), the loudest channel counting."""
    try:
        found, _rate = soundfile.read(wav, start=max(0, first), frames=max(0, count), dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"The take {wav} cannot be read ({error}): make the take again.") from error
    loudest = np.abs(found).argmax(axis=1)
    return np.asarray(np.take_along_axis(found, loudest[:, None], axis=1)[:, 0])

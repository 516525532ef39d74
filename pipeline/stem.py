"""A stem as one file: the takes of a category over the length of the edit, its first sample on the first frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.bwf import pcm_of, write_blocks
from pipeline.laid_sound import LaidSound
from pipeline.mixdown import Mixdown
from pipeline.records import SAMPLE_RATE_HZ

_BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ


def write_stem(
    out: Path, sounds: Sequence[LaidSound], *, samples: int, time_reference: int, description: str = ""
) -> Path:
    """Write the sum of `sounds` as a Broadcast WAV of exactly `samples` samples, and return `out`.

    It is mono where all of them are, else stereo.

    `time_reference` is the first sample counted from midnight. Memory does not grow with the length.
    Raises OutputError when a sound cannot be read or `out` cannot be written.
    """
    mixdown = Mixdown(sounds)
    write_blocks(
        out,
        _blocks(mixdown, samples),
        (mixdown.channels, samples),
        SAMPLE_RATE_HZ,
        time_reference=time_reference,
        description=description,
    )
    return out


def _blocks(mixdown: Mixdown, samples: int) -> Iterator[NDArray[np.int32]]:
    for first in range(0, samples, _BLOCK_SAMPLES):
        yield pcm_of(mixdown.read(first, min(_BLOCK_SAMPLES, samples - first))[: mixdown.channels])

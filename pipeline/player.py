"""A take as it is heard on the timeline, as one small file for a page that plays it: no handles, its fades in it."""

from __future__ import annotations

from pathlib import Path

import soundfile

from pipeline.errors import OutputError
from pipeline.files import replacing
from pipeline.laid_sound import LaidSound
from pipeline.mixdown import Mixdown
from pipeline.records import SAMPLE_RATE_HZ

_BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ


def write_player(out: Path, sound: LaidSound, *, samples: int) -> Path:
    """Write samples [0, `samples`) of a sound, mono or stereo, at its place to `out`, FLAC of 16 bits; `out`.

    Raises OutputError when the sound cannot be read or `out` cannot be written.
    """
    mixdown = Mixdown([sound])
    try:
        with (
            replacing(out) as draft,
            soundfile.SoundFile(draft, "w", SAMPLE_RATE_HZ, mixdown.channels, "PCM_16", format="FLAC") as file,
        ):
            for first in range(0, samples, _BLOCK_SAMPLES):
                file.write(mixdown.read(first, min(_BLOCK_SAMPLES, samples - first))[: mixdown.channels].T)
    except soundfile.SoundFileError as error:
        raise OutputError(f"The player {out} cannot be written ({error}): make room there.") from error
    return out

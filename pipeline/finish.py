"""From generated sound to the file an editor gets: delivery rate, no DC, safe peaks, exact length, a place in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pipeline.bwf import ORIGINATOR, BroadcastTag, pcm_of, read_tag, sound_digest, tag_of, write_bwf, write_pcm
from pipeline.errors import OutputError
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt

__all__ = [
    "PEAK_CEILING",
    "TAKES_FOLDER",
    "channels_of",
    "deliver_take",
    "delivered",
    "limit_peaks",
    "mixed",
    "pcm_of",
    "to_delivery_rate",
    "write_bwf",
]

TAKES_FOLDER = "takes"
_BLOCK_SAMPLES = 1 << 18  # a long take needs no more memory than itself
# Up to the knee nothing is touched. The ceiling leaves room for peaks between the samples: -1 dBTP for Foley.
_KNEE = 10 ** (-3 / 20)
PEAK_CEILING = 10 ** (-2 / 20)


def delivered(samples: NDArray[np.float32], from_hz: int, count: int) -> NDArray[np.float32]:
    """`to_delivery_rate` for every channel: (C, N) at `from_hz` -> (C, count) at SAMPLE_RATE_HZ."""
    return np.stack([to_delivery_rate(channel, from_hz, count) for channel in samples])


def mixed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The channels (C, N) as one, (N,): what is judged of a sound is judged of that."""
    return samples[0] if len(samples) == 1 else samples.mean(axis=0, dtype=np.float32)


def to_delivery_rate(samples: NDArray[np.float32], from_hz: int, count: int) -> NDArray[np.float32]:
    """Sound (N,) at `from_hz` as exactly `count` samples float32 (count,) at SAMPLE_RATE_HZ.

    The mean is removed, then the peaks are limited; loudness is left alone, so that a far car stays quieter than a near
    one. A smaller `count` gives the start of the same sound; a greater one is filled with silence.
    """
    mean = np.float32(np.mean(samples, dtype=np.float64)) if samples.size else np.float32(0)
    stream = soxr.ResampleStream(from_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="VHQ")
    sound = np.zeros(count, np.float32)
    done = 0
    for first in range(0, len(samples), _BLOCK_SAMPLES):
        block = samples[first : first + _BLOCK_SAMPLES].astype(np.float32) - mean
        resampled = stream.resample_chunk(block, last=first + _BLOCK_SAMPLES >= len(samples))[: count - done]
        sound[done : done + len(resampled)] = limit_peaks(resampled)
        done += len(resampled)
    return sound


def limit_peaks(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend peaks smoothly under -2 dBFS and leave all that is below -3 dBFS untouched, bit for bit.

    Each sample depends on itself alone, so no part of a sound changes with what comes before or after it.
    """
    over = np.abs(samples) - np.float32(_KNEE)
    room = np.float32(PEAK_CEILING - _KNEE)
    bent = np.copysign(_KNEE + room * np.tanh(over / room), samples).astype(np.float32)
    return np.where(over > 0, bent, samples)


def deliver_take(
    receipt: ClipReceipt, out: Path, *, samples: int, time_reference: int, description: str = "", skip: int = 0
) -> Path:
    """Write `samples` samples of a stored take, from sample `skip` on, to `out`, bit for bit, and return `out`.

    A file that already is this take in this place is left alone. Another take of ours is replaced when it lies in a
    folder named TAKES_FOLDER and nobody has changed its sound since. Anything else is never overwritten.
    Raises OutputError when the take is too short or gone, or when `out` may not or cannot be written.
    """
    pcm = _stored_pcm(receipt, skip, samples)
    tag = tag_of(pcm, receipt.sample_rate_hz, time_reference=time_reference, description=description)
    if not _stands_already(out, tag):
        write_pcm(out, pcm, receipt.sample_rate_hz, time_reference=time_reference, description=description)
    return out


def channels_of(wav: Path) -> int:
    """How many channels a sound file has. Raises OutputError when it cannot be read."""
    try:
        return int(soundfile.info(wav).channels)
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"The take {wav} cannot be read ({error}): make the take again.") from error


def _stored_pcm(receipt: ClipReceipt, skip: int, samples: int) -> NDArray[np.int32]:
    """24-bit values int32 (C, samples) of a stored take, from sample `skip` on."""
    if skip + samples > receipt.samples:
        raise OutputError(
            f"The take {receipt.wav} has {receipt.samples} samples, fewer than the {skip + samples} of its place: "
            "make the take again."
        )
    try:
        values, _rate = soundfile.read(receipt.wav, start=skip, frames=samples, dtype="int32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"The take {receipt.wav} cannot be read ({error}): make the take again.") from error
    # 24-bit samples come in the upper bytes.
    return np.asarray(values.T, np.int32) >> 8


def _stands_already(out: Path, tag: BroadcastTag) -> bool:
    """Whether `out` is this very take; OutputError when it is something that must not be replaced."""
    if not out.exists():
        return False
    try:
        standing = read_tag(out)
        unchanged = standing is not None and standing.reference == sound_digest(out)
    except OSError as error:
        raise OutputError(f"{out} exists and cannot be read ({error.strerror}): move it away.") from error
    if unchanged and standing == tag:
        return True
    if standing is None or standing.originator != ORIGINATOR or out.parent.name != TAKES_FOLDER:
        raise OutputError(f"{out} exists and is not a take of ours: move it away or choose another output folder.")
    if not unchanged:
        raise OutputError(f"{out} was changed since it was made: give your version another name, then run again.")
    return False

"""Broadcast Wave files: 24-bit PCM with a place in time (EBU Tech 3285: a `bext` chunk before the sound).

The chunks are written here rather than by a muxer so that equal sound gives equal bytes on every machine, and in plain
PCM rather than WAVE_FORMAT_EXTENSIBLE, which every editor reads.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import OutputError
from pipeline.files import replacing

ORIGINATOR = "Smooth-Foley"
FULL_SCALE = 1 << 23

_PCM = 1
_BYTES_PER_SAMPLE = 3
_SECONDS_PER_DAY = 86_400
_LARGEST_RIFF = (1 << 32) - 1
# description, originator, originator reference, date, time, time reference, version, UMID, loudness and reserved
_BEXT = struct.Struct("<256s32s32s10s8sQH64s190s")
_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_BLOCK = 1 << 18  # samples turned into 24-bit values at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastTag:
    """What a file says of itself: `time_reference` in samples since midnight; `reference` is free for its maker."""

    description: str
    originator: str
    reference: str
    time_reference: int


def write_bwf(
    path: Path,
    samples: NDArray[np.float32],
    sample_rate_hz: int,
    *,
    time_reference: int,
    description: str = "",
) -> None:
    """Write sound (N,) or (C, N) in -1..1 as a 24-bit Broadcast Wave file, whole or not at all.

    Multiples of 2**-23 are kept exactly, others rounded to the nearest, louder ones clipped to full scale.
    `time_reference` counts samples since midnight; before midnight is the evening of the day before.
    Raises OutputError when the sound is not finite or the file cannot be written.
    """
    sound = np.atleast_2d(samples)
    blocks = (pcm_of(sound[:, first : first + _BLOCK]) for first in range(0, sound.shape[1], _BLOCK))
    write_blocks(path, blocks, sound.shape, sample_rate_hz, time_reference=time_reference, description=description)


def write_pcm(
    path: Path, pcm: NDArray[np.int32], sample_rate_hz: int, *, time_reference: int, description: str
) -> None:
    """Write 24-bit sample values int32 (C, N) as a Broadcast Wave file, whole or not at all."""
    write_blocks(path, [pcm], pcm.shape, sample_rate_hz, time_reference=time_reference, description=description)


def write_blocks(
    path: Path,
    blocks: Iterable[NDArray[np.int32]],
    shape: tuple[int, ...],
    sample_rate_hz: int,
    *,
    time_reference: int,
    description: str,
) -> None:
    """`write_pcm` of blocks (C, n) that make up a sound of `shape` (C, N) together: hours need no more memory."""
    digest = hashlib.sha256()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_header(path, shape, sample_rate_hz, _tag("0" * 32, sample_rate_hz, time_reference, description)))
        written = 0
        for block in blocks:
            data = _bytes_of(block)
            digest.update(data)
            written += file.write(data)
        file.write(bytes(written % 2))
        # The digest stands in front of the sound that it is of.
        file.seek(0)
        reference = digest.hexdigest()[:32]
        file.write(_header(path, shape, sample_rate_hz, _tag(reference, sample_rate_hz, time_reference, description)))


def pcm_of(samples: NDArray[np.float32]) -> NDArray[np.int32]:
    """24-bit sample values int32 (C, N) of sound (N,) or (C, N) in -1..1; OutputError when it is not finite."""
    if samples.ndim not in (1, 2):
        raise ValueError(f"sound has the shape (N,) or (C, N), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise OutputError(
            "The sound has values that are not numbers, so it was not written: change the "
            "settings back, use --dtype float32, or check the model with `foley models verify`."
        )
    values = np.rint(np.atleast_2d(samples) * np.float32(FULL_SCALE))
    return np.asarray(np.clip(values, -FULL_SCALE, FULL_SCALE - 1), np.int32)


def tag_of(pcm: NDArray[np.int32], sample_rate_hz: int, *, time_reference: int, description: str) -> BroadcastTag:
    """The tag written beside `pcm`; its reference is the start of the sound's digest, which shows later changes."""
    reference = hashlib.sha256(_bytes_of(pcm)).hexdigest()[:32]
    return _tag(reference, sample_rate_hz, time_reference, description)


def _tag(reference: str, sample_rate_hz: int, time_reference: int, description: str) -> BroadcastTag:
    if time_reference < 0:
        time_reference += _SECONDS_PER_DAY * sample_rate_hz
    return BroadcastTag(
        description=_field(description, 256).decode(),
        originator=ORIGINATOR,
        reference=reference,
        time_reference=time_reference,
    )


def read_tag(path: Path) -> BroadcastTag | None:
    """The broadcast tag of a WAV file; None when it has none or is no WAV file."""
    with path.open("rb") as file:
        for name, size in _chunks(file):
            if name == b"bext" and size >= _BEXT.size:
                return _parsed(file.read(_BEXT.size))
    return None


def sound_digest(path: Path) -> str | None:
    """The digest of a WAV file's sound as `BroadcastTag.reference` has it; None when it is no WAV file."""
    with path.open("rb") as file:
        for name, size in _chunks(file):
            if name == b"data":
                return hashlib.sha256(file.read(size)).hexdigest()[:32]
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk of a WAV file; the file stands at the chunk's content while it is yielded."""
    riff, _size, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if riff != b"RIFF" or kind != b"WAVE":
        return
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        name, size = _CHUNK.unpack(head)
        content = file.tell()
        yield name, size
        file.seek(content + size + size % 2)


def _header(path: Path, shape: tuple[int, ...], sample_rate_hz: int, tag: BroadcastTag) -> bytes:
    """Everything before the first sample."""
    channels, count = shape
    block = channels * _BYTES_PER_SAMPLE
    bext = _bext(tag, sample_rate_hz, channels)
    form = _FORMAT.pack(_PCM, channels, sample_rate_hz, sample_rate_hz * block, block, 8 * _BYTES_PER_SAMPLE)
    data_size = count * block
    chunks = _CHUNK.pack(b"bext", len(bext)) + bext + _CHUNK.pack(b"fmt ", len(form)) + form
    riff_size = 4 + len(chunks) + _CHUNK.size + data_size + data_size % 2
    if riff_size > _LARGEST_RIFF - _CHUNK.size:
        raise OutputError(f"{path} would be larger than a WAV file can be (4 GB): split the shot.")
    return struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE") + chunks + _CHUNK.pack(b"data", data_size)


def channel_mode(channels: int) -> str:
    """How many channels, in the word that headers and file names have for it."""
    return {1: "mono", 2: "stereo"}.get(channels, "multi")


def _bext(tag: BroadcastTag, sample_rate_hz: int, channels: int) -> bytes:
    """The bext chunk, version 1. No date: equal sound in an equal place gives equal bytes."""
    mode = channel_mode(channels)
    history = f"A=PCM,F={sample_rate_hz},W=24,M={mode},T={ORIGINATOR} generated sound\r\n".encode()
    texts = _field(tag.description, 256), _field(tag.originator, 32), _field(tag.reference, 32)
    fixed = _BEXT.pack(*texts, b"", b"", tag.time_reference, 1, b"", b"")
    return fixed + history + bytes(len(history) % 2)


def _parsed(bext: bytes) -> BroadcastTag:
    description, originator, reference, _date, _time, time_reference, *_rest = _BEXT.unpack(bext)
    return BroadcastTag(
        description=_text(description),
        originator=_text(originator),
        reference=_text(reference),
        time_reference=time_reference,
    )


def _field(text: str, size: int) -> bytes:
    """`text` in at most `size` bytes, never cut inside a character."""
    return text.encode(errors="replace")[:size].decode(errors="ignore").encode()


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode(errors="replace")


def _bytes_of(pcm: NDArray[np.int32]) -> bytes:
    """Interleaved little-endian samples of three bytes."""
    interleaved = np.ascontiguousarray(pcm.T, "<i4").view(np.uint8)
    return interleaved.reshape(-1, 4)[:, :_BYTES_PER_SAMPLE].tobytes()

"""Which of several picture streams is the film: cameras and telephones put stills and thumbnails beside it, before or
after, marked as the default or not.

    still  |.                                   one picture
    thumbs |.      .      .      .              a few a second at most
    film   |................................    as many as the others, or enough to look like motion
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.stream_facts import LOCAL_FILES_ONLY, said_frame_count, stream_duration_s

# Thumbnails are fewer a second, films are not.
_LIKE_MOTION = 10
_MOST_PACKETS = 500


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many pictures each stream has within so many seconds, None where that is not known."""

    pictures: list[int]
    seconds: Fraction | None


def film_of(path: Path, streams: Sequence[VideoStream]) -> VideoStream:
    """Of the streams that have enough pictures to be films the default one, else the first."""
    readable = [stream for stream in streams if stream.codec_context is not None] or list(streams)
    if len(readable) == 1:
        return readable[0]
    said = [said_frame_count(stream) for stream in readable]
    told = [count for count in said if count is not None]
    if len(told) == len(said):
        lengths = [length for stream in readable if (length := stream_duration_s(stream))]
        counted = _Counted(told, max(lengths, default=None))
    else:
        counted = _counted_once(path, tuple(stream.index for stream in readable))
    enough = Fraction(max(counted.pictures), 2)
    if counted.seconds:
        enough = min(enough, _LIKE_MOTION * counted.seconds)
    films = [stream for stream, count in zip(readable, counted.pictures, strict=True) if count >= enough]
    return next((stream for stream in films if stream.disposition & Disposition.default), films[0])


def _counted_once(path: Path, indexes: tuple[int, ...]) -> _Counted:
    about = path.stat()
    return _counted(path, indexes, about.st_size, about.st_mtime_ns)


# A film is opened again and again for the pictures of its shots.
@lru_cache(maxsize=1024)
def _counted(path: Path, indexes: tuple[int, ...], _size: int, _mtime_ns: int) -> _Counted:
    """The pictures of a file that does not say how many it has, as far as its first packets tell."""
    pictures = dict.fromkeys(indexes, 0)
    seen_s: list[Fraction] = []
    with av.open(str(path.absolute()), metadata_errors="replace", options=LOCAL_FILES_ONLY) as again:
        for packet in again.demux([again.streams[index] for index in indexes]):
            if packet.pts is not None and packet.time_base:
                pictures[packet.stream.index] += 1
                seen_s.append(packet.pts * packet.time_base)
            if len(seen_s) >= _MOST_PACKETS:
                break
    return _Counted(list(pictures.values()), max(seen_s) - min(seen_s) if seen_s else None)

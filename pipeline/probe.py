"""What a movie file is, without decoding it: exact length and rate, timecode, and a digest of its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.files import sha256_of
from pipeline.movie import is_still, open_movie
from pipeline.mxf_timecode import mxf_timecode
from pipeline.numbered import Pictures, pictures_of
from pipeline.picture_rate import frame_rate
from pipeline.records import Numbering
from pipeline.stream_facts import since_first, start_pts, stream_duration_s, tag
from pipeline.timecode_track import TimecodeTrack, timecode_track

PROCEDURAL_SCENE_TAG = "smooth-foley procedural scene"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieInfo:
    """Facts about a movie file. `width` and `height` are the stored picture's, before rotation.

    `start_timecode` is the timecode of the first picture as a text, `timecode_track` how it counts, where the file says
    it. `reel` is the tape or card it names, or "". `is_still`: one picture, which has no end.
    An image sequence has a `numbering` whose first number is known; `missing` pictures lie before its last one.
    """

    path: Path
    digest: str
    duration_s: Fraction
    rate: Fraction | None
    width: int
    height: int
    has_audio: bool
    is_procedural_scene: bool
    start_timecode: str | None
    timecode_track: TimecodeTrack | None = None
    reel: str = ""
    is_still: bool = False
    numbering: Numbering | None = None
    missing: int = 0


def probe_movie(path: Path, numbering: Numbering | None = None) -> MovieInfo:
    """Facts about the movie at `path`; the digest is the sha256 of its content in 64 hex digits.

    `duration_s` is that of the picture, exact in its time base. Raises MediaError, one sentence, when the file is
    missing, is no movie or has no picture stream. With `numbering` the path names an image sequence, `sea.%04d.exr`.
    """
    if numbering is None:
        return replace(probe_quick(path), digest=content_digest(path))
    pictures = pictures_of(path, numbering)
    return replace(_glance_at_pictures(pictures), digest=pictures_digest(pictures))


def probe_quick(path: Path, numbering: Numbering | None = None) -> MovieInfo:
    """`probe_movie` without reading the whole file: the digest is "". Raises MediaError."""
    if numbering is not None:
        return _glance_at_pictures(pictures_of(path, numbering))
    with open_movie(path) as (container, stream):
        return MovieInfo(
            path=path,
            digest="",
            duration_s=_duration_s(container, stream),
            rate=frame_rate(stream),
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            has_audio=bool(container.streams.audio),
            is_procedural_scene=container.metadata.get("comment") == PROCEDURAL_SCENE_TAG,
            start_timecode=_told(container, stream, "timecode") or None,
            timecode_track=_timecode_track(path, container, stream),
            reel=_told(container, stream, "reel_name"),
            is_still=is_still(container),
        )


def _glance_at_pictures(pictures: Pictures) -> MovieInfo:
    """The facts of the first picture, with the length and the rate of them all."""
    return replace(
        probe_quick(pictures.path_of(pictures.numbers[0])),
        path=pictures.pattern,
        is_still=False,
        duration_s=pictures.duration_s,
        rate=pictures.rate,
        numbering=pictures.numbering,
        missing=pictures.missing,
    )


def pictures_digest(pictures: Pictures) -> str:
    """The sha256 of when which picture is shown, 64 hex digits: neither their name nor where they count from matters.

    Raises MediaError.
    """
    digest = hashlib.sha256(f"{pictures.rate} {pictures.step}\n".encode())
    for number in pictures.numbers:
        digest.update(f"{number - pictures.first} {content_digest(pictures.path_of(number))}\n".encode())
    return digest.hexdigest()


def content_digest(path: Path) -> str:
    """The sha256 of the file's content, 64 hex digits; read again only when its size or time of change differ."""
    try:
        resolved = path.resolve(strict=True)
        status = resolved.stat()
        return _digest_of(resolved, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}): check its path and permissions.") from error


@lru_cache(maxsize=4096)
def _digest_of(path: Path, _size: int, _mtime_ns: int) -> str:
    return sha256_of(path)


def _duration_s(container: InputContainer, stream: VideoStream) -> Fraction:
    if duration_s := stream_duration_s(stream):
        return duration_s
    if container.duration:
        length_s = Fraction(container.duration, av.time_base)
        return since_first(length_s, stream) if "matroska" in container.format.name else length_s
    return _scanned_duration_s(container, stream)


def _scanned_duration_s(container: InputContainer, stream: VideoStream) -> Fraction:
    """The length of a file that does not tell it (live recordings): the end of the last packet, none decoded."""
    end = start_pts(stream)
    for packet in container.demux(stream):
        if packet.pts is not None:
            end = max(end, packet.pts + (packet.duration or 0))
    return (end - start_pts(stream)) * (stream.time_base or Fraction(0))


def _told(container: InputContainer, stream: VideoStream, name: str) -> str:
    """A tag where editors look: on the picture (MOV, MP4), on the tmcd data stream, then on the container (MXF)."""
    places = [stream.metadata, *(other.metadata for other in container.streams), container.metadata]
    return next((text for place in places if (text := tag(place, name))), "")


def _timecode_track(path: Path, container: InputContainer, stream: VideoStream) -> TimecodeTrack | None:
    """How the file counts its timecode; one that takes 24000/1001 pictures a second for 24 counts them all the same."""
    kinds, rate = container.format.name.split(","), frame_rate(stream)
    if "mxf" in kinds and rate is not None:
        return mxf_timecode(path, _told(container, stream, "timecode"), rate)
    if "mov" not in kinds or not container.streams.data:
        return None
    track = timecode_track(path, stream.id)
    if track is None or rate is None or track.rate.denominator != 1 or round(rate) != track.rate:
        return track
    return replace(track, rate=rate)

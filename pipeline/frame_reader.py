"""Frames by media time, exact to the PTS, from the keyframe before; only what is asked for is decoded and held."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, dropwhile, groupby, pairwise
from math import floor, inf
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import MediaError
from pipeline.movie import is_still, open_movie
from pipeline.numbered import Pictures, pictures_of
from pipeline.picture_rate import frame_rate
from pipeline.records import Numbering
from pipeline.stream_facts import start_pts

# Times come as floats: what is meant as a frame's own edge may arrive a hair before it.
_FLOAT_TOLERANCE_S = Fraction(1, 1_000_000)
_COARSE_TOLERANCE_S = Fraction(1, 1000)
# Past such a gap it is cheaper to seek than to decode through.
_LONGEST_GAP_S = Fraction(10)
_HELD_PAST_END_S = Fraction(1)
# MPEG program streams date only some pictures: after a seek the dates of the others are guesses.
_CANNOT_SEEK_EXACTLY = frozenset({"mpeg"})
# Containers seek by decoding time, so the keyframe found may be shown after the wanted frame: then look further back.
_FROM_THE_START = None
_LOOK_BACK_S = (Fraction(0), Fraction(2), Fraction(15), _FROM_THE_START)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownFrame:
    """One decoded frame and the stretch [first, end) of the asked times at which it is on the screen.

    `pixel_aspect` is the width of a stored pixel over its height.
    """

    frame: VideoFrame
    first: int
    end: int
    pixel_aspect: Fraction = Fraction(1)

    @property
    def display_size(self) -> tuple[Fraction, Fraction]:
        """Width and height in square pixels, before rotation."""
        return self.frame.width * self.pixel_aspect, Fraction(self.frame.height)


class _TimedFrame(NamedTuple):
    pts: int
    frame: VideoFrame


def shown_frames(
    path: Path, times_s: Sequence[Fraction], *, backwards: bool = False, numbering: Numbering | None = None
) -> Iterator[ShownFrame]:
    """The frames on the screen at ascending media times, each decoded once, in order.

    `times_s` are seconds from the first picture of the file. A frame is shown from its PTS until the next one; the
    first frame holds before it, the last one after it. `backwards` is for media that plays in reverse, where a time
    exactly on the edge between two frames belongs to the earlier one. With `numbering` the path names an image
    sequence, of which only the pictures that are shown are opened.
    Raises MediaError when no frame can be decoded, or when all times lie more than one second past the last frame
    of a movie (a still picture has no end).
    """
    if numbering is not None:
        yield from _numbered_frames(pictures_of(path, numbering), times_s, backwards)
        return
    for first, end in _runs(times_s):
        for shown in _read_run(path, times_s[first:end], backwards, must_exist=first == 0):
            yield replace(shown, first=first + shown.first, end=first + shown.end)


def all_frames(path: Path) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Every frame of a movie in display order, with the media time at which it appears, in seconds.

    Raises MediaError when the movie cannot be opened.
    """
    with open_movie(path) as (container, stream):
        start, time_base = _media_start(container, stream), _time_base(stream)
        for timed in _decoded(container, stream):
            yield (timed.pts - start) * time_base, timed.frame


def _numbered_frames(pictures: Pictures, times_s: Sequence[Fraction], backwards: bool) -> Iterator[ShownFrame]:
    pictures.check_reaches(times_s[0])
    numbers = [pictures.shown_at(time_s, backwards=backwards) for time_s in times_s]
    for number, indexes in groupby(range(len(numbers)), key=numbers.__getitem__):
        first, *rest = indexes
        yield replace(_only_frame(pictures.path_of(number)), first=first, end=first + len(rest) + 1)


def _only_frame(path: Path) -> ShownFrame:
    """The one picture of a file."""
    with open_movie(path) as (container, stream):
        timed = next(_decoded(container, stream), None)
        if timed is not None:
            return ShownFrame(frame=timed.frame, first=0, end=1, pixel_aspect=stream.sample_aspect_ratio or Fraction(1))
    raise MediaError(f"No picture can be decoded from {path}: it may be truncated; copy or render it again.")


def _runs(times_s: Sequence[Fraction]) -> list[tuple[int, int]]:
    """Index ranges of `times_s` without a long gap inside."""
    cuts = [index for index, (one, other) in enumerate(pairwise(times_s), 1) if other - one > _LONGEST_GAP_S]
    return [(first, end) for first, end in pairwise([0, *cuts, len(times_s)]) if end > first]


def _read_run(path: Path, times_s: Sequence[Fraction], backwards: bool, must_exist: bool) -> Iterator[ShownFrame]:
    """The frames of times without a long gap, from the nearest keyframe that leads to the first of them."""
    for look_back_s in _LOOK_BACK_S:
        with open_movie(path) as (container, stream):
            targets = _target_ticks(stream, _media_start(container, stream), times_s, backwards)
            frames = _frames_from(container, stream, targets[0], look_back_s)
            first = next(frames, None)
            if first is None or (first.pts > targets[0] and look_back_s is not _FROM_THE_START):
                continue
            held_for_ever = is_still(container) or not must_exist
            hold_ticks = inf if held_for_ever else _HELD_PAST_END_S / _time_base(stream)
            pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
            for shown in _assign(path, chain([first], frames), targets, hold_ticks):
                yield replace(shown, pixel_aspect=pixel_aspect)
            return
    raise MediaError(f"No picture can be decoded from {path}: it may be truncated; copy or render it again.")


def _media_start(container: InputContainer, stream: VideoStream) -> int:
    """The PTS of media time 0. AVI stores no PTS, and those made up for it start later than the stream says."""
    if container.format.name != "avi":
        return start_pts(stream)
    first = next(container.demux(stream)).pts
    container.seek(0, stream=stream)
    return start_pts(stream) if first is None else first


def _target_ticks(stream: VideoStream, start: int, times_s: Sequence[Fraction], backwards: bool) -> list[int]:
    """The greatest PTS that is on the screen at each time, in the stream's ticks."""
    time_base = _time_base(stream)
    tolerance_s = _edge_tolerance_s(stream)
    shift_s = -tolerance_s if backwards else tolerance_s
    return [floor((time_s + shift_s) / time_base) + start for time_s in times_s]


def _edge_tolerance_s(stream: VideoStream) -> Fraction:
    """How far a PTS may lie from the frame's true edge: half a tick where the ticks cannot hold the rate exactly."""
    rate, time_base = frame_rate(stream), _time_base(stream)
    if rate and (1 / (rate * time_base)).denominator == 1:
        return _FLOAT_TOLERANCE_S
    return min(time_base / 2 + _FLOAT_TOLERANCE_S, _COARSE_TOLERANCE_S)


def _frames_from(
    container: InputContainer, stream: VideoStream, target: int, look_back_s: Fraction | None
) -> Iterator[_TimedFrame]:
    """Frames in display order from a keyframe before `target`, or from the start of the file."""
    if look_back_s is _FROM_THE_START:
        yield from _decoded(container, stream)
        return
    if container.format.name in _CANNOT_SEEK_EXACTLY:
        return
    seek_to = target - floor(look_back_s / _time_base(stream))
    try:
        container.seek(max(seek_to, start_pts(stream)), stream=stream)
    except av.FFmpegError:
        return
    # What precedes the first keyframe refers to frames before it (open GOP): it cannot be trusted.
    yield from dropwhile(lambda timed: not timed.frame.key_frame, _decoded(container, stream))


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[_TimedFrame]:
    """All frames that can be decoded, in display order; damaged packets are left out."""
    pts = start_pts(stream)
    for packet in _packets(container, stream):
        for frame in _frames_of(stream, packet):
            pts = pts if frame.pts is None else frame.pts
            yield _TimedFrame(pts, frame)
            pts += max(frame.duration, 1)


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream] | None]:
    """The stream's packets, then None to drain the decoder, also when the file breaks off."""
    with suppress(av.FFmpegError):
        yield from (packet for packet in container.demux(stream) if packet.size)
    yield None


def _frames_of(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []


def _assign(
    path: Path, frames: Iterator[_TimedFrame], targets: list[int], hold_ticks: Fraction | float
) -> Iterator[ShownFrame]:
    """Pair each frame with the targets up to the next frame; the last frame takes the rest."""
    held, done = next(frames), 0
    for following in frames:
        end = bisect_left(targets, following.pts, lo=done)
        if end > done:
            yield ShownFrame(frame=held.frame, first=done, end=end)
        done = end
        if done == len(targets):
            return
        held = following
    if done == 0 and targets[0] > held.pts + held.frame.duration + hold_ticks:
        raise MediaError(f"The shot lies past the end of {path}: check the source timecode or relink the clip.")
    yield ShownFrame(frame=held.frame, first=done, end=len(targets))


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)

"""Where a movie cuts, for those who hand in a movie and no edit. PySceneDetect does the finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.errors import MediaError
from pipeline.frame_reader import all_frames

# Anything that is shorter by both is a flash or a dissolve, not a shot: few pictures may be seen for long.
_SHORTEST_SHOT_FRAMES = 8
_SHORTEST_SHOT_S = Fraction(8, 25)
# A picture that is held as long is a shot of its own, or the end of one: what follows is no fast motion.
_HELD_S = Fraction(1)
# A change counts by what is seen of others so many pictures before and after it.
_WINDOW = 2
# The detector counts pictures; when they are shown is known here.
_ANY_RATE = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """The pictures of a movie by when they appear, in seconds from the first one, ascending; `firsts` are the indexes
    of those with which a new shot begins, the first picture of the movie left out."""

    times_s: tuple[Fraction, ...]
    firsts: tuple[int, ...]

    @property
    def cuts_s(self) -> tuple[Fraction, ...]:
        """When the new shots begin, in seconds."""
        return tuple(self.times_s[index] for index in self.firsts)


def find_cuts(path: Path) -> Cuts:
    """The cuts of a movie, each where its picture is shown, whatever the distances between the pictures.

    Raises MediaError when the movie cannot be opened or holds no picture.
    """
    from scenedetect import AdaptiveDetector, FrameTimecode

    detector = AdaptiveDetector(min_scene_len=1, window_width=_WINDOW)
    times_s: list[Fraction] = []
    # The picture that each one is which the detector sees.
    seen: list[int] = []
    changes: list[int] = []
    for index, picture in _held(_pictures(path), times_s):
        found = detector.process_frame(FrameTimecode(len(seen), _ANY_RATE), picture)
        seen.append(index)
        changes += [seen[cut.frame_num] for cut in found]
    if not times_s:
        raise MediaError(f"No picture can be decoded from {path}: it may be truncated; copy or render it again.")
    return Cuts(times_s=tuple(times_s), firsts=tuple(_firsts(changes, times_s)))


def _held(
    pictures: Iterator[tuple[Fraction, NDArray[np.uint8]]], times_s: list[Fraction]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Index and picture, a long held one some times more, as it is seen; `times_s` is filled on the way."""
    before: NDArray[np.uint8] | None = None
    for time_s, picture in pictures:
        if before is not None and time_s - times_s[-1] >= _HELD_S:
            yield from [(len(times_s) - 1, before)] * _WINDOW
        yield len(times_s), picture
        times_s.append(time_s)
        before = picture


def _firsts(changes: list[int], times_s: list[Fraction]) -> Iterator[int]:
    """The changes with which a shot begins: the one before was long enough for one."""
    last = 0
    for change in changes:
        frames, shown_s = change - last, times_s[change] - times_s[last]
        if frames >= _SHORTEST_SHOT_FRAMES or (frames and shown_s >= _SHORTEST_SHOT_S):
            yield change
            last = change


def _pictures(path: Path) -> Iterator[tuple[Fraction, NDArray[np.uint8]]]:
    """The frames of a movie with their times, as small BGR pictures uint8 (H, W, 3) of one size."""
    from scenedetect.scene_manager import compute_downscale_factor

    scaler, size = VideoReformatter(), None
    for time_s, frame in all_frames(path):
        if size is None:
            factor = max(1.0, compute_downscale_factor(frame.width))
            size = max(1, round(frame.width / factor)), max(1, round(frame.height / factor))
        yield time_s, _small(frame, size, scaler)


def _small(frame: VideoFrame, size: tuple[int, int], scaler: VideoReformatter) -> NDArray[np.uint8]:
    picture = scaler.reformat(frame, *size, "bgr24", interpolation=Interpolation.BILINEAR, threads=1)
    return np.asarray(picture.to_ndarray(), np.uint8)

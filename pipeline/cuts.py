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

# Anything shorter is a flash or a dissolve, not a shot.
_SHORTEST_SHOT_FRAMES = 8
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

    detector = AdaptiveDetector(min_scene_len=_SHORTEST_SHOT_FRAMES)
    times_s: list[Fraction] = []
    firsts: list[int] = []
    for time_s, picture in _pictures(path):
        found = detector.process_frame(FrameTimecode(len(times_s), _ANY_RATE), picture)
        firsts += [cut.frame_num for cut in found]
        times_s.append(time_s)
    if not times_s:
        raise MediaError(f"No picture can be decoded from {path}: it may be truncated; copy or render it again.")
    return Cuts(times_s=tuple(times_s), firsts=tuple(first for first in firsts if first > 0))


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

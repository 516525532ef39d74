"""A movie of the edit with its new sound, to be watched before anything is imported: one pass, memory flat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from pipeline.errors import MediaError, OutputError
from pipeline.files import replacing
from pipeline.frame_reader import shown_frames
from pipeline.laid_sound import LaidSound
from pipeline.letterbox import Letterbox
from pipeline.mixdown import Mixdown
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan

__all__ = ["PreviewShot", "write_preview"]

_Picture = NDArray[np.uint8]
# Reversed shots are decoded forward in pieces of this many frames, which are held until they are shown.
_REVERSED_PIECE = 48
_SOUND_CHUNK = SAMPLE_RATE_HZ
_MP4_OPTIONS = {"movflags": "+faststart"}
_VIDEO_OPTIONS = {"preset": "superfast", "crf": "23"}
_AUDIO_BITS_PER_SECOND = 160_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewShot:
    """What is on the screen for frames [first_frame, first_frame + frame_count), counted from the preview's start.

    A shot without a span is offline and stays black.
    """

    first_frame: int
    frame_count: int
    span: MediaSpan | None
    title: str = ""

    @property
    def end_frame(self) -> int:
        """The first frame after the shot."""
        return self.first_frame + self.frame_count


def write_preview(
    out: Path,
    *,
    rate: Fraction,
    frame_count: int,
    shots: Sequence[PreviewShot],
    sounds: Sequence[LaidSound],
    size: tuple[int, int] = (640, 360),
) -> Path:
    """Write an .mp4 (H.264 4:2:0, AAC stereo) of `frame_count` frames at `rate` and return `out`.

    Speed, reverse and freeze are followed; gaps, offline and unreadable shots are black. `size` is made even.
    Raises OutputError when the edit is empty, a sound cannot be read or the file cannot be written.
    """
    if frame_count < 1:
        raise OutputError(f"The edit has no frames, so there is nothing to show in {out}: run without a preview.")
    mixdown = Mixdown(sounds)
    screen = max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)
    pictures = _edit_pictures(shots, frame_count, rate, Letterbox(*screen))
    try:
        with replacing(out) as temporary, av.open(str(temporary), "w", format="mp4", options=_MP4_OPTIONS) as container:
            encoder = _Encoder(container, rate, screen, mixdown)
            for picture in pictures:
                encoder.add(picture)
            encoder.finish()
    except av.FFmpegError as error:
        raise OutputError(f"The preview {out} cannot be encoded ({error}): run again without a preview.") from error
    return out


def _edit_pictures(
    shots: Sequence[PreviewShot], frame_count: int, rate: Fraction, letterbox: Letterbox
) -> Iterator[_Picture]:
    """One picture for each frame of the edit."""
    black, position = letterbox.black(), 0
    for shot in sorted(shots, key=lambda shot: shot.first_frame):
        first, end = max(position, shot.first_frame), min(shot.end_frame, frame_count)
        if first < end:
            yield from repeat(black, first - position)
            yield from _or_black(_shot_pictures(shot, first, end, rate, letterbox), end - first, black)
            position = end
    yield from repeat(black, frame_count - position)


def _or_black(pictures: Iterator[_Picture], count: int, black: _Picture) -> Iterator[_Picture]:
    """Exactly `count` pictures: black from where the media cannot be read."""
    made = 0
    with suppress(MediaError):
        for picture in pictures:
            yield picture
            made += 1
    yield from repeat(black, count - made)


def _shot_pictures(shot: PreviewShot, first: int, end: int, rate: Fraction, letterbox: Letterbox) -> Iterator[_Picture]:
    """The pictures of frames [first, end) of the edit, as seen in the middle of each; none for an offline shot."""
    if shot.span is None:
        return
    middles_s = [(frame - shot.first_frame + Fraction(1, 2)) / rate for frame in range(first, end)]
    times_s = [shot.span.media_time(middle_s) for middle_s in middles_s]
    for run, backwards in one_way_runs(times_s):
        if not backwards:
            yield from _pictures_at(shot.span, run, letterbox)
            continue
        for piece in range(0, len(run), _REVERSED_PIECE):
            ascending = run[piece : piece + _REVERSED_PIECE][::-1]
            yield from reversed(list(_pictures_at(shot.span, ascending, letterbox, backwards=True)))


def one_way_runs(times_s: Sequence[Fraction]) -> Iterator[tuple[Sequence[Fraction], bool]]:
    """Stretches of times that only rise or only fall, and whether they fall: a speed ramp may turn round."""
    first = 0
    while first < len(times_s):
        backwards = first + 1 < len(times_s) and times_s[first + 1] < times_s[first]
        last = first
        while last + 1 < len(times_s) and (times_s[last + 1] < times_s[last]) == backwards:
            last += 1
        yield times_s[first : last + 1], backwards
        first = last + 1


def _pictures_at(
    span: MediaSpan, times_s: Sequence[Fraction], letterbox: Letterbox, *, backwards: bool = False
) -> Iterator[_Picture]:
    for shown in shown_frames(span.path, times_s, backwards=backwards, numbering=span.numbering):
        yield from repeat(letterbox.fit(shown), shown.end - shown.first)


class _Encoder:
    """Writes pictures and the mix side by side into one container, the sound at most a chunk behind."""

    def __init__(self, container: OutputContainer, rate: Fraction, size: tuple[int, int], mixdown: Mixdown) -> None:
        self._container, self._rate, self._mixdown = container, rate, mixdown
        self._video = container.add_stream("libx264", rate=rate, options=_VIDEO_OPTIONS)
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.gop_size = round(rate)
        self._sound = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="stereo")
        self._sound.bit_rate = _AUDIO_BITS_PER_SECOND
        self._frames = self._samples = 0

    def add(self, picture: _Picture) -> None:
        """Encode the next frame, and the sound that has become due."""
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.time_base, frame.pts = 1 / self._rate, self._frames
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        if self._sound_missing() >= _SOUND_CHUNK:
            self._add_sound(_SOUND_CHUNK)

    def finish(self) -> None:
        """Encode the rest of the sound and empty both encoders."""
        self._add_sound(self._sound_missing())
        self._container.mux(self._video.encode(None))
        self._container.mux(self._sound.encode(None))

    def _sound_missing(self) -> int:
        return round(self._frames * SAMPLE_RATE_HZ / self._rate) - self._samples

    def _add_sound(self, count: int) -> None:
        if count <= 0:
            return
        frame = av.AudioFrame.from_ndarray(self._mixdown.read(self._samples, count), "fltp", "stereo")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, self._samples
        self._container.mux(self._sound.encode(frame))
        self._samples += count

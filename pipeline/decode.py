"""The picture of a shot as the audience sees it: only its own frames, small, in timeline order."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from pipeline.frame_reader import ShownFrame, shown_frames
from pipeline.records import MediaSpan, ShotFrames

# A large picture is first brought near its final size by the scaler, which is much faster than a full RGB copy.
_PRESCALE_ABOVE = 4
_PRESCALE_TO = 2
# By default the scaler rounds down and comes out one level too dark.
_UNBIASED_AREA = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def decode_span(span: MediaSpan, *, times_s: NDArray[np.float64], size: int, whole: bool = False) -> ShotFrames:
    """What is on the screen at timeline times `times_s` (T,), seconds from the cut: pixels uint8 (T, size, size, 3).

    At time t the media shows its frame at `span.media_time(t)`. Times before the cut (handles) see the media before
    it; before the media's start its first frame holds, past its end the last one. The shorter side of the picture is
    averaged down to `size` and the centre is kept; `whole` squeezes all of it into the square instead. Memory is the
    answer and one frame.
    Raises MediaError when no frame can be decoded or the whole span lies past the end of the media.
    """
    media_times_s = [span.media_time(Fraction(float(time_s))) for time_s in times_s]
    order = sorted(range(len(media_times_s)), key=media_times_s.__getitem__)
    pixels = np.zeros((len(order), size, size, 3), np.uint8)
    ascending = [media_times_s[index] for index in order]
    scaler = VideoReformatter()
    for shown in shown_frames(span.path, ascending, backwards=span.speed < 0, numbering=span.numbering):
        pixels[order[shown.first : shown.end]] = square_pixels(shown, size, scaler, whole=whole)
    return ShotFrames(pixels=pixels, times_s=np.asarray(times_s, np.float64))


def square_pixels(shown: ShownFrame, size: int, scaler: VideoReformatter, *, whole: bool = False) -> NDArray[np.uint8]:
    """The upright centre square of a frame, RGB uint8 (size, size, 3), each pixel the average of the area it covers.

    `scaler` keeps its tables from frame to frame of one movie. `whole`: the frame squeezed into the square.
    """
    width, height = (Fraction(size), Fraction(size)) if whole else shown.display_size
    shorter = min(width, height)
    target = max(size, round(width * size / shorter)), max(size, round(height * size / shorter))
    image = _averaged(Image.fromarray(_rgb(shown.frame, target, scaler)), target)
    left, top = (target[0] - size) // 2, (target[1] - size) // 2
    square = np.asarray(image.crop((left, top, left + size, top + size)))
    return np.rot90(square, shown.frame.rotation // 90)


def _rgb(frame: VideoFrame, target: tuple[int, int], scaler: VideoReformatter) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3): the whole frame, or one brought near `target` (width, height) when it is far larger."""
    width, height, method = frame.width, frame.height, Interpolation.AREA
    if min(width / target[0], height / target[1]) > _PRESCALE_ABOVE:
        width, height, method = target[0] * _PRESCALE_TO, target[1] * _PRESCALE_TO, _UNBIASED_AREA
    # One thread: waking more costs longer than a small picture takes.
    rgb = scaler.reformat(frame, width, height, "rgb24", interpolation=method, threads=1)
    return cast(NDArray[np.uint8], rgb.to_ndarray())


def _averaged(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Each pixel of `target` (width, height) the mean of the pixels it covers; whole factors are rounded only once."""
    if image.width % target[0] == 0 and image.height % target[1] == 0:
        return image.reduce((image.width // target[0], image.height // target[1]))
    return image.resize(target, Image.Resampling.BOX)

"""Any picture on a screen of a given size: fitted, upright, black around it."""

from __future__ import annotations

from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.frame_reader import ShownFrame

_BLACK = 16
_NO_COLOUR = 128


class Letterbox:
    """Fits frames to a screen of `width` x `height` (even) and keeps the scaler's tables between frames."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._scaler = VideoReformatter()

    def black(self) -> NDArray[np.uint8]:
        """A black screen: planar YUV 4:2:0, uint8 (height * 3 / 2, width)."""
        screen = np.full((self._height * 3 // 2, self._width), _NO_COLOUR, np.uint8)
        screen[: self._height] = _BLACK
        return screen

    def fit(self, shown: ShownFrame) -> NDArray[np.uint8]:
        """The frame as large as the screen allows, in the middle of it; planes as in `black`."""
        turns = shown.frame.rotation // 90 % 4
        width, height = self._fitted_size(shown, lies_on_its_side=turns % 2 == 1)
        screen = self.black()
        for target, source in zip(_planes(screen), _planes(self._scaled(shown.frame, width, height)), strict=True):
            upright = np.rot90(source, turns)
            top, left = ((outer - inner) // 2 for outer, inner in zip(target.shape, upright.shape, strict=True))
            target[top : top + upright.shape[0], left : left + upright.shape[1]] = upright
        return screen

    def _fitted_size(self, shown: ShownFrame, lies_on_its_side: bool) -> tuple[int, int]:
        """Even width and height of the scaled frame before it is turned upright."""
        screen = (self._height, self._width) if lies_on_its_side else (self._width, self._height)
        size = shown.display_size
        scale = min(screen[0] / size[0], screen[1] / size[1])
        width, height = (max(2, round(side * scale / 2) * 2) for side in size)
        return min(width, screen[0]), min(height, screen[1])

    def _scaled(self, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        scaled = self._scaler.reformat(
            frame,
            width,
            height,
            "yuv420p",
            interpolation=Interpolation.FAST_BILINEAR,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        return cast(NDArray[np.uint8], scaled.to_ndarray())


def _planes(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Views of the three planes of a planar YUV 4:2:0 picture (height * 3 / 2, width)."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    colour = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], colour[0], colour[1]

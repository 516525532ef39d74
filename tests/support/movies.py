"""Tiny movies whose picture tells which frame it is: frame i is one flat grey of level `grey_of(i)`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray
from PIL import Image

_FIRST_LEVEL = 24
_LEVELS = 50
_STEP = 4


def grey_of(index: int) -> int:
    """The grey level of frame `index`, four levels apart, repeating after 50 frames."""
    return _FIRST_LEVEL + _STEP * (index % _LEVELS)


def frame_of(pixels: NDArray[Any]) -> int:
    """Which frame (modulo 50) a flat picture shows."""
    return round((float(pixels.mean()) - _FIRST_LEVEL) / _STEP)


def frames_of(pixels: NDArray[np.uint8]) -> list[int]:
    """Which frames (modulo 50) the pictures (T, H, W, 3) show."""
    return [frame_of(picture) for picture in pixels]


def grey_movie(
    path: Path,
    *,
    rate: Fraction = Fraction(25),
    count: int = 50,
    size: tuple[int, int] = (32, 32),
    **how: Any,
) -> Path:
    """Write `count` flat grey frames at `rate`, or at the `pts` in `time_base`; all else as `write_movie` has it."""
    pictures = (np.full((size[1], size[0], 3), grey_of(index), np.uint8) for index in range(count))
    return write_movie(path, pictures, rate=rate, size=size, **how)


def write_movie(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    rate: Fraction = Fraction(25),
    size: tuple[int, int],
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    sample_aspect: Fraction | None = None,
    rotation: int = 0,
) -> Path:
    """Write RGB pictures uint8 (H, W, 3) as a movie."""
    quality = {"crf": "0", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate, options={**quality, **(codec_options or {})})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        stream.codec_context.time_base = time_base or 1 / rate
        if sample_aspect:
            stream.codec_context.sample_aspect_ratio = sample_aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base = time_base or 1 / rate
            frame.pts = pts[index] if pts else index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def grey_pictures(pattern: Path, numbers: Iterable[int], *, first: int, size: tuple[int, int] = (32, 32)) -> Path:
    """Write the pictures of an image sequence, `sea.%04d.png`: number `first + i` is grey like frame i of a movie."""
    pattern.parent.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("RGB", size, (grey_of(number - first),) * 3).save(pattern.with_name(pattern.name % number))
    return pattern


def sound_file(path: Path, *, seconds: float = 1.0) -> Path:
    """A movie container that holds sound only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, round(48_000 * seconds)), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def movie_of_streams(
    path: Path, *streams: tuple[int, int, bool], rate: Fraction = Fraction(30), steps: Sequence[int] = ()
) -> Path:
    """Write a movie of several picture streams: (first grey frame, count, whether it is the default one) for each.

    `steps` are how many frames its pictures lie apart, 1 where nothing is said.
    """
    with av.open(str(path), "w") as container:
        added = []
        for _first, _count, is_default in streams:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "0", "preset": "ultrafast"})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            stream.codec_context.time_base = 1 / rate
            stream.disposition = Disposition.default if is_default else Disposition(0)
            added.append(stream)
        apart = [*steps, *[1] * (len(streams) - len(steps))]
        for stream, (first, count, _is_default), step in zip(added, streams, apart, strict=True):
            for index in range(count):
                grey = np.full((32, 32, 3), grey_of(first + index), np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
                frame.time_base, frame.pts = 1 / rate, step * index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path

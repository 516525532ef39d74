"""Scenes as real movie files: H.264, exact frame rate, start timecode, and a tag that says what they are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.probe import PROCEDURAL_SCENE_TAG


class Drawn(Protocol):
    """What can be filmed, such as a Scene."""

    @property
    def duration_s(self) -> float:
        """Seconds."""
        ...

    def frames(self, times_s: NDArray[np.float64], size: int) -> Iterator[NDArray[np.uint8]]:
        """The pictures (size, size, 3) at these times."""
        ...


def write_scene_movie(
    scene: Drawn, path: Path, *, rate: Fraction, size: int = 128, start_timecode: str | None = None
) -> Path:
    """Draw a scene into an .mp4 or .mov at `rate` frames per second, `size` pixels square; returns `path`.

    Frame k shows the scene at k / rate. The movie has no sound of its own.
    """
    count = int(scene.duration_s * rate)
    times = np.arange(count, dtype=np.float64) * float(1 / rate)
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = PROCEDURAL_SCENE_TAG
        options = {"crf": "18", "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / rate
        if start_timecode:
            stream.metadata["timecode"] = start_timecode
        for number, pixels in enumerate(scene.frames(times, size)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path

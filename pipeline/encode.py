"""Looking at a shot: its frames on the model's time grid, through CLIP, every one of them (section II-B)."""

from __future__ import annotations

import numpy as np

from pipeline.decode import decode_span
from pipeline.nets.bundle import Bundle
from pipeline.nets.clip import encode_in_batches
from pipeline.records import MediaSpan, ShotFeatures

_CHUNK_FRAMES = 512


def encode_shot(span: MediaSpan, bundle: Bundle) -> ShotFeatures:
    """A stretch of a movie -> one CLIP embedding per frame of the canvas that covers it.

    Frames past the end of the stretch show its last moment. Long stretches are decoded in chunks, so memory does not
    grow with their length beyond the embeddings. Raises MediaError.
    """
    grid = bundle.grid
    times = grid.frame_times(grid.frames_for(grid.latents_for(span.duration_s)))
    shown = np.minimum(times, float(span.duration_s) - float(grid.column_s) / 2)
    rows = []
    for first in range(0, len(times), _CHUNK_FRAMES):
        chunk = shown[first : first + _CHUNK_FRAMES]
        frames = decode_span(span, times_s=np.maximum(chunk, 0.0), size=bundle.clip.image_size)
        rows.append(encode_in_batches(bundle.clip, frames.pixels))
    return ShotFeatures(frame_embeddings=np.concatenate(rows), times_s=times)

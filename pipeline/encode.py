"""Looking at a shot: its frames on the model's time grid, through CLIP, every one that differs (section II-B)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.decode import decode_span
from pipeline.generators.components import ModelComponents
from pipeline.legacy import linspace_frames
from pipeline.near_duplicates import kept_frames
from pipeline.nets.clip import FrameEncoder, encode_in_batches, same_image_encoder
from pipeline.nets.onset import ONSET_FPS, ONSET_PIXELS, ONSET_REACH_FRAMES, onset_probability
from pipeline.probe import probe_quick
from pipeline.records import MediaSpan, ShotFeatures, Stream
from pipeline.settings import Settings

_CHUNK_FRAMES = 512
_REFERENCE_FRAMES = 150
_USUAL_RATE = Fraction(24)
# The lowest cosine between what CLIP gives in 8 bits and in full, for a stretch to be looked at in 8.
_ALIKE = 0.999


def encode_shot(span: MediaSpan, model: ModelComponents, settings: Settings) -> ShotFeatures:
    """A stretch of a movie -> what the detector and the generator need to have seen of it, and CLIP's clock anyway.

    Frames past the end of the stretch show its last moment. Long stretches are decoded in chunks, so memory does not
    grow with their length beyond the features. Raises MediaError.
    """
    names = sorted(settings.streams | {"clip"})
    return ShotFeatures(streams={name: STREAMS[name](span, model, settings) for name in names})


def _clip(span: MediaSpan, model: ModelComponents, settings: Settings) -> Stream:
    """An embedding (D,) for each frame of the canvas that covers the stretch; (0,) where nobody needs them."""
    times, shown = _clip_times(span, model, settings)
    rows = [np.zeros((len(times), 0), np.float32)]
    if "clip" in settings.streams:
        with model.on_device("clip"):
            chunks = [shown[first : first + _CHUNK_FRAMES] for first in range(0, len(times), _CHUNK_FRAMES)]
            rows = [_embedded(span, chunk, model, settings) for chunk in chunks]
    return Stream(values=np.concatenate(rows), times_s=times)


def _clip_times(
    span: MediaSpan, model: ModelComponents, settings: Settings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle of each step, and the moment whose frame stands for it."""
    if "frames" in settings.quirks:
        return _as_the_reference_looks(span)
    return model.frame_times(span.duration_s, settings.clip_fps)


def _embedded(
    span: MediaSpan, times_s: NDArray[np.float64], model: ModelComponents, settings: Settings
) -> NDArray[np.float32]:
    """Embeddings (T, D) of the frames on the screen at `times_s`; one that looks like the last kept one shares its."""
    pixels = decode_span(span, times_s=np.maximum(times_s, 0.0), size=model.clip.image_size).pixels
    kept, source = kept_frames(pixels, settings.near_duplicate_levels)
    return encode_in_batches(_encoder(pixels[kept], model, settings), pixels[kept], batch=model.clip_batch)[source]


def _encoder(pixels: NDArray[np.uint8], model: ModelComponents, settings: Settings) -> FrameEncoder:
    """CLIP in 8 bits where the settings say so and the first of these pictures comes out alike."""
    if settings.clip_weights == "int8" and same_image_encoder(model.clip, model.int8_clip, pixels[:1]) >= _ALIKE:
        return model.int8_clip
    return model.clip


def _as_the_reference_looks(span: MediaSpan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times of 150 equal steps of the stretch, and those of the frames that the reference takes for them."""
    duration_s = float(span.duration_s)
    rate = span.numbering.rate if span.numbering else probe_quick(span.path).rate or _USUAL_RATE
    indexes = linspace_frames(max(1, int(span.duration_s * rate)), _REFERENCE_FRAMES)
    times = (np.arange(_REFERENCE_FRAMES) + 0.5) * duration_s / _REFERENCE_FRAMES
    return times, np.minimum((indexes + 0.5) / float(rate), duration_s)


def _onset(span: MediaSpan, model: ModelComponents, settings: Settings) -> Stream:
    """How likely something hits at each frame of the onset detector's own clock."""
    if "frames" in settings.quirks:
        times, shown = _clip_times(span, model, settings)
    else:
        count = max(1, round(float(span.duration_s) * ONSET_FPS))
        times = shown = (np.arange(count) + 0.5) * float(span.duration_s) / count
    unit_scale = "pixel_range" not in settings.quirks
    found = [_onset_chunk(span, shown, first, model, unit_scale) for first in range(0, len(shown), _CHUNK_FRAMES)]
    return Stream(values=np.concatenate(found), times_s=times)


def _onset_chunk(
    span: MediaSpan, shown: NDArray[np.float64], first: int, model: ModelComponents, unit_scale: bool
) -> NDArray[np.float32]:
    """Probabilities of one chunk of frames, which is looked at with all the neighbours that it can see."""
    begin = max(0, first - ONSET_REACH_FRAMES)
    seen = shown[begin : first + _CHUNK_FRAMES + ONSET_REACH_FRAMES]
    pixels = decode_span(span, times_s=seen, size=ONSET_PIXELS, whole=True).pixels
    likely = onset_probability(model.onset_detector, pixels, unit_scale=unit_scale)
    return likely[first - begin :][:_CHUNK_FRAMES]


# Ways of looking by name; each has a clock of its own.
STREAMS: dict[str, Callable[[MediaSpan, ModelComponents, Settings], Stream]] = {"clip": _clip, "onset": _onset}

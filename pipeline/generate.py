"""The paper on one screen: a shot and a label in, a take out.

    encode   the shot's frames through CLIP                                        II-B
    detect   when and how loud the label sounds in them                            II-C
    make     text, frames (eq. 2) and the on/off track steer the denoising; latents to a mel picture to a wave:
             what the model's family does (generators/)                            II-A, II-B, II-C
    finish   to the delivery rate, silent where nothing is to sound

Work is done once: features by what is looked at, takes by everything that decides how they sound. A take depends on
its request alone, never on what else is made, in which order, or where.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.clip_store import ClipStore, FeatureStore, put_or_set_aside
from pipeline.curve import curve_of
from pipeline.detect import detect as detect_label
from pipeline.detect import from_spans, spot, summary, throughout
from pipeline.encode import encode_shot
from pipeline.errors import OutOfMemoryError, OutputError
from pipeline.finish import delivered, mixed
from pipeline.generators.base import SoundOrder
from pipeline.generators.components import ModelComponents
from pipeline.records import (
    SAMPLE_RATE_HZ,
    ClipReceipt,
    FoleyClip,
    FoleyRequest,
    MediaSpan,
    ShotFeatures,
    TemporalCondition,
    feature_key,
)
from pipeline.runtime import parallel_takes, pin_threads
from pipeline.scoring import longest_gap_s, score_clip
from pipeline.settings import Settings
from pipeline.silence import finished

__all__ = ["detect", "encode", "generate_takes", "make_take", "make_takes", "spot"]

log = logging.getLogger(__name__)

# Some noises leave a sound out where it begins or ends: the next one is tried, and the take with the shortest gap kept.
_ATTEMPTS, _LONGEST_GAP_S = 3, 0.2
_NEXT_NOISE = 0x9E3779B97F4A7C15

Asked = tuple[FoleyRequest, ShotFeatures, TemporalCondition]
Made = tuple[FoleyClip, TemporalCondition]


@torch.inference_mode()
def encode(span: MediaSpan, model: ModelComponents, features: FeatureStore, settings: Settings) -> ShotFeatures:
    """The CLIP features of what the audience sees, from the store when they are there. Raises MediaError."""
    pin_threads(model.threads_per_take)
    key = feature_key(span, model.digest, settings.encode_digest())
    known = features.find(key)
    if known is not None:
        return known
    seen = encode_shot(span, model, settings)
    try:
        features.put(key, seen)
    except OutputError as error:
        log.info("what was seen is not kept: %s", error)  # it is looked at again when it is needed
    return seen


def detect(
    request: FoleyRequest, features: ShotFeatures, model: ModelComponents, settings: Settings
) -> TemporalCondition:
    """When the request's label sounds, or when a person said that it does: somewhere at least, if one ordered it."""
    condition = detect_label(features, request.label, model, settings)
    if request.spans_s is not None:
        return from_spans(condition, request.spans_s)
    return throughout(condition) if request.ordered and not condition.active.any() else condition


def make_take(request: FoleyRequest, features: ShotFeatures, model: ModelComponents, settings: Settings) -> Made:
    """One take of one cue, and when it was found to sound. Where nothing sounds the take is digital silence."""
    return make_takes([request], [features], model, settings)[0]


@torch.inference_mode()
def make_takes(
    requests: Sequence[FoleyRequest], features: Sequence[ShotFeatures], model: ModelComponents, settings: Settings
) -> list[Made]:
    """Takes made together: their windows share batches, and none depends on the others."""
    pin_threads(model.threads_per_take)
    pairs = zip(requests, features, strict=True)
    asked = [(request, seen, detect(request, seen, model, settings)) for request, seen in pairs]
    takes = [np.zeros((model.channels, _samples_of(request)), dtype=np.float32) for request in requests]
    gaps_s = [math.inf if condition.active.any() else 0.0 for _, _, condition in asked]
    for attempt in range(_ATTEMPTS):
        missing = [number for number, gap_s in enumerate(gaps_s) if gap_s > _LONGEST_GAP_S]
        sounds = _sounds([asked[number] for number in missing], attempt, model, settings)
        for number, samples in zip(missing, sounds, strict=True):
            gap_s = longest_gap_s(mixed(samples), SAMPLE_RATE_HZ, asked[number][2])
            if gap_s < gaps_s[number]:
                takes[number], gaps_s[number] = samples, gap_s
    clips = [FoleyClip(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ) for samples in takes]
    return [(clip, condition) for clip, (_, _, condition) in zip(clips, asked, strict=True)]


def _sounds(
    asked: Sequence[Asked], attempt: int, model: ModelComponents, settings: Settings
) -> list[NDArray[np.float32]]:
    """Samples (C, N) of each at SAMPLE_RATE_HZ; every attempt begins with other noise."""
    orders = [
        SoundOrder(
            label=request.label,
            seed=(request.seed + attempt * _NEXT_NOISE) % 2**63,
            features=seen,
            condition=condition,
            duration_s=request.span.duration_s,
        )
        for request, seen, condition in asked
    ]
    made = model.make(orders, settings) if orders else []
    return [
        finished(delivered(wave, model.sample_rate_hz, _samples_of(request)), condition)
        for wave, (request, _, condition) in zip(made, asked, strict=True)
    ]


def _samples_of(request: FoleyRequest) -> int:
    return math.ceil(request.span.duration_s * SAMPLE_RATE_HZ)


def generate_takes(
    requests: Sequence[FoleyRequest],
    model: ModelComponents,
    settings: Settings,
    features: FeatureStore,
    clips: ClipStore,
    on_done: Callable[[ClipReceipt], None] | None = None,
) -> list[ClipReceipt]:
    """Make the takes that are not in the store yet; receipts in the order of the requests.

    On a GPU they are made together; on a CPU one by one, those of a small model side by side, one thread each.
    The first error ends the call; takes made before it stay in the store.
    """

    def some(group: Sequence[FoleyRequest]) -> list[ClipReceipt]:
        receipts = _make_and_keep(group, model, settings, features, clips)
        if on_done is not None:
            for receipt in receipts:
                on_done(receipt)
        return receipts

    together = len(requests) if model.takes_together else 1
    groups = [requests[first : first + together] for first in range(0, len(requests), max(1, together))]
    workers = min(parallel_takes(model.device, model.threads_per_take), len(groups))
    if workers <= 1:
        return [receipt for group in groups for receipt in some(group)]
    with ThreadPoolExecutor(workers, thread_name_prefix="take") as pool:
        return [receipt for receipts in pool.map(some, groups) for receipt in receipts]


def _make_and_keep(
    requests: Sequence[FoleyRequest],
    model: ModelComponents,
    settings: Settings,
    features: FeatureStore,
    clips: ClipStore,
) -> list[ClipReceipt]:
    found = {request.key(): clips.find(request.key()) for request in requests}
    missing = list({request.key(): request for request in requests if found[request.key()] is None}.values())
    started = time.monotonic()
    seen = [encode(request.span, model, features, settings) for request in missing]
    try:
        made = make_takes(missing, seen, model, settings)
    except torch.OutOfMemoryError as error:
        labels = ", ".join(repr(request.label) for request in missing)
        raise OutOfMemoryError(f"{model.device} ran out of memory while making {labels}") from error
    seconds = (time.monotonic() - started) / max(1, len(missing))
    for request, (clip, condition) in zip(missing, made, strict=True):
        heard = summary(condition)
        score = score_clip(clip, condition, request.label, model.audio_classifier)
        found[request.key()] = put_or_set_aside(
            clips,
            request.key(),
            clip,
            active_spans_s=heard.active_spans_s,
            confidence=heard.confidence,
            seconds=seconds,
            score=score,
            unseen=heard.unseen,
            curve=curve_of(condition, settings),
        )
    return [receipt for request in requests if (receipt := found[request.key()]) is not None]

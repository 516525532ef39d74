"""The paper on one screen: a shot and a label in, a take out.

    look     the shot's frames through CLIP                                       II-B
    listen   when and how loud the label sounds in them                           II-C
    compose  text, frames (eq. 2) and the on/off track steer the denoising        II-A, II-B, II-C
    voice    latents to a mel picture to a wave, at the delivery rate

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
from torch import Tensor

from pipeline.clip_store import ClipStore, FeatureStore, put_or_set_aside
from pipeline.curve import curve_of
from pipeline.denoise import DenoisingPlan, denoise, plan_denoising
from pipeline.detect import detect, spot, summary, switched, throughout
from pipeline.encode import encode_shot
from pipeline.errors import OutOfMemoryError, OutputError
from pipeline.finish import to_delivery_rate
from pipeline.legacy import wrapping_int16
from pipeline.nets.bundle import Bundle
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
from pipeline.scoring import judge, longest_gap_s
from pipeline.settings import Settings
from pipeline.silence import finished

__all__ = ["compose", "generate_takes", "listen", "look", "make_take", "make_takes", "spot", "voice"]

log = logging.getLogger(__name__)

# Some noises leave a sound out where it begins or ends: the next one is tried, and the take with the shortest gap kept.
_ATTEMPTS, _LONGEST_GAP_S = 3, 0.2
_NEXT_NOISE = 0x9E3779B97F4A7C15

Asked = tuple[FoleyRequest, ShotFeatures, TemporalCondition]
Made = tuple[FoleyClip, TemporalCondition]


@torch.inference_mode()
def look(span: MediaSpan, bundle: Bundle, features: FeatureStore, settings: Settings) -> ShotFeatures:
    """The CLIP features of what the audience sees, from the store when they are there. Raises MediaError."""
    pin_threads(bundle.threads_per_take)
    key = feature_key(span, bundle.digest, settings.look_digest())
    known = features.find(key)
    if known is not None:
        return known
    seen = encode_shot(span, bundle, settings)
    try:
        features.put(key, seen)
    except OutputError as error:
        log.info("what was seen is not kept: %s", error)  # it is looked at again when it is needed
    return seen


def listen(request: FoleyRequest, features: ShotFeatures, bundle: Bundle, settings: Settings) -> TemporalCondition:
    """When the request's label sounds, or when a person said that it does: somewhere at least, if one ordered it."""
    condition = detect(features, request.label, bundle, settings)
    if request.spans_s is not None:
        return switched(condition, request.spans_s)
    return throughout(condition) if request.ordered and not condition.active.any() else condition


def compose(plans: Sequence[DenoisingPlan], bundle: Bundle, settings: Settings) -> list[Tensor]:
    """What is asked of each take -> its latents (1, C, rows, columns)."""
    return denoise(plans, bundle, settings)


def voice(latents: Tensor, count: int, bundle: Bundle, settings: Settings) -> NDArray[np.float32]:
    """Latents -> exactly `count` samples at SAMPLE_RATE_HZ, float32 mono."""
    with bundle.visiting("codec"):
        picture = bundle.codec.decode(latents)
    wave = bundle.vocoder(picture)[0].float().cpu().numpy()
    if "int16" in settings.quirks:
        wave = wrapping_int16(wave).astype(np.float32) / 32768
    return to_delivery_rate(wave, bundle.grid.sample_rate_hz, count)


def make_take(request: FoleyRequest, features: ShotFeatures, bundle: Bundle, settings: Settings) -> Made:
    """One take of one cue, and when it was found to sound. Where nothing sounds the take is digital silence."""
    return make_takes([request], [features], bundle, settings)[0]


@torch.inference_mode()
def make_takes(
    requests: Sequence[FoleyRequest], features: Sequence[ShotFeatures], bundle: Bundle, settings: Settings
) -> list[Made]:
    """Takes made together: their windows share batches, and none depends on the others."""
    pin_threads(bundle.threads_per_take)
    pairs = zip(requests, features, strict=True)
    asked = [(request, seen, listen(request, seen, bundle, settings)) for request, seen in pairs]
    takes = [np.zeros(_samples_of(request), dtype=np.float32) for request in requests]
    gaps_s = [math.inf if condition.active.any() else 0.0 for _, _, condition in asked]
    for attempt in range(_ATTEMPTS):
        missing = [number for number, gap_s in enumerate(gaps_s) if gap_s > _LONGEST_GAP_S]
        sounds = _sounds([asked[number] for number in missing], attempt, bundle, settings)
        for number, samples in zip(missing, sounds, strict=True):
            gap_s = longest_gap_s(samples, SAMPLE_RATE_HZ, asked[number][2])
            if gap_s < gaps_s[number]:
                takes[number], gaps_s[number] = samples, gap_s
    clips = [FoleyClip(samples=samples[None], sample_rate_hz=SAMPLE_RATE_HZ) for samples in takes]
    return [(clip, condition) for clip, (_, _, condition) in zip(clips, asked, strict=True)]


def _sounds(asked: Sequence[Asked], attempt: int, bundle: Bundle, settings: Settings) -> list[NDArray[np.float32]]:
    """Samples (N,) of each; every attempt begins with other noise."""
    plans = [
        plan_denoising(
            request.label,
            (request.seed + attempt * _NEXT_NOISE) % 2**63,
            seen,
            condition,
            bundle,
            settings,
            duration_s=request.span.duration_s,
        )
        for request, seen, condition in asked
    ]
    composed = compose(plans, bundle, settings) if plans else []
    return [
        finished(voice(latents, _samples_of(request), bundle, settings), condition)
        for latents, (request, _, condition) in zip(composed, asked, strict=True)
    ]


def _samples_of(request: FoleyRequest) -> int:
    return math.ceil(request.span.duration_s * SAMPLE_RATE_HZ)


def generate_takes(
    requests: Sequence[FoleyRequest],
    bundle: Bundle,
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
        receipts = _make_and_keep(group, bundle, settings, features, clips)
        if on_done is not None:
            for receipt in receipts:
                on_done(receipt)
        return receipts

    together = len(requests) if bundle.windows_at_once > 1 else 1
    groups = [requests[first : first + together] for first in range(0, len(requests), max(1, together))]
    workers = min(parallel_takes(bundle.device, bundle.threads_per_take), len(groups))
    if workers <= 1:
        return [receipt for group in groups for receipt in some(group)]
    with ThreadPoolExecutor(workers, thread_name_prefix="take") as pool:
        return [receipt for receipts in pool.map(some, groups) for receipt in receipts]


def _make_and_keep(
    requests: Sequence[FoleyRequest], bundle: Bundle, settings: Settings, features: FeatureStore, clips: ClipStore
) -> list[ClipReceipt]:
    found = {request.key(): clips.find(request.key()) for request in requests}
    missing = list({request.key(): request for request in requests if found[request.key()] is None}.values())
    started = time.monotonic()
    seen = [look(request.span, bundle, features, settings) for request in missing]
    try:
        made = make_takes(missing, seen, bundle, settings)
    except torch.OutOfMemoryError as error:
        labels = ", ".join(repr(request.label) for request in missing)
        raise OutOfMemoryError(f"{bundle.device} ran out of memory while making {labels}") from error
    seconds = (time.monotonic() - started) / max(1, len(missing))
    for request, (clip, condition) in zip(missing, made, strict=True):
        heard = summary(condition)
        score = judge(clip, condition, request.label, bundle.listener)
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

"""The paper on one screen: a shot and a label in, a take out.

    look     the shot's frames through CLIP                                       II-B
    listen   when and how loud the label sounds in them                           II-C
    compose  text, frames (eq. 2) and the on/off track steer the denoising        II-A, II-B, II-C
    voice    latents to a mel picture to a wave, at the delivery rate

Work is done once: features by what is looked at, takes by everything that decides how they sound. A take depends on
its request alone, never on what else is made, in which order, or where.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.clip_store import ClipStore, FeatureStore
from pipeline.denoise import denoise, plan_denoising
from pipeline.detect import detect, spot, summary, switched
from pipeline.encode import encode_shot
from pipeline.errors import OutOfMemoryError
from pipeline.finish import to_delivery_rate
from pipeline.nets.bundle import Bundle
from pipeline.nets.listener import listener_for
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
from pipeline.scoring import judge
from pipeline.settings import Settings

__all__ = ["compose", "generate_takes", "listen", "look", "make_take", "spot", "voice"]

listen = detect


def look(span: MediaSpan, bundle: Bundle, features: FeatureStore) -> ShotFeatures:
    """The CLIP features of what the audience sees, from the store when they are there. Raises MediaError."""
    pin_threads()
    key = feature_key(span, bundle.digest)
    known = features.find(key)
    if known is not None:
        return known
    seen = encode_shot(span, bundle)
    features.put(key, seen)
    return seen


def compose(
    label: str, seed: int, features: ShotFeatures, condition: TemporalCondition, bundle: Bundle, settings: Settings
) -> Tensor:
    """Features, label and on/off track -> latents (1, C, rows, columns)."""
    plan = plan_denoising(label, seed, features, condition, bundle, settings)
    return denoise(plan, bundle, settings)


def voice(latents: Tensor, count: int, bundle: Bundle) -> NDArray[np.float32]:
    """Latents -> exactly `count` samples at SAMPLE_RATE_HZ, float32 mono."""
    picture = bundle.codec.decode(latents)
    wave = bundle.vocoder(picture)[0].float().cpu().numpy()
    return to_delivery_rate(wave, bundle.grid.sample_rate_hz, count)


@torch.inference_mode()
def make_take(
    request: FoleyRequest, features: ShotFeatures, bundle: Bundle, settings: Settings
) -> tuple[FoleyClip, TemporalCondition]:
    """One take of one cue, and when it was found to sound. Where nothing sounds the take is digital silence."""
    pin_threads()
    count = math.ceil(request.span.duration_s * SAMPLE_RATE_HZ)
    condition = listen(features, request.label, bundle, settings)
    if request.spans_s is not None:
        condition = switched(condition, request.spans_s)
    if condition.active.any():
        latents = compose(request.label, request.seed, features, condition, bundle, settings)
        samples = voice(latents, count, bundle)
    else:
        samples = np.zeros(count, dtype=np.float32)
    return FoleyClip(samples=samples[None], sample_rate_hz=SAMPLE_RATE_HZ), condition


def generate_takes(
    requests: Sequence[FoleyRequest],
    bundle: Bundle,
    settings: Settings,
    features: FeatureStore,
    clips: ClipStore,
    on_done: Callable[[ClipReceipt], None] | None = None,
) -> list[ClipReceipt]:
    """Make the takes that are not in the store yet; receipts in the order of the requests.

    Takes run side by side, one thread each. The first error ends the call; takes made before it stay in the store.
    """

    def one(request: FoleyRequest) -> ClipReceipt:
        receipt = _make_and_keep(request, bundle, settings, features, clips)
        if on_done is not None:
            on_done(receipt)
        return receipt

    workers = min(parallel_takes(bundle.device), len(requests))
    if workers <= 1:
        return [one(request) for request in requests]
    with ThreadPoolExecutor(workers, thread_name_prefix="take") as pool:
        return list(pool.map(one, requests))


def _make_and_keep(
    request: FoleyRequest, bundle: Bundle, settings: Settings, features: FeatureStore, clips: ClipStore
) -> ClipReceipt:
    key = request.key()
    made = clips.find(key)
    if made is not None:
        return made
    started = time.monotonic()
    seen = look(request.span, bundle, features)
    try:
        clip, condition = make_take(request, seen, bundle, settings)
    except torch.cuda.OutOfMemoryError as error:
        raise OutOfMemoryError(f"the GPU ran out of memory while making {request.label!r}") from error
    score = judge(clip, condition, request.label, listener_for(bundle.card.folder, bundle.card.structure, bundle.mel))
    found = summary(condition)
    return clips.put(
        key,
        clip,
        active_spans_s=found.active_spans_s,
        confidence=found.confidence,
        seconds=time.monotonic() - started,
        score=score,
    )

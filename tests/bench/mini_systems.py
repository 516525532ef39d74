"""The systems the benchmark sets side by side. They differ in settings, and the controls in who says when it sounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from flows.shot_job import seed_of_take
from pipeline.decode import decode_span
from pipeline.detect import detect
from pipeline.finish import to_delivery_rate
from pipeline.generate import Made
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.nets.label_free import LabelFreeDetector, grey
from pipeline.nets.strict import load_into
from pipeline.records import SAMPLE_RATE_HZ, FoleyClip, ShotFeatures, TemporalCondition
from pipeline.runtime import pin_threads
from pipeline.scoring import score_clip
from tests.bench.mini_scenes import HeldOutScene
from tests.bench.voiced import voiced

Listen = Callable[[HeldOutScene, ShotFeatures, AuffusionGenerator, AuffusionSettings], TemporalCondition]


def by_label(
    held_out: HeldOutScene, features: ShotFeatures, bundle: AuffusionGenerator, settings: AuffusionSettings
) -> TemporalCondition:
    """The product's own detector."""
    return detect(features, held_out.target.label, bundle, settings)


def label_free(kind: str) -> Listen:
    """A control that sees the pixels and no label: "onset" or "presence"."""

    @torch.inference_mode()
    def listen(
        held_out: HeldOutScene, features: ShotFeatures, bundle: AuffusionGenerator, settings: AuffusionSettings
    ) -> TemporalCondition:
        detector = load_into(LabelFreeDetector, bundle.card.folder / f"controls/{kind}.safetensors")
        last = float(held_out.span.duration_s) - 0.008
        times = np.minimum(features.clip.times_s, last)
        pixels = decode_span(held_out.span, times_s=times, size=bundle.clip.image_size).pixels
        chance = torch.sigmoid(detector(grey(torch.from_numpy(pixels))[None]))[0].numpy()
        return TemporalCondition(similarity=chance, active=chance >= 0.5, times_s=features.clip.times_s)

    return listen


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A row of the table."""

    name: str
    settings: AuffusionSettings
    listen: Listen = by_label


def systems(ours: AuffusionSettings) -> tuple[System, ...]:
    """All rows; `ours` are the model's own settings."""
    on_off = replace(ours, use_level=False)
    clip_wise = replace(on_off, frame_attention="clip_wise")
    paper = replace(on_off, frame_attention="literal", detector="linear", median_frames=1)
    return (
        System(name="text only", settings=replace(ours, frame_attention="off", temporal_scale=0.0, detector="always")),
        System(name="clip-wise + label-free onset (FoleyCrafter)", settings=clip_wise, listen=label_free("onset")),
        System(name="clip-wise + label-free presence", settings=clip_wise, listen=label_free("presence")),
        System(name="literal eq. (2) + linear label (paper)", settings=paper),
        System(name="ours, on/off only", settings=on_off),
        System(name="ours", settings=ours),
    )


def best_of(
    takes: int, system: System, held_out: HeldOutScene, features: ShotFeatures, bundle: AuffusionGenerator, seed: int
) -> FoleyClip:
    """The take that a pass with `--takes` would lay, at the delivery rate; silence where nothing is found to sound."""
    made = [_take(system, held_out, features, bundle, seed_of_take(seed, take)) for take in range(1, takes + 1)]

    def total(one: Made) -> float:
        clip, condition = one
        return score_clip(clip, condition, held_out.target.label, bundle.audio_classifier).total

    return max(made, key=total)[0]


@torch.inference_mode()
def _take(
    system: System, held_out: HeldOutScene, features: ShotFeatures, bundle: AuffusionGenerator, seed: int
) -> Made:
    pin_threads()
    settings, label, duration_s = system.settings, held_out.target.label, held_out.span.duration_s
    count = math.ceil(duration_s * SAMPLE_RATE_HZ)
    condition = system.listen(held_out, features, bundle, settings)
    if condition.active.any():
        plan = plan_denoising(label, seed, features, condition, bundle, settings, duration_s=duration_s)
        samples = voiced(denoise([plan], bundle, settings)[0], count, bundle, settings)
    else:
        samples = np.zeros(count, dtype=np.float32)
    return FoleyClip(samples=samples[None], sample_rate_hz=SAMPLE_RATE_HZ), condition


@torch.inference_mode()
def codec_ceiling(held_out: HeldOutScene, bundle: AuffusionGenerator) -> FoleyClip:
    """The true sound through VAE and vocoder: no system can be better than this."""
    pin_threads()
    grid = bundle.grid
    sound = torch.from_numpy(held_out.sound())
    padded = torch.zeros(grid.samples_for(grid.latents_for(held_out.span.duration_s)))
    length = min(len(sound), len(padded))
    padded[:length] = sound[:length]
    latents = bundle.codec.encode(bundle.mel.picture(padded)[None])
    count = math.ceil(held_out.span.duration_s * SAMPLE_RATE_HZ)
    return FoleyClip(samples=voiced(latents, count, bundle, bundle.card.settings)[None], sample_rate_hz=SAMPLE_RATE_HZ)


def true_sound(held_out: HeldOutScene, bundle: AuffusionGenerator) -> FoleyClip:
    """The true stem at the delivery rate."""
    count = math.ceil(held_out.span.duration_s * SAMPLE_RATE_HZ)
    samples = to_delivery_rate(held_out.sound(), bundle.grid.sample_rate_hz, count)
    return FoleyClip(samples=samples[None], sample_rate_hz=SAMPLE_RATE_HZ)

"""What each switch gains and what it changes: the same shots, noise and sampler with one setting different at a time.

    python -m tests.bench.published_switches MODEL MOVIE OUT.json --shots 0:5 --steps 12

The baseline is float32 with every switch off. Gains are of processor time, errors the relative rms difference of the
final latents from the baseline's, over all shots.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pipeline.decode import decode_span
from pipeline.detect import detect
from pipeline.encode import encode_shot
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.near_duplicates import kept_frames
from pipeline.records import MediaSpan, ShotFeatures
from pipeline.runtime import pin_threads
from tests.bench.published_case import load_everything, spans_of

DEFAULT = {"guidance_until": 0.5, "temporal_until": 0.6, "near_duplicate_levels": 2.0}
# Every row is the one named first with these settings changed.
SWITCHES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("precision=bfloat16", "float32", {"precision": "bfloat16"}),
    ("clip_weights=int8", "float32", {"clip_weights": "int8"}),
    ("temporal_until=0.8", "precision=bfloat16", {"temporal_until": 0.8}),
    ("temporal_until=0.6", "precision=bfloat16", {"temporal_until": 0.6}),
    ("guidance_until=0.8", "precision=bfloat16", {"guidance_until": 0.8}),
    ("guidance_until=0.6", "precision=bfloat16", {"guidance_until": 0.6}),
    ("guidance_until=0.5", "precision=bfloat16", {"guidance_until": 0.5}),
    ("guidance_from=0.15", "precision=bfloat16", {"guidance_from": 0.15}),
    ("temporal_until=0.5", "precision=bfloat16", {"temporal_until": 0.5}),
    ("all of the default", "precision=bfloat16", DEFAULT),
    ("feature_reuse=2", "precision=bfloat16", {"feature_reuse": 2}),
    ("feature_reuse=3", "precision=bfloat16", {"feature_reuse": 3}),
    ("clip_fps=8", "precision=bfloat16", {"clip_fps": 8.0}),
    ("clip_fps=4", "precision=bfloat16", {"clip_fps": 4.0}),
    ("near_duplicate_levels=2", "precision=bfloat16", {"near_duplicate_levels": 2.0}),
    ("near_duplicate_levels=4", "precision=bfloat16", {"near_duplicate_levels": 4.0}),
    ("frame_attention=clip_wise", "precision=bfloat16", {"frame_attention": "clip_wise"}),
    # Against a baseline of many steps (--steps 50): how far fewer are from it.
    *((f"steps={steps}", "float32", {"steps": steps}) for steps in (8, 10, 12, 16, 25)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all rows that are asked for."""
    told = _options(arguments)
    spans = spans_of(told.movie, told.shots)
    plain = replace(
        _settings(told.model, told.steps), precision="float32", clip_fps=told.clip_fps, near_duplicate_levels=0.0
    )
    made: dict[str, Any] = {"float32": _made(told.model, plain, spans, told.label)}
    rows = [_row("float32", "float32", made)]
    all_settings = {"float32": plain}
    for name, over, changes in SWITCHES:
        if over not in made or not name.startswith(tuple(told.only)):
            continue
        all_settings[name] = replace(all_settings[over], **changes)
        made[name] = _made(told.model, all_settings[name], spans, told.label)
        rows.append(_row(name, over, made))
        told.out.write_text(json.dumps(rows, indent=2), encoding="utf-8")


def _settings(model: str, steps: int) -> AuffusionSettings:
    settings = load_auffusion(model, device="cpu", verify=False).card.settings
    off = {"temporal_until": 1.0, "guidance_from": 0.0, "guidance_until": 1.0, "feature_reuse": 1}
    return replace(settings, sampler="dpm++", steps=steps or settings.steps, **off)


@torch.inference_mode()
def _made(model: str, settings: AuffusionSettings, spans: Sequence[MediaSpan], label: str) -> dict[str, Any]:
    bundle = load_auffusion(model, device="cpu", precision=settings.precision, verify=False)
    load_everything(bundle, settings)
    pin_threads(bundle.threads_per_take)
    seen, looking = _looked(bundle, settings, spans)
    plans = [
        plan_denoising(label, seed, features, detect(features, label, bundle, settings), bundle, settings)
        for seed, features in enumerate(seen)
    ]
    planned, planned_wall = time.process_time(), time.perf_counter()
    latents = denoise(plans, bundle, settings)
    return {
        "latents": latents,
        "look": looking,
        "denoise": time.process_time() - planned,
        "denoise wall": time.perf_counter() - planned_wall,
        "notes": _kept(bundle, settings, spans) if settings.near_duplicate_levels else "",
    }


_looks: dict[tuple[str, ...], tuple[list[ShotFeatures], float]] = {}


def _looked(
    bundle: AuffusionGenerator, settings: AuffusionSettings, spans: Sequence[MediaSpan]
) -> tuple[list[ShotFeatures], float]:
    """What is seen in the shots and the core seconds it took; rows that look alike share it."""
    key = (bundle.name, str(bundle.dtype), settings.encode_digest())
    if key not in _looks:
        started = time.process_time()
        seen = [encode_shot(span, bundle, settings) for span in spans]
        _looks[key] = seen, time.process_time() - started
    return _looks[key]


def _kept(bundle: AuffusionGenerator, settings: AuffusionSettings, spans: Sequence[MediaSpan]) -> str:
    kept = total = 0
    for span in spans:
        grid = bundle.grid.at_fps(settings.clip_fps)
        times = grid.frame_times(grid.frames_of(span.duration_s))
        pixels = decode_span(span, times_s=times, size=bundle.clip.image_size).pixels
        kept, total = kept + len(kept_frames(pixels, settings.near_duplicate_levels)[0]), total + len(times)
    return f"{kept} of {total} frames looked at"


def _row(name: str, over: str, made: dict[str, Any]) -> dict[str, Any]:
    this, base, plain = made[name], made[over], made["float32"]
    row = {
        "name": name,
        "look": this["look"],
        "denoise": this["denoise"],
        "denoise wall": this["denoise wall"],
        "look gain": base["look"] / this["look"],
        "denoise gain": base["denoise"] / this["denoise"],
        "error": _error(this["latents"], plain["latents"]),
        "error of the switch": _error(this["latents"], base["latents"]),
        "notes": this["notes"],
    }
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()
    return row


def _error(these: Sequence[torch.Tensor], those: Sequence[torch.Tensor]) -> float:
    if any(a.shape != b.shape for a, b in zip(these, those, strict=True)):
        return float("nan")  # another canvas, another noise: another sound
    difference = sum(float((a - b).double().square().sum()) for a, b in zip(these, those, strict=True))
    return float((difference / sum(float(b.double().square().sum()) for b in those)) ** 0.5)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("movie", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--label", default="train passing")
    parser.add_argument("--shots", default="0:5")
    parser.add_argument("--steps", type=int, default=0, help="0 for the model's own")
    parser.add_argument("--clip-fps", type=float, default=0.0, help="of the baseline")
    usual = [name for name, _, _ in SWITCHES if not name.startswith("steps")]
    parser.add_argument("--only", nargs="+", default=usual, help="rows whose names begin so")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

"""`make bench-gpu`: shots of ten seconds on a CUDA GPU, in batches of 1, 8 and 32, beside the card's own matrix rate.

Full-size networks with random weights, the settings that FoleyCrafter's card brings. "of the rate" is what the
denoising networks reach of the floating-point operations per second that one large matrix product reaches.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.encode import encode_shot
from pipeline.errors import PipelineError
from pipeline.generators.auffusion.denoise import DenoisingPlan, denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.probe import probe_movie
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan, ShotFeatures, TemporalCondition
from tests.bench.full_size import install_random
from tests.bench.noisy_movie import LABEL, film
from tests.bench.voiced import voiced

Result = TypeVar("Result")

_SHOT_S = 10
_MATRIX = 8192
_PICTURE = {"full": (1280, 720), "tiny": (160, 90)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or say in one sentence why there is none."""
    told = _options(arguments)
    if told.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("make bench-gpu needs a CUDA GPU and torch finds none; nothing was measured")
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as name:
        folder = Path(name)
        model = told.model or install_random(folder / "model", told.size)
        movie = film(folder / "movie.mp4", seconds=told.seconds + 1, size=_PICTURE[told.size])
        try:
            bundle = load_auffusion(str(model), device=told.device, precision=told.dtype, verify=False)
            _table(bundle, movie, told)
        except PipelineError as error:
            sys.exit(f"bench-gpu stopped: {error}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--size", default="full", choices=("tiny", "full"))
    parser.add_argument("--model", type=Path, help="folder of an installed model; random weights otherwise")
    parser.add_argument("--steps", type=int, default=0, help="0 for the model's own")
    parser.add_argument("--seconds", type=int, default=_SHOT_S, help="length of a shot")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    return parser.parse_args(arguments)


@torch.inference_mode()
def _table(bundle: AuffusionGenerator, movie: Path, told: argparse.Namespace) -> None:
    settings = bundle.card.settings.changed({"steps": str(told.steps)} if told.steps else {})
    rate = matrix_rate(bundle.device, bundle.dtype)
    span = MediaSpan(
        path=movie, digest=probe_movie(movie).digest, start_s=Fraction(0), duration_s=Fraction(told.seconds)
    )
    encode_shot(span, bundle, settings)
    looking, features = _timed(lambda: encode_shot(span, bundle, settings), bundle.device)
    sys.stdout.write(f"{_named(bundle.device)}, {settings.steps} steps of {settings.sampler}, {bundle.dtype}\n")
    sys.stdout.write(f"matrix products of {_MATRIX}: {rate / 1e12:.0f} TFLOP/s; looking: {looking:.2f} s a shot\n\n")
    sys.stdout.write(
        f"| shots at once | s per {told.seconds} s shot | times real time | TFLOP/s | of the rate | peak MB |\n"
    )
    sys.stdout.write("| ---: | ---: | ---: | ---: | ---: | ---: |\n")
    for batch in told.batches:
        sys.stdout.write(_row(batch, told.seconds, looking, features, rate, bundle, settings) + "\n")
        sys.stdout.flush()


def _row(
    batch: int,
    seconds: int,
    looking: float,
    features: ShotFeatures,
    rate: float,
    bundle: AuffusionGenerator,
    settings: AuffusionSettings,
) -> str:
    plans = [_plan(seed, features, bundle, settings) for seed in range(batch)]
    bundle.windows_at_once = batch
    with FlopCounterMode(display=False) as counter:  # which also warms the kernels up
        denoise(plans, bundle, settings)
    if bundle.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bundle.device)
    denoising, latents = _timed(lambda: denoise(plans, bundle, settings), bundle.device)
    count = seconds * SAMPLE_RATE_HZ
    voicing, _ = _timed(lambda: [voiced(one, count, bundle, settings) for one in latents], bundle.device)
    reached = counter.get_total_flops() / denoising
    per_shot = looking + (denoising + voicing) / batch
    shares = f"{reached / 1e12:.1f} | {reached / rate:.0%}"
    at_once = f"{batch}" if bundle.windows_at_once == batch else f"{batch} (memory: {bundle.windows_at_once})"
    return f"| {at_once} | {per_shot:.2f} | {seconds / per_shot:.1f} | {shares} | {_peak_mb(bundle.device):.0f} |"


def _plan(seed: int, features: ShotFeatures, bundle: AuffusionGenerator, settings: AuffusionSettings) -> DenoisingPlan:
    active = np.ones(len(features.clip.times_s), bool)
    condition = TemporalCondition(similarity=active.astype(np.float32), active=active, times_s=features.clip.times_s)
    return plan_denoising(LABEL, seed, features, condition, bundle, settings)


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of one large matrix product, the best of three."""
    size = _MATRIX if device.type == "cuda" else _MATRIX // 8
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    a @ b
    return 2 * size**3 / min(_timed(lambda: a @ b, device)[0] for _ in range(3))


def _timed(work: Callable[[], Result], device: torch.device) -> tuple[float, Result]:
    """Seconds until the device is done, and what came out."""
    started = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, result


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _peak_mb(device: torch.device) -> float:
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else float("nan")


if __name__ == "__main__":
    main()

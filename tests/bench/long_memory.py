"""`python -m tests.bench.long_memory MOVIE LABEL SECONDS`: one take of so many seconds, stage by stage, as JSON.

Per stage: its seconds, and the peak of resident memory in MB over what the loaded model takes.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import torch

from pipeline.detect import detect
from pipeline.encode import encode_shot
from pipeline.generators.auffusion.denoise import DenoisingPlan, denoise, plan_denoising
from pipeline.generators.auffusion.generator import load_auffusion
from pipeline.probe import probe_movie
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan, ShotFeatures, TemporalCondition
from pipeline.runtime import pin_threads
from tests.bench.voiced import voiced

Result = TypeVar("Result")


@torch.inference_mode()
def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line of JSON."""
    asked = sys.argv[1:] if arguments is None else arguments
    movie, label, seconds = Path(asked[0]), asked[1], Fraction(asked[2])
    bundle = load_auffusion("mini", device="cpu")
    pin_threads(bundle.threads_per_take)
    settings, digest = bundle.card.settings, probe_movie(movie).digest
    idle_mb, stages = _resident_mb("VmRSS"), {}

    def staged(name: str, work: Callable[[], Result]) -> Result:
        _forget_peak()
        started = time.perf_counter()
        result = work()
        stages[name] = {"seconds": time.perf_counter() - started, "peak_mb": _resident_mb("VmHWM") - idle_mb}
        return result

    def plan(features: ShotFeatures, condition: TemporalCondition) -> DenoisingPlan:
        return plan_denoising(label, 1, features, condition, bundle, settings)

    def take(span: MediaSpan) -> None:
        features = staged("look", lambda: encode_shot(span, bundle, settings))
        condition = staged("listen", lambda: detect(features, label, bundle, settings))
        latents = staged("compose", lambda: denoise([plan(features, condition)], bundle, settings)[0])
        staged("voice", lambda: voiced(latents, math.ceil(span.duration_s * SAMPLE_RATE_HZ), bundle, settings))

    span = MediaSpan(path=movie, digest=digest, start_s=Fraction(0), duration_s=Fraction(1))
    take(span)  # what is loaded at first use is loaded now
    idle_mb = _resident_mb("VmRSS")
    take(MediaSpan(path=movie, digest=digest, start_s=Fraction(0), duration_s=seconds))
    sys.stdout.write(json.dumps({"model_mb": idle_mb, "stages": stages}) + "\n")


def _resident_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def _forget_peak() -> None:
    """Linux: start the peak anew from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


if __name__ == "__main__":
    main()

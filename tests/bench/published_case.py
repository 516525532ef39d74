"""Our pipeline with one set of settings in a process of its own, timed part by part: see bench_published.py.

    python -m tests.bench.published_case MODEL MOVIE OUT --set sampler=pndm --set steps=25 --shots 0:10

Writes OUT/ours.json (seconds) and OUT/ours.npz (what came out for the first shot).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flows.options import PassOptions
from flows.planning.number_format import settled
from pipeline.detect import detect
from pipeline.encode import encode_shot
from pipeline.generators.auffusion import window_batch
from pipeline.generators.auffusion.denoise import denoise, plan_denoising
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.generators.auffusion.settings import AuffusionSettings
from pipeline.probe import probe_movie
from pipeline.records import SAMPLE_RATE_HZ, MediaSpan, ShotFeatures, TemporalCondition, clip_features
from pipeline.runtime import best_device_in_words, pin_threads
from tests.bench.plain_reference import timed
from tests.bench.voiced import voiced

Arrays = dict[str, Any]  # numpy arrays


@dataclass(slots=True)
class Notes:
    """What is noted on the way: evaluations, pictures that went through CLIP, the first shot's results."""

    evaluations: int = 0
    looked_at: int = 0
    arrays: Arrays = field(default_factory=dict)

    def keep(self, name: str, value: Tensor | NDArray[np.generic]) -> None:
        """Remember the first value of that name."""
        array = value.float().numpy() if isinstance(value, Tensor) else value
        self.arrays.setdefault(name, np.array(array))


@contextmanager
def noting(bundle: AuffusionGenerator, settings: AuffusionSettings) -> Iterator[Notes]:
    """Watch the networks of a bundle while the block lasts."""
    notes = Notes()
    predict, decode = window_batch.WindowBatches.predict, bundle.codec.decode

    def noted_predict(self: Any, *args: Any) -> list[Tensor]:
        predictions = predict(self, *args)
        notes.keep("prediction", predictions[0])
        notes.evaluations += 1
        return predictions

    def noted_decode(latents: Tensor) -> Tensor:
        picture = decode(latents)
        notes.keep("latents", latents)
        notes.keep("mel", bundle.mel.log_mel(picture))
        return picture

    def count_frames(module: Any, args: Any) -> None:
        notes.looked_at += len(args[0])

    encoders = [bundle.clip, bundle.int8_clip] if settings.clip_weights == "int8" else [bundle.clip]
    hooks = [encoder.tower.register_forward_pre_hook(count_frames) for encoder in encoders]
    window_batch.WindowBatches.predict, bundle.codec.decode = noted_predict, noted_decode  # type: ignore
    try:
        yield notes
    finally:
        window_batch.WindowBatches.predict, bundle.codec.decode = predict, decode  # type: ignore[method-assign]
        for hook in hooks:
            hook.remove()


def load_everything(bundle: AuffusionGenerator, settings: AuffusionSettings) -> None:
    """Read all weights, so that no shot pays for them."""
    if settings.temporal_scale:
        _ = bundle.temporal_adapter
    if settings.clip_weights == "int8":
        _ = bundle.int8_clip
    _ = bundle.clip, bundle.unet, bundle.codec, bundle.vocoder, bundle.text_encoder, bundle.tokenizer
    if settings.frame_attention != "off":
        bundle.frame_adapter(settings.frame_attention)
    if settings.detector in ("onset", "either"):
        _ = bundle.onset_detector


def like_plain(path: Path, settings: AuffusionSettings) -> tuple[ShotFeatures, TemporalCondition]:
    """The embeddings and the row that the plain pipeline found."""
    plain = np.load(path)
    rows = plain["embeddings"]
    times_s = (np.arange(len(rows)) + 0.5) * 10.24 / len(rows)
    active = plain["row"] > 0
    column_s = (np.arange(len(active)) + 0.5) / 100
    features = clip_features(rows, times_s)
    return features, TemporalCondition(similarity=active.astype(np.float32), active=active, times_s=column_s)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make every shot and write down what it took."""
    told = _options(arguments)
    seconds: dict[str, float] = {}
    with timed(seconds, "load"):
        bundle = load_auffusion(told.model, device="cpu", precision=told.dtype, verify=False)
        changed = bundle.card.preset(told.preset).changed(dict(pair.split("=", 1) for pair in told.set))
        settings: Any = settled(changed, PassOptions(device="cpu"))
        load_everything(bundle, settings)
    pin_threads(bundle.threads_per_take)
    with torch.inference_mode(), noting(bundle, settings) as notes:
        for seed, span in enumerate(spans_of(told.movie, told.shots), start=told.seed):
            _make(span, told.label, seed, bundle, settings, notes, seconds, told.conditions)
    told.out.mkdir(parents=True, exist_ok=True)
    np.savez(told.out / "ours.npz", **notes.arrays)
    facts = {
        "seconds": seconds,
        "evaluations": notes.evaluations,
        "looked_at": notes.looked_at,
        "number_format": settings.number_format,
        "processor": best_device_in_words(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "anonymous_peak_mb": _anonymous_mb(),
    }
    (told.out / "ours.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    sys.stdout.write(json.dumps(facts) + "\n")


def _make(
    span: MediaSpan,
    label: str,
    seed: int,
    bundle: AuffusionGenerator,
    settings: AuffusionSettings,
    notes: Notes,
    seconds: dict[str, float],
    conditions: Path | None,
) -> None:
    if conditions:
        features, condition = like_plain(conditions, settings)
    else:
        with timed(seconds, "look"):
            features = encode_shot(span, bundle, settings)
        notes.keep("embeddings", features.clip.values)
        with timed(seconds, "listen"):
            condition = detect(features, label, bundle, settings)
    notes.keep("active", condition.active)
    with timed(seconds, "denoise"):
        plan = plan_denoising(label, seed, features, condition, bundle, settings)
        latents = denoise([plan], bundle, settings)[0]
    with timed(seconds, "voice"):
        notes.keep("wave", voiced(latents, int(span.duration_s * SAMPLE_RATE_HZ), bundle, settings))


def spans_of(movie: Path, shots: str) -> list[MediaSpan]:
    """Shots as "start:length,start:length", in seconds, of a movie."""
    digest = probe_movie(movie).digest
    pairs = [pair.split(":") for pair in shots.split(",")]
    return [
        MediaSpan(path=movie, digest=digest, start_s=Fraction(start), duration_s=Fraction(length))
        for start, length in pairs
    ]


def _anonymous_mb() -> float:
    """Memory now held that is no view of a file, where the system tells."""
    status = Path("/proc/self/status")
    for line in status.read_text(encoding="utf-8").splitlines() if status.exists() else ():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("movie", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--label", default="train passing")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--shots", default="0:10", help="start:length of each in seconds")
    parser.add_argument("--dtype", default=None)
    parser.add_argument("--preset", default=None)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--conditions", type=Path, help="take embeddings and row from this plain.npz")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

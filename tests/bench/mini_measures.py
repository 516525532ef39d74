"""What is measured on the WAV files, per scene, and how scenes are pooled into a row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from pipeline.evaluation.envelope import (
    best_threshold,
    envelope_correlation,
    level_correlation,
    loudness_envelope_db,
    presence_from_envelope,
)
from pipeline.evaluation.metrics import JudgedClips
from pipeline.evaluation.onset_match import OnsetTally, tally_onsets
from pipeline.evaluation.onsets import onset_times_s
from pipeline.evaluation.presence import frame_counts
from pipeline.generators.auffusion.generator import AuffusionGenerator
from pipeline.nets.sound_classifier import SoundClassifier
from pipeline.nets.strict import load_into
from pipeline.scenes.catalogue import SOURCES
from tests.bench.mini_scenes import ENVELOPE_STEP_S, HeldOutScene


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """What is measured of one sound file."""

    right_class: float
    features: NDArray[np.float32]
    envelope_db: NDArray[np.float64]
    envelope: float
    level: float
    onsets: OnsetTally | None


class Listener:
    """Measures sound files against the truth of their scenes."""

    def __init__(self, bundle: AuffusionGenerator) -> None:
        self.mel = bundle.mel
        path = bundle.card.folder / "controls/classifier.safetensors"
        self.classifier = load_into(partial(SoundClassifier, len(SOURCES)), path)

    def hear(self, held_out: HeldOutScene, samples: NDArray[np.float32], sample_rate_hz: int) -> Heard:
        """Measure one file (N,)."""
        features, guess = self._classify(samples, sample_rate_hz)
        truth_db = loudness_envelope_db(held_out.sound(), self.mel.sample_rate_hz, step_s=ENVELOPE_STEP_S)
        heard_db = loudness_envelope_db(samples, sample_rate_hz, step_s=ENVELOPE_STEP_S)
        present = held_out.present(ENVELOPE_STEP_S)
        # A movie holds whole frames, so its sound may end up to a frame before the scene does.
        length = min(len(truth_db), len(heard_db), len(present))
        truth_db, heard_db, present = truth_db[:length], heard_db[:length], present[:length]
        impact = not held_out.target.continuous
        return Heard(
            right_class=float(guess == held_out.class_index) if present.any() else float("nan"),
            features=features,
            envelope_db=heard_db,
            envelope=float("nan") if impact else envelope_correlation(heard_db, truth_db),
            level=float("nan") if impact else level_correlation(heard_db, truth_db, present, step_s=ENVELOPE_STEP_S),
            onsets=_onsets(held_out, samples, sample_rate_hz) if impact else None,
        )

    @torch.inference_mode()
    def _classify(self, samples: NDArray[np.float32], sample_rate_hz: int) -> tuple[NDArray[np.float32], int]:
        wave = soxr.resample(samples, sample_rate_hz, self.mel.sample_rate_hz)
        picture = self.mel.picture(torch.from_numpy(np.ascontiguousarray(wave)))[None]
        guess = int(self.classifier(picture).argmax())
        return self.classifier.features(picture)[0].numpy(), guess


def _onsets(held_out: HeldOutScene, samples: NDArray[np.float32], sample_rate_hz: int) -> OnsetTally:
    true = held_out.scene.actors[0].onset_times_s
    return tally_onsets(onset_times_s(samples, sample_rate_hz), true, tolerance_s=0.1)


def presence_threshold_db(truth: Sequence[Heard], scenes: Sequence[HeldOutScene]) -> float:
    """The loudness from which a sound counts as present: chosen once, on the true sounds."""
    return best_threshold([h.envelope_db for h in truth], [_present(h, s) for h, s in zip(truth, scenes, strict=True)])


def _present(heard: Heard, held_out: HeldOutScene) -> NDArray[np.bool_]:
    return held_out.present(ENVELOPE_STEP_S)[: len(heard.envelope_db)]


def judged(
    heard: Sequence[Heard], truth: Sequence[Heard], scenes: Sequence[HeldOutScene], threshold_db: float
) -> JudgedClips:
    """What was heard of a system's sounds beside the true ones, as the metrics want it."""
    return JudgedClips(
        right_class=np.array([h.right_class for h in heard]),
        envelope=np.array([h.envelope for h in heard]),
        level=np.array([h.level for h in heard]),
        lasting=np.array([s.target.continuous for s in scenes]),
        counts=frame_counts(
            [presence_from_envelope(h.envelope_db, threshold_db) for h in heard],
            [_present(h, s) for h, s in zip(heard, scenes, strict=True)],
        ),
        onsets=tuple(h.onsets for h in heard),
        features=np.stack([h.features for h in heard]),
        true_features=np.stack([h.features for h in truth]),
    )

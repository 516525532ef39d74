"""Hearing what a sound is, without its picture: the audio classifier that a model may bring along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from pipeline.mel import MelScale
from pipeline.nets.sound_classifier import SoundClassifier
from pipeline.nets.strict import load_into
from pipeline.scoring import AudioClassifier
from pipeline.sound_phrases import PHRASES

_CLASSIFIER = "controls/classifier.safetensors"
_WINDOW_S = 10
_LEAST_COLUMNS = 16
_CLASS_OF = {phrase: number for number, phrases in enumerate(PHRASES.values()) for phrase in phrases}


class NullClassifier:
    """The audio classifier of a model that brings none: it knows nothing, and says so."""

    def label_agreement(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """Unknown."""
        return None

    def speech(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """Unknown."""
        return None

    def music(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """Unknown."""
        return None


class SceneAudioClassifier(NullClassifier):
    """Tells the ten sounds of drawn scenes apart. It never met speech or music, so it says nothing of them."""

    def __init__(self, classifier: SoundClassifier, mel: MelScale) -> None:
        self._classifier = classifier
        self._mel = mel

    @torch.inference_mode()
    def label_agreement(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> float | None:
        """The classifier's probability of the label, over windows of ten seconds by their energy; None for silence."""
        wanted = _CLASS_OF.get(label.casefold())
        if wanted is None:
            return None
        heard = [(energy, self._probability(wave, wanted)) for energy, wave in self._windows(samples, rate_hz)]
        power = sum(energy for energy, _ in heard)
        return min(1.0, sum(energy * probability for energy, probability in heard) / power) if power else None

    def _windows(self, samples: NDArray[np.float32], rate_hz: int) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """Stretches at the mel's rate that are not silent, each with its energy."""
        length = _WINDOW_S * rate_hz
        for first in range(0, len(samples), length):
            window = np.nan_to_num(samples[first : first + length], nan=0.0, posinf=1.0, neginf=-1.0)
            energy = float(np.square(window, dtype=np.float64).sum())
            if energy > 0:
                yield energy, soxr.resample(window, rate_hz, self._mel.sample_rate_hz)

    def _probability(self, wave: NDArray[np.float32], wanted: int) -> float:
        least = _LEAST_COLUMNS * self._mel.hop
        padded = np.pad(wave, (0, max(0, least - len(wave))))
        picture = self._mel.picture(torch.from_numpy(padded))[None]
        return float(self._classifier(picture)[0].softmax(-1)[wanted])


def audio_classifier_for(folder: Path, structure: Mapping[str, Any]) -> AudioClassifier:
    """The audio classifier of the model in `folder`: the classifier it brings, or one that knows nothing.

    It runs on the CPU in fp32 wherever the model runs, so that a take's score does not depend on the device.
    Raises WeightsError when the classifier does not fit.
    """
    path = folder / _CLASSIFIER
    return SceneAudioClassifier(_classifier(path), MelScale(**structure["mel"])) if path.is_file() else NullClassifier()


@lru_cache(maxsize=4)
def _classifier(path: Path) -> SoundClassifier:
    return load_into(partial(SoundClassifier, len(PHRASES)), path)

"""The bundled model's classifier names true sounds, and is silent about what it cannot know."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.nets.audio_classifier import audio_classifier_for
from pipeline.scenes.catalogue import SOURCES
from pipeline.scenes.scene import make_scene
from pipeline.scenes.synthesis import SCENE_RATE_HZ
from pipeline.scoring import AudioClassifier
from pipeline.weights.registry import find_model


@pytest.fixture(scope="module")
def classifier() -> AudioClassifier:
    card = find_model("mini")
    return audio_classifier_for(card.folder, card.structure)


@pytest.mark.parametrize("name", ["train", "siren", "rain", "hammer"])
def test_a_true_sound_is_named_and_no_other_label_is(classifier: AudioClassifier, name: str) -> None:
    thing = next(thing for thing in SOURCES if thing.name == name)
    samples = make_scene(7_000_001, 4.096, target=thing, others=()).target_sound()
    agreement = {
        other.name: classifier.label_agreement(samples, SCENE_RATE_HZ, other.label.upper()) or 0 for other in SOURCES
    }
    assert agreement[name] > 0.5
    assert sum(agreement.values()) == pytest.approx(1, abs=1e-4)
    assert classifier.label_agreement(samples, SCENE_RATE_HZ, thing.phrases[1]) == agreement[name]


def test_what_it_cannot_know_is_none(classifier: AudioClassifier) -> None:
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, 48_000).astype(np.float32)
    assert classifier.label_agreement(samples, 48_000, "a dragon") is None
    assert classifier.label_agreement(np.zeros(48_000, np.float32), 48_000, "rain falling") is None
    assert (classifier.speech(samples, 48_000, "rain"), classifier.music(samples, 48_000, "rain")) == (None, None)


@pytest.mark.parametrize("count", [0, 1, 100, 19_200, 48_000 * 25 + 7])
def test_any_length_is_heard(classifier: AudioClassifier, count: int) -> None:
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, count).astype(np.float32)
    heard = classifier.label_agreement(samples, 48_000, "rain falling")
    assert (heard is None) if count == 0 else (heard is not None and 0 <= heard <= 1)


def test_a_model_without_a_classifier_says_nothing(tmp_path: Path) -> None:
    classifier = audio_classifier_for(tmp_path, {})
    samples = np.ones(16_000, np.float32)
    assert classifier.label_agreement(samples, 16_000, "rain falling") is None
    assert (classifier.speech(samples, 16_000, "rain"), classifier.music(samples, 16_000, "rain")) == (None, None)

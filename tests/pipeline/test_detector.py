"""The temporal detector on shots of any length: context of a second, and things that stay as they are for long."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect import detect
from pipeline.encode import encode_shot
from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.probe import probe_movie
from pipeline.records import MediaSpan, ShotFeatures, clip_features
from pipeline.scenes.catalogue import DISTRACTORS, source_named
from pipeline.scenes.motion import CONTROL_RATE_HZ
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import Scene, make_scene

REACH_FRAMES = 33  # a second of context and the median
_CLOUD = next(thing for thing in DISTRACTORS if thing.name == "cloud")


@pytest.fixture(scope="module")
def bundle() -> AuffusionGenerator:
    return load_auffusion("mini", device="cpu")


def _features(frames: np.ndarray, bundle: AuffusionGenerator) -> ShotFeatures:
    return clip_features(frames, bundle.grid.frame_times(len(frames)))


def _frames(count: int, dim: int, seed: int) -> np.ndarray:
    """Unit vectors (count, dim) that wander, as those of a picture do."""
    walk = np.random.default_rng(seed).standard_normal((count, dim)).cumsum(axis=0)
    return np.asarray(walk / np.linalg.norm(walk, axis=1, keepdims=True), dtype=np.float32)


def test_a_moment_is_heard_alike_in_a_short_and_in_a_long_shot(bundle: AuffusionGenerator) -> None:
    before, moment, after = (_frames(count, bundle.clip.embed_dim, seed) for seed, count in enumerate((500, 128, 700)))
    settings = bundle.card.settings
    short = detect(_features(moment, bundle), "car passing by", bundle, settings)
    long = detect(_features(np.concatenate([before, moment, after]), bundle), "car passing by", bundle, settings)
    assert short.level_db is not None and long.level_db is not None
    inside = slice(REACH_FRAMES, 128 - REACH_FRAMES)
    np.testing.assert_allclose(long.similarity[500:628][inside], short.similarity[inside], atol=1e-4)
    np.testing.assert_allclose(long.level_db[500:628][inside], short.level_db[inside], atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_standing_rotor_is_silent_whatever_clouds_drift_by(
    bundle: AuffusionGenerator, tmp_path: Path, seed: int
) -> None:
    scene = _landed(9000 + seed)
    movie = write_scene_movie(scene, tmp_path / "landed.mp4", rate=Fraction(25))
    span = MediaSpan(path=movie, digest=probe_movie(movie).digest, start_s=Fraction(0), duration_s=Fraction(20))
    features = encode_shot(span, bundle, bundle.card.settings)
    condition = detect(features, "helicopter flying", bundle, bundle.card.settings)
    standing = condition.times_s > 10.5
    assert condition.active[condition.times_s < 9.5].mean() >= 0.9
    assert condition.active[standing].mean() <= 0.1


def _landed(seed: int) -> Scene:
    """A helicopter 20 s long in one place, whose rotor stands still after 10 s, with three clouds in the sky."""
    rng = np.random.default_rng(seed)
    scene = make_scene(seed, 20.0, target=source_named("helicopter"), others=(), prop_count=3)
    steady = np.ones(len(scene.actors[0].x))
    actor = replace(
        scene.actors[0],
        x=steady * rng.uniform(20, 44),
        y=steady * rng.uniform(14, 26),
        size=steady * rng.uniform(5, 11),
        visible=steady > 0,
        level=steady * 0.5,
        powered=np.arange(len(steady)) < 10 * CONTROL_RATE_HZ,
    )
    clouds = tuple(replace(prop, thing=_CLOUD) for prop in scene.props)
    return replace(scene, actors=(actor,), props=clouds)

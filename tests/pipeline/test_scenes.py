"""Scenes: equal seeds give equal scenes, and the truth is what the sound does."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.decode import decode_span
from pipeline.evaluation.onsets import onset_times_s
from pipeline.probe import probe_movie
from pipeline.records import MediaSpan
from pipeline.scenes.catalogue import DISTRACTORS, IMPACT_SOURCES, SOURCES, Thing, source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import audible, level_db, make_scene, silent_scene
from pipeline.scenes.synthesis import SCENE_RATE_HZ


@pytest.mark.parametrize("thing", SOURCES, ids=lambda t: t.name)
def test_equal_seeds_give_equal_scenes(thing: Thing) -> None:
    first, second = make_scene(5, 2.0, target=thing), make_scene(5, 2.0, target=thing)
    np.testing.assert_array_equal(first.target_sound(), second.target_sound())
    np.testing.assert_array_equal(next(first.frames([1.0])), next(second.frames([1.0])))
    assert not np.array_equal(first.target_sound(), make_scene(6, 2.0, target=thing).target_sound())


@pytest.mark.parametrize("thing", IMPACT_SOURCES, ids=lambda t: t.name)
def test_impacts_sound_when_the_truth_says(thing: Thing) -> None:
    errors = []
    for seed in range(8):
        scene = make_scene(seed, 4.0, target=thing)
        heard = onset_times_s(scene.target_sound(), SCENE_RATE_HZ)
        errors += [np.abs(heard - t).min(initial=1.0) for t in scene.actors[0].onset_times_s]
    assert len(errors) > 8
    assert np.median(errors) < 0.01


def test_level_follows_distance() -> None:
    """A passing car is loudest when it is nearest: largest in the picture."""
    scene = make_scene(21, 4.0, target=source_named("car"), others=())
    times = np.arange(0.1, 3.9, 0.032)
    level = level_db(scene.stems[0], times)
    steps = (times * 125).astype(int)
    heard = audible(scene.stems[0], times) & (scene.actors[0].level[steps] > 0)
    expected = 20 * np.log10(scene.actors[0].level[steps][heard])
    assert np.corrcoef(level[heard], expected)[0, 1] > 0.9


def test_frames_can_be_drawn_at_any_time_and_size() -> None:
    scene = make_scene(3, 2.0)
    small, large = next(scene.frames([0.7], 64)), next(scene.frames([0.7], 192))
    assert small.shape == (64, 64, 3) and large.shape == (192, 192, 3)
    shrunk = large.reshape(64, 3, 64, 3, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 12


def test_a_silent_scene_has_things_but_no_sound() -> None:
    scene = silent_scene(4, 2.0)
    assert scene.actors == () and scene.stems == ()
    times = np.array([0.5])
    assert any(scene.visible(thing, times).any() for thing in DISTRACTORS)


def test_a_scene_movie_is_tagged_exact_and_shows_the_scene(tmp_path: Path) -> None:
    scene = make_scene(8, 2.0, target=source_named("train"))
    rate = Fraction(24000, 1001)
    path = write_scene_movie(scene, tmp_path / "s.mov", rate=rate, start_timecode="01:02:03:04")
    info = probe_movie(path)
    assert info.is_procedural_scene and info.rate == rate and info.start_timecode == "01:02:03:04"
    assert info.duration_s == Fraction(int(2 * rate)) / rate
    span = MediaSpan(path=path, digest=info.digest, start_s=Fraction(0), duration_s=info.duration_s)
    seen = decode_span(span, times_s=np.array([1.0]), size=128).pixels[0]
    shown_at = np.floor(1.0 * float(rate)) / float(rate)
    drawn = next(scene.frames([shown_at]))
    assert np.abs(seen.astype(int) - drawn).mean() < 6

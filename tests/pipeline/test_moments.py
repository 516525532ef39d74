"""What the detectors learn from: short scenes and moments of long ones, with the truth at the right place."""

from pathlib import Path

import numpy as np

from pipeline.scenes.catalogue import SOURCES
from pipeline.scenes.motion import CONTROL_RATE_HZ
from pipeline.scenes.scene import audible, make_scene
from pipeline.training.dataset import SCENE_FRAMES, open_scenes, render_scenes
from pipeline.training.moments import MOMENT_S, Moment, any_moment, any_state, short_scene
from pipeline.training.sizes import GRID

SEED = 31


def _standing_s(moment: Moment) -> float:
    actor, first = moment.scene.actors[0], int(moment.start_s * CONTROL_RATE_HZ)
    steps = slice(first, first + int(MOMENT_S * CONTROL_RATE_HZ))
    return float((actor.visible & ~actor.powered)[steps].sum()) / CONTROL_RATE_HZ


def _of_a_long_scene(number: int, seed: int) -> Moment:
    return any_moment(number + 10, seed)


def test_the_targets_come_in_turn_and_every_other_ten_are_of_long_scenes() -> None:
    moments = [any_moment(number, SEED + number) for number in range(40)]
    assert [moment.scene.target for moment in moments] == [*SOURCES] * 4
    short, long = moments[:10] + moments[20:30], moments[10:20] + moments[30:]
    assert {(moment.scene.duration_s, moment.start_s) for moment in short} == {(MOMENT_S, 0.0)}
    assert max(moment.scene.duration_s for moment in long) > 20
    assert all(0 <= moment.start_s <= moment.scene.duration_s - MOMENT_S for moment in long)
    assert max(len(moment.scene.props) for moment in long) > 2


def test_in_a_moment_of_a_long_scene_a_lamp_or_a_rotor_is_seen_switched_off() -> None:
    names = [source.name for source in SOURCES]
    numbers = [ten + names.index(name) for ten in (10, 30, 50) for name in ("siren", "helicopter")]
    assert all(_standing_s(any_moment(number, SEED + number)) >= 0.5 for number in numbers)


def test_states_are_of_what_is_hard_to_tell_and_change_a_few_times_a_second() -> None:
    states = [any_state(number, SEED + number) for number in range(10)]
    assert {state.scene.target.name for state in states} == {"helicopter", "siren", "airplane", "car"}
    assert [_standing_s(state) >= 0.5 for state in states[5:8]] == [True] * 3
    times = states[0].times_s(SCENE_FRAMES)
    assert len(np.unique(times)) == SCENE_FRAMES / 8
    assert states[0].start_s < times[0] < times[-1] < states[0].start_s + MOMENT_S


def test_equal_numbers_and_seeds_give_equal_moments() -> None:
    first, second = any_moment(14, SEED), any_moment(14, SEED)
    assert (first.start_s, first.scene.seed) == (second.start_s, second.scene.seed)
    assert short_scene(4, SEED).scene.background_seed == make_scene(SEED, MOMENT_S, target=SOURCES[4]).background_seed


def test_the_truth_of_a_moment_is_that_of_its_scene_from_there_on(tmp_path: Path) -> None:
    render_scenes(tmp_path / "moments", count=2, first_seed=SEED, draw=_of_a_long_scene, workers=1)
    moment, rendered = _of_a_long_scene(1, SEED + 1), open_scenes(tmp_path / "moments")
    assert rendered.target.tolist() == [0, 1]
    assert moment.start_s > 0
    times = moment.start_s + GRID.frame_times(SCENE_FRAMES)
    assert (rendered.audible[1, 1] == audible(moment.scene.stems[0], times)).mean() > 0.98
    first = round(moment.start_s * GRID.sample_rate_hz)
    sound = moment.scene.target_sound()[first : first + rendered.sound.shape[1]]
    np.testing.assert_allclose(rendered.sound[1], sound, atol=1e-3)

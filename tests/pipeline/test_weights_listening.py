"""Three sounds to judge a model by ear."""

from pathlib import Path

import pytest
import soundfile

from pipeline.scenes.audition import write_audition_set


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_audition_set("mini", tmp_path_factory.mktemp("sounds") / "here", device="cpu", steps=2)


@pytest.mark.steady
def test_three_scenes_are_three_sounds_beside_their_movies(sounds: list[Path]) -> None:
    assert [path.name for path in sounds] == ["train.wav", "door.wav", "rain.wav"]
    assert all(path.with_suffix(".mp4").is_file() for path in sounds)
    for path in sounds:
        samples, rate = soundfile.read(path)
        assert (rate, len(samples)) == (48_000, 4 * 48_000)
    assert abs(soundfile.read(sounds[0])[0]).max() > 0.01

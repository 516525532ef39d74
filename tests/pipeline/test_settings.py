"""Settings: what each may be, and what it changes."""

import json
from dataclasses import asdict

import pytest

from pipeline.settings import Settings


def test_the_digest_is_that_of_the_values() -> None:
    assert Settings().digest() == Settings().digest() != Settings(steps=17).digest()
    assert (
        Settings(**json.loads(json.dumps(asdict(Settings(quirks=("int16",)))))).digest()
        == Settings(quirks=("int16",)).digest()
    )


def test_what_is_seen_depends_on_how_one_looks_and_on_nothing_else() -> None:
    seen = Settings().look_digest()
    assert Settings(steps=3, guidance_scale=9.0, detector="linear").look_digest() == seen
    others = [
        Settings(clip_fps=4.0),
        Settings(near_duplicate_levels=2.0),
        Settings(precision="bfloat16"),
        Settings(quirks=("frames",)),
        Settings(detector="onset"),
    ]
    assert len({seen, *(settings.look_digest() for settings in others)}) == 6


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"steps": "0"}, "steps is 0"),
        ({"steps": "many"}, "steps is 'many', it must be a whole number"),
        ({"guidance_scale": "x"}, "it must be a number"),
        ({"guidance_until": "1.5"}, "guidance_until is 1.5, it is a share"),
        ({"sampler": "euler"}, "sampler is 'euler', it must be one of dpm\\+\\+, unipc, pndm"),
        ({"quirks": "time_grid,speed"}, "quirks is 'speed'"),
        ({"use_level": "perhaps"}, "use_level is 'perhaps', it must be true or false"),
        ({"median_frames": "4"}, "odd"),
        ({"feature_reuse": "0"}, "at least 1"),
        ({"stepz": "3"}, "there is no setting 'stepz'; there are steps, sampler"),
    ],
)
def test_what_cannot_be_is_one_sentence(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Settings().changed(told)


def test_settings_told_as_text_become_values() -> None:
    told = {"steps": "25", "sampler": "pndm", "guidance_scale": "7.5", "use_level": "no", "quirks": "frames,int16"}
    changed = Settings().changed(told)
    assert (changed.steps, changed.sampler, changed.guidance_scale) == (25, "pndm", 7.5)
    assert not changed.use_level and changed.quirks == ("frames", "int16")

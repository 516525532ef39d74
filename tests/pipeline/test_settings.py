"""AuffusionSettings: what each may be, and what it changes."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from pipeline.generators.auffusion.settings import AuffusionSettings


def test_the_digest_is_that_of_the_values() -> None:
    assert AuffusionSettings().digest() == AuffusionSettings().digest() != AuffusionSettings(steps=17).digest()
    assert (
        AuffusionSettings(**json.loads(json.dumps(asdict(AuffusionSettings(quirks=("int16",)))))).digest()
        == AuffusionSettings(quirks=("int16",)).digest()
    )


def test_takes_and_features_that_were_kept_before_a_setting_came_are_found_again() -> None:
    assert (AuffusionSettings().digest(), AuffusionSettings().encode_digest()) == (
        "10c196283f37253a",
        "3121b588ce841407",
    )
    assert AuffusionSettings(precision="float32", detector="null_margin", steps=12).digest() == "67365c3bce09289a"
    assert AuffusionSettings(clip_weights="int8").digest() != AuffusionSettings().digest()


def test_what_is_seen_depends_on_how_one_looks_and_on_nothing_else() -> None:
    seen = AuffusionSettings().encode_digest()
    assert AuffusionSettings(steps=3, guidance_scale=9.0, detector="linear").encode_digest() == seen
    others = [
        AuffusionSettings(clip_fps=4.0),
        AuffusionSettings(near_duplicate_levels=2.0),
        AuffusionSettings(precision="bfloat16"),
        AuffusionSettings(clip_weights="int8"),
        AuffusionSettings(quirks=("frames",)),
        AuffusionSettings(detector="onset"),
    ]
    assert len({seen, *(settings.encode_digest() for settings in others)}) == 7


def test_number_formats_are_named_once_they_are_settled() -> None:
    assert AuffusionSettings().number_format == "float32"
    assert AuffusionSettings(clip_weights="int8").number_format == "float32, CLIP in int8"
    for open_yet in (AuffusionSettings(precision="auto"), AuffusionSettings(clip_weights="auto")):
        with pytest.raises(ValueError, match="number formats are settled before"):
            _ = open_yet.number_format


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"steps": "0"}, "steps is 0"),
        ({"steps": "many"}, "steps is 'many', it must be a whole number"),
        ({"guidance_scale": "x"}, "it must be a number"),
        ({"guidance_until": "1.5"}, "guidance_until is 1.5, it must be 0 to 1"),
        ({"guidance_scale": "nan"}, "guidance_scale is nan, it must be a number"),
        ({"threshold": "nan"}, "threshold is nan, it must be a number"),
        ({"null_offset": "-inf"}, "null_offset is -inf, it must be a number"),
        ({"steps": "1000000"}, "steps is 1000000, it must be 1 to 1000"),
        ({"clip_fps": "-1"}, "clip_fps is -1.0, it must be 0 to 240"),
        ({"clip_fps": "0.0001"}, "clip_fps is 0.0001, it must be 0 \\(the model's own\\) or at least 0.01"),
        ({"near_duplicate_levels": "-1"}, "near_duplicate_levels is -1.0, it must be 0 to 256"),
        ({"null_smooth_s": "1e9"}, "null_smooth_s is 1000000000.0, it must be 0 to 3600"),
        ({"sampler": "euler"}, "sampler is 'euler', it must be one of dpm\\+\\+, unipc, pndm"),
        ({"quirks": "time_grid,speed"}, "quirks is 'speed'"),
        ({"use_level": "perhaps"}, "use_level is 'perhaps', it must be true or false"),
        ({"median_frames": "4"}, "odd"),
        ({"clip_weights": "int4"}, "clip_weights is 'int4', it must be one of auto, full, int8"),
        ({"feature_reuse": "0"}, "feature_reuse is 0, it must be 1 to 1000"),
        ({"stepz": "3"}, "there is no setting 'stepz'; there are steps, sampler"),
    ],
)
def test_what_cannot_be_is_one_sentence(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        AuffusionSettings().changed(told)


def test_settings_told_as_text_become_values() -> None:
    told = {"steps": "25", "sampler": "pndm", "guidance_scale": "7.5", "use_level": "no", "quirks": "frames,int16"}
    changed = AuffusionSettings().changed(told)
    assert (changed.steps, changed.sampler, changed.guidance_scale) == (25, "pndm", 7.5)
    assert not changed.use_level and changed.quirks == ("frames", "int16")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"steps": "16"}, "steps is '16', it must be a whole number"),
        ({"steps": 2.5}, "steps is 2.5, it must be a whole number"),
        ({"steps": True}, "steps is True, it must be a whole number"),
        ({"threshold": None}, "threshold is None, it must be a number"),
        ({"negative_prompt": 5}, "negative_prompt is 5, it must be text"),
        ({"use_level": "no"}, "use_level is 'no', it must be true or false"),
        ({"quirks": "frames"}, "quirks is 'frames', it must be a list of names"),
        ({"detector": ["onset"]}, "detector is \\['onset'\\], it must be text"),
    ],
)
def test_a_cards_value_of_another_kind_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        AuffusionSettings(**values)


def test_a_whole_number_is_a_number_too() -> None:
    assert AuffusionSettings(guidance_scale=7, clip_fps=4).clip_fps == 4

"""Who decides what a shot sounds like."""

from fractions import Fraction
from pathlib import Path

import pytest

from flows.planning.spotting import SpotMemory, by_shot, given_cues
from flows.shot_job import Spotted
from pipeline.label import VocabularyLabel
from timeline_io.cue_sheet import Cue
from timeline_io.edit import Shot
from timeline_io.frames import FrameSpan

VOCABULARY = (
    VocabularyLabel(text="train passing", category="vehicles", words=("train",)),
    VocabularyLabel(text="bouncing ball", category="props", words=("ball",)),
)


def shot(name: str = "A001", *notes: str) -> Shot:
    return Shot(
        shot_id="sh0010",
        name=name,
        media=None,
        media_ref="",
        record=FrameSpan(first=0, count=24, rate=Fraction(24)),
        source_start_s=Fraction(0),
        speed=Fraction(1),
        notes=notes,
    )


def labels(found: tuple[Spotted, ...] | None) -> list[tuple[str, str]] | None:
    return None if found is None else [(cue.label, cue.source) for cue in found]


def sheet(*cues: Cue) -> dict[str, tuple[Cue, ...]]:
    return by_shot(cues)


def test_a_sheet_beats_note_name_and_clip() -> None:
    asked = sheet(Cue(cue_id="x", shot_id="sh0010", label="bouncing ball", seed=7))
    (cue,) = given_cues(shot("train_01", "foley: rain"), asked, VOCABULARY) or ()
    assert (cue.label, cue.source, cue.seed, cue.cue_id, cue.category) == ("bouncing ball", "sheet", 7, "x", "props")


def test_an_empty_label_in_the_sheet_is_silence_on_purpose() -> None:
    assert given_cues(shot("train_01"), sheet(Cue(cue_id="x", shot_id="sh0010", label=" ")), VOCABULARY) == ()


def test_a_shot_the_sheet_does_not_name_is_decided_without_it() -> None:
    asked = sheet(Cue(cue_id="x", shot_id="sh0020", label="rain"))
    assert labels(given_cues(shot("train_01"), asked, VOCABULARY)) == [("train passing", "name")]


def test_a_note_beats_the_name_and_may_ask_for_two() -> None:
    found = given_cues(shot("train_01", "great shot", "Foley: bouncing ball; rain"), {}, VOCABULARY)
    assert labels(found) == [("bouncing ball", "note"), ("rain", "note")]


def test_the_same_label_in_two_notes_is_one_cue() -> None:
    assert labels(given_cues(shot("A", "foley: rain", "foley: rain"), {}, VOCABULARY)) == [("rain", "note")]


def test_a_name_counts_when_the_model_knows_its_words() -> None:
    assert labels(given_cues(shot("ball_take_2.mov"), {}, VOCABULARY)) == [("bouncing ball", "name")]


def test_nobody_knows_so_clip_is_asked() -> None:
    assert given_cues(shot("A001_C003", "great shot"), {}, VOCABULARY) is None


def test_a_known_label_takes_the_models_spelling() -> None:
    (cue,) = given_cues(shot("A", "foley: Train Passing"), {}, VOCABULARY) or ()
    assert (cue.label, cue.category) == ("train passing", "vehicles")


def test_a_sheet_may_name_its_own_category() -> None:
    (cue,) = (
        given_cues(shot(), sheet(Cue(cue_id="x", shot_id="sh0010", label="rain", category="weather")), VOCABULARY) or ()
    )
    assert cue.category == "weather"


def test_what_clip_heard_is_remembered(tmp_path: Path) -> None:
    memory = SpotMemory(tmp_path)
    heard = (Spotted(label="train passing", category="vehicles", confidence=0.75, source="heard"),)
    memory.put("k", "s", heard)
    memory.put("quiet", "s", ())
    assert memory.find("k", "s") == heard
    assert memory.find("quiet", "s") == ()
    assert memory.find("k", "other settings") is None


@pytest.mark.parametrize("damage", ["", "{", "[[1]]", '[["a", "b", "c"]]', "3", "null"])
def test_a_damaged_memory_is_none(tmp_path: Path, damage: str) -> None:
    memory = SpotMemory(tmp_path)
    memory.put("k", "s", ())
    (file,) = tmp_path.rglob("*.json")
    file.write_text(damage)
    assert memory.find("k", "s") is None

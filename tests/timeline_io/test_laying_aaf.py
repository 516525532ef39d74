"""Our tracks in an AAF: the sounds inside it, the rest of its graph as it was."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import aaf2
import pytest

from tests.support.aaf_files import golden, written
from tests.support.aaf_graph import graph
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.frames import FrameSpan
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]


@pytest.fixture(scope="module")
def golden_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return golden(tmp_path_factory.mktemp("aaf") / "golden.aaf")


@pytest.fixture
def edit(golden_file: Path) -> Edit:
    return read_edit(golden_file)


@pytest.fixture
def take(tmp_path: Path) -> Place:
    """Makes placed clips with a WAV file behind each, by frames from the start of the edit."""

    def make(edit: Edit, first: int, count: int, name: str = "step", folder: str = "takes") -> PlacedClip:
        record = FrameSpan(first=edit.start_frame + first, count=count, rate=edit.rate)
        wav = _wav(tmp_path / folder / f"{name}.wav", record.samples(48000)[1])
        return PlacedClip(name=name, wav=wav, record=record, shot_id="sh0010", label="footsteps on gravel")

    return make


def _wav(path: Path, samples: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(3)
        writer.setframerate(48000)
        writer.writeframes(_samples(path.stem, samples))
    return path


def _samples(name: str, count: int) -> bytes:
    return (name.encode() * (3 * count))[: 3 * count]


def _tracks(edit: Edit, take: Place) -> tuple[FoleyTrack, ...]:
    steps = [take(edit, 10, 20, "step_1"), take(edit, 24, 20, "step_2"), take(edit, 40, 7, "step_3")]
    return plan_tracks({"FOLEY Footsteps": steps, "FOLEY Vehicles": [take(edit, 48, 96, "日本 <train>")]})


def _slots(path: Path) -> list[tuple[str, int, list[tuple[str, int, str]]]]:
    """Name, number among the sound tracks, and parts (kind, frames, name of the sound) of the sound tracks."""
    with aaf2.open(str(path), "r") as aaf:
        (mob,) = [mob for mob in aaf.content.compositionmobs() if mob.name == "golden"]
        slots = [slot for slot in mob.slots if slot.media_kind == "Sound" and slot.name]
        return [(slot.name, slot["PhysicalTrackNumber"].value, _parts(slot.segment)) for slot in slots]


def _parts(sequence: Any) -> list[tuple[str, int, str]]:
    return [
        (type(part).__name__, part.length, part.mob.name if isinstance(part, aaf2.components.SourceClip) else "")
        for part in sequence.components
    ]


def test_the_tracks_lie_where_they_belong_and_the_picture_is_the_same(edit: Edit, take: Place, tmp_path: Path) -> None:
    laid = lay_tracks(edit, _tracks(edit, take), tmp_path / "laid.aaf")
    assert _slots(laid) == [
        (
            "FOLEY Footsteps 1",
            2,
            [
                ("Filler", 10, ""), ("SourceClip", 20, "step_1"), ("Filler", 10, ""), ("SourceClip", 7, "step_3"),
                ("Filler", 337, ""),
            ],
        ),
        ("FOLEY Footsteps 2", 3, [("Filler", 24, ""), ("SourceClip", 20, "step_2"), ("Filler", 340, "")]),
        ("FOLEY Vehicles 1", 4, [("Filler", 48, ""), ("SourceClip", 96, "日本 <train>"), ("Filler", 240, "")]),
    ]  # fmt: skip
    again = read_edit(laid)
    assert [replace(s, offline_reason="") for s in again.shots] == [replace(s, offline_reason="") for s in edit.shots]
    assert (again.frame_count, again.start_frame, again.skipped) == (edit.frame_count, edit.start_frame, edit.skipped)


@pytest.mark.steady
def test_only_the_slots_of_the_composition_are_new(edit: Edit, take: Place, tmp_path: Path) -> None:
    before, after = graph(edit.path), graph(lay_tracks(edit, _tracks(edit, take), tmp_path / "laid.aaf"))
    changed = [mob_id for mob_id, mob in before["mobs"].items() if after["mobs"][mob_id] != mob]
    (composition,) = changed
    old, new = before["mobs"][composition], after["mobs"][composition]
    assert new.pop("Slots")[: len(old["Slots"])] == old.pop("Slots")
    assert new == old
    assert len(after["mobs"]) == len(before["mobs"]) + 3 * 4
    assert (after["header"], after["operations"]) == (before["header"], before["operations"])


def test_the_sound_is_inside_and_starts_at_its_timecode(edit: Edit, take: Place, tmp_path: Path) -> None:
    laid = lay_tracks(edit, plan_tracks({"FOLEY Props": [take(edit, 24, 30, "door")]}), tmp_path / "laid.aaf")
    with aaf2.open(str(laid), "r") as aaf:
        (master,) = [mob for mob in aaf.content.mastermobs() if mob.name == "door"]
        assert dict(master.comments.items()) == {"Smooth Foley": "1", "Description": "footsteps on gravel"}
        file_clip = master.slot_at(1).segment
        descriptor = file_clip.mob.descriptor
        facts = [descriptor[key].value for key in ("Channels", "QuantizationBits", "AudioSamplingRate", "Length")]
        assert facts == [1, 24, 48000, 30 * 2002]
        assert bytes(aaf.content.essencedata.get(file_clip.mob.mob_id).open("r").read()) == _samples("door", 30 * 2002)
        assert (file_clip.length, Fraction(master.slot_at(1).edit_rate)) == (30, edit.rate)
        origin = file_clip.mob.slot_at(1).segment.mob
        timecode = origin.slot_at(2).segment
        assert (timecode.start, timecode.fps, timecode.drop, timecode.length) == (86424, 24, False, 30)
        (locator,) = origin.descriptor["Locator"].value
        assert locator["URLString"].value == f"file://localhost{tmp_path}/takes/door.wav"


@pytest.mark.steady
def test_laying_twice_is_laying_once_and_always_the_same(edit: Edit, take: Place, tmp_path: Path) -> None:
    once = lay_tracks(edit, _tracks(edit, take), tmp_path / "once.aaf")
    assert lay_tracks(edit, _tracks(edit, take), tmp_path / "anew.aaf").read_bytes() == once.read_bytes()
    twice = lay_tracks(read_edit(once), _tracks(edit, take), tmp_path / "twice.aaf")
    assert graph(twice) == graph(once)
    assert twice.stat().st_size < once.stat().st_size + 100_000


@pytest.mark.steady
def test_other_takes_replace_the_earlier_ones(edit: Edit, take: Place, tmp_path: Path) -> None:
    many = lay_tracks(edit, _tracks(edit, take), tmp_path / "many.aaf")
    few = plan_tracks({"FOLEY Props": [take(edit, 3, 9, "door")]})
    replaced = lay_tracks(read_edit(many), few, tmp_path / "few.aaf")
    assert graph(replaced) == graph(lay_tracks(edit, few, tmp_path / "new.aaf"))


@pytest.mark.steady
def test_removing_gives_back_the_graph_and_the_room(edit: Edit, take: Place, tmp_path: Path) -> None:
    laid = lay_tracks(edit, _tracks(edit, take), tmp_path / "laid.aaf")
    for takes in (None, tmp_path / "takes"):
        bare = remove_foley_tracks(laid, tmp_path / "bare.aaf", takes=takes)
        assert graph(bare) == graph(edit.path)
        assert bare.stat().st_size < edit.path.stat().st_size + 200_000 < laid.stat().st_size
    assert remove_foley_tracks(edit.path, tmp_path / "same.aaf").read_bytes() == edit.path.read_bytes()


@pytest.mark.steady
def test_takes_of_another_folder_are_left_alone(edit: Edit, take: Place, tmp_path: Path) -> None:
    other = plan_tracks({"FOLEY Ambience": [take(edit, 0, 9, "rain", "other run")]})
    first = lay_tracks(edit, other, tmp_path / "first.aaf")
    second = lay_tracks(read_edit(first), _tracks(edit, take), tmp_path / "second.aaf")
    assert [name for name, _, _ in _slots(second)] == [
        "FOLEY Ambience 1", "FOLEY Footsteps 1", "FOLEY Footsteps 2", "FOLEY Vehicles 1",
    ]  # fmt: skip
    cleared = remove_foley_tracks(second, tmp_path / "third.aaf", takes=tmp_path / "takes")
    assert graph(cleared) == graph(first)


@pytest.mark.steady
def test_a_sound_that_an_editor_used_elsewhere_stays(edit: Edit, take: Place, tmp_path: Path) -> None:
    laid = lay_tracks(edit, plan_tracks({"FOLEY Props": [take(edit, 3, 9, "door")]}), tmp_path / "laid.aaf")
    with aaf2.open(str(laid), "rw") as aaf:
        (mob,) = [mob for mob in aaf.content.compositionmobs() if mob.name == "golden"]
        (master,) = [mob for mob in aaf.content.mastermobs() if mob.name == "door"]
        own = mob.create_sound_slot(mob.slots[0].edit_rate)
        own.name = "my track"
        own.segment.components.append(master.create_source_clip(1, 0, 9))
        guide = aaf.create.MasterMob("guide.wav")
        aaf.content.mobs.append(guide)
        guide.create_sound_slot(24)
        own.segment.components.append(guide.create_source_clip(1, 0, 9))
    bare = remove_foley_tracks(laid, tmp_path / "bare.aaf")
    assert [name for name, _, _ in _slots(bare)] == ["my track"]
    kept = graph(bare)
    assert len(kept["mobs"]) == len(graph(edit.path)["mobs"]) + 3 + 1 and len(kept["essence"]) == 1


@pytest.mark.steady
def test_a_sound_that_ends_within_its_last_frame_fills_it(tmp_path: Path, take: Place) -> None:
    rate = Fraction(30000, 1001)
    with written(tmp_path / "cut.aaf", rate) as aaf:
        aaf.composition("golden", aaf.sequence(aaf.clip(aaf.media("a.mov", rate=rate), 0, 60)), start=107892, drop=True)
    edit = read_edit(tmp_path / "cut.aaf")
    # 12 frames are 19219.2 samples, and only whole samples can be written.
    clip = take(edit, 0, 12, "drip")
    laid = lay_tracks(edit, plan_tracks({"FOLEY Props": [clip]}), tmp_path / "laid.aaf")
    assert _slots(laid)[0][2] == [("SourceClip", 12, "drip"), ("Filler", 48, "")]
    short = replace(clip, wav=_wav(tmp_path / "takes" / "short.wav", 8000), name="short")
    laid = lay_tracks(edit, plan_tracks({"FOLEY Props": [short]}), tmp_path / "laid.aaf")
    assert _slots(laid)[0][2] == [("SourceClip", 5, "short"), ("Filler", 55, "")]


def test_a_missing_or_broken_sound_is_named(edit: Edit, take: Place, tmp_path: Path) -> None:
    clip = take(edit, 0, 12, "door")
    clip.wav.write_bytes(b"RIFF, more or less")
    with pytest.raises(LayingError, match=r"door\.wav is no WAV file of 16 or 24 bits"):
        lay_tracks(edit, plan_tracks({"FOLEY Props": [clip]}), tmp_path / "out.aaf")
    clip.wav.unlink()
    with pytest.raises(LayingError, match=r"door\.wav cannot be read \(No such file"):
        lay_tracks(edit, plan_tracks({"FOLEY Props": [clip]}), tmp_path / "out.aaf")
    assert not (tmp_path / "out.aaf").exists()

"""A pass over image sequences: sound is made for them, and the preview shows their pictures."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pytest

from flows.options import PassOptions
from flows.planning.anchor import anchored, media_clock
from flows.records import PassReport, ShotState
from flows.run import run_pass
from pipeline.probe import probe_quick
from pipeline.records import Numbering
from tests.support.movies import frame_of, grey_pictures
from tests.support.passes import RATE, FakeEngine
from timeline_io.edit import Numbered, Shot
from timeline_io.frames import FrameSpan

pytestmark = pytest.mark.usefixtures("card")


def _time(frames: int) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, RATE)


def _clip(first: int, count: int, base: str = "plates", speed: float = 1) -> otio.schema.Clip:
    """`count` frames from picture number `first` of a sequence of 48 that begins at 1001."""
    reference = otio.schema.ImageSequenceReference(
        target_url_base=base,
        name_prefix="train.",
        name_suffix=".png",
        start_frame=1001,
        frame_zero_padding=4,
        rate=RATE,
        available_range=otio.opentime.TimeRange(_time(1001), _time(48)),
    )
    shown = otio.opentime.TimeRange(_time(first), _time(count))
    clip = otio.schema.Clip(name="train", media_reference=reference, source_range=shown)
    clip.effects.extend([otio.schema.LinearTimeWarp(time_scalar=speed)] if speed != 1 else [])
    return clip


def go(folder: Path, options: PassOptions, *clips: otio.schema.Clip) -> PassReport:
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video, children=list(clips))
    edit = folder / "reel.otio"
    edit.write_text(otio.schema.Timeline(name="reel", tracks=[track]).to_json_string(), encoding="utf-8")
    return run_pass(edit, options.model_copy(update={"preview": True}), with_prefect=False)


def test_pictures_get_sound_and_are_seen_in_the_preview(
    engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    grey_pictures(tmp_path / "plates" / "train.%04d.png", range(1001, 1049), first=1001, size=(64, 36))
    report = go(tmp_path, options, _clip(1013, 12), _clip(1001, 6, speed=2), _clip(1001, 4, base="gone"))
    assert [shot.state for shot in report.shots] == [ShotState.MADE, ShotState.MADE, ShotState.FAILED]
    assert [len(shot.cues) for shot in report.shots] == [1, 1, 0]
    assert "gone/train.%04d.png" in report.shots[2].reason
    assert {span.numbering for span in engine.listened} == {Numbering(rate=Fraction(24), first=1001)}
    assert report.outputs.preview
    with av.open(str(report.outputs.preview)) as container:
        shown = [frame_of(frame.to_ndarray(format="rgb24")[100:260, 200:440]) for frame in container.decode(video=0)]
    assert shown[:18] == [*range(12, 24), 1, 3, 5, 7, 9, 11]
    again = engine.loads, go(tmp_path, options, _clip(1013, 12)).shots[0].state, engine.loads
    assert again == (1, ShotState.CACHED, 1)


def test_pictures_that_are_missing_are_told(engine: FakeEngine, options: PassOptions, tmp_path: Path) -> None:
    pattern = grey_pictures(tmp_path / "plates" / "train.%04d.png", range(1001, 1031), first=1001)
    pattern.with_name("train.1005.png").unlink()
    inside, beyond = go(tmp_path, options, _clip(1001, 12), _clip(1020, 24)).shots
    assert "a picture of train.%04d.png is missing" in inside.reason
    assert "asks for more of train.%04d.png than its 1.25 s" in beyond.reason


@pytest.mark.parametrize(
    ("first", "timecode_frame", "expected"), [(1001, 1013, 12), (1001, 12, 12), (1, 13, 12), (1, 0, 0)]
)
def test_a_list_counts_pictures_by_their_numbers_or_from_zero(
    tmp_path: Path, first: int, timecode_frame: int, expected: int
) -> None:
    rate = Fraction(24)
    pattern = grey_pictures(tmp_path / "sea.%04d.png", range(first, first + 48), first=first)
    movie = probe_quick(pattern, Numbering(rate=rate))
    clock = media_clock(movie)
    assert clock is not None and clock.start_s == first / rate
    shot = Shot(
        shot_id="sh0010",
        name="sea",
        media=pattern,
        media_ref=str(pattern),
        record=FrameSpan(first=0, count=24, rate=rate),
        source_start_s=timecode_frame / rate,
        speed=Fraction(1),
        source_timecode_s=timecode_frame / rate,
        start_unknown=True,
        numbered=Numbered(rate=rate),
    )
    placed = anchored(shot, replace(movie, missing=0))
    assert (placed.shot.source_start_s, placed.remark) == (expected / rate, "")

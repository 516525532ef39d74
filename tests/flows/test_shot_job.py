"""The seam: frames of the timeline to seconds of a movie, and back to samples."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from flows.shot_job import ShotJob, Spotted, cue_jobs, cue_seed, job_for
from pipeline.probe import MovieInfo
from timeline_io.edit import Shot
from timeline_io.frames import FrameSpan

RATE = Fraction(24000, 1001)
MOVIE = MovieInfo(
    path=Path("/m/a.mov"),
    digest="d" * 64,
    duration_s=Fraction(100),
    rate=RATE,
    width=64,
    height=48,
    has_audio=False,
    is_procedural_scene=True,
    start_timecode=None,
)


def shot(first: int, count: int, *, source: Fraction = Fraction(10), speed: Fraction = Fraction(1)) -> Shot:
    return Shot(
        shot_id="sh0010",
        name="a",
        media=MOVIE.path,
        media_ref="a.mov",
        record=FrameSpan(first=first, count=count, rate=RATE),
        source_start_s=source,
        speed=speed,
    )


def job(of: Shot, *, handles: int = 12, seed: int = 0) -> ShotJob:
    return job_for(of, MOVIE, handles=handles, given=None, seed=seed)


@pytest.mark.parametrize(
    ("first", "count", "expected"),
    [
        (86400 + 100, 24, (86400 + 88, 48)),
        (86400, 24, (86400 - 12, 48)),
        (0, 24, (0, 36)),
        (5, 24, (0, 41)),
    ],
)
def test_a_shot_has_both_handles_but_no_file_begins_before_midnight(
    first: int, count: int, expected: tuple[int, int]
) -> None:
    file = job(shot(first, count)).file
    assert (file.first, file.count) == expected


def test_handles_lie_outside_of_what_is_seen_through_dissolves() -> None:
    dissolved = replace(
        shot(86400 + 100, 24),
        dissolve_in=FrameSpan(first=86400 + 94, count=12, rate=RATE),
        dissolve_out=FrameSpan(first=86400 + 120, count=10, rate=RATE),
    )
    made = job(dissolved)
    assert (made.file.first, made.file.end) == (86400 + 94 - 12, 86400 + 130 + 12)
    assert made.span.start_s + made.span.speed * Fraction(18) / RATE == made.shot.source_start_s


def test_no_handles_is_the_shot_itself() -> None:
    bare = job(shot(86500, 24), handles=0)
    assert bare.file == bare.shot.record
    assert bare.span.start_s == bare.shot.source_start_s


@pytest.mark.parametrize(
    "speed", [Fraction(1), Fraction(2), Fraction(1, 3), Fraction(-1), Fraction(-3, 2), Fraction(0)]
)
def test_the_span_shows_the_shot_at_the_end_of_its_head(speed: Fraction) -> None:
    made = job(shot(86500, 24, speed=speed))
    head_s = Fraction(made.shot.record.first - made.file.first) / RATE
    assert head_s == Fraction(12) / RATE
    assert made.span.start_s + speed * head_s == made.shot.source_start_s
    assert made.span.duration_s == made.file.duration_s


def test_a_seed_depends_on_what_is_seen_not_on_where_it_lies() -> None:
    early, late = job(shot(86410, 24)), job(shot(86500, 90), handles=3)
    assert cue_seed(early, "train") == cue_seed(late, "train")
    assert 0 <= cue_seed(early, "train") < 2**31


def test_a_seed_changes_with_label_source_speed_media_and_the_pass() -> None:
    base = job(shot(86410, 24))
    other_media = replace(base, span=replace(base.span, digest="f" * 64))
    others = [
        cue_seed(base, "ball"),
        cue_seed(job(shot(86410, 24, source=Fraction(11))), "train"),
        cue_seed(job(shot(86410, 24, speed=Fraction(2))), "train"),
        cue_seed(job(shot(86410, 24), seed=1), "train"),
        cue_seed(other_media, "train"),
    ]
    assert len({cue_seed(base, "train"), *others}) == 6


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert cue_seed(job(shot(86410, 24)), "train") == 873846804


def test_a_seed_from_the_sheet_counts_even_when_it_is_zero() -> None:
    cue = Spotted(label="train", category="vehicles", confidence=1.0, source="sheet", seed=0)
    (made,) = cue_jobs(job(shot(86410, 24)), (cue,), settings_digest="s", model_digest="m")
    assert made.request.seed == 0
    assert made.cue_id == "sh0010_01"

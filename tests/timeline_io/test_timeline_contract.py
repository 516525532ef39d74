"""One edit in every format: whatever format it comes in, the audience sees the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support import aaf_files
from timeline_io.edit import Edit, Shot
from timeline_io.read import read_edit

RATE = Fraction(24000, 1001)
FRAME_S = 1 / RATE

# name, first frame, frames, start in the media in seconds, speed
SEEN = [
    ("walk_01.mov", 0, 48, 10 * FRAME_S, 1),
    ("train_02.mov", 48, 12, 24 * FRAME_S, 2),
    ("horn_02b.mov", 60, 12, Fraction(50, 25), 1),
    ("train_02.mov", 72, 24, (24 + 2 * 24) * FRAME_S, 2),
    ("door_03.mov", 96, 24, 124 * FRAME_S, -1),
    ("car_04.mov", 120, 24, 30 * FRAME_S, 0),
    ("rain_05.mov", 168, 24, 45 * Fraction(1001, 30000), 1),
    ("crowd_06a.mov", 192, 12, 12 * FRAME_S, 2),
    ("crowd_06b.mov", 204, 12, 10 * FRAME_S, 4),
    ("sea_07.mov", 216, 48, Fraction(0), 1),
    ("sea_08.mov", 264, 48, 20 * FRAME_S, 1),
    ("gulls_09.mov", 312, 24, 7 * FRAME_S, 1),
    ("poster_10.png", 336, 24, Fraction(0), 0),
    ("日本 #11.mov", 360, 24, 5 * FRAME_S, 1),
]
UNSEEN = {
    "main title": "a generator, not a filmed picture",
    "rain_05_alt.mov": "disabled",
    "unused_09.mov": "hidden behind gulls_09.mov",
}


@pytest.fixture(params=["golden.otio", "golden.xml", "golden.fcpxml", "golden.aaf"])
def edit(request: pytest.FixtureRequest, fixture_timelines: Path, tmp_path: Path) -> Edit:
    """The cut in one format. An AAF is binary and made anew here; all that the others say can be said in it, but a
    source time between two frames of the track (the horn's) only through an adapter to the rate of its media."""
    if request.param == "golden.aaf":
        return read_edit(aaf_files.golden(tmp_path / "golden.aaf"))
    return read_edit(fixture_timelines / request.param)


def _facts(shot: Shot, edit: Edit) -> tuple[str, int, int, Fraction, Fraction]:
    return (shot.name, shot.record.first - edit.start_frame, shot.record.count, shot.source_start_s, shot.speed)


def test_every_visible_shot_has_its_place_and_its_source(edit: Edit) -> None:
    assert [_facts(shot, edit) for shot in edit.shots] == SEEN


def test_the_clock_is_exact_and_starts_at_one_hour(edit: Edit) -> None:
    assert (edit.name, edit.rate, edit.start_frame, edit.frame_count) == ("golden", RATE, 86400, 384)
    assert {shot.record.rate for shot in edit.shots} == {RATE}
    assert edit.shots[0].record.samples(48000) == (86400 * 2002, 48 * 2002)


def test_shots_are_numbered_in_record_order(edit: Edit) -> None:
    assert [shot.shot_id for shot in edit.shots] == [f"sh{10 * number:04d}" for number in range(1, 15)]


def test_what_is_not_seen_is_listed_with_its_reason(edit: Edit) -> None:
    assert {item.name: item.reason for item in edit.skipped} == UNSEEN


def test_only_markers_inside_the_visible_part_become_notes(edit: Edit) -> None:
    assert edit.shots[0].notes == ("foley: footsteps on gravel", "left foot first")
    assert not any(shot.notes for shot in edit.shots[1:])


def test_offline_media_says_where_it_was_looked_for(edit: Edit) -> None:
    last = edit.shots[-1]
    assert last.media is None
    assert "/Volumes/rushes/日本 #11.mov" in last.offline_reason


def test_records_travel(edit: Edit) -> None:
    import pickle

    assert hash(edit) == hash(pickle.loads(pickle.dumps(edit)))
    assert len(edit.digest) == 64


# --- The same cut as an edit decision list --------------------------------------------------------------------------

# A list counts sources in its own frames, so a source at another rate is named to the nearest of them; it begins a
# dissolve at the first frame of the overlap and does not know where the editor made the cut; it knows no disabled
# clips, no titles and nothing that lies hidden, and of nested sequences only what is seen of them.
DISSOLVE_LEAD = 6


def _as_a_list_says(name: str, first: int, count: int, source_s: Fraction, speed: int) -> tuple[object, ...]:
    source_s = Fraction(round(source_s / FRAME_S)) * FRAME_S
    if name == "sea_07.mov":
        count -= DISSOLVE_LEAD
    if name == "sea_08.mov":
        first, count, source_s = first - DISSOLVE_LEAD, count + DISSOLVE_LEAD, source_s - DISSOLVE_LEAD * FRAME_S
    return name, first, count, source_s, speed


def test_an_edit_decision_list_says_the_same_as_far_as_it_can(fixture_timelines: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.edl")
    assert [_facts(shot, edit) for shot in edit.shots] == [_as_a_list_says(*seen) for seen in SEEN]
    assert (edit.name, edit.rate, edit.start_frame, edit.frame_count) == ("golden", RATE, 86400, 384)
    assert edit.shots[0].notes == ("left foot first", "foley: footsteps on gravel")
    assert "/Volumes/rushes/日本 #11.mov" in edit.shots[-1].offline_reason
    assert edit.skipped == ()

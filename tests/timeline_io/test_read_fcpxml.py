"""Final Cut Pro X XML: clocks, conforming, time maps, lanes, compounds, multicams, auditions, projects."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fcpxml import asset, clip, document, gap, project, time_map
from timeline_io.edit import Edit, Shot
from timeline_io.errors import EmptyEditError, TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.read import read_edit

Write = Callable[[str], Path]
NTSC_30 = Fraction(30000, 1001)
NTSC_24 = Fraction(24000, 1001)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a document to an .fcpxml file."""

    def write(text: str) -> Path:
        path = tmp_path / "cut.fcpxml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def read(written: Write) -> Callable[..., Edit]:
    """Reads a project around the elements of a storyline."""

    def of(*spine: str, resources: str = "", version: str = "1.11", sequence: str = "") -> Edit:
        whole = project(*spine, sequence=sequence) if sequence else project(*spine)
        return read_edit(written(document(whole, resources=resources, version=version)))

    return of


Read = Callable[..., Edit]


def _only(edit: Edit) -> Shot:
    (shot,) = edit.shots
    return shot


def _seen(edit: Edit) -> list[tuple[str, int, int, Fraction]]:
    """Name, first frame, frames, source start in frames of 24 per second."""
    return [(s.name, s.record.first - edit.start_frame, s.record.count, s.source_start_s * 24) for s in edit.shots]


def _skipped(edit: Edit) -> dict[str, str]:
    return {item.name: item.reason for item in edit.skipped}


# --- Clocks and rates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sequence", "rate", "start_frame"),
    [
        ('format="f24" tcStart="3600s"', Fraction(24), 86400),
        ('format="f2398" tcStart="86486400/24000s"', NTSC_24, 86400),
        ('format="f25"', Fraction(25), 0),
        ('format="f30" tcStart="18018/5s"', Fraction(30000, 1001), 108000),
        ('format="fi"', Fraction(25), 0),
    ],
)
def test_the_clock_of_a_project(read: Read, sequence: str, rate: Fraction, start_frame: int) -> None:
    edit = read(clip("a.mov", "- 0 10"), sequence=sequence)
    assert (edit.rate, edit.start_frame, edit.drop_frame) == (rate, start_frame, False)
    assert edit.shots[0].record.first == start_frame


def test_drop_frame_and_a_length_beyond_the_last_clip(read: Read) -> None:
    edit = read(clip("a.mov", "0 0 1"), sequence='format="f30" tcFormat="DF" duration="90090/30000s"')
    assert (edit.drop_frame, edit.frame_count) == (True, 90)


def test_source_times_count_in_the_files_own_timecode(read: Read) -> None:
    late = asset("late.mov", 'hasVideo="1"', start="36000s")
    edit = read(
        clip("late.mov", "0 36002 1"),
        clip("late.mov", "1 9 1"),
        clip("late.mov", "2 - 1"),
        resources=late,
    )
    assert [shot.source_start_s for shot in edit.shots] == [2, 9, 0]
    assert [shot.source_timecode_s for shot in edit.shots] == [36002, 36009, 36000]


@pytest.mark.parametrize(
    ("form", "day", "rate", "mode"),
    [
        ("f24", 2_073_600, Fraction(24), ""),
        ("f30", 2_592_000, NTSC_30, ""),
        ("f30", 2_589_408, NTSC_30, 'tcFormat="DF"'),
    ],
    ids=["24", "29.97", "29.97, dropping"],
)
def test_a_files_timecode_begins_anew_at_midnight(read: Read, form: str, day: int, rate: Fraction, mode: str) -> None:
    """From sixty frames before midnight, a clip from thirty after it."""
    start_s, source_s = (day - 60) / rate, 30 / rate
    night = asset("night.mov", f'hasVideo="1" format="{form}"', start=f"{start_s}s", duration="1000s")
    edit = read(
        clip("night.mov", f"0 {source_s} 1", more=mode), resources=night, sequence=f'format="{form}" tcStart="0s"'
    )
    assert edit.shots[0].source_start_s == 90 / rate


def test_a_handle_may_begin_before_its_file_does(read: Read) -> None:
    late = asset("late.mov", 'hasVideo="1" format="f25"', start="86398s", duration="10s")
    edit = read(clip("late.mov", "0 86397 2"), clip("late.mov", "2 1 1"), clip("late.mov", "3 9 1"), resources=late)
    assert [shot.source_start_s for shot in edit.shots] == [-1, 3, 9]
    assert [shot.source_timecode_s for shot in edit.shots] == [86397, 86401, 86407]


def test_the_reel_of_an_asset_is_known(read: Read) -> None:
    noted = '<metadata><md key="com.apple.proapps.studio.reel" value="A001"/></metadata></asset>'
    edit = read(clip("c.mov", "0 0 1"), resources=asset("c.mov").replace("</asset>", noted))
    assert edit.shots[0].reel == "A001"
    of_clip = noted.replace("</asset>", "").replace("A001", "B001")
    edit = read(clip("c.mov", "0 0 1", of_clip), resources=asset("c.mov").replace("</asset>", noted))
    assert edit.shots[0].reel == "B001"


def test_a_clip_without_offset_follows_and_without_duration_plays_to_the_end(read: Read) -> None:
    edit = read(clip("a.mov", "0 0 1"), clip("b.mov", "- 90 -"), clip("a.mov", "- 0 1"))
    assert _seen(edit) == [("a.mov", 0, 24, 0), ("b.mov", 24, 240, 90 * 24), ("a.mov", 264, 24, 0)]


@pytest.mark.parametrize(
    ("conform", "speed"),
    [
        ('srcFrameRate="25"', Fraction(24, 25)),
        ('srcFrameRate="23.98"', Fraction(1001, 1000)),
        ('srcFrameRate="50"', Fraction(24, 25)),
        ('srcFrameRate="29.97"', 1),
        ('srcFrameRate="25" scaleEnabled="0"', 1),
        ('srcFrameRate="x"', 1),
        ("", 1),
    ],
)
def test_conforming_plays_near_rates_frame_by_frame(read: Read, conform: str, speed: Fraction) -> None:
    inside = f'<conform-rate {conform}/><marker start="11s" value="foley: a"/><marker start="31s" value="late"/>'
    shot = _only(read(clip("a.mov", "0 10 20", inside)))
    assert (shot.source_start_s, shot.speed, shot.record.count) == (10, speed, 480)
    assert shot.notes == ("foley: a",)


@pytest.mark.parametrize(
    ("frame_s", "rate"),
    [
        ("100/2400s", Fraction(24)),
        ("1001/30000s", Fraction(30000, 1001)),
        ("100/3000s", Fraction(30)),
        ("100/5000s", Fraction(50)),
        ("1001/60000s", Fraction(60000, 1001)),
        ("100/6000s", Fraction(60)),
    ],
)
@pytest.mark.parametrize("spelling", ["23.98", "23.976"])
def test_film_is_conformed_as_if_it_ran_at_24(read: Read, frame_s: str, rate: Fraction, spelling: str) -> None:
    """What is connected 354 frames after the edge lies on a whole frame by the factor of 1.001 only."""
    offset_s = 10 + 354 / rate * Fraction(1001, 1000)
    connected = (
        f'<conform-rate srcFrameRate="{spelling}"/>'
        f'<asset-clip ref="b.mov" name="b.mov" lane="1" offset="{offset_s}s" duration="1s"/>'
    )
    edit = read(
        clip("a.mov", "0 10 20", connected),
        resources=f'<format id="own" frameDuration="{frame_s}"/>',
        sequence='format="own"',
    )
    assert [(shot.name, shot.record.first, shot.speed) for shot in edit.shots[:2]] == [
        ("a.mov", 0, Fraction(1001, 1000)),
        ("b.mov", 354, 1),
    ]


@pytest.mark.parametrize(
    ("format_id", "conform", "speed"),
    [
        ("f25", 'srcFrameRate="23.98"', Fraction(25025, 24000)),
        ("f25", 'srcFrameRate="24"', Fraction(25, 24)),
        ("f25", 'srcFrameRate="29.97" scaleEnabled="0"', 1),
        ("f2398", 'srcFrameRate="23.98"', 1),
        ("f2398", 'srcFrameRate="25"', NTSC_24 / 25),
        ("f30", 'srcFrameRate="23.98" scaleEnabled="0"', 1),
    ],
)
def test_other_conforming_plays_frame_for_frame_or_not_at_all(
    read: Read, format_id: str, conform: str, speed: Fraction
) -> None:
    shot = _only(read(clip("a.mov", "0 10 20", f"<conform-rate {conform}/>"), sequence=f'format="{format_id}"'))
    assert shot.speed == speed


@pytest.mark.parametrize(
    ("points", "source_s", "speed"),
    [
        pytest.param(("0 0", "10 20"), 4, 2, id="fast"),
        pytest.param(("0 0", "10 5"), 1, Fraction(1, 2), id="slow"),
        pytest.param(("0 10", "10 0"), 8, -1, id="backwards"),
        pytest.param(("0 7", "10 7"), 7, 0, id="frozen"),
        pytest.param(("5 50", "10 60"), 44, 2, id="a map that begins later goes on in its line"),
        pytest.param(("10 20", "0 0"), 4, 2, id="points in any order"),
        pytest.param(("0 0", "3 6", "10 20"), 4, 2, id="a point that bends nothing"),
        pytest.param(("0 0",), 2, 1, id="one point is no map"),
    ],
)
def test_time_maps_of_constant_speed(read: Read, points: tuple[str, ...], source_s: int, speed: Fraction) -> None:
    shot = _only(read(clip("a.mov", "0 2 4", time_map(*points))))
    assert (shot.source_start_s, shot.speed, shot.ramp) == (source_s, speed, ())


def test_a_time_map_that_bends_is_a_ramp(read: Read) -> None:
    shot = _only(read(clip("a.mov", "0 2 6", time_map("0 0", "4 4", "6 8", "10 8", more='interp="linear"'))))
    assert shot.ramp == ((0, 2), (2, 4), (4, 8), (6, 8))
    assert (shot.source_start_s, shot.speed) == (2, 1)


def test_a_smooth_bend_changes_the_speed_evenly(read: Read) -> None:
    bend = '<timept time="4s" value="4s" inTime="1s" outTime="1s"/>'
    points = f'<timeMap><timept time="0s" value="0s"/>{bend}<timept time="8s" value="16s"/></timeMap>'
    ramp = dict(_only(read(clip("a.mov", "0 0 8", points))).ramp)
    assert (ramp[Fraction(3)], ramp[Fraction(5)]) == (3, 7)
    # From speed 1 to speed 3 within two seconds: s = t + t*t/2 after the third second.
    assert ramp[Fraction(4)] == 3 + 1 + Fraction(1, 2)
    assert list(ramp) == sorted(ramp) and len(ramp) == 2 + 9


CONFORMED_FROM_24 = '<conform-rate srcFrameRate="24"/>'


def test_mixed_rates_inside_a_compound_count_by_its_own_rate(read: Read) -> None:
    inner = f"<spine>{clip('a.mov', '0 0 10', CONFORMED_FROM_24)}</spine>"
    media = f'<media id="m" name="m"><sequence format="f25" tcStart="0s">{inner}</sequence></media>'
    shot = _only(read(clip("m", "0 2 4", tag="ref-clip"), resources=media))
    assert (shot.source_start_s, shot.speed) == (2 * Fraction(25, 24), Fraction(25, 24))


# --- Lanes and storylines -------------------------------------------------------------------------------------------


def test_connected_clips_cover_by_lane_and_count_by_their_hosts_clock(read: Read) -> None:
    above = clip("b.mov", "12 5 1", more='lane="1"')
    below = clip("b.mov", "10 50 1", more='lane="-1"')
    edit = read(clip("a.mov", "0 10 4", above + below), gap("4 2", clip("b.mov", "3601 7 1", more='lane="-2"')))
    assert _seen(edit) == [
        ("a.mov", 0, 48, 240), ("b.mov", 48, 24, 120), ("a.mov", 72, 24, 312), ("b.mov", 120, 24, 168),
    ]  # fmt: skip
    assert [shot.track for shot in edit.shots] == ["primary storyline", "lane 1", "primary storyline", "lane -2"]
    assert [(item.record.first, item.reason) for item in edit.skipped if item.record] == [
        (0, "hidden behind a.mov"),
    ]


def test_what_is_connected_to_a_connected_clip_lies_next_to_it(read: Read) -> None:
    upper = clip("a.mov", "21 60 1", more='lane="-1"')
    lower = clip("b.mov", "1 20 2", upper + clip("a.mov", "20 70 1", more='lane="1"'), more='lane="1"')
    edit = read(clip("a.mov", "0 0 4", lower))
    assert _seen(edit) == [
        ("a.mov", 0, 24, 0), ("a.mov", 24, 24, 1680), ("b.mov", 48, 24, 21 * 24), ("a.mov", 72, 24, 72),
    ]  # fmt: skip


def test_connected_clips_of_retimed_and_conformed_hosts(read: Read) -> None:
    inside = '<conform-rate srcFrameRate="25"/>' + clip("b.mov", "35 0 1", more='lane="1"')
    assert _seen(read(clip("a.mov", "0 10 48", inside)))[1] == ("b.mov", 625, 24, 0)
    inside = time_map("0 0", "100 200") + clip("b.mov", "12 0 1", more='lane="1"')
    assert _seen(read(clip("a.mov", "0 10 4", inside)))[1] == ("b.mov", 48, 24, 0)


def test_a_secondary_storyline_starts_its_time_at_zero(read: Read) -> None:
    inner = clip("b.mov", "0 3 1") + gap("1 1") + clip("b.mov", "2 9 1")
    edit = read(clip("a.mov", "0 10 4", f'<spine lane="1" offset="11s">{inner}</spine>'))
    assert _seen(edit) == [
        ("a.mov", 0, 24, 240), ("b.mov", 24, 24, 72), ("a.mov", 48, 24, 288), ("b.mov", 72, 24, 216),
    ]  # fmt: skip


def test_a_transition_moves_no_cut(read: Read) -> None:
    fade = '<transition offset="3s" duration="2s"/>'
    edit = read(clip("a.mov", "0 0 4"), fade, clip("b.mov", "4 10 4"), fade.replace("3s", "7s"))
    assert _seen(edit) == [("a.mov", 0, 96, 0), ("b.mov", 96, 96, 240)]


def test_clips_that_overlap_under_a_transition_are_cut_at_its_centre(read: Read) -> None:
    fade = '<transition offset="4s" duration="2s"/>'
    edit = read(clip("a.mov", "0 0 6"), fade, clip("b.mov", "4 10 4", time_map("0 0", "50 100")))
    assert _seen(edit) == [("a.mov", 0, 120, 0), ("b.mov", 120, 72, 22 * 24)]
    assert edit.shots[1].speed == 2


def test_clips_that_overlap_without_one_are_cut_where_the_second_begins(read: Read) -> None:
    assert _seen(read(clip("a.mov", "0 0 6"), clip("b.mov", "4 10 4"))) == [("a.mov", 0, 96, 0), ("b.mov", 96, 96, 240)]


# --- Clips that hold others -----------------------------------------------------------------------------------------


def test_a_clip_shows_what_it_holds_under_its_own_name(read: Read) -> None:
    held = '<video ref="a.mov" offset="0s" duration="60s"><audio ref="a.mov" lane="-1" duration="60s"/></video>'
    outside = clip("b.mov", "22 0 1", more='lane="1"')
    edit = read(f'<clip name="interview" offset="0s" start="20s" duration="4s">{held}{outside}</clip>')
    assert _seen(edit) == [("interview", 0, 48, 480), ("b.mov", 48, 24, 0), ("interview", 72, 24, 23 * 24)]
    assert edit.skipped == ()


def test_a_synchronised_clip_shows_its_inner_storyline(read: Read) -> None:
    sound = clip("s.wav", "5 0 10", more='lane="-1"')
    inner = f"<spine>{clip('a.mov', '0 5 10', sound)}</spine>"
    assert _seen(read(f'<sync-clip name="sync" offset="0s" start="2s" duration="4s">{inner}</sync-clip>')) == [
        ("a.mov", 0, 96, 7 * 24)
    ]


COMPOUND = (
    '<media id="m" name="scene"><sequence format="f24" tcStart="3600s"><spine>'
    + clip("a.mov", "3600 0 2", '<marker start="1.5s" value="foley: inside"/>')
    + clip("b.mov", "3602 50 2")
    + "</spine></sequence></media>"
)


def test_a_compound_clip_is_seen_through(read: Read) -> None:
    note = '<note>foley: rain</note><marker start="3602s" value="outside"/>'
    edit = read(clip("m", "0 3601 2", note, tag="ref-clip"), clip("m", "2 - 1", tag="ref-clip"), resources=COMPOUND)
    assert _seen(edit) == [("a.mov", 0, 24, 24), ("b.mov", 24, 24, 1200), ("a.mov", 48, 24, 0)]
    assert [shot.notes for shot in edit.shots] == [("foley: rain", "foley: inside"), ("foley: rain", "outside"), ()]


def test_a_ramp_over_a_compound_clip_changes_speed_inside_it(read: Read) -> None:
    bent = time_map("3600 3600", "3601 3601", "3602 3604", more='inTime="1/2s" outTime="1/2s"')
    edit = read(clip("m", "0 3600 2", bent, tag="ref-clip"), resources=COMPOUND)
    assert [(shot.name, shot.record.count, shot.speed) for shot in edit.shots] == [
        ("a.mov", 24, 1), ("a.mov", 8, 3), ("b.mov", 16, 3),
    ]  # fmt: skip


MULTICAM = (
    '<media id="mc" name="both"><multicam format="f24" tcStart="0s">'
    f'<mc-angle name="A" angleID="one">{clip("a.mov", "0 5 9")}</mc-angle>'
    f'<mc-angle name="B" angleID="two">{clip("b.mov", "1 0 9")}</mc-angle></multicam></media>'
)


@pytest.mark.parametrize(
    ("sources", "seen"),
    [
        ('<mc-source angleID="two" srcEnable="all"/>', [("b.mov", 0, 24, 24)]),
        (
            '<mc-source angleID="one" srcEnable="audio"/><mc-source angleID="two" srcEnable="video"/>',
            [("b.mov", 0, 24, 24)],
        ),
        ("", [("a.mov", 0, 24, 7 * 24)]),
    ],
)
def test_a_multicam_clip_shows_the_angle_that_is_on(
    read: Read, sources: str, seen: list[tuple[str, int, int, Fraction]]
) -> None:
    assert _seen(read(clip("mc", "0 2 1", sources, tag="mc-clip"), resources=MULTICAM)) == seen


def test_a_multicam_clip_whose_picture_is_off_hides_nothing(read: Read) -> None:
    sound = '<mc-source angleID="one" srcEnable="audio"/>'
    above = clip("mc", "0 0 2", sound, tag="mc-clip", more='lane="1"')
    assert _seen(read(clip("a.mov", "0 0 2", above), resources=MULTICAM)) == [("a.mov", 0, 48, 0)]


def test_of_an_audition_the_first_pick_is_seen(read: Read) -> None:
    first = clip("a.mov", "- 5 2", clip("b.mov", "6 0 1", more='lane="1"'))
    edit = read(f'<audition offset="0s">{first}{clip("b.mov", "- 9 3")}</audition>', clip("b.mov", "- 5 1"))
    assert _seen(edit) == [("a.mov", 0, 24, 120), ("b.mov", 24, 24, 0), ("b.mov", 48, 24, 120)]
    assert _skipped(edit) == {"b.mov": "another pick of its audition"}


@pytest.mark.parametrize("where", ['offset="0s"', 'offset="1s" lane="1"'])
def test_a_pick_that_is_not_seen_makes_no_edit_longer(read: Read, where: str) -> None:
    audition = f"<audition {where}>{clip('a.mov', '- 0 2')}{clip('b.mov', '- 9 60')}</audition>"
    edit = read(audition if "lane" not in where else clip("a.mov", "0 0 4", audition))
    assert edit.frame_count == (48 if "lane" not in where else 96)
    (skipped,) = edit.skipped
    assert skipped.record is not None and skipped.record.count == 48
    assert "another pick" in skipped.reason


# --- What is no picture ---------------------------------------------------------------------------------------------


def test_what_was_not_filmed_is_listed_and_hides_nothing(read: Read) -> None:
    over = (
        '<title ref="t" lane="1" name="main title" offset="0s" duration="1s"/>'
        '<video ref="g" lane="2" name="clouds" offset="0s" duration="1s"/>'
        '<caption lane="3" name="words" offset="0s" duration="1s"/>'
        + clip("b.mov", "0 0 1", more='lane="4" enabled="0"')
    )
    effects = '<effect id="t" uid="t"/><effect id="g" uid="g"/>'
    edit = read(clip("a.mov", "0 0 1", over), '<novelty name="new" offset="1s" duration="1s"/>', resources=effects)
    assert _seen(edit) == [("a.mov", 0, 24, 0)]
    assert _skipped(edit) == {
        "main title": "a title, not a filmed picture",
        "clouds": "a generator, not a filmed picture",
        "words": "a caption, not a filmed picture",
        "b.mov": "disabled",
        "new": "a <novelty>, which is not read",
    }


def test_sound_is_neither_seen_nor_listed(read: Read) -> None:
    sounds = (
        clip("s.wav", "0 0 1", more='lane="-1"')
        + clip("b.mov", "0 0 1", more='lane="1" srcEnable="audio"')
        + clip("s.wav", "0 0 1", tag="audio", more='lane="2"')
        + '<clip name="room" lane="3" offset="0s" duration="1s"><audio ref="s.wav" duration="1s"/></clip>'
    )
    edit = read(clip("a.mov", "0 0 1", sounds))
    assert (_seen(edit), edit.skipped) == ([("a.mov", 0, 24, 0)], ())


def test_opacity(read: Read) -> None:
    def above(amount: str) -> Edit:
        blend = f'<adjust-blend amount="{amount}"/>'
        return read(clip("a.mov", "0 0 1", clip("b.mov", "0 0 1", blend, more='lane="1"')))

    assert _seen(above("0.5")) == [("b.mov", 0, 24, 0)]
    assert _seen(above("0")) == [("a.mov", 0, 24, 0)]
    assert _skipped(above("0.0")) == {"b.mov": "invisible: its opacity is 0"}
    angle = '<mc-source angleID="one"><adjust-blend amount="0"/></mc-source>'
    unseen = read(clip("a.mov", "0 0 1", clip("mc", "0 0 1", angle, "mc-clip", 'lane="1"')), resources=MULTICAM)
    assert _skipped(unseen) == {"mc": "invisible: its opacity is 0"}


@pytest.mark.parametrize(
    "still",
    [
        asset("x", 'hasVideo="1" format="f24"', duration="0s"),
        asset("x", 'hasVideo="1" format="none"'),
        asset("x", 'hasVideo="1"').replace("/rushes/x", "/rushes/x.PNG"),
    ],
)
def test_stills_stand(read: Read, still: str) -> None:
    shot = _only(read(clip("x", "0 3600 2", tag="video"), resources=still))
    assert (shot.source_start_s, shot.speed, shot.record.count, shot.source_timecode_s) == (0, 0, 48, None)


# --- Media, notes, projects -----------------------------------------------------------------------------------------


def test_where_the_media_is(read: Read) -> None:
    proxy = '<media-rep kind="proxy-media" src="file:///proxy.mov"/>'
    both = asset("p", 'hasVideo="1"').replace("<media-rep", proxy + "<media-rep", 1)
    only_proxy = f'<asset id="q" name="q" hasVideo="1">{proxy}</asset>'
    old = '<asset id="o" name="o" src="file:///old%20one.mov" hasVideo="1"/>'
    edit = read(*(clip(name, "- 0 1") for name in "pqo"), clip("lost", "- 0 1"), resources=both + only_proxy + old)
    assert [shot.media_ref for shot in edit.shots] == [
        "file:///rushes/p", "file:///proxy.mov", "file:///old%20one.mov", "",
    ]  # fmt: skip
    assert "looked for /old one.mov" in edit.shots[2].offline_reason
    assert edit.shots[3].offline_reason == "offline: the edit names no media file"


def test_a_compound_clip_that_is_not_in_the_file_is_an_offline_shot(read: Read) -> None:
    edit = read(clip("m", "0 0 1", tag="ref-clip"), resources='<media id="m" name="elsewhere"/>')
    assert [(shot.name, shot.media) for shot in edit.shots] == [("m", None)]


def test_notes_and_markers_reach_the_shot_they_lie_on(read: Read) -> None:
    inside = (
        "<note>foley: boots</note>"
        '<marker start="10s" value="before"/><marker start="20s" value="foley: door" note="slams"/>'
        '<chapter-marker start="21s" value="chapter"/><keyword start="20s" duration="9s" value="keyword"/>'
        '<rating start="20s" duration="9s" value="favorite"/><marker start="22s" value="after"/>'
    )
    edit = read(clip("a.mov", "0 20 2", inside), clip("b.mov", "2 0 2"))
    assert [shot.notes for shot in edit.shots] == [("foley: boots", "foley: door", "slams", "chapter"), ()]


def test_markers_on_titles_and_gaps_mean_what_is_seen_there(read: Read) -> None:
    title = (
        '<title ref="t" lane="1" offset="0s" start="3600s" duration="1s"><marker start="3600s" value="on it"/></title>'
    )
    above = clip("b.mov", "3600 0 1", more='lane="1"') + '<marker start="3600s" value="in the gap"/>'
    edit = read(clip("a.mov", "0 0 1", title), gap("1 1", above), resources='<effect id="t" uid="t"/>')
    assert [shot.notes for shot in edit.shots] == [("on it",), ("in the gap",)]


def test_projects_are_chosen_by_name(written: Write) -> None:
    one, two = (project(clip(f"{name}.mov", "0 0 1"), name=name) for name in "ab")
    path = written(document(one, two))
    with pytest.raises(UnsupportedEditError, match=r"2 sequences, name one of them.*'a', 'b'"):
        read_edit(path)
    with pytest.raises(UnsupportedEditError, match="no sequence named 'c'"):
        read_edit(path, sequence="c")
    edit = read_edit(path, sequence="b")
    assert (edit.name, [shot.name for shot in edit.shots]) == ("b", ["b.mov"])


@pytest.mark.parametrize("version", ["1.0", "1.5", "1.8", "1.14"])
@pytest.mark.parametrize("around", ["<library><event>{}</event></library>", "<event>{}</event>", "{}"])
def test_projects_lie_in_a_library_an_event_or_bare(written: Write, around: str, version: str) -> None:
    text = document(project(clip("a.mov", "0 0 1")), version=version)
    bare = text.replace("<library><event>", "").replace("</event></library>", "")
    body = bare[bare.index("<project") : bare.index("</fcpxml>")]
    assert _seen(read_edit(written(bare.replace(body, around.format(body))))) == [("a.mov", 0, 24, 0)]


def test_a_sequence_without_a_project_is_one(written: Write) -> None:
    whole = project(clip("a.mov", "0 0 1"))
    sequence = whole.removeprefix('<project name="cut">').removesuffix("</project>")
    assert _seen(read_edit(written(document(sequence)))) == [("a.mov", 0, 24, 0)]


# --- Refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "complaint"),
    [
        (document(clip("a.mov", "0 0 1")), EmptyEditError, "holds clips but no project"),
        (document(), EmptyEditError, "holds nothing but no project"),
        (document(project(), version="1.15"), UnsupportedEditError, "FCPXML version '1.15'"),
        (document(project(), version="2.0"), UnsupportedEditError, "FCPXML version '2.0'"),
        (document(project(), version="x" * 99), UnsupportedEditError, "FCPXML version"),
        (document(project(sequence="")), UnreadableEditError, "has no frame rate"),
        (document('<project name="p"><sequence format="f24"/></project>'), EmptyEditError, "has no storyline"),
        (document(project()), EmptyEditError, "no picture track"),
        (document(project(clip("s.wav", "0 0 1"))), EmptyEditError, "no picture track"),
        (document(project(clip("a.mov", "0 x 1"))), UnreadableEditError, "the start 'xs' of <asset-clip> 'a.mov'"),
        (document(project(clip("a.mov", "0 1/0 1"))), UnreadableEditError, "is no time"),
        (document(project(clip("a.mov", f"0 {'9' * 30} 1"))), UnreadableEditError, "is no time"),
        (document(project(), head='<!DOCTYPE fcpxml [<!ENTITY a "b">]>'), UnreadableEditError, "not opened"),
        (document(project(), head='<!DOCTYPE fcpxml SYSTEM "x.dtd">'), UnreadableEditError, "not opened"),
        (document()[:-20], UnreadableEditError, "no valid XML"),
    ],
)
def test_what_cannot_be_read_says_why(written: Write, text: str, kind: type[TimelineError], complaint: str) -> None:
    with pytest.raises(kind, match=complaint) as caught:
        read_edit(written(text))
    assert "cut.fcpxml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_compound_clip_in_itself_is_refused(read: Read) -> None:
    inner = f"<spine>{clip('m', '0 0 1', tag='ref-clip')}</spine>"
    media = f'<media id="m"><sequence format="f24">{inner}</sequence></media>'
    with pytest.raises(UnreadableEditError, match="nested in itself"):
        read(clip("m", "0 0 1", tag="ref-clip"), resources=media)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ('<clip offset="0s" duration="1s">', "</clip>"),
        ('<clip lane="1" offset="0s" duration="1s">', "</clip>"),
        ('<spine lane="1">', "</spine>"),
        ('<audition lane="1">', "</audition>"),
    ],
)
def test_deep_nesting_is_refused(read: Read, opening: str, closing: str) -> None:
    with pytest.raises(UnreadableEditError, match="60 deep"):
        read(clip("a.mov", "0 0 1", (opening + "<clip duration='1s'>") * 3000 + ("</clip>" + closing) * 3000))


def test_compounds_that_multiply_are_refused_in_time(read: Read) -> None:
    media = [COMPOUND.replace('id="m"', 'id="m0"')]
    for level in range(1, 12):
        uses = clip(f"m{level - 1}", "- 3600 1", tag="ref-clip") * 10
        story = f'<sequence format="f24" tcStart="3600s"><spine>{uses}</spine></sequence>'
        media.append(f'<media id="m{level}">{story}</media>')
    with pytest.raises(UnreadableEditError, match="more than 100000 clips"):
        read(clip("m11", "0 0 99999999", tag="ref-clip"), resources="".join(media))


# --- Whatever the bytes ---------------------------------------------------------------------------------------------

JUNK = ["", "-1", "x", "999999999999999999s", "1/0s", "0s", "-5s", "1e9s", "NaN", "r1", "r8", "lane", "24/0"]
FUZZ = settings(max_examples=150, derandomize=True)


@FUZZ
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(JUNK)), min_size=1, max_size=5))
def test_changed_attributes(fixture_timelines: Path, tmp_path: Path, changes: list[tuple[int, str]]) -> None:
    pieces = (fixture_timelines / "golden.fcpxml").read_text("utf-8").split('"')
    for pick, junk in changes:
        pieces[1 + 2 * (pick % (len(pieces) // 2))] = junk
    path = tmp_path / "cut.fcpxml"
    path.write_text('"'.join(pieces), encoding="utf-8")
    try:
        read_edit(path)
    except TimelineError as error:
        assert "\n" not in str(error)

""".otio files: dialects, clocks, retimes, notes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from timeline_io.errors import EmptyEditError, UnreadableEditError, UnsupportedEditError
from timeline_io.frames import snap_rate
from timeline_io.read import read_edit, require_shots

Write = Callable[..., Path]


def test_cuts_lie_end_to_end_and_gaps_are_left_out(otio: SimpleNamespace, otio_file: Write) -> None:
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 10, 48), otio.gap(12), otio.clip("b.mov", 0, 24))))
    assert [(shot.record.first, shot.record.count, shot.source_start_s) for shot in edit.shots] == [
        (0, 48, Fraction(10, 24)),
        (60, 24, 0),
    ]
    assert edit.frame_count == 84


@pytest.mark.parametrize("spelling", [23.976, 23.98, 23.976024627685547, 24000 / 1001])
def test_any_spelling_of_the_rate_gives_the_exact_clock(
    otio: SimpleNamespace, otio_file: Write, spelling: float, ntsc_24: Fraction
) -> None:
    clips = [otio.clip(f"{index}.mov", 0, 100, rate=spelling) for index in range(50)]
    whole = otio.timeline(otio.track(*clips), global_start_time=otio.time(86400, spelling))
    edit = read_edit(otio_file(whole=whole))
    assert (edit.rate, edit.start_frame, edit.frame_count) == (ntsc_24, 86400, 5000)
    assert edit.shots[-1].record.first == 86400 + 4900


def test_a_time_scale_is_not_taken_for_a_frame_rate(otio: SimpleNamespace, otio_file: Write, ntsc_24: Fraction) -> None:
    clips = otio.track(otio.clip("a.mov", 0, 60060, rate=24000))
    edit = read_edit(otio_file(whole=otio.timeline(clips, global_start_time=otio.time(0, 1))))
    assert (edit.rate, edit.frame_count) == (ntsc_24, 60)


def test_the_rate_of_most_clips_counts_when_the_timeline_says_nothing(otio: SimpleNamespace, otio_file: Write) -> None:
    clips = [otio.clip("a.mov", 0, 50, rate=25), otio.clip("b.mov", 0, 50, rate=25), otio.clip("c.mov", 0, 24)]
    edit = read_edit(otio_file(whole=otio.timeline(otio.track(*clips), global_start_time=None)))
    assert (edit.rate, edit.frame_count) == (25, 125)


@pytest.mark.parametrize(
    ("start", "rate", "available", "available_rate", "expected"),
    [
        pytest.param(86424, 24, 86400, 24, Fraction(1), id="embedded timecode"),
        pytest.param(91046.625, 25, 87399, 24, Fraction(24, 100), id="timeline rate over media rate"),
        pytest.param(24, 24, 86400, 24, Fraction(1), id="counted from zero"),
        pytest.param(86424, 24, 86400, 24000 / 1001, Fraction(1), id="same number at another rate"),
        pytest.param(24, 24, 0, 24, Fraction(1), id="no timecode"),
    ],
)
def test_the_media_start_timecode_is_taken_off(
    otio: SimpleNamespace, otio_file: Write, start: float, rate: float, available: int, available_rate: float,
    expected: Fraction,
) -> None:  # fmt: skip
    media = otio.media("/rushes/a.mov", otio.span(available, 2400, available_rate))
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", start, 24, rate=rate, media=media))))
    assert edit.shots[0].source_start_s == expected


@pytest.mark.parametrize(
    ("rate", "day"), [(25, 2_160_000), (30000 / 1001, 2_592_000), (30000 / 1001, 2_589_408)], ids=["25", "NDF", "DF"]
)
def test_a_source_range_after_midnight_lies_behind_one_before_it(
    otio: SimpleNamespace, otio_file: Write, rate: float, day: int
) -> None:
    """The number would lie inside the file as well."""
    media = otio.media("/rushes/a.mov", otio.span(day - 50, 300, rate))
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 25, 24, rate=rate, media=media))))
    assert edit.shots[0].source_start_s == 75 / snap_rate(rate)
    assert edit.shots[0].source_timecode_s == 25 / snap_rate(rate)


@pytest.mark.parametrize(("first", "expected_s"), [(-25, -1), (200, 8), (25 * 3600, None)])
def test_of_a_range_that_is_not_wholly_in_its_file_the_most_is_shown(
    first: int, expected_s: int | None, otio: SimpleNamespace, otio_file: Write
) -> None:
    """A file of ten seconds from 23:59:58; a range that begins so many frames from there."""
    begin = 86_398 * 25
    media = otio.media("/rushes/a.mov", otio.span(begin, 250, 25))
    clips = otio.clip("a.mov", begin + first, 75, rate=25, media=media)
    (shot,) = read_edit(otio_file(otio.track(clips))).shots
    assert shot.source_start_s == (3600 if expected_s is None else expected_s)


def test_what_was_a_list_keeps_its_source_times_and_reels(otio: SimpleNamespace, otio_file: Write) -> None:
    named = {"OTIO_SCHEMA": "MissingReference.1", "name": "C0001.MOV", "metadata": {}}
    clips = [otio.clip("a", 864_024, 24, media=named, metadata={"cmx_3600": {"reel": reel}}) for reel in ("A001", "AX")]
    shots = read_edit(otio_file(otio.track(*clips))).shots
    assert [(shot.source_timecode_s, shot.reel) for shot in shots] == [(36_001, "A001"), (36_001, "")]


@pytest.mark.parametrize(
    ("of_clip", "of_media"),
    [
        ({"Resolve_OTIO": {"Reel Name": "A001"}}, {"tape": "B001"}),
        ({"reel_name": " A001 "}, {}),
        ({"scene": 7, "AAF": {"Source": {"TapeName": "A001"}}}, {}),
        ({"cmx_3600": {"reel": "AX"}}, {"reel": "A001"}),
        ({}, {"fcp_xml": {"timecode": {"reel": {"name": "A001"}}}}),
        ({"reel": None, "tape": 3}, {"fcp_xml": {"reel": {"name": None}}, "Tape ID": "A001"}),
    ],
)
def test_a_reel_is_read_wherever_a_program_notes_it(
    of_clip: dict[str, Any], of_media: dict[str, Any], otio: SimpleNamespace, otio_file: Write
) -> None:
    media = {**otio.media("/rushes/a.mov"), "metadata": of_media}
    (shot,) = read_edit(otio_file(otio.track(otio.clip("a", 0, 24, media=media, metadata=of_clip)))).shots
    assert shot.reel == "A001"


# 20 hours at 23.976, of which the digits behind 23.976 are worth 1.8 frames.
LATE = 20 * 3600 * 24
FLOAT = 23.976024627685547


@pytest.mark.parametrize(
    ("start", "rate"),
    [
        pytest.param((LATE + 100) / 23.976 * FLOAT, FLOAT, id="made of the other by its digits"),
        pytest.param(LATE + 100, FLOAT, id="both count frames"),
        pytest.param((LATE + 100) / 23.976 * 25, 25, id="at the rate of the timeline"),
        pytest.param((LATE + 100) / 24000 * 1001 * 25, 25, id="at the rate of the timeline, exact"),
        pytest.param(LATE + 100, 23.976, id="the same digits"),
    ],
)
def test_long_timecodes_are_compared_as_they_are_written(
    otio: SimpleNamespace, otio_file: Write, start: float, rate: float, ntsc_24: Fraction
) -> None:
    media = otio.media("/rushes/a.mov", otio.span(LATE, 2400, 23.976))
    (shot,) = read_edit(otio_file(otio.track(otio.clip("a.mov", start, 24, rate=rate, media=media)))).shots
    assert shot.source_start_s == 100 / ntsc_24
    assert shot.source_timecode_s == (LATE + 100) / ntsc_24


@pytest.mark.parametrize(("rate", "own"), [(23.976, FLOAT), (FLOAT, 23.976)])
@pytest.mark.parametrize("frames", [240, 3 * 3600 * 24])
def test_the_whole_of_media_with_a_long_timecode_is_inside_it(
    otio: SimpleNamespace, otio_file: Write, ntsc_24: Fraction, rate: float, own: float, frames: int
) -> None:
    media = otio.media("/rushes/a.mov", otio.span(LATE, frames, own))
    start, length = LATE / own * rate, frames / own * rate
    (shot,) = read_edit(otio_file(otio.track(otio.clip("a.mov", start, length, rate=rate, media=media)))).shots
    assert (shot.source_start_s, shot.source_timecode_s) == (0, LATE / ntsc_24)


def test_a_clip_without_a_source_range_plays_its_whole_media(otio: SimpleNamespace, otio_file: Write) -> None:
    media = otio.media("a.mov", otio.span(86400, 100))
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 0, media=media) | {"source_range": None})))
    assert (edit.shots[0].record.count, edit.shots[0].source_start_s) == (100, 0)


def test_a_reversed_clip_starts_at_the_far_edge_of_its_range(otio: SimpleNamespace, otio_file: Write) -> None:
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 24, 48, speed=-2.0))))
    assert (edit.shots[0].source_start_s, edit.shots[0].speed) == (Fraction(24 + 96, 24), -2)


def test_premiere_counts_a_retimed_range_in_the_media(otio: SimpleNamespace, otio_file: Write) -> None:
    whole = otio.timeline(otio.track(otio.clip("a.mov", 0, 97, speed=2.0), otio.clip("b.mov", 0, 24)))
    whole["metadata"] = {"PremierePro_OTIO": {"MetadataVersion": "1.0"}}
    edit = read_edit(otio_file(whole=whole))
    assert [(shot.record.first, shot.record.count) for shot in edit.shots] == [(0, 49), (49, 24)]


def test_warps_multiply_and_disabled_effects_do_nothing(otio: SimpleNamespace, otio_file: Write) -> None:
    effects = [otio.warp(2), otio.warp(1.5), otio.warp(7) | {"enabled": False}]
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24, effects=effects))))
    assert edit.shots[0].speed == 3


def test_a_speed_ramp_is_read_as_normal_speed_and_says_so(otio: SimpleNamespace, otio_file: Write) -> None:
    effects = [{"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "ramp"}]
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24, effects=effects))))
    assert edit.shots[0].speed == 1
    assert "changing speed" in edit.shots[0].notes[0]


RESOLVE_KEYS = [[0.0, 0.0, 0.0], [0.5, 0.5, 1.0, -0.1, 0.0, 0.1, 0.0], [1.0, 2.0], ["?"], [float("nan"), 0.0]]


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"Resolve_OTIO": {"Key Frames": RESOLVE_KEYS}}, id="Resolve, seconds"),
        pytest.param(
            {"length": 25, "lookup": [max(0, 2 * (frame - 12)) for frame in range(25)]}, id="Hiero, frames to add"
        ),
    ],
)
def test_a_speed_ramp_with_key_frames_is_read_by_them(
    otio: SimpleNamespace, otio_file: Write, metadata: dict[str, object]
) -> None:
    effects = [{"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "TimeWarp", "metadata": metadata}]
    media = otio.media("/rushes/a.mov", otio.span(86400, 2400))
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 86424, 24, effects=effects, media=media))))
    shot = edit.shots[0]
    assert (shot.source_start_s, shot.speed, shot.notes) == (1, 2, ())
    assert shot.ramp == ((0, 1), (Fraction(1, 2), Fraction(3, 2)), (1, 3))
    assert shot.source_timecode_s == 3601


def test_a_trimmed_track_is_seen_through_its_window(otio: SimpleNamespace, otio_file: Write) -> None:
    track = otio.track(otio.clip("a.mov", 0, 48), otio.clip("b.mov", 0, 48), source_range=otio.span(24, 48))
    edit = read_edit(otio_file(track))
    assert [(shot.name, shot.record.first, shot.record.count, shot.source_start_s) for shot in edit.shots] == [
        ("a.mov", 0, 24, 1),
        ("b.mov", 24, 24, 0),
    ]


def test_nested_stacks_compose_speed_and_trim(otio: SimpleNamespace, otio_file: Write) -> None:
    inner = otio.stack(otio.track(otio.clip("a.mov", 0, 240)), speed=2.0, source_range=otio.span(24, 48))
    outer = otio.stack(otio.track(inner), speed=0.5, source_range=otio.span(12, 24))
    shot = read_edit(otio_file(otio.track(outer))).shots[0]
    assert (shot.record.count, shot.speed, shot.source_start_s) == (24, 1, 2)


def test_media_kinds(otio: SimpleNamespace, otio_file: Write) -> None:
    sequence = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "/renders/",
        "name_prefix": "sea.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "available_range": otio.span(0, 100),
    }
    missing = {"OTIO_SCHEMA": "MissingReference.1", "name": "lost_take.mov"}
    still = otio.media("/stills/poster.PNG", otio.span(0, 1))
    edit = read_edit(
        otio_file(
            otio.track(
                otio.clip("frames", 0, 24, media=sequence),
                otio.clip("lost", 0, 24, media=missing),
                otio.clip("poster", 12, 24, media=still),
                otio.clip("Text+", 0, 24, media={"OTIO_SCHEMA": "MissingReference.1"}),
                otio.clip("nothing", 0, 24, media=None),
            )
        )
    )
    frames, lost, poster, nothing = edit.shots
    assert (frames.media_ref, frames.media) == ("/renders/sea.%04d.exr", None)
    assert "image sequence" in frames.offline_reason
    assert "lost_take.mov" in lost.offline_reason
    assert (poster.speed, poster.source_start_s) == (0, 0)
    assert nothing.record.first == 96
    assert edit.skipped[0].name == "Text+"


def _composite(value: float, keys: dict[str, float], enabled: bool = True) -> dict[str, object]:
    frames = {at: {"Value": key, "Variant Type": "Double"} for at, key in keys.items()}
    opacity = {"Parameter ID": "opacity", "Parameter Value": value, "Key Frames": frames}
    block = {"Effect Name": "Composite", "Enabled": enabled, "Parameters": [opacity]}
    return {"OTIO_SCHEMA": "Effect.1", "effect_name": "Resolve Effect", "metadata": {"Resolve_OTIO": block}}


@pytest.mark.parametrize(
    ("effect", "is_seen"),
    [
        (_composite(0.0, {}), False),
        (_composite(100.0, {"0": 0.0, "20": 0.0}), False),
        (_composite(0.0, {"0": 0.0, "20": 100.0}), True),
        (_composite(0.0, {}, enabled=False), True),
        (_composite(40.0, {}), True),
    ],
)
def test_only_what_is_invisible_throughout_covers_nothing(
    otio: SimpleNamespace, otio_file: Write, effect: dict[str, object], is_seen: bool
) -> None:
    lower = otio.track(otio.clip("a.mov", 0, 48))
    nest = otio.stack(otio.track(otio.clip("in.mov", 0, 24))) | {"effects": [effect]}
    upper = otio.track(otio.clip("top.mov", 0, 24, effects=[effect]), nest)
    edit = read_edit(otio_file(lower, upper))
    assert [shot.name for shot in edit.shots] == (["top.mov", "in.mov"] if is_seen else ["a.mov"])
    why = {item.name: item.reason for item in edit.skipped}
    invisible = "invisible: its opacity is 0"
    assert why == (
        {"a.mov": "hidden behind top.mov and in.mov"} if is_seen else {"top.mov": invisible, "scene": invisible}
    )


def test_titles_and_adjustment_layers_do_not_cut_a_shot(otio: SimpleNamespace, otio_file: Write) -> None:
    missing = {"OTIO_SCHEMA": "MissingReference.1"}
    upper = [otio.track(otio.gap(12), otio.clip(name, 0, 12, media=missing)) for name in ("Text+", "Adjustment Clip")]
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 48)), *upper))
    assert [(shot.name, shot.record.count) for shot in edit.shots] == [("a.mov", 48)]
    assert sorted(item.name for item in edit.skipped) == ["Adjustment Clip", "Text+"]


def test_an_image_sequence_written_as_a_path_is_one_moving_picture(otio: SimpleNamespace, otio_file: Write) -> None:
    media = otio.media("D:\\renders\\sea.[0001-0100].exr", otio.span(0, 100))
    shot = read_edit(otio_file(otio.track(otio.clip("sea", 12, 24, media=media)))).shots[0]
    assert (shot.media_ref, shot.speed, shot.source_start_s) == ("D:/renders/sea.%04d.exr", 1, Fraction(1, 2))
    assert "image sequence" in shot.offline_reason


def test_notes_come_from_clips_markers_and_the_timeline(otio: SimpleNamespace, otio_file: Write) -> None:
    def marker(at: int, name: str, **more: object) -> dict[str, object]:
        return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": otio.span(at, 0), **more}

    first = otio.clip(
        "a.mov",
        100,
        48,
        metadata={"Resolve_OTIO": {"Clip": {"Comments": "wet street"}}},
        markers=[marker(110, "foley: steps", metadata={"Resolve_OTIO": {"Note": "slow"}}), marker(150, "outside")],
    )
    whole = otio.timeline(otio.track(first, otio.clip("b.mov", 0, 48)))
    whole["tracks"]["markers"] = [marker(60, "thunder", comment="far away")]
    shots = read_edit(otio_file(whole=whole)).shots
    assert shots[0].notes == ("wet street", "foley: steps", "slow")
    assert shots[1].notes == ("thunder", "far away")


def test_switches_survive_in_the_metadata_of_converted_files(otio: SimpleNamespace, otio_file: Write) -> None:
    off = otio.clip("off.mov", 0, 24, metadata={"fcp_xml": {"enabled": "FALSE"}})
    edit = read_edit(otio_file(otio.track(off, otio.clip("on.mov", 0, 24))))
    assert [shot.name for shot in edit.shots] == ["on.mov"]
    assert edit.skipped[0].reason == "disabled"


def test_a_cut_that_changes_nothing_is_no_cut(otio: SimpleNamespace, otio_file: Write) -> None:
    clips = [otio.clip("a.mov", 0, 24), otio.clip("a.mov", 24, 24), otio.clip("a.mov", 49, 24)]
    edit = read_edit(otio_file(otio.track(*clips)))
    assert [(shot.record.first, shot.record.count) for shot in edit.shots] == [(0, 48), (48, 24)]


def test_old_schemas_byte_order_marks_and_infinity_are_read(otio: SimpleNamespace, otio_file: Write) -> None:
    old_track = otio.track(otio.clip("a.mov", 0, 24)) | {"OTIO_SCHEMA": "Sequence.1"}
    path = otio_file(old_track)
    odd = '"metadata": {"a": NaN, "b": -Inf, "c": "Inf"}'
    body = path.read_text("utf-8").replace('"name": "cut"', f'"name": "cut", {odd}')
    path.write_bytes(b"\xef\xbb\xbf" + body.encode())
    assert len(read_edit(path).shots) == 1


def test_a_collection_is_read_when_one_timeline_is_named(otio: SimpleNamespace, otio_file: Write) -> None:
    timelines = [otio.timeline(otio.track(otio.clip(f"{name}.mov", 0, 24)), name=name) for name in ("one", "two")]
    path = otio_file(whole={"OTIO_SCHEMA": "SerializableCollection.1", "children": timelines})
    assert read_edit(path, sequence="two").shots[0].name == "two.mov"
    with pytest.raises(UnsupportedEditError, match="'one', 'two'"):
        read_edit(path)
    with pytest.raises(UnsupportedEditError, match="no sequence named 'three'"):
        read_edit(path, sequence="three")


@pytest.mark.parametrize("kind", ["Timeline.99", "Clip.7", "RationalTime.2"])
def test_a_newer_schema_is_refused_by_name(otio: SimpleNamespace, otio_file: Write, kind: str) -> None:
    path = otio_file(otio.track(otio.clip("a.mov", 0, 24)))
    name = kind.partition(".")[0]
    older = f"{name}.2" if name == "Clip" else f"{name}.1"
    path.write_text(path.read_text("utf-8").replace(f'"{older}"', f'"{kind}"'), encoding="utf-8")
    with pytest.raises(UnsupportedEditError, match=rf"cut.otio.*{kind}"):
        read_edit(path)


def test_broken_times_name_the_clip(otio: SimpleNamespace, otio_file: Write) -> None:
    for bad in (float("nan"), float("inf"), "10", None, 1e300):
        with pytest.raises(UnreadableEditError, match=r"cut\.otio: the time of a\.mov"):
            read_edit(otio_file(otio.track(otio.clip("a.mov", bad, 24))))
    with pytest.raises(UnreadableEditError, match="rate"):
        read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24, rate=0))))


def test_an_edit_of_sound_only_is_empty(otio: SimpleNamespace, otio_file: Write) -> None:
    with pytest.raises(EmptyEditError, match="no picture track"):
        read_edit(otio_file(otio.track(otio.clip("a.wav", 0, 24), kind="Audio")))


def test_an_edit_that_shows_nothing_says_why(otio: SimpleNamespace, otio_file: Write) -> None:
    edit = read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24, enabled=False))))
    with pytest.raises(EmptyEditError, match=r"no clip of .* can be seen: a\.mov \(disabled\)$"):
        require_shots(edit)


def test_an_overlay_on_every_clip_of_a_long_edit(otio: SimpleNamespace, otio_file: Write) -> None:
    lower = otio.track(*(otio.clip(f"{index}.mov", 0, 24) for index in range(1000)))
    upper = otio.track(*(item for _ in range(1000) for item in (otio.gap(12), otio.clip("b.mov", 0, 12))))
    assert len(read_edit(otio_file(lower, upper)).shots) == 2000

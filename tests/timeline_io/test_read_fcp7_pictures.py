"""Final Cut Pro 7 XML: speed ramps, invisible layers, multiclips, image sequences."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.fcp7 import bare, dissolve, only
from timeline_io.read import read_edit

Write = Callable[..., Path]


def _time_remap(points: list[tuple[int, float]], more: str = "") -> str:
    keys = "".join(
        f"<keyframe><when>{when}</when><value>{value}</value><speedvirtualkf>TRUE</speedvirtualkf></keyframe>"
        for when, value in points
    )
    return (
        "<filter><effect><effectid>timeremap</effectid>"
        "<parameter authoringApp='PremierePro'><parameterid>variablespeed</parameterid><value>1</value></parameter>"
        "<parameter><parameterid>graphdict</parameterid><valuemin>0</valuemin><valuemax>240</valuemax><value>0</value>"
        f"{keys}<interpolation><name>FCPCurve</name></interpolation></parameter></effect>{more}</filter>"
    )


def test_a_speed_ramp_is_read_by_its_key_frames(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ramp = _time_remap([(0, 0), (24, 24), (48, 96)])
    shot = only(fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 12, 36, ramp)))))
    assert (shot.source_start_s, shot.speed) == (Fraction(12, 24), 2)
    assert shot.ramp == ((0, Fraction(12, 24)), (Fraction(12, 24), 1), (1, Fraction(60, 24)))


def test_key_frames_on_one_line_are_a_steady_speed(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ramp = _time_remap([(-24, -48), (12, 24), (48, 96)])
    shot = only(fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24, ramp)))))
    assert (shot.source_start_s, shot.speed, shot.ramp) == (0, 2, ())


def test_a_ramp_under_a_transition_and_an_overlay_stays_where_it_is(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    ramp = _time_remap([(0, 0), (24, 24), (48, 96)])
    lower = fcp7.track(
        fcp7.item("a.mov", 0, -1, 0, 30),
        dissolve(20, 28, "center"),
        fcp7.item("b.mov", -1, 68, 0, 48, ramp),
    )
    upper = fcp7.track(fcp7.item("top.mov", 48, 56, 0, 8))
    first, second = [shot for shot in read_edit(fcp7_file(fcp7.sequence(lower, upper))).shots if shot.name == "b.mov"]
    assert (first.record.first, first.record.end) == (24, 48)
    # The item's counting begins at 20, under the transition: at the cut 4 frames have gone.
    assert first.ramp == ((0, Fraction(4, 24)), (Fraction(20, 24), 1), (1, Fraction(36, 24)))
    assert (second.source_start_s, second.speed) == (Fraction(24 + 12 * 3, 24), 3)


def test_a_nested_sequence_whose_speed_changes_shows_the_right_part_of_it(
    fcp7: SimpleNamespace, fcp7_file: Write
) -> None:
    inner = fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24), fcp7.item("b.mov", 24, 96, 0, 72)), own_id="in")
    use = bare("scene", 0, 48, 0, 48, f'<sequence id="in"/>{_time_remap([(0, 0), (24, 24), (48, 96)])}')
    edit = read_edit(fcp7_file(inner, fcp7.sequence(fcp7.track(use), name="outer")))
    assert [(shot.name, shot.record.first, shot.record.count, shot.speed) for shot in edit.shots] == [
        ("a.mov", 0, 24, 1),
        ("b.mov", 24, 24, 3),
    ]


def _opacity(value: str, keys: tuple[str, ...] = (), more: str = "") -> str:
    frames = "".join(f"<keyframe><when>{10 * at}</when><value>{key}</value></keyframe>" for at, key in enumerate(keys))
    return (
        f"<filter>{more}<effect><name>Opacity</name><effectid>opacity</effectid><parameter>"
        f"<parameterid>opacity</parameterid><value>{value}</value>{frames}</parameter></effect></filter>"
    )


@pytest.mark.parametrize(
    ("more", "is_seen"),
    [
        (_opacity("0"), False),
        (_opacity("100", ("0", "0.0")), False),
        (_opacity("0", ("0", "100")), True),
        (_opacity("30"), True),
        (_opacity("0", more="<enabled>FALSE</enabled>"), True),
        ("<compositemode>multiply</compositemode>", True),
    ],
)
def test_only_what_is_invisible_throughout_covers_nothing(
    fcp7: SimpleNamespace, fcp7_file: Write, more: str, is_seen: bool
) -> None:
    lower = fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24))
    edit = read_edit(fcp7_file(fcp7.sequence(lower, fcp7.track(fcp7.item("top.mov", 0, 24, 0, 24, more)))))
    assert [shot.name for shot in edit.shots] == (["top.mov"] if is_seen else ["a.mov"])
    hidden = ("a.mov", "hidden behind top.mov") if is_seen else ("top.mov", "invisible: its opacity is 0")
    assert [(item.name, item.reason) for item in edit.skipped] == [hidden]


def test_an_invisible_nested_sequence_is_listed(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    inner = fcp7.sequence(fcp7.track(fcp7.item("in.mov", 0, 24, 0, 24)), own_id="in")
    use = bare("scene", 0, 24, 0, 24, f'<sequence id="in"/>{_opacity("0")}')
    lower = fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24))
    edit = read_edit(fcp7_file(inner, fcp7.sequence(lower, fcp7.track(use), name="outer")))
    assert [shot.name for shot in edit.shots] == ["a.mov"]
    assert [(item.name, item.reason) for item in edit.skipped] == [("scene", "invisible: its opacity is 0")]


def _angle(name: str, is_active: bool, more: str) -> str:
    flag = "TRUE" if is_active else "FALSE"
    return (
        f"<angle><activevideoangle>{flag}</activevideoangle><activeaudioangle>TRUE</activeaudioangle>"
        f'<clip id="{name}"><name>{name}</name><duration>240</duration>{more}</clip></angle>'
    )


def test_the_active_angle_of_a_multiclip_is_seen(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    def file(name: str) -> str:
        return f'<file id="f-{name}"><pathurl>file://localhost/rushes/{name}.mov</pathurl>{fcp7.rate}</file>'

    clip = f"<clipitem>{fcp7.rate}<start>0</start><in>48</in>{file('c')}</clipitem>"
    item = f"<media><video><track>{clip}</track></video></media>"
    multi = f"<multiclip id='m'><name>m</name>{_angle('a', False, file('a'))}{_angle('b', True, file('b'))}</multiclip>"
    other = f"<multiclip id='n'><name>n</name>{_angle('c', True, item)}</multiclip>"
    track = fcp7.track(
        bare("one", 0, 24, 12, 36, fcp7.rate + multi),
        bare("two", 24, 48, 100, 124, fcp7.rate + '<multiclip id="m"/>'),
        bare("three", 48, 72, 12, 36, fcp7.rate + other),
        bare("four", 72, 96, 0, 24, '<multiclip id="lost"/>'),
    )
    shots = read_edit(fcp7_file(fcp7.sequence(track))).shots
    assert [(shot.name, shot.media_ref[-5:], shot.source_start_s * 24) for shot in shots] == [
        ("one", "b.mov", 12),
        ("two", "b.mov", 100),
        ("three", "c.mov", 60),
        ("four", "", 0),
    ]


@pytest.mark.parametrize("name", ["sea.[0001-0100].exr", "sea.%5B0001-0100%5D.exr", "sea.####.exr", "sea.%04d.exr"])
def test_an_image_sequence_is_one_moving_picture(fcp7: SimpleNamespace, fcp7_file: Write, name: str) -> None:
    track = fcp7.track(fcp7.item("sea", 0, 24, 12, 36, url=f"file://localhost/renders/{name}"))
    shot = only(fcp7_file(fcp7.sequence(track)))
    assert (shot.media_ref, shot.speed, shot.source_start_s) == ("/renders/sea.%04d.exr", 1, Fraction(1, 2))
    assert "image sequence" in shot.offline_reason


def test_the_timecode_of_a_file_gives_that_of_the_shot(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    code = f"<timecode>{fcp7.rate}<string>01:00:00:00</string><frame>86400</frame></timecode>"
    file = f'<file id="f"><pathurl>file://localhost/a.mov</pathurl>{fcp7.rate}<duration>240</duration>{code}</file>'
    shot = only(fcp7_file(fcp7.sequence(fcp7.track(bare("a", 0, 24, 12, 36, fcp7.rate + file)))))
    assert (shot.source_start_s, shot.source_timecode_s) == (Fraction(1, 2), 3600 + Fraction(1, 2))

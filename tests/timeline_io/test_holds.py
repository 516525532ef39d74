"""A speed-up that runs past the end of its input holds the last frame, in every format (AAF: test_read_aaf.py)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.fcpxml import clip, document, project, time_map
from timeline_io.edit import Edit, Shot
from timeline_io.read import read_edit
from timeline_io.shots import ramp_at

Write = Callable[..., Path]
# Media of 240 frames at 24; what is played of it is 6 s long, and begins 2 s into it at twice the speed.
LAST = 239


def _frames(shot: Shot, *frames: int) -> list[Fraction]:
    """The media frames that are seen at frames of the shot."""
    times = [Fraction(frame, 24) for frame in frames]
    seen = [ramp_at(shot.ramp, at_s) if shot.ramp else shot.source_start_s + shot.speed * at_s for at_s in times]
    return [at_s * 24 for at_s in seen]


def _only(edit: Edit) -> Shot:
    (shot,) = edit.shots
    return shot


def _fcpxml(folder: Path, *spine: str, resources: str = "") -> Edit:
    path = folder / "cut.fcpxml"
    long = '<asset id="l.mov" name="l.mov" start="3600s" duration="10s" hasVideo="1" format="f24" src="file:///l.mov"/>'
    path.write_text(document(project(*spine), resources=long + resources), encoding="utf-8")
    return read_edit(path)


@pytest.fixture
def made(
    request: pytest.FixtureRequest, otio: SimpleNamespace, otio_file: Write, fcp7: SimpleNamespace, fcp7_file: Write,
    tmp_path: Path,
) -> Edit:  # fmt: skip
    """One clip of the media in each format."""
    if request.param == "otio":
        media = otio.media("/rushes/a.mov", otio.span(86400, 240))
        return read_edit(otio_file(otio.track(otio.clip("a.mov", 86448, 144, media=media, speed=2.0))))
    if request.param == "fcp7":
        track = fcp7.track(fcp7.item("a.mov", 0, 144, 24, 168, fcp7.remap("200")))
        return read_edit(fcp7_file(fcp7.sequence(track)))
    bent = time_map("3600 3600", "3610 3620")
    return _fcpxml(tmp_path, clip("l.mov", "0 3601 6", bent))


@pytest.mark.parametrize("made", ["otio", "fcp7", "fcpxml"], indirect=True)
def test_a_clip_holds_the_last_frame_of_its_media(made: Edit) -> None:
    shot = _only(made)
    assert (shot.record.count, shot.source_start_s) == (144, 2)
    assert _frames(shot, 0, 48, 95) == [48, 144, 238]
    assert _frames(shot, 96, 120, 143) == [LAST] * 3


def test_a_frame_more_than_there_is_was_rounded(otio: SimpleNamespace, otio_file: Write) -> None:
    media = otio.media("/rushes/a.mov", otio.span(0, 240))
    shot = _only(read_edit(otio_file(otio.track(otio.clip("a.mov", 2, 120, media=media, speed=2.0)))))
    assert (shot.speed, shot.ramp) == (2, ())


def test_normal_speed_is_left_as_it_is(otio: SimpleNamespace, otio_file: Write) -> None:
    media = otio.media("/rushes/a.mov", otio.span(0, 240))
    shot = _only(read_edit(otio_file(otio.track(otio.clip("a.mov", 200, 120, media=media)))))
    assert (shot.speed, shot.ramp) == (1, ())


def test_what_lies_over_the_hold_leaves_only_the_hold_behind_it(otio: SimpleNamespace, otio_file: Write) -> None:
    media = otio.media("/rushes/a.mov", otio.span(0, 240))
    low = otio.track(otio.clip("a.mov", 0, 240, media=media, speed=2.0))
    edit = read_edit(otio_file(low, otio.track(otio.gap(12), otio.clip("b.mov", 0, 168))))
    assert [(shot.name, shot.record.count) for shot in edit.shots] == [("a.mov", 12), ("b.mov", 168), ("a.mov", 60)]
    assert (edit.shots[0].speed, edit.shots[0].ramp) == (2, ())
    assert (edit.shots[2].speed, _frames(edit.shots[2], 0, 59)) == (0, [LAST, LAST])


# --- Nested sequences: 48 frames, of which the last 24 are b.mov, for 36 frames at twice the speed --------------------

NESTED = [("a.mov", 12, 0, 2), ("b.mov", 12, 120, 2), ("b.mov", 12, 143, 0)]


def _seen(edit: Edit) -> list[tuple[str, int, int, Fraction]]:
    """Name, frames, the first media frame and the speed of each shot."""
    return [(shot.name, shot.record.count, int(shot.source_start_s * 24), shot.speed) for shot in edit.shots]


def test_a_nested_stack_holds_its_last_picture(otio: SimpleNamespace, otio_file: Write) -> None:
    inner = otio.track(otio.clip("a.mov", 0, 24), otio.clip("b.mov", 120, 24))
    stack = otio.stack(inner, speed=2.0, source_range=otio.span(0, 36))
    assert _seen(read_edit(otio_file(otio.track(stack)))) == NESTED


def test_a_nested_sequence_holds_its_last_picture(fcp7: SimpleNamespace, fcp7_file: Write) -> None:
    inner = fcp7.sequence(
        fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24), fcp7.item("b.mov", 24, 48, 120, 144)), name="in", own_id="seq-2"
    )
    item = (
        f"<clipitem><name>in</name>{fcp7.rate}<start>0</start><end>36</end><in>0</in><out>36</out>{inner}"
        f"{fcp7.remap('200')}</clipitem>"
    )
    assert _seen(read_edit(fcp7_file(fcp7.sequence(fcp7.track(item))))) == NESTED


def test_a_compound_clip_holds_its_last_picture(tmp_path: Path) -> None:
    compound = (
        '<media id="m" name="scene"><sequence format="f24" tcStart="0s"><spine>'
        f"{clip('a.mov', '0 0 1')}{clip('b.mov', '1 5 1')}</spine></sequence></media>"
    )
    faster = time_map("0 0", "10 20")
    edit = _fcpxml(tmp_path, clip("m", "0 0 1.5", faster, tag="ref-clip"), resources=compound)
    assert _seen(edit) == NESTED


def test_a_sequence_that_ends_in_nothing_holds_nothing(otio: SimpleNamespace, otio_file: Write) -> None:
    inner = otio.stack(otio.track(otio.clip("a.mov", 0, 24)), otio.track(otio.gap(24), otio.clip("b.mov", 0, 24)))
    hidden = otio.stack(inner | {"enabled": True}, speed=2.0, source_range=otio.span(0, 36))
    hidden["children"][0]["children"][1]["enabled"] = False
    edit = read_edit(otio_file(otio.track(hidden)))
    assert [(shot.name, shot.record.count) for shot in edit.shots] == [("a.mov", 12)]

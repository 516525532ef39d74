"""What an AAF can say and other formats cannot, and what a damaged one does: one sentence."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.aaf_files import AafWriter, golden, large, written
from timeline_io.edit import Edit, Numbered
from timeline_io.errors import TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.read import read_edit
from timeline_io.shots import ramp_at

FRAME_S = Fraction(1, 24)
Make = Callable[[AafWriter], Any]


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., Edit]:
    """Reads an edit whose only composition is a sequence of the parts that a function makes."""

    def read(make: Make, rate: Fraction = Fraction(24), sequence: str | None = None, **more: Any) -> Edit:
        path = tmp_path / "cut.aaf"
        with written(path, rate) as aaf:
            parts = make(aaf)
            aaf.composition("cut", aaf.sequence(*parts) if isinstance(parts, list) else parts, **more)
        return read_edit(path, sequence=sequence)

    return read


def _clip(aaf: AafWriter, name: str, start: int, length: int, **more: Any) -> Any:
    return aaf.clip(aaf.media(name, rate=Fraction(24), **more), start, length)


def _seen(edit: Edit) -> list[tuple[str, int, int, Fraction, Fraction]]:
    """Name, first frame, frames, first source frame at 24 per second, speed."""
    return [
        (s.name, s.record.first - edit.start_frame, s.record.count, s.source_start_s * 24, s.speed) for s in edit.shots
    ]


def test_the_curve_of_frames_counts_and_not_the_ratio_beside_it(cut: Callable[..., Edit]) -> None:
    # Media Composer rounds the ratio to whole frames: 32.3 frames in 19 are written as 19/31.
    edit = cut(
        lambda aaf: [
            aaf.speed(
                19,
                _clip(aaf, "a.mov", 4, 31),
                ratio=Fraction(19, 31),
                speeds=[(0, Fraction(17, 10))],
                frames=[(0, 0), (19, Fraction(323, 10))],
            )
        ]
    )
    assert _seen(edit) == [("a.mov", 0, 19, 4, Fraction(17, 10))]
    assert edit.shots[0].ramp == ()


def test_a_changing_speed_is_a_ramp(cut: Callable[..., Edit]) -> None:
    knots = [(0, 0), (12, 24), (24, 30)]
    edit = cut(lambda aaf: [aaf.gap(10), aaf.speed(24, _clip(aaf, "a.mov", 6, 30), frames=knots)])
    (shot,) = edit.shots
    assert [(t * 24, source_s * 24) for t, source_s in shot.ramp] == [(0, 6), (12, 30), (24, 36)]
    assert (shot.record.first - edit.start_frame, shot.speed) == (10, Fraction(30, 24))


def test_a_ramp_over_a_cut_goes_on_behind_it(cut: Callable[..., Edit]) -> None:
    knots = [(0, 0), (12, 24), (24, 36)]
    edit = cut(
        lambda aaf: [aaf.speed(24, aaf.sequence(_clip(aaf, "a.mov", 0, 30), _clip(aaf, "b.mov", 5, 6)), frames=knots)]
    )
    assert [(s.name, s.record.count, s.source_start_s * 24) for s in edit.shots] == [("a.mov", 18, 0), ("b.mov", 6, 5)]
    assert [(t * 24, source_s * 24) for t, source_s in edit.shots[0].ramp] == [(0, 0), (12, 24), (18, 30)]
    assert edit.shots[1].ramp == () and edit.shots[1].speed == 1


def test_speeds_without_a_curve_of_frames_are_summed(cut: Callable[..., Edit]) -> None:
    edit = cut(lambda aaf: [aaf.speed(10, _clip(aaf, "a.mov", 0, 15), speeds=[(0, 1), (10, 2)])])
    assert _seen(edit) == [("a.mov", 0, 10, 0, Fraction(3, 2))]
    ramp = {t * 24: source_s * 24 for t, source_s in edit.shots[0].ramp}
    assert ramp == {frame: frame + Fraction(frame**2, 20) for frame in range(11)}


@pytest.mark.parametrize("backwards", [{"frames": [(0, 23), (24, -1)]}, {"ratio": -1}, {"speeds": [(0, -1)]}])
def test_backwards_begins_at_the_far_edge(cut: Callable[..., Edit], backwards: dict[str, Any]) -> None:
    edit = cut(lambda aaf: [aaf.speed(24, _clip(aaf, "a.mov", 10, 24), **backwards)])
    assert _seen(edit) == [("a.mov", 0, 24, 34, -1)]


def _shown(edit: Edit, frame: int) -> Fraction:
    """The source frame, at 24 per second, that is seen at a frame of an edit with one shot."""
    (shot,) = edit.shots
    at_s = Fraction(frame, 24)
    return (ramp_at(shot.ramp, at_s) if shot.ramp else shot.source_start_s + shot.speed * at_s) * 24


@pytest.mark.parametrize(
    ("length", "inner", "positions"),
    [
        (100, 99, [(0, 0), (1, 98)]),
        (100, 50, [(0, 0), (1, 49)]),
        (99, 100, [(0, 0), (1, 99)]),
        (9, 100, [(0, 0), (1, 99)]),
        (16, 16, [(0, 0), (Fraction(4, 15), Fraction(45, 8)), (Fraction(11, 15), Fraction(75, 8)), (1, 15)]),
    ],
)
def test_a_curve_of_positions_runs_from_the_first_frame_to_the_last(
    cut: Callable[..., Edit], length: int, inner: int, positions: list[tuple[Any, Any]]
) -> None:
    edit = cut(lambda aaf: [aaf.speed(length, _clip(aaf, "a.mov", 0, inner), ratio=1, positions=positions)])
    for time, frame in positions:
        assert _shown(edit, int(time * (length - 1))) == frame
    if len(positions) == 2:
        assert (edit.shots[0].speed, edit.shots[0].ramp) == (Fraction(inner - 1, length - 1), ())


def test_a_trimmed_curve_of_positions_keeps_its_points_outside(cut: Callable[..., Edit]) -> None:
    """The middle of 100 frames over 99: its points lie 32 frames before and 67 after its first, in its own length."""
    positions = [(-4, -31), (Fraction(67, 8), 67)]
    edit = cut(lambda aaf: [aaf.speed(9, _clip(aaf, "a.mov", 31, 9), positions=positions)])
    assert edit.shots[0].speed == Fraction(98, 99)
    assert _shown(edit, 0) == -31 + 32 * Fraction(98, 99) + 31


@pytest.mark.parametrize(("frames", "inner"), [([(0, 0), (120, 240)], 120), ([(0, 0), (60, 60), (120, 240)], 150)])
def test_what_runs_past_its_input_holds_the_last_frame(
    cut: Callable[..., Edit], frames: list[tuple[int, int]], inner: int
) -> None:
    edit = cut(lambda aaf: [aaf.speed(120, _clip(aaf, "a.mov", 10, inner), frames=frames)])
    assert [_shown(edit, frame) for frame in (119, 110, 100)] == [10 + inner - 1] * 3
    assert _shown(edit, 30) == 10 + ramp_at([(Fraction(t), Fraction(v)) for t, v in frames], Fraction(30))


def test_a_nest_and_a_cut_hold_the_last_frame_as_well(cut: Callable[..., Edit]) -> None:
    frames = [(0, 0), (24, 48)]

    def parts(aaf: AafWriter) -> list[Any]:
        inner = aaf.composition(
            "inner", aaf.sequence(_clip(aaf, "a.mov", 0, 23), _clip(aaf, "b.mov", 5, 1)), usage=None
        )
        return [
            aaf.speed(24, aaf.sequence(_clip(aaf, "a.mov", 0, 23), _clip(aaf, "b.mov", 5, 1)), frames=frames),
            aaf.speed(24, aaf.clip(inner, 0, 24), frames=frames),
        ]

    edit = cut(parts)
    once = [("a.mov", 12, 0), ("b.mov", 12, 5)]
    assert [(s.name, s.record.count, s.source_start_s * 24) for s in edit.shots] == once * 2
    assert edit.shots[1].speed == edit.shots[3].speed == 0
    assert edit.remarks == ()


def test_backwards_past_the_beginning_holds_the_first_frame(cut: Callable[..., Edit]) -> None:
    edit = cut(lambda aaf: [aaf.speed(100, _clip(aaf, "a.mov", 10, 100), frames=[(0, 99), (100, -101)])])
    assert [_shown(edit, frame) for frame in (0, 25, 60, 99)] == [110, 60, 10, 10]


def test_a_frozen_frame(cut: Callable[..., Edit]) -> None:
    edit = cut(lambda aaf: [aaf.speed(24, _clip(aaf, "a.mov", 10, 1), frames=[(0, 0), (24, 0)])])
    assert _seen(edit) == [("a.mov", 0, 24, 10, 0)]


def test_a_rate_adapter_is_no_change_of_speed(cut: Callable[..., Edit]) -> None:
    def parts(aaf: AafWriter) -> list[Any]:
        media = aaf.media("a.mov", rate=Fraction(30))
        return [aaf.speed(24, aaf.clip(media, 15, 30), ratio=Fraction(24, 30), _MIXMATCH_MOTIONADAPTER=2)]

    edit = cut(parts)
    assert [(s.speed, s.source_start_s) for s in edit.shots] == [(1, Fraction(1, 2))]


@pytest.mark.parametrize("at", [0, 5, 12])
def test_the_cut_point_of_a_transition_is_the_cut(cut: Callable[..., Edit], at: int) -> None:
    edit = cut(lambda aaf: [_clip(aaf, "a.mov", 0, 36), aaf.transition(12, at), _clip(aaf, "b.mov", 20, 36)])
    assert _seen(edit) == [("a.mov", 0, 24 + at, 0, 1), ("b.mov", 24 + at, 36 - at, 20 + at, 1)]
    assert edit.frame_count == 60


def test_a_submaster_shows_its_layers_and_effects_show_what_they_lie_on(cut: Callable[..., Edit]) -> None:
    def parts(aaf: AafWriter) -> list[Any]:
        under = aaf.sequence(_clip(aaf, "a.mov", 0, 24))
        over = aaf.sequence(aaf.below(6), _clip(aaf, "b.mov", 3, 6), aaf.below(12))
        matted = aaf.effect("Matte Key", 10, _clip(aaf, "c.mov", 1, 10), _clip(aaf, "matte.mov", 0, 10))
        return [aaf.effect("Submaster", 24, under, over), matted]

    edit = cut(parts)
    assert [entry[:4] for entry in _seen(edit)] == [
        ("a.mov", 0, 6, 0), ("b.mov", 6, 6, 3), ("a.mov", 12, 12, 12), ("c.mov", 24, 10, 1),
    ]  # fmt: skip
    assert [(item.name, item.reason) for item in edit.skipped] == [("matte.mov", "an extra layer of an effect")]


def test_what_is_no_picture_is_listed_with_its_reason(cut: Callable[..., Edit]) -> None:
    def whole(aaf: AafWriter) -> Any:
        bottom = aaf.sequence(_clip(aaf, "a.mov", 0, 60), _clip(aaf, "Title: The End", 0, 12, url=""))
        burn_in = aaf.effect("Timecode Burn-In", 24, aaf.sequence(aaf.below(24, scope=1)))
        top = aaf.sequence(
            burn_in, aaf.effect("Titler", 12, aaf.gap(12)), aaf.effect("Bars", 12), aaf.below(12), aaf.gap(12)
        )
        return aaf.scope(bottom, top)

    edit = cut(whole)
    assert [s.name for s in edit.shots] == ["a.mov"]
    assert {item.name: item.reason for item in edit.skipped} == {
        "Timecode Burn-In": "an effect over the tracks below it, not a filmed picture",
        "Titler": "a title, not a filmed picture",
        "Bars": "a generator, not a filmed picture",
        "Title: The End": "a title, not a filmed picture",
    }


def test_a_selector_shows_its_choice_and_lists_the_others(cut: Callable[..., Edit]) -> None:
    edit = cut(
        lambda aaf: [
            aaf.selector(_clip(aaf, "cam_a.mov", 2, 24), _clip(aaf, "cam_b.mov", 2, 24)),
            aaf.disabled(aaf.effect("Colour", 12, _clip(aaf, "c.mov", 0, 12))),
        ]
    )
    assert _seen(edit) == [("cam_a.mov", 0, 24, 2, 1)]
    assert {item.name: item.reason for item in edit.skipped} == {
        "cam_b.mov": "an alternate that is not selected",
        "c.mov": "disabled",
    }


def test_markers_read_whether_or_not_they_say_which_track_they_describe(tmp_path: Path) -> None:
    for described in (True, False):
        with written(tmp_path / "cut.aaf", Fraction(24)) as aaf:
            mob = aaf.composition("cut", aaf.sequence(_clip(aaf, "a.mov", 0, 24), _clip(aaf, "b.mov", 0, 24)))
            aaf.mark(mob, (3, "footsteps"), (30, "door, slammed"), described=described)
        notes = [shot.notes for shot in read_edit(tmp_path / "cut.aaf").shots]
        assert notes == [("footsteps",), ("door, slammed",)]


def test_markers_and_comments_of_the_media_reach_the_clip(tmp_path: Path) -> None:
    with written(tmp_path / "cut.aaf", Fraction(24)) as aaf:
        media = aaf.media("a.mov", rate=Fraction(24), comments={"Comments": "heavy boots", "Scene": "12"})
        aaf.mark(media, (5, "too early"), (50, "a splash"))
        aaf.composition("cut", aaf.sequence(aaf.speed(24, aaf.clip(media, 40, 48), ratio=Fraction(1, 2))))
    assert read_edit(tmp_path / "cut.aaf").shots[0].notes == ("heavy boots", "a splash")


def test_the_media_says_where_it_starts(cut: Callable[..., Edit]) -> None:
    def parts(aaf: AafWriter) -> list[Any]:
        return [
            _clip(aaf, "hour.mov", 10, 24, timecode=86400),
            # Counted from midnight, beyond the end of the file, which starts at 10 h.
            aaf.clip(aaf.media("late.mov", rate=Fraction(24), timecode=864000), 864000 + 7, 24),
            _clip(aaf, "none.mov", 5, 24, timecode=None),
            _clip(aaf, "lost", 5, 24, url=""),
        ]

    edit = cut(parts)
    assert [(s.name, s.source_start_s * 24, s.source_timecode_s and s.source_timecode_s * 24) for s in edit.shots] == [
        ("hour.mov", 10, 86410), ("late.mov", 7, 864007), ("none.mov", 5, None), ("lost", 5, 5),
    ]  # fmt: skip
    assert [s.media_ref for s in edit.shots] == [
        "file:///Volumes/rushes/hour.mov", "file:///Volumes/rushes/late.mov", "file:///Volumes/rushes/none.mov", "lost",
    ]  # fmt: skip
    assert not any(s.start_unknown for s in edit.shots)


def test_the_tape_of_a_clip_is_its_reel(cut: Callable[..., Edit]) -> None:
    edit = cut(lambda aaf: [_clip(aaf, "a.mov", 5, 24), _clip(aaf, "none.mov", 5, 24, timecode=None)])
    assert [shot.reel for shot in edit.shots] == ["a.mov tape", ""]


@pytest.mark.steady
def test_a_long_cut_reads_whole(tmp_path: Path) -> None:
    edit = read_edit(large(tmp_path / "large.aaf", 60))
    assert [(s.name, s.record.first - edit.start_frame, s.speed) for s in edit.shots] == [
        (f"clip_{index:04d}.mov", 24 * index, 2 if index % 4 == 3 else 1) for index in range(60)
    ]


def test_an_image_sequence_counts_at_the_rate_of_its_file(cut: Callable[..., Edit]) -> None:
    def parts(aaf: AafWriter) -> list[Any]:
        return [aaf.clip(aaf.media("plate", rate=Fraction(25), url="/mnt/plate.[00008-00048].exr"), 0, 24)]

    shot = cut(parts).shots[0]
    assert (shot.media_ref, shot.numbered) == ("/mnt/plate.%05d.exr", Numbered(rate=Fraction(25), first=8))


def test_drop_frame_timecode(cut: Callable[..., Edit]) -> None:
    rate = Fraction(30000, 1001)
    edit = cut(lambda aaf: [aaf.clip(aaf.media("a.mov", rate=rate), 0, 30)], rate=rate, start=107892, drop=True)
    assert (edit.rate, edit.start_frame, edit.drop_frame) == (rate, 107892, True)


def test_one_of_several_sequences_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "cut.aaf"
    with written(path, Fraction(24)) as aaf:
        for name in ("reel 2", "reel 1"):
            aaf.composition(name, aaf.sequence(_clip(aaf, f"{name}.mov", 0, 24)))
    with pytest.raises(UnsupportedEditError, match=r"holds 2 sequences, name one of them.*: 'reel 1', 'reel 2'"):
        read_edit(path)
    assert [s.name for s in read_edit(path, sequence="reel 2").shots] == ["reel 2.mov"]


@pytest.mark.parametrize("usage", ["Usage_TopLevel", None])
def test_a_sequence_that_another_uses_is_not_asked_for(tmp_path: Path, usage: str | None) -> None:
    path = tmp_path / "cut.aaf"
    with written(path, Fraction(24)) as aaf:
        inner = aaf.composition("scene", aaf.sequence(_clip(aaf, "a.mov", 8, 48)), usage=None)
        aaf.composition("film", aaf.sequence(aaf.clip(inner, 12, 24)), usage=usage)
    edit = read_edit(path)
    assert (edit.name, _seen(edit)) == ("film", [("a.mov", 0, 24, 20, 1)])


def test_a_file_without_a_sequence(tmp_path: Path) -> None:
    with written(tmp_path / "cut.aaf") as aaf:
        aaf.media("a.mov")
    with pytest.raises(UnreadableEditError, match="holds no sequence: export the timeline"):
        read_edit(tmp_path / "cut.aaf")


def test_a_sequence_nested_in_itself_is_refused(tmp_path: Path) -> None:
    with written(tmp_path / "cut.aaf") as aaf:
        media = aaf.media("a.mov")
        mob = aaf.composition("cut", aaf.sequence(aaf.clip(media, 0, 24)))
        mob.slot_at(1).segment.components[0].mob = mob
    with pytest.raises(UnreadableEditError, match="'cut' is nested in itself"):
        read_edit(tmp_path / "cut.aaf")


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    with written(tmp_path / "cut.aaf") as aaf:
        segment = _clip(aaf, "a.mov", 0, 24)
        for _ in range(70):
            segment = aaf.sequence(segment)
        aaf.composition("cut", segment)
    with pytest.raises(UnreadableEditError, match="more than 60 deep"):
        read_edit(tmp_path / "cut.aaf")


def test_what_is_switched_off_is_no_shot(cut: Callable[..., Edit]) -> None:
    edit = cut(lambda aaf: [aaf.disabled(_clip(aaf, "a.mov", 0, 24))])
    assert (edit.shots, [(item.name, item.reason) for item in edit.skipped]) == ((), [("a.mov", "disabled")])


# --- Damaged files --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return golden(tmp_path_factory.mktemp("aaf") / "golden.aaf").read_bytes()


def _refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(UnreadableEditError) as caught:
        read_edit(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kept", [8, 512, 4096, 100_000])
def test_a_file_cut_short(golden_bytes: bytes, tmp_path: Path, kept: int) -> None:
    _refusal(tmp_path / "cut.aaf", golden_bytes[:kept])


def test_another_compound_file(tmp_path: Path) -> None:
    from aaf2.cfb import CompoundFileBinary

    path = tmp_path / "letter.doc"
    with path.open("wb+") as stream:
        document = CompoundFileBinary(stream, "wb+")
        document.open("/WordDocument", "w").write(b"dear editor" * 1000)
        document.close()
    assert "damaged or no AAF edit" in _refusal(path, path.read_bytes())


def test_a_stream_that_claims_terabytes_is_not_believed(golden_bytes: bytes, tmp_path: Path) -> None:
    # An entry of the table of contents: 64 bytes of name at its start, the size of the stream at its end.
    name = "properties".encode("utf-16-le").ljust(64, b"\0")
    at = golden_bytes.index(bytes(4) + name) + 4 + 120
    damaged = golden_bytes[:at] + struct.pack("<Q", 1 << 42) + golden_bytes[at + 8 :]
    assert "shorter than what it says it holds" in _refusal(tmp_path / "cut.aaf", damaged)


def test_tables_without_end_are_not_followed(golden_bytes: bytes, tmp_path: Path) -> None:
    endless = golden_bytes[:72] + struct.pack("<I", 0xFFFFFFFF) + golden_bytes[76:]
    assert "table of contents is broken" in _refusal(tmp_path / "cut.aaf", endless)


@pytest.mark.steady
@settings(max_examples=80, derandomize=True)
@given(edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), min_size=1))
def test_whatever_the_bytes(golden_bytes: bytes, tmp_path: Path, edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(golden_bytes)
    for where, new in edits:
        at = int(where * len(data))
        data[at : at + len(new)] = new
    path = tmp_path / "cut.aaf"
    path.write_bytes(data[: len(golden_bytes)])
    try:
        assert read_edit(path).format == "aaf"
    except TimelineError as error:
        assert "\n" not in str(error)

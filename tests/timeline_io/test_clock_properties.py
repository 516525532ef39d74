"""Two hours of cuts at every usual rate and in every spelling of it: no sample drifts, whatever the format."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline_io.edit import Edit
from timeline_io.read import read_edit

SAMPLE_RATE_HZ = 48_000
CLOCKS = {
    "23.976": (Fraction(24000, 1001), False, ("23.976", "23.98", "24000/1001", "23.976024627685547")),
    "24": (Fraction(24), False, ("24", "24.0", "24000/1000")),
    "25": (Fraction(25), False, ("25", "25.0")),
    "29.97 drop frame": (Fraction(30000, 1001), True, ("29.97", "30000/1001", "29.970")),
    "29.97": (Fraction(30000, 1001), False, ("29.97", "30000/1001", "29.97002997")),
    "30": (Fraction(30), False, ("30", "30.000")),
    "50": (Fraction(50), False, ("50", "50.0")),
    "59.94 drop frame": (Fraction(60000, 1001), True, ("59.94", "60000/1001")),
    "59.94": (Fraction(60000, 1001), False, ("59.94", "60000/1001", "59.94005994")),
    "60": (Fraction(60), False, ("60", "60.0")),
}
QUICKLY = settings(max_examples=20, derandomize=True)


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest) -> tuple[Fraction, bool, tuple[str, ...]]:
    return CLOCKS[request.param]


def _timecode(frame: int, nominal: int, drop_frame: bool) -> str:
    """Counted minute by minute: all but every tenth lack their first frame numbers when frames are dropped."""
    minute = 0
    while True:
        dropped = nominal // 15 if drop_frame and minute % 10 else 0
        if frame < nominal * 60 - dropped:
            break
        frame -= nominal * 60 - dropped
        minute += 1
    second, rest = divmod(frame + dropped, nominal)
    return f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}{';' if drop_frame else ':'}{rest:02d}"


def _samples(frame: int, rate: Fraction) -> int:
    """The sample nearest to a frame's edge, by exact arithmetic."""
    return int(Fraction(frame) / rate * SAMPLE_RATE_HZ + Fraction(1, 2))


def _check(edit: Edit, rate: Fraction, start: int, cuts: list[int]) -> None:
    assert (edit.rate, edit.start_frame, edit.frame_count) == (rate, start, cuts[-1])
    edges = [shot.record.samples(SAMPLE_RATE_HZ) for shot in edit.shots]
    assert [first for first, _count in edges] == [_samples(start + cut, rate) for cut in cuts[:-1]]
    ends = [first + count for first, count in edges]
    assert ends[:-1] == [first for first, _count in edges[1:]]
    assert ends[-1] == _samples(start + cuts[-1], rate)


def _cuts(data: st.DataObject, rate: Fraction) -> tuple[int, list[int]]:
    """The first frame of a timeline, and cuts through the two hours after it."""
    last = round(7200 * rate)
    inner = data.draw(st.sets(st.integers(1, last - 1), min_size=3, max_size=25))
    return data.draw(st.integers(0, round(3600 * rate))), [0, *sorted(inner), last]


@QUICKLY
@given(data=st.data())
def test_edit_decision_lists(
    clock: tuple[Fraction, bool, tuple[str, ...]], tmp_path: Path, data: st.DataObject
) -> None:
    rate, drop_frame, spellings = clock
    start, cuts = _cuts(data, rate)
    lines = [f"FCM: {'DROP FRAME' if drop_frame else 'NON-DROP FRAME'}"]
    for number, (first, end) in enumerate(pairwise(cuts), 1):
        codes = (_timecode(at, round(rate), drop_frame) for at in (first, end, start + first, start + end))
        lines.append(f"{number:03d}  R{number}  V  C  {' '.join(codes)}")
    path = tmp_path / "cut.edl"
    path.write_text("\n".join(lines), encoding="utf-8")
    edit = read_edit(path, rate=Fraction(data.draw(st.sampled_from(spellings))))
    _check(edit, rate, start, cuts)
    assert edit.drop_frame == drop_frame
    assert [shot.source_timecode_s for shot in edit.shots] == [first / rate for first in cuts[:-1]]


@QUICKLY
@given(data=st.data())
def test_final_cut_pro_7_xml(
    clock: tuple[Fraction, bool, tuple[str, ...]],
    fcp7: SimpleNamespace,
    fcp7_file: Callable[..., Path],
    data: st.DataObject,
) -> None:
    rate, drop_frame, spellings = clock
    start, cuts = _cuts(data, rate)
    is_ntsc = rate.denominator == 1001
    # The rate is a whole timebase and a flag; some programs write the fraction all the same.
    timebase = data.draw(st.sampled_from([str(round(rate)), *(item for item in spellings if "/" not in item)]))
    written = f"<rate><timebase>{timebase}</timebase><ntsc>{str(is_ntsc).upper()}</ntsc></rate>"
    items = [fcp7.item(f"{first}.mov", first, end, 0, end - first, rate=written) for first, end in pairwise(cuts)]
    code = f"<string>{_timecode(start, round(rate), drop_frame)}</string>"
    more = f"<timecode>{written}{code}<displayformat>{'DF' if drop_frame else 'NDF'}</displayformat></timecode>"
    edit = read_edit(fcp7_file(fcp7.sequence(fcp7.track(*items), rate=written, more=more)))
    _check(edit, rate, start, cuts)
    assert edit.drop_frame == drop_frame


@QUICKLY
@given(data=st.data())
def test_opentimelineio(
    clock: tuple[Fraction, bool, tuple[str, ...]],
    otio: SimpleNamespace,
    tmp_path: Path,
    data: st.DataObject,
) -> None:
    rate, _drop_frame, spellings = clock
    start, cuts = _cuts(data, rate)
    spelt = float(Fraction(data.draw(st.sampled_from(spellings))))
    clips = [otio.clip(f"{first}.mov", 0, end - first, rate=spelt) for first, end in pairwise(cuts)]
    path = tmp_path / "cut.otio"
    whole = otio.timeline(otio.track(*clips), global_start_time=otio.time(start, spelt))
    path.write_text(json.dumps(whole), encoding="utf-8")
    _check(read_edit(path), rate, start, cuts)

"""Small lists and projects that once were read wrongly, with the right answers; they are no part of the project."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.edl import seen
from timeline_io.edit import Edit
from timeline_io.read import read_edit

CASES = Path(__file__).parents[3] / "shared" / "cases" / "readers"


def _read(name: str, rate: Fraction | None = None) -> Edit:
    if not CASES.is_dir():
        pytest.skip(f"the cases are not at {CASES}")
    return read_edit(CASES / name, rate=rate)


@pytest.mark.parametrize("rate", [None, Fraction(30000, 1001), Fraction(60000, 1001)])
def test_the_adapter_of_a_mixed_rate_is_no_retime(rate: Fraction | None) -> None:
    edit = _read("m2.edl", rate)
    assert [shot.speed for shot in edit.shots] == [1, 1, 1]
    assert any("M2 024.0" in remark for remark in edit.remarks)


def test_an_event_without_a_letter_is_a_dissolve() -> None:
    edit = _read("noletter.edl")
    assert seen(edit) == [("a.mov", 0, 60), ("b.mov", 60, 110)]
    dissolve = edit.shots[1].dissolve_in
    assert dissolve is not None and (dissolve.first - edit.start_frame, dissolve.count) == (60, 10)
    assert edit.shots[1].source_start_s == 61 + Fraction(10, 30)


def test_a_pick_of_an_audition_that_is_not_seen_makes_no_edit_longer() -> None:
    assert _read("audition.fcpxml").frame_count == 500


def test_film_in_50_is_conformed_as_if_it_ran_at_24() -> None:
    edit = _read("conform.fcpxml")
    assert seen(edit) == [("a", 0, 354), ("b", 354, 50), ("a", 404, 596)]
    assert edit.shots[0].speed == Fraction(1001, 1000)

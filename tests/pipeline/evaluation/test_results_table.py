"""Tables and sentences as they are read."""

import json
import math

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import Interval, clip_mean
from pipeline.evaluation.effects import Effect, compare_systems
from pipeline.evaluation.table import Measure, ResultsTable, SystemResult, format_interval, to_json, to_markdown

F1 = Measure(key="f1", title="presence F1", higher_is_better=True)
MEDIAN = Measure(key="onset_error", title="onset error", unit="ms", digits=0, higher_is_better=False)
RATIO = Measure(key="onset_ratio", title="onsets heard", digits=2)


def table(*rows: SystemResult) -> ResultsTable:
    return ResultsTable(title="Test scenes", clips=60, measures=(F1, MEDIAN, RATIO), rows=rows)


ROWS = (
    SystemResult(
        system="ours | local",
        cells={"f1": Interval(value=0.9081, low=0.88, high=0.93), "onset_error": Interval(value=54.4)},
    ),
    SystemResult(system="always on", cells={"onset_ratio": Interval(value=0.0), "f1": Interval(value=math.nan)}),
)


def test_markdown_reads_as_written() -> None:
    assert to_markdown(table(*ROWS)) == (
        "**Test scenes** (60 clips)\n\n"
        "| System | presence F1 ↑ | onset error (ms) ↓ | onsets heard |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| ours \\| local | 0.908 [0.880, 0.930] | 54 | - |\n"
        "| always on | - | - | 0.00 |\n"
    )


def test_json_keeps_precision_and_order_and_writes_nan_as_null() -> None:
    text = to_json(table(*ROWS))
    systems = json.loads(text)["systems"]
    assert [s["system"] for s in systems] == ["ours | local", "always on"]
    assert list(systems[1]["results"]) == ["f1", "onset_error", "onset_ratio"]
    assert systems[0]["results"]["f1"] == {"value": 0.9081, "low": 0.88, "high": 0.93}
    assert systems[1]["results"]["f1"] == {"value": None, "low": None, "high": None}
    assert systems[1]["results"]["onset_error"] is None
    assert "NaN" not in text and text == to_json(table(*ROWS))


def test_an_infinite_value_is_not_hidden() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json(table(SystemResult(system="a", cells={"f1": Interval(value=math.inf)})))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((ROWS[0], ROWS[0]), "names a system twice: ours"),
        ((SystemResult(system="a", cells={"f2": Interval(value=1.0)}),), "not in the table: f2"),
    ],
)
def test_confused_tables_are_refused(rows: tuple[SystemResult, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table(*rows)


def test_a_measure_is_named_once() -> None:
    with pytest.raises(ValueError, match="names a measure twice: f1"):
        ResultsTable(title="t", clips=2, measures=(F1, F1), rows=())


def test_signed_intervals_show_a_plus() -> None:
    assert format_interval(Interval(value=0.5, low=-0.1, high=1), 1, signed=True) == "+0.5 [-0.1, +1.0]"


@pytest.mark.parametrize(
    ("measure", "low", "high", "verdict"),
    [
        (F1, 0.1, 0.3, "better"),
        (F1, -0.3, -0.1, "worse"),
        (F1, -0.1, 0.3, "not told apart"),
        (MEDIAN, -9.0, -5.0, "better"),
        (MEDIAN, 5.0, 9.0, "worse"),
        (RATIO, 0.1, 0.2, "different"),
        (F1, math.nan, math.nan, "not told apart"),
    ],
)
def test_verdicts_follow_the_interval_and_the_better_end(
    measure: Measure, low: float, high: float, verdict: str
) -> None:
    difference = Interval(value=(low + high) / 2, low=low, high=high)
    effect = Effect(system="ours", baseline="base", measure=measure, difference=difference, clips=9)
    assert effect.verdict == verdict


def test_an_effect_reads_as_a_sentence() -> None:
    effect = compare_systems(
        ("ours", clip_mean([30.0, 40.0, 50.0])),
        ("text only", clip_mean([230.0, 240.0, 250.0])),
        MEDIAN,
        clip_count=3,
        rng=np.random.default_rng(0),
        resamples=50,
    )
    assert effect.sentence() == "onset error, ours against text only: -200 [-200, -200] ms over 3 clips: better"

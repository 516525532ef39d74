import json
from fractions import Fraction
from pathlib import Path

import pytest

from flows.records import CueReport, OutputPaths, PassReport, ShotReport, ShotState

CUE = CueReport(
    cue_id="sh0010_01",
    label="train",
    category="vehicles",
    seed=1,
    source="name",
    confidence=0.5,
    key="k",
    wav=Path("/o/takes/a.wav"),
)


def report(*states: ShotState) -> PassReport:
    heard = (ShotState.MADE, ShotState.CACHED)
    shots = [
        ShotReport(shot_id=f"sh{n:04d}", name="a", state=state, reason="why", cues=(CUE,) if state in heard else ())
        for n, state in enumerate(states)
    ]
    return PassReport(
        edit=Path("/e/reel.otio"),
        edit_name="reel",
        edit_digest="d",
        rate=Fraction(24000, 1001),
        model="mini",
        outputs=OutputPaths(folder=Path("/o")),
        shots=tuple(shots),
    )


MADE, CACHED, SILENT, SKIPPED, FAILED = ShotState


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((MADE, CACHED), 0),
        ((MADE, SILENT, SKIPPED), 0),
        ((CACHED, FAILED), 3),
        ((FAILED,), 4),
        ((SILENT,), 4),
        ((), 4),
    ],
)
def test_the_exit_code_says_how_much_is_on_the_timeline(states: tuple[ShotState, ...], code: int) -> None:
    assert report(*states).exit_code == code


def test_a_report_is_plain_json() -> None:
    document = json.loads(json.dumps(report(MADE, FAILED).as_json()))
    assert document["rate"] == "24000/1001"
    assert document["shots"][0]["cues"][0]["wav"] == "/o/takes/a.wav"
    assert document["counts"] == {"made": 1, "cached": 0, "silent": 0, "skipped": 0, "failed": 1}
    assert document["summary"] == "1 shot made, 1 failed; 1 cue laid"
    assert document["exit_code"] == 3

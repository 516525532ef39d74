"""Inputs that were once misread, with the right answers. They lie beside the project and are no part of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.cli import exit_code_of

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the inputs in {CASES} are not part of the project")


def shots_of(capsys: pytest.CaptureFixture[str], name: str, *more: str) -> dict[str, Any]:
    """What `foley shots --json` tells of a case."""
    if not (CASES / name).exists():
        pytest.skip(f"{CASES / name} is not here")
    assert exit_code_of(["shots", str(CASES / name), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "rate", "frames"),
    [
        ("vfr_movie_cuts/screen.mp4", "60", [(0, 120), (120, 120), (240, 60), (300, 60)]),
        ("movie_cuts_offset/old.avi", "25", [(0, 50), (50, 50), (100, 50)]),
        ("two_video_tracks/motion.mp4", "30", [(0, 150)]),
        ("two_video_tracks/motion.mkv", "30", [(0, 150)]),
    ],
)
def test_a_movie_alone(name: str, rate: str, frames: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]) -> None:
    found = shots_of(capsys, name)
    assert found["rate"] == rate
    assert [(shot["first_frame"], shot["frames"]) for shot in found["shots"]] == frames

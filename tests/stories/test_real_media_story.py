"""An edit of real clips: mini runs, says that it does not know real footage, and every file has its exact length."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import soundfile

from pipeline.probe import probe_movie
from timeline_io.frames import FrameSpan

MEDIA = Path(__file__).parents[3] / "shared" / "media"
LABELS = {
    "avsync_0.mp4": "dog barking",
    "vggsound_0.mp4": "ambulance siren",
    "vggsound_3.mp4": "machine gun",
    "gen3_case5.mp4": "train passing",
}
RATE = Fraction(24000, 1001)

pytestmark = [
    pytest.mark.real_media,
    pytest.mark.skipif(not MEDIA.is_dir(), reason=f"the real clips are not here: {MEDIA}"),
]


def _edit() -> dict[str, Any]:
    clips = []
    for name, label in LABELS.items():
        frames = int(probe_movie(MEDIA / name).duration_s * RATE)
        clips.append(
            {
                "OTIO_SCHEMA": "Clip.1",
                "name": name,
                "source_range": _range(0, frames),
                "markers": [{"OTIO_SCHEMA": "Marker.2", "name": f"foley: {label}", "marked_range": _range(1, 1)}],
                "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(MEDIA / name)},
            }
        )
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": clips}
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "real",
        "global_start_time": _moment(86_400),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [track]},
    }


def _moment(frame: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(RATE), "value": float(frame)}


def _range(first: int, count: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _moment(first), "duration": _moment(count)}


def test_real_clips_run_with_a_warning_and_exact_lengths(tmp_path: Path) -> None:
    edit = tmp_path / "real.otio"
    edit.write_text(json.dumps(_edit()))
    command = [sys.executable, "-m", "plugin.cli", "run", str(edit), "--json", "--no-prefect"]
    run = subprocess.run([*command, "--store", str(tmp_path / "store")], capture_output=True, text=True, timeout=900)
    assert run.returncode in (0, 4), run.stderr
    document = json.loads(run.stdout)
    warnings = " ".join(document["warnings"])
    assert "real footage" in warnings and "4 of 4" in warnings
    assert "dog barking" in warnings and "machine gun" in warnings
    assert {shot["state"] for shot in document["shots"]} <= {"made", "silent"}
    assert [shot["name"] for shot in document["shots"]] == list(LABELS)
    for shot in document["shots"]:
        for cue in shot["cues"]:
            if cue["wav"]:
                span = FrameSpan(first=cue["record_first"], count=cue["record_count"], rate=RATE)
                assert soundfile.info(cue["wav"]).frames == span.samples(48_000)[1] == cue["samples"]

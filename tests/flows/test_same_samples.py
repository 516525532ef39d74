"""Whatever a shot is and however often a pass runs: the same samples lie at the same place of the timeline."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from flows.options import PassOptions
from flows.records import PassReport
from flows.run import run_pass
from flows.work.engine import use_engine
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt, FoleyClip, FoleyRequest
from tests.support.passes import FakeEngine
from tests.support.renderer import heard_clips

pytestmark = pytest.mark.usefixtures("card")

MEDIA_FRAMES = 48
RATE = 24000 / 1001
START = 86_400
RAMP = {"Resolve_OTIO": {"Key Frames": [[0, 0], [0.5, 0.25], [1, 1.25], [2, 2]]}}


class NoiseEngine(FakeEngine):
    """Makes noise that tells every place of every take from every other."""

    def _tone(self, request: FoleyRequest) -> ClipReceipt:
        assert self.studio
        count = math.ceil(request.span.duration_s * SAMPLE_RATE_HZ)
        seed = int(hashlib.sha256(request.key().encode()).hexdigest()[:8], 16)
        noise = 0.1 * np.random.default_rng(seed).standard_normal(count).astype(np.float32)
        clip = FoleyClip(samples=noise[None], sample_rate_hz=SAMPLE_RATE_HZ)
        return self.studio.clips.put(request.key(), clip, active_spans_s=((0.0, 9.0),), confidence=0.7)


def _range(first: int, count: int) -> dict[str, Any]:
    times = ({"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": float(value)} for value in (first, count))
    return {"OTIO_SCHEMA": "TimeRange.1", **dict(zip(("start_time", "duration"), times, strict=True))}


def _clip(media: Path, kind: str, first: int, count: int, name: str = "train") -> dict[str, Any]:
    effects = {
        "freeze": [{"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0.0}],
        "reverse": [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": -1.0}],
        "fast": [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0}],
        "ramp": [{"OTIO_SCHEMA": "TimeEffect.1", "metadata": RAMP}],
    }
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(media), "available_range": None}
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": _range(first, count),
        "effects": effects.get(kind, []),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    if kind != "nested":
        return clip
    inner = {
        "OTIO_SCHEMA": "Track.1",
        "name": "V1",
        "kind": "Video",
        "children": [_clip(media, "", 0, MEDIA_FRAMES, name)],
    }
    return {"OTIO_SCHEMA": "Stack.1", "name": "scene", "source_range": _range(first, count), "children": [inner]}


def _edit(path: Path, children: list[dict[str, Any]]) -> Path:
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": children}
    start = {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": float(START)}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    path.write_text(
        json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "reel", "global_start_time": start, "tracks": stack})
    )
    return path


def _dissolve(frames: int) -> dict[str, Any]:
    offset = {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": float(frames)}
    return {"OTIO_SCHEMA": "Transition.1", "in_offset": offset, "out_offset": offset}


Shots = list[tuple[str, int, int]]


@st.composite
def shots(draw: st.DrawFn) -> Shots:
    """One to three shots: what kind, where in the media, how long; at its start and its end as well."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["plain", "fast", "reverse", "freeze", "ramp", "nested", "still"]))
        count = draw(st.integers(6, 20))
        latest = MEDIA_FRAMES - (2 * count if kind == "fast" else count)
        found.append((kind, draw(st.sampled_from([0, latest]) | st.integers(0, latest)), count))
    return found


def heard(report: PassReport) -> list[tuple[int, bytes]]:
    """Of each clip of the laid edit the sample it begins at, and its sound as bytes."""
    assert report.exit_code == 0 and report.outputs.edit
    return sorted((clip.first, clip.samples().tobytes()) for clip in heard_clips(report.outputs.edit))


@example(cut=[("still", 0, 6), ("still", 0, 6)], handles=0, dissolve=0)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=shots(), handles=st.sampled_from([0, 1, 7, 12, 30]), dissolve=st.sampled_from([0, 2]))
def test_every_pass_lays_the_same_samples_at_the_same_place(
    cut: Shots,
    handles: int,
    dissolve: int,
    movie: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("same")
    still = folder / "still.png"
    Image.new("RGB", (64, 48), (90, 40, 10)).save(still)
    children: list[dict[str, Any]] = []
    for number, (kind, first, count) in enumerate(cut):
        media = still if kind == "still" else movie(f"{number}.mp4")
        children += [_dissolve(dissolve)] if number and dissolve else []
        children.append(_clip(media, kind, first, count, f"train {number}"))
    edit, copy = (_edit(folder / name, children) for name in ("reel.otio", "reel_v2.otio"))
    options = PassOptions(store=folder / "store", preview=False, handles=handles)

    def go(path: Path, **told: object) -> PassReport:
        return run_pass(path, options.model_copy(update=told), with_prefect=False)

    engine = NoiseEngine()
    with use_engine(engine.build):
        report = go(edit)
        made, expected = len(engine.made), heard(report)
        assert len(expected) == len(cut)
        assert heard(go(edit)) == expected
        assert heard(go(copy, conform=report.outputs.folder)) == expected
        assert heard(go(edit, labels=report.outputs.cues, out=folder / "sheet")) == expected
        assert heard(go(edit, labels=report.outputs.cues)) == expected
    assert len(engine.made) == made


def test_a_freeze_frame_is_not_moved_by_the_length_of_its_handle(movie: Callable[[str], Path], tmp_path: Path) -> None:
    children = [_clip(movie("0.mp4"), "plain", 0, 24), _clip(movie("1.mp4"), "freeze", 20, 48)]
    options = PassOptions(store=tmp_path / "store", preview=False)
    edit = _edit(tmp_path / "reel.otio", children)
    with use_engine(NoiseEngine().build):
        first, second = (run_pass(edit, options, with_prefect=False) for _ in range(2))
    for report in (first, second):
        cue = report.shots[1].cues[0]
        assert (cue.record_first, cue.record_count) == (START + 24 - 12, 72)
        assert (cue.laid_first, cue.laid_count) == (START + 24, 48)
    assert heard(first) == heard(second)


def test_a_pick_stays_with_a_shot_whose_speed_changes(movie: Callable[[str], Path], tmp_path: Path) -> None:
    edit = _edit(tmp_path / "reel.otio", [_clip(movie("0.mp4"), "ramp", 0, 20)])
    options = PassOptions(store=tmp_path / "store", preview=False, takes=3)
    with use_engine(NoiseEngine().build):
        first = run_pass(edit, options, with_prefect=False)
        assert first.outputs.cues
        sheet = tmp_path / "mine.csv"
        sheet.write_text("shot,label,take\nsh0010,train passing,3\n")
        picked = run_pass(edit, options.model_copy(update={"labels": sheet}), with_prefect=False)
        again = run_pass(edit, options, with_prefect=False)
    for report in (picked, again):
        assert [cue.take for cue in report.shots[0].cues if cue.laid] == [3]

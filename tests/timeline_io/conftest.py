"""Small edits in both formats, written by hand so that the tests know every number in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from timeline_io.edit import Edit, PlacedClip
from timeline_io.frames import FrameSpan

REPOSITORY = Path(__file__).parents[2]
REAL_TIMELINES = REPOSITORY.parent / "shared" / "timelines"


@pytest.fixture(scope="session")
def fixture_timelines() -> Path:
    """The folder of the timelines that belong to the project."""
    return REPOSITORY / "tests" / "fixtures" / "timelines"


@pytest.fixture(scope="session")
def real_timelines() -> Path:
    """The folder of real exports; tests that need it are skipped where it is absent."""
    if not REAL_TIMELINES.is_dir():
        pytest.skip(f"the real exports are not at {REAL_TIMELINES}")
    return REAL_TIMELINES


# --- OpenTimelineIO -------------------------------------------------------------------------------------------------


def _time(value: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def _span(start: float, length: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(length, rate)}


def _warp(speed: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": speed}


def _media(url: str, span: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url, "available_range": span}


def _clip(name: str, start: float, length: float, *, rate: float = 24, **more: Any) -> dict[str, Any]:
    media = more.pop("media", _media(f"/rushes/{name}"))
    speed = more.pop("speed", None)
    effects = [] if speed is None else [_warp(speed)]
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": _span(start, length, rate),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "effects": effects,
        **more,
    }


def _gap(length: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Gap.1", "source_range": _span(0, length, rate)}


def _track(*children: dict[str, Any], name: str = "V1", **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Track.1", "name": name, "kind": "Video", "children": list(children), **more}


def _stack(*children: dict[str, Any], name: str = "scene", speed: float | None = None, **more: Any) -> dict[str, Any]:
    effects = [] if speed is None else [_warp(speed)]
    return {"OTIO_SCHEMA": "Stack.1", "name": name, "children": list(children), "effects": effects, **more}


def _timeline(*tracks: dict[str, Any], name: str = "cut", **more: Any) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "global_start_time": _time(0),
        "tracks": _stack(*tracks, name="tracks"),
        **more,
    }


@pytest.fixture(scope="session")
def otio() -> SimpleNamespace:
    """Makers of .otio objects as plain JSON values, at 24 frames per second where nothing else is said."""
    return SimpleNamespace(
        time=_time, span=_span, warp=_warp, media=_media, clip=_clip, gap=_gap, track=_track, stack=_stack,
        timeline=_timeline,
    )  # fmt: skip


@pytest.fixture
def otio_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a timeline (given its tracks, or whole) to an .otio file."""

    def write(*tracks: dict[str, Any], whole: object = None, name: str = "cut.otio") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(_timeline(*tracks) if whole is None else whole), encoding="utf-8")
        return path

    return write


# --- Final Cut Pro 7 XML --------------------------------------------------------------------------------------------

RATE_24 = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"


def _item(name: str, start: int, end: int, first: int, last: int, more: str = "", **own: str) -> str:
    file_id, rate = own.get("file", name), own.get("rate", RATE_24)
    url = own.get("url", f"file://localhost/rushes/{name}")
    return (
        f"<clipitem><name>{name}</name>{rate}<start>{start}</start><end>{end}</end><in>{first}</in><out>{last}</out>"
        f'<file id="{file_id}"><pathurl>{url}</pathurl>{rate}<duration>240</duration></file>{more}</clipitem>'
    )


def _remap(speed: str, reverse: str = "FALSE") -> str:
    return (
        "<filter><effect><effectid>timeremap</effectid>"
        f"<parameter><parameterid>speed</parameterid><value>{speed}</value></parameter>"
        f"<parameter><parameterid>reverse</parameterid><value>{reverse}</value></parameter></effect></filter>"
    )


def _fcp_track(*items: str, more: str = "") -> str:
    return f"<track>{''.join(items)}{more}</track>"


def _sequence(*tracks: str, name: str = "cut", own_id: str = "seq-1", rate: str = RATE_24, more: str = "") -> str:
    return (
        f'<sequence id="{own_id}"><name>{name}</name>{rate}<media><video>{"".join(tracks)}</video>'
        f"<audio></audio></media>{more}</sequence>"
    )


@pytest.fixture(scope="session")
def fcp7() -> SimpleNamespace:
    """Makers of Final Cut Pro 7 XML, at 24 frames per second where nothing else is said."""
    return SimpleNamespace(item=_item, remap=_remap, track=_fcp_track, sequence=_sequence, rate=RATE_24)


@pytest.fixture
def fcp7_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an xmeml file around a body (sequences, or a whole project)."""

    def write(*body: str, head: str = "<!DOCTYPE xmeml>", version: str = "4", name: str = "cut.xml") -> Path:
        path = tmp_path / name
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<xmeml version="{version}">{"".join(body)}</xmeml>'
        path.write_text(text, encoding="utf-8")
        return path

    return write


# --- Laying ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def placed(tmp_path: Path) -> Callable[..., PlacedClip]:
    """Makes clips placed in an edit, by frames from its start; their takes lie in one folder."""

    def make(edit: Edit, first: int, count: int, name: str = "sh0010_train") -> PlacedClip:
        return PlacedClip(
            name=name,
            wav=tmp_path / "takes" / f"{name}.wav",
            record=FrameSpan(first=edit.start_frame + first, count=count, rate=edit.rate),
            shot_id="sh0010",
            label="train passing",
            cue_id="sh0010-1",
        )

    return make


@pytest.fixture(scope="session")
def ntsc_24() -> Fraction:
    """What is called 23.976."""
    return Fraction(24000, 1001)

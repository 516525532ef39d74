"""The demo: drawn scenes filmed as real movies, cut into an edit with everything an edit can do to a shot.

The edit is an .otio file at 23.976 fps that starts at 01:00:00:00. Beside the movies lies truth.json: for every shot
and label, when and where the sound belongs, worked out from the scenes and not from what the program makes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.files import atomically
from pipeline.scenes.catalogue import Thing, source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import Scene, audible, make_scene, silent_scene

EDIT_NAME = "demo.otio"
RATE = Fraction(24000, 1001)
START_FRAME = 86_400
TRUTH_STEP_S = 0.064
_PICTURE_SIZE = 256
_STREET_NOTE = "foley: car passing by; footsteps walking"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Movie:
    """A scene to be filmed: the file it becomes, at which rate, and the timecode of its first frame."""

    file: str
    scene: Scene
    rate: Fraction
    timecode: str

    @property
    def first_frame(self) -> int:
        hours, minutes, seconds, frames = (int(part) for part in self.timecode.split(":"))
        return ((hours * 60 + minutes) * 60 + seconds) * round(self.rate) + frames


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clip:
    """A clip of the edit. `media_s` is where in the movie it starts; speed 0 is a freeze, a negative one runs back."""

    name: str
    frames: int
    movie: _Movie | None
    media_s: float = 0.0
    speed: int = 1
    note: str = ""
    enabled: bool = True


@dataclass(slots=True, kw_only=True)
class _Picture:
    """Two picture tracks; the upper one lies over the lower one."""

    lower: list[_Clip | int] = field(default_factory=list)
    upper: list[_Clip | int] = field(default_factory=list)


def make_demo_edit(out: Path) -> Path:
    """Film the scenes into `out`/media and write the edit; returns the path of the .otio file.

    A movie that is there already is left as it is: it would be the same.
    """
    media = out / "media"
    media.mkdir(parents=True, exist_ok=True)
    picture = _cut()
    clips = [clip for clip in (*picture.lower, *picture.upper) if isinstance(clip, _Clip)]
    for movie in {clip.movie.file: clip.movie for clip in clips if clip.movie}.values():
        _film(movie, media)
    (media / "truth.json").write_text(json.dumps(_truth(picture), indent=1) + "\n", encoding="utf-8")
    edit = out / EDIT_NAME
    edit.write_text(json.dumps(_timeline(picture, media), indent=4) + "\n", encoding="utf-8")
    return edit


def _film(movie: _Movie, media: Path) -> None:
    path = media / movie.file
    if not path.exists():
        with atomically(path) as draft:
            write_scene_movie(movie.scene, draft, rate=movie.rate, size=_PICTURE_SIZE, start_timecode=movie.timecode)


def _movie(file: str, rate: Fraction | int, timecode: str, scene: Scene) -> _Movie:
    return _Movie(file=file, scene=scene, rate=Fraction(rate), timecode=timecode)


def _scene(seed: int, duration_s: float, target: str, *others: str) -> Scene:
    things: Sequence[Thing] = [source_named(name) for name in others]
    return make_scene(seed, duration_s, target=source_named(target), others=things)


def _cut() -> _Picture:
    """The edit. Numbers alone are gaps, in frames."""
    train = _movie("train_crossing.mov", 25, "10:00:00:00", _scene(245, 12, "train"))
    steps = _movie("footsteps_hall.mp4", RATE, "00:00:00:00", _scene(43, 8, "footsteps"))
    car = _movie("car_street.mov", 24, "02:30:00:00", _scene(45, 9, "car"))
    hammer = _movie("hammer_anvil.mov", 50, "17:59:58:00", _scene(40, 7, "hammer"))
    siren = _movie("ambulance_siren.mp4", Fraction(30000, 1001), "00:00:00:00", _scene(175, 10, "siren"))
    door = _movie("door_slam.mov", 25, "05:00:00:00", _scene(45, 6, "door"))
    ball = _movie("ball_bounce.mp4", 30, "00:00:00:00", _scene(45, 7, "ball"))
    copter = _movie("helicopter_long.mov", RATE, "01:00:00:00", _scene(288, 27, "helicopter"))
    plane = _movie("airplane_takeoff.mp4", 24, "00:00:00:00", _scene(72, 8, "airplane"))
    rain = _movie("A003_C017.mov", 30, "12:00:00:00", _scene(127, 9, "rain"))
    street = _movie("street_corner.mov", 25, "03:00:00:00", _scene(156, 8, "car", "footsteps"))
    kites = _movie("kites.mp4", 25, "00:00:00:00", silent_scene(51, 6))
    slam_s = float(door.scene.actors[0].onset_times_s[0])
    lower: list[_Clip | int] = [
        _Clip(name="train_crossing", movie=train, media_s=1.0, frames=120),
        _Clip(name="footsteps_hall", movie=steps, media_s=0.5, frames=110),
        _Clip(name="car_street_2x", movie=car, media_s=0.5, frames=84, speed=2),
        _Clip(name="hammer_anvil", movie=hammer, media_s=0.5, frames=110),
        24,
        _Clip(name="ambulance_siren", movie=siren, media_s=0.5, frames=168),
        _Clip(name="ball_bounce", movie=ball, media_s=0.5, frames=110),
        _Clip(name="train_reversed", movie=train, media_s=10.0, frames=96, speed=-1),
        _Clip(name="helicopter_frozen", movie=copter, media_s=3.0, frames=48, speed=0),
        _Clip(name="door_slam_short", movie=door, media_s=slam_s - 0.15, frames=10),
        _Clip(name="kites", movie=kites, media_s=1.0, frames=72),
        _Clip(name="rain_disabled", movie=rain, media_s=0.5, frames=48, enabled=False),
        _Clip(name="helicopter_long", movie=copter, media_s=0.5, frames=600),
        _Clip(
            name="street_corner", movie=street, media_s=0.5, frames=144, note="foley: car passing by; footsteps walking"
        ),
        _Clip(name="lost_reel_train", movie=None, frames=60),
        _Clip(name="A003_C017", movie=rain, media_s=1.0, frames=120),
    ]
    before_siren = 120 + 110 + 84 + 110 + 24
    upper: list[_Clip | int] = [before_siren + 60, _Clip(name="airplane_cutaway", movie=plane, media_s=1.0, frames=48)]
    return _Picture(lower=lower, upper=upper)


def _timeline(picture: _Picture, media: Path) -> dict[str, Any]:
    length = sum(item if isinstance(item, int) else item.frames for item in picture.lower)
    dialogue = {
        "OTIO_SCHEMA": "Clip.2",
        "name": "production sound",
        "metadata": {},
        "source_range": _range(0, length),
        "effects": [],
        "markers": [],
        "enabled": True,
        "media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1", "name": "", "metadata": {}}},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    tracks = [
        _track("V1", "Video", [_item(item, media) for item in picture.lower]),
        _track("V2", "Video", [_item(item, media) for item in picture.upper]),
        _track("A1", "Audio", [dialogue]),
    ]
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "demo",
        "metadata": {},
        "global_start_time": _time(START_FRAME, RATE),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "metadata": {},
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "children": tracks,
        },
    }


def _track(name: str, kind: str, children: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": name,
        "kind": kind,
        "metadata": {},
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "children": children,
    }


def _item(item: _Clip | int, media: Path) -> dict[str, Any]:
    if isinstance(item, int):
        return {"OTIO_SCHEMA": "Gap.1", "name": "", "metadata": {}, "source_range": _range(0, item)}
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": item.name,
        "metadata": {},
        "source_range": _source_range(item),
        "effects": _effects(item),
        "markers": _markers(item),
        "enabled": item.enabled,
        "media_references": {"DEFAULT_MEDIA": _reference(item, media)},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _source_range(clip: _Clip) -> dict[str, Any]:
    """In frames of the timeline, counted from the movie's start timecode. A reversed clip names its earliest frame."""
    if clip.movie is None:
        return _range(0, clip.frames)
    anchor = Fraction(clip.movie.first_frame) / clip.movie.rate
    earliest = clip.media_s - (clip.frames / float(RATE) if clip.speed < 0 else 0)
    return _range(round((anchor + Fraction(earliest)) * RATE), clip.frames)


def _effects(clip: _Clip) -> list[dict[str, Any]]:
    if clip.speed == 1:
        return []
    schema = "FreezeFrame.1" if clip.speed == 0 else "LinearTimeWarp.1"
    return [
        {
            "OTIO_SCHEMA": schema,
            "name": "",
            "effect_name": "FreezeFrame" if clip.speed == 0 else "LinearTimeWarp",
            "metadata": {},
            "time_scalar": float(clip.speed),
        }
    ]


def _markers(clip: _Clip) -> list[dict[str, Any]]:
    if not clip.note:
        return []
    start = _source_range(clip)["start_time"]["value"]
    marked = _range(int(start) + 12, 1)
    return [{"OTIO_SCHEMA": "Marker.2", "name": clip.note, "color": "GREEN", "metadata": {}, "marked_range": marked}]


def _reference(clip: _Clip, media: Path) -> dict[str, Any]:
    if clip.movie is None:
        url, available = str(media / "lost_reel.mov"), None
    else:
        url = str(media / clip.movie.file)
        frames = int(clip.movie.scene.duration_s * clip.movie.rate)
        available = _range(clip.movie.first_frame, frames, clip.movie.rate)
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": Path(url).name,
        "metadata": {},
        "available_range": available,
        "target_url": url,
    }


def _range(first: int, count: int, rate: Fraction = RATE) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(first, rate), "duration": _time(count, rate)}


def _time(frame: int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frame)}


def _truth(picture: _Picture) -> list[dict[str, Any]]:
    """Per clip that is seen and per label: the frames it lies on and when it sounds, one flag per TRUTH_STEP_S."""
    rows: list[dict[str, Any]] = []
    for track in (picture.lower, picture.upper):
        first = START_FRAME
        for item in track:
            frames = item if isinstance(item, int) else item.frames
            if isinstance(item, _Clip) and item.movie is not None and item.enabled:
                rows += _truth_of(item, item.movie, first)
            first += frames
    return rows


def _truth_of(clip: _Clip, movie: _Movie, first: int) -> list[dict[str, Any]]:
    steps = int(clip.frames / float(RATE) / TRUTH_STEP_S)
    times = (np.arange(steps) + 0.5) * TRUTH_STEP_S
    begin = _media_start_s(clip, movie)
    media_times = begin + clip.speed * times
    rows = []
    for actor, stem in zip(movie.scene.actors, movie.scene.stems, strict=True):
        sounds = audible(stem, media_times)
        rows.append(
            {
                "clip": clip.name,
                "label": actor.thing.label,
                "continuous": actor.thing.continuous,
                "record_first": first,
                "frames": clip.frames,
                "sounds": [int(flag) for flag in sounds],
                "onsets_s": _onsets(clip, actor.onset_times_s - begin),
            }
        )
    silence = {"clip": clip.name, "label": "", "record_first": first, "frames": clip.frames, "sounds": [0] * steps}
    return rows or [silence]


def _media_start_s(clip: _Clip, movie: _Movie) -> float:
    """Where in the movie the clip starts, as the edit has it: rounded to frames of the timeline."""
    first = Fraction(int(_source_range(clip)["start_time"]["value"])) / RATE
    begin = first - Fraction(movie.first_frame) / movie.rate
    return float(begin) + (clip.frames / float(RATE) if clip.speed < 0 else 0.0)


def _onsets(clip: _Clip, from_cut_s: NDArray[np.float64]) -> list[float]:
    """Impacts in seconds from the cut; those of a clip that does not run forward at normal speed are not judged."""
    if clip.speed != 1:
        return []
    return [round(float(t), 4) for t in from_cut_s if 0 <= t < clip.frames / float(RATE)]

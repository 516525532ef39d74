"""A new timeline without a clip."""

from __future__ import annotations

import json

from timeline_io.formats.target import Target


def empty_timeline(title: str, target: Target, frames: int) -> bytes:
    """An .otio of `frames` frames, made by OpenTimelineIO itself."""
    import opentimelineio as otio

    rate = float(target.rate)
    timeline = otio.schema.Timeline(name=title, global_start_time=otio.opentime.RationalTime(target.start_frame, rate))
    # Premiere names the sequence after the stack.
    timeline.tracks.name = title
    picture = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    picture.append(otio.schema.Gap(duration=otio.opentime.RationalTime(frames, rate)))
    timeline.tracks.append(picture)
    plain = json.loads(otio.core.serialize_json_to_string(timeline))
    return json.dumps(plain, ensure_ascii=False, indent=4).encode("utf-8", "replace") + b"\n"

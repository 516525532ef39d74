"""An Edit -> an OpenTimelineIO Timeline of its visible shots on one picture track."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio

from timeline_io.edit import Edit, Shot

# Not the name that marks laid tracks (patchers/otio.py): these clips are the editor's.
_NAMESPACE = "foley_shot"


def visible_timeline(edit: Edit) -> Any:
    """Timeline    V1 [shot][ gap ][shot] ...    as long as the edit; reading it again gives the same shots.

    Source ranges count from the start of the file. A speed that changes is written as its mean, with its knots in the
    metadata; the shots' notes are there too.
    """
    rate = float(edit.rate)
    timeline = otio.schema.Timeline(
        name=edit.name, global_start_time=otio.opentime.RationalTime(edit.start_frame, rate)
    )
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    reached = edit.start_frame
    for shot in edit.shots:
        _fill(track, shot.record.first - reached, rate)
        track.append(_clip(shot))
        reached = shot.record.end
    _fill(track, edit.start_frame + edit.frame_count - reached, rate)
    timeline.tracks.append(track)
    return timeline


def _fill(track: Any, frames: int, rate: float) -> None:
    if frames > 0:
        track.append(otio.schema.Gap(duration=otio.opentime.RationalTime(frames, rate)))


def _clip(shot: Shot) -> Any:
    clip = otio.schema.Clip(name=shot.name, media_reference=_reference(shot), source_range=_source_range(shot))
    if shot.speed == 0:
        clip.effects.append(otio.schema.FreezeFrame())
    elif shot.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(shot.speed)))
    ramp = [[str(at_s), str(source_s)] for at_s, source_s in shot.ramp]
    clip.metadata[_NAMESPACE] = {"shot_id": shot.shot_id, "notes": list(shot.notes), "ramp": ramp}
    return clip


def _source_range(shot: Shot) -> Any:
    """Where the shot begins in its file, and how long it plays; a reversed one begins at the far edge of its range."""
    shown_s = shot.speed * shot.record.duration_s
    start_s = shot.source_start_s + min(shown_s, Fraction(0))
    rate = float(shot.record.rate)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(float(start_s * shot.record.rate), rate),
        otio.opentime.RationalTime(shot.record.count, rate),
    )


def _reference(shot: Shot) -> Any:
    if not shot.media_ref:
        return otio.schema.MissingReference()
    return otio.schema.ExternalReference(target_url=str(shot.media or shot.media_ref))

"""Final Cut Pro X XML (1.0 to 1.14) -> model.Sequence. Its storylines are read in fcpxml_story.py."""

from __future__ import annotations

from fractions import Fraction

from timeline_io.errors import EmptyEditError, UnreadableEditError
from timeline_io.formats.fcpxml.story import Builder, Timeline
from timeline_io.formats.fcpxml.values import Resources, choose_project, parse, sequence_of, time_of
from timeline_io.frames import frame_at
from timeline_io.model import Sequence


def read_fcpxml(data: bytes, file_name: str, sequence: str | None) -> Sequence:
    """The project of that name, or the only one."""
    root = parse(data, file_name)
    project = choose_project(root, file_name, sequence)
    name, chosen = project.get("name", ""), sequence_of(project)
    resources = Resources(root)
    rate = resources.rate(chosen)
    if rate is None:
        raise UnreadableEditError(f"the project {name!r} of {file_name} has no frame rate: its format is not described")
    spine = chosen.find("spine")
    if spine is None:
        raise EmptyEditError(f"the project {name!r} of {file_name} has no storyline")
    start_s = time_of(chosen, "tcStart") or Fraction(0)
    timeline = Builder(resources, file_name).storyline(spine, rate, start_s, -start_s)
    return Sequence(
        name=name,
        rate=rate,
        start_frame=frame_at(start_s, rate),
        length_s=max(time_of(chosen, "duration") or Fraction(0), _end_of(timeline)),
        tracks=timeline.tracks,
        markers=timeline.markers,
        drop_frame=chosen.get("tcFormat") == "DF",
    )


def _end_of(timeline: Timeline) -> Fraction:
    ends = (item.start_s + item.length_s for track in timeline.tracks for item in track.items)
    return max(ends, default=Fraction(0))

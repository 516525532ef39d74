"""Companion timelines: two new ones that hold our tracks only, to be dropped over the cut in any editor.

They have the edit's rate, start timecode and length, so that laid at the same start every sound lies where it
belongs. An edit decision list cannot hold our tracks, and some editors do not take a patched export back; these
two are always written.

    edit.edl   V1 [ A ][ B ]      ->   edit.foley-only.otio   V1 (a gap as long)  A1 [FOLEY Props 1]
                                       edit.foley-only.xml    the same for editors that take Final Cut Pro 7 XML
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from timeline_io.edit import Edit, FoleyTrack
from timeline_io.files import write_atomically
from timeline_io.lay import check_track, refuse_overwriting
from timeline_io.patchers import PATCHERS, Target
from timeline_io.patchers.fcp7_track import Line, deeper, rate_lines, timecode_lines, xml_text
from timeline_io.path_maps import PathMaps, to_edit_path

_TITLE = "{} Foley"
# The picture's size is not in an `Edit`, and an importer that wants one takes this for a sequence without picture.
_WIDTH, _HEIGHT = 1920, 1080


def can_be_laid_into(edit: Edit) -> bool:
    """Whether our tracks can be laid into a copy of the edit's own file; an edit decision list never takes them."""
    return edit.format in PATCHERS


def companion_names(stem: str) -> tuple[str, str]:
    """The file names that `write_companions` uses."""
    return f"{stem}.foley-only.otio", f"{stem}.foley-only.xml"


def write_companions(
    edit: Edit, tracks: Sequence[FoleyTrack], folder: Path, stem: str, *, path_maps: PathMaps = ()
) -> tuple[Path, ...]:
    """Write `<stem>.foley-only.otio` and `<stem>.foley-only.xml` into `folder`, and return their paths.

    `path_maps` are pairs (prefix in the edit, prefix here), as for laying. Raises LayingError when a track does not
    fit the edit, when a file would overwrite the edit, its media or a sound, or cannot be written.
    """
    for track in tracks:
        check_track(track, edit)
    filled = tuple(track for track in tracks if track.clips)
    wavs = {clip.wav for track in filled for clip in track.clips}
    target = Target.of(edit, {wav: to_edit_path(wav, path_maps) for wav in wavs})
    target = replace(target, sequence=None)
    length = max([edit.frame_count, *(track.clips[-1].record.end - edit.start_frame for track in filled)])
    written = []
    kinds = (("otio", _empty_otio), ("fcp7", _empty_fcp7))
    for name, (format_name, empty) in zip(companion_names(stem), kinds, strict=True):
        out = folder / name
        refuse_overwriting(edit, tracks, out)
        written.append((out, PATCHERS[format_name].add(empty(edit, target, length), target, filled)))
    for out, data in written:
        write_atomically(out, data)
    return tuple(out for out, _data in written)


def _empty_otio(edit: Edit, target: Target, length: int) -> bytes:
    """A timeline of `length` frames without a clip, made by OpenTimelineIO itself."""
    import opentimelineio as otio

    rate = float(target.rate)
    title = _TITLE.format(edit.name)
    timeline = otio.schema.Timeline(name=title, global_start_time=otio.opentime.RationalTime(target.start_frame, rate))
    # Premiere names the sequence after the stack.
    timeline.tracks.name = title
    picture = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    picture.append(otio.schema.Gap(duration=otio.opentime.RationalTime(length, rate)))
    timeline.tracks.append(picture)
    plain = json.loads(otio.core.serialize_json_to_string(timeline))
    return json.dumps(plain, ensure_ascii=False, indent=4).encode("utf-8", "replace") + b"\n"


def _empty_fcp7(edit: Edit, target: Target, length: int) -> bytes:
    """A sequence of `length` frames with an empty picture track, one element a line."""
    lines = "\n".join("\t" * depth + text for depth, text in _sequence_lines(edit, target, length))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="4">\n'
    return f"{head}{lines}\n</xmeml>\n".encode("utf-8", "replace")


def _sequence_lines(edit: Edit, target: Target, length: int) -> Iterator[Line]:
    yield 1, '<sequence id="foley-only">'
    yield 2, f"<name>{xml_text(_TITLE.format(edit.name))}</name>"
    yield 2, f"<duration>{length}</duration>"
    yield from deeper(deeper(rate_lines(target)))
    yield from deeper(deeper(timecode_lines(target.start_frame, target)))
    yield 2, "<media>"
    yield 3, "<video>"
    yield 4, "<format>"
    yield 5, "<samplecharacteristics>"
    yield from ((depth + 6, text) for depth, text in rate_lines(target))
    yield 6, f"<width>{_WIDTH}</width>"
    yield 6, f"<height>{_HEIGHT}</height>"
    yield 5, "</samplecharacteristics>"
    yield 4, "</format>"
    yield 4, "<track>"
    yield 5, "<enabled>TRUE</enabled>"
    yield 4, "</track>"
    yield 3, "</video>"
    yield 3, "<audio>"
    yield 4, "<numOutputChannels>2</numOutputChannels>"
    yield 3, "</audio>"
    yield 2, "</media>"
    yield 1, "</sequence>"

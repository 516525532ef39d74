"""Companion timelines: two new ones that hold our tracks only, to be dropped over the cut in any editor.

They have the edit's rate, start timecode and length, so that laid at the same start every sound lies where it
belongs. An edit decision list cannot hold our tracks, and some editors do not take a patched export back; these
two are always written.

    edit.edl   V1 [ A ][ B ]      ->   edit.foley-only.otio   V1 (a gap as long)  A1 [FOLEY Props 1]
                                       edit.foley-only.xml    the same for editors that take Final Cut Pro 7 XML
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from timeline_io.edit import Edit, FoleyTrack
from timeline_io.files import write_atomically
from timeline_io.formats import laying_in, laying_of
from timeline_io.formats.target import Target
from timeline_io.lay import check_track, refuse_overwriting
from timeline_io.path_maps import PathMaps, to_edit_path

_TITLE = "{} Foley"
# Formats that every editor takes one of.
_FORMATS = ("otio", "fcp7")


def can_be_laid_into(edit: Edit) -> bool:
    """Whether our tracks can be laid into a copy of the edit's own file; an edit decision list never takes them."""
    return laying_in(edit.format) is not None


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
    for name, format_name in zip(companion_names(stem), _FORMATS, strict=True):
        out = folder / name
        refuse_overwriting(edit, tracks, out)
        laying = laying_of(format_name)
        assert laying.empty is not None
        written.append((out, laying.add(laying.empty(_TITLE.format(edit.name), target, length), target, filled)))
    for out, data in written:
        write_atomically(out, data)
    return tuple(out for out, _data in written)

"""Laying: new audio tracks into a patched copy of the exported edit, and out of it again.

The copy differs from the export in our tracks only. Converting a timeline through a common model loses
links, transitions and effects, so the file is patched in place of being written anew:

    edit.otio      V1 V2 A1 A2                      edit.foley.otio   V1 V2 A1 A2 [FOLEY Props 1]
    again, with other takes                         edit.foley.otio   V1 V2 A1 A2 [FOLEY Props 1']

Laying twice gives the same bytes as laying once; removing our tracks gives back the original bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePath

from timeline_io.bundles import container_of
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError
from timeline_io.files import digest_of
from timeline_io.formats import format_of, laying_of
from timeline_io.formats.target import Target
from timeline_io.path_maps import PathMaps, to_edit_path


def lay_tracks(
    edit: Edit,
    tracks: Sequence[FoleyTrack],
    out: Path,
    *,
    path_maps: PathMaps = (),
    takes: Collection[Path] = (),
    keep: Collection[str] | None = None,
) -> Path:
    """Write a copy of `edit.path` with `tracks` added to `out`, and return `out`.

    A bundle becomes a bundle of the same kind. `path_maps` are pairs (prefix in the edit, prefix here): sounds below
    a prefix of this machine are named as the editor's machine sees them.
    Tracks of an earlier laying whose sound files all lie in the same folders, or in those of `takes`, are replaced.
    `keep` holds the keys of the tracks that stay as they are, byte for byte, as `laid.laid_tracks` gives them: whoever
    says so has looked at all that it gave, so a track that lost our name and mark is then replaced as well.

    Raises LayingError when `out` would overwrite the edit or one of its files, when the edit changed since
    it was read, when clips overlap or lie before the timeline's start, or when `out` cannot be written.
    """
    refuse_overwriting(edit, tracks, out)
    for track in tracks:
        check_track(track, edit)
    container = container_of(edit.path)
    data = container.timeline()
    check_unchanged(edit, data)
    laying = laying_of(edit.format)
    filled = tuple(track for track in tracks if track.clips)
    wavs = {clip.wav for track in filled for clip in track.clips}
    bundled = container.names(wavs)
    target = Target.of(edit, {wav: to_edit_path(wav, path_maps) for wav in wavs} | bundled)
    folders = _folders_of((*wavs, *target.written_as.values())) | folders_as_seen(takes, path_maps)
    cleared = laying.remove(data, target, folders, None if keep is None else frozenset(keep))
    container.write(out, laying.add(cleared, target, filled) if filled else cleared, bundled)
    return out


def remove_foley_tracks(
    path: Path, out: Path, *, takes: Path | None = None, sequence: str | None = None, path_maps: PathMaps = ()
) -> Path:
    """Write a copy of `path` without the tracks that laying added to it to `out`, and return `out`.

    With `takes`, only tracks whose sound files all lie in that folder (or in the bundle) go, and those of that folder
    that an editor exported again and that only carry our name. Raises LayingError as lay_tracks does.
    """
    if _same_file(path, out):
        raise LayingError(f"{out} is the edit itself: name another file to write")
    container = container_of(path)
    data = container.timeline()
    laying = laying_of(format_of(data, path.name).name)
    target = Target(file_name=path.name, sequence=sequence)
    folders = None if takes is None else folders_as_seen((takes,), path_maps)
    container.write(out, laying.remove(data, target, folders, None), {})
    return out


def check_unchanged(edit: Edit, data: bytes) -> None:
    """Raise LayingError when `data` is not the timeline that the edit was read from."""
    if digest_of(data) != edit.digest:
        raise LayingError(f"{edit.path.name} changed since it was read: read it again before laying")


def folders_as_seen(takes: Iterable[Path], path_maps: PathMaps) -> frozenset[Path]:
    """Folders of sounds, as they are called here and as the editor's machine calls them."""
    inside = [folder / "any.wav" for folder in takes]
    return _folders_of((*inside, *(to_edit_path(file, path_maps) for file in inside)))


def _folders_of(files: Iterable[PurePath]) -> frozenset[Path]:
    """The folders of sound files as the timeline names them, and as they are called here."""
    named = (Path(file).absolute() if isinstance(file, Path) else file for file in files)
    return frozenset(Path(file.as_posix()).parent for file in named)


def plan_tracks(clips_by_title: Mapping[str, Sequence[PlacedClip]]) -> tuple[FoleyTrack, ...]:
    """Clips by title -> numbered tracks on which no two clips overlap or touch.

    FOLEY Props  [ a  ][ b ][ c ]      ->   FOLEY Props 1   [ a  ]     [ c ]
                                            FOLEY Props 2         [ b ]

    Editors make one crossfade of the fades of two clips that touch.
    """
    tracks: list[FoleyTrack] = []
    for title, clips in clips_by_title.items():
        for number, lane in zip(count(1), _lanes(clips), strict=False):
            tracks.append(FoleyTrack(name=f"{title} {number}", clips=tuple(lane)))
    return tuple(tracks)


def _lanes(clips: Iterable[PlacedClip]) -> list[list[PlacedClip]]:
    """Each clip on the first lane that is free the frame before it begins: the fewest lanes there can be."""
    lanes: list[list[PlacedClip]] = []
    for clip in sorted(clips, key=lambda clip: (clip.record.first, clip.record.end, clip.name)):
        free = next((lane for lane in lanes if lane[-1].record.end < clip.record.first), None)
        if free is None:
            lanes.append([clip])
        else:
            free.append(clip)
    return lanes


def check_track(track: FoleyTrack, edit: Edit) -> None:
    """Raise LayingError when a track does not fit the edit's clock or cannot be written down."""
    reached = edit.start_frame
    for clip in track.clips:
        where = f"{clip.name} on the track {track.name}"
        if not _is_text(clip.name, clip.label, str(clip.wav), track.name):
            raise LayingError(f"the path or a name of {str(clip.wav)!a} cannot be written as text: rename the folder")
        if clip.record.rate != edit.rate:
            raise LayingError(f"{where} is placed at {clip.record.rate} frames per second, the edit has {edit.rate}")
        if clip.record.count <= 0:
            raise LayingError(f"{where} has no length")
        if clip.fade_in.frames + clip.fade_out.frames > clip.record.count:
            raise LayingError(f"{where} is shorter than its fades")
        if clip.record.first < reached:
            raise LayingError(f"{where} begins before the timeline or before the clip in front of it ends")
        reached = clip.record.end


def _is_text(*values: str) -> bool:
    """Whether the values can be written to a file at all; names on a disk may hold bytes that cannot."""
    try:
        "".join(values).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def refuse_overwriting(edit: Edit, tracks: Sequence[FoleyTrack], out: Path) -> None:
    """Raise LayingError when `out` is the edit itself, or a file that it shows or that is laid."""
    media = {shot.media for shot in edit.shots if shot.media}
    sounds = {clip.wav for track in tracks for clip in track.clips}
    for taken in (edit.path, *media, *sounds):
        if _same_file(taken, out):
            raise LayingError(f"{out} is a file that the new timeline is made from: name another file to write")


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()

"""What an editor did to our tracks since the last pass laid them: such tracks stay, and moved markers are obeyed.

laid by the last pass    FOLEY Props 1   [ a ]  [ b ]         FOLEY Vehicles 1   [  c (on: ###)  ]
exported by the editor   FOLEY Props 1   [ a ]   [ b ]        FOLEY Vehicles 1   [  c (on:   ##) ]
next pass                kept as it is; a, b not laid again   replaced; c sounds where the marker says
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from flows.delivery import rows_of
from timeline_io.edit import Edit, PlacedClip
from timeline_io.frames import FrameSpan
from timeline_io.laid import LaidClip, LaidTrack, is_sound_of, laid_tracks, touched
from timeline_io.path_maps import PathMaps


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidSound:
    """A sound that the last pass laid: where, on which track, and where its markers were."""

    placed: PlacedClip
    track: str
    spans: tuple[FrameSpan, ...]

    @property
    def file_name(self) -> str:
        """What its file is called: the name that survives every program."""
        return self.placed.wav.name


@dataclass(frozen=True, slots=True, kw_only=True)
class HandWork:
    """`kept_tracks` are the keys of the tracks that stay, `kept` the sounds on them; `told` is where markers say that a
    sound is on, by file name; `remarks` are for a person.
    """

    kept_tracks: tuple[str, ...] = ()
    kept: tuple[LaidSound, ...] = ()
    told: tuple[tuple[str, tuple[FrameSpan, ...]], ...] = ()
    remarks: tuple[str, ...] = ()


def hand_work(edit: Edit, folder: Path, manifest: Mapping[str, Any], path_maps: PathMaps) -> HandWork:
    """What was done to the tracks in `edit` that the pass of `manifest` laid from its output folder `folder`.

    Without a manifest nothing is known, and nothing is kept. Raises LayingError when the edit changed meanwhile.
    """
    rows = {row.file_name: row for row in _rows(manifest, folder, edit.rate)}
    if not rows:
        return HandWork()
    kept: dict[str, list[LaidSound]] = {}
    told: dict[str, tuple[FrameSpan, ...]] = {}
    remarks: list[str] = []
    for track in laid_tracks(edit, [folder / "takes"], path_maps=path_maps):
        known = [(clip, row) for clip in track.clips if (row := _row_of(clip, rows))]
        change = _change(track, [row for _, row in known], rows)
        if change:
            kept[track.key] = [row for _, row in known]
            remarks.append(f"the track {track.name or 'without a name'} was changed by hand ({change}) and stays so")
        else:
            told |= {row.file_name: clip.spans for clip, row in known if clip.spans and clip.spans != row.spans}
    sounds = (row for on_track in kept.values() for row in on_track)
    return HandWork(kept_tracks=tuple(kept), kept=tuple(sounds), told=tuple(told.items()), remarks=tuple(remarks))


def _change(track: LaidTrack, known: Iterable[LaidSound], rows: Mapping[str, LaidSound]) -> str:
    """What is different on a track; all that was laid on the tracks of its sounds belongs on it."""
    names = {row.track for row in known}
    return touched(track, [row.placed for row in rows.values() if row.track in names])


def _row_of(clip: LaidClip, rows: Mapping[str, LaidSound]) -> LaidSound | None:
    """The row of a laid clip by its file, which has another name in a bundle."""
    name = PurePosixPath(clip.media).name
    if name in rows:
        return rows[name]
    return next((row for row in rows.values() if is_sound_of(clip, row.placed)), None)


def _rows(manifest: Mapping[str, Any], folder: Path, rate: Fraction) -> Iterator[LaidSound]:
    """The laid cues of a manifest; a damaged one counts as none."""
    for shot, cues in rows_of(manifest):
        for cue in cues:
            try:
                if cue["wav"] and cue["track"]:
                    yield _row(shot, cue, folder, rate)
            except (KeyError, TypeError, ValueError):
                continue


def _row(shot: Mapping[str, Any], cue: Mapping[str, Any], folder: Path, rate: Fraction) -> LaidSound:
    wav = folder / str(cue["wav"])
    spans = cue["told_spans"] if cue["told_spans"] is not None else cue["heard_spans"]
    placed = PlacedClip(
        name=wav.stem,
        wav=wav,
        record=FrameSpan(first=int(cue["record_first"]), count=int(cue["record_count"]), rate=rate),
        shot_id=str(shot["shot_id"]),
        label=str(cue["label"]),
        cue_id=str(cue["cue_id"]),
    )
    return LaidSound(
        placed=placed,
        track=str(cue["track"]),
        spans=tuple(FrameSpan(first=int(span["first"]), count=int(span["count"]), rate=rate) for span in spans),
    )

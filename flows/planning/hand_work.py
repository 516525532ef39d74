"""What an editor did to our tracks since the last pass laid them: such tracks stay, and moved markers are obeyed.

laid by the last pass    FOLEY Props 1   [ a ]  [ b ]         FOLEY Vehicles 1   [  c (on: ###)  ]
exported by the editor   FOLEY Props 1   [ a ]   [ b ]        FOLEY Vehicles 1   [  c (on:   ##) ]
next pass                kept as it is; a, b not laid again   replaced; c sounds where the marker says
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from flows.output.delivery import rows_of
from timeline_io.edit import NO_FADE, Edit, Fade, FoleyTrack, PlacedClip
from timeline_io.frames import FrameSpan
from timeline_io.laid import keeps_fades, laid_tracks, lying, touched
from timeline_io.laid_pairs import moved_markers, placed_on
from timeline_io.path_maps import PathMaps


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSound:
    """A sound on a track that stays: where the last pass laid it, and where it lies now, more than once or nowhere."""

    placed: PlacedClip
    track: str
    lying: tuple[PlacedClip, ...] = ()

    @property
    def file_name(self) -> str:
        """What its file is called: the name that survives every program."""
        return self.placed.wav.name


@dataclass(frozen=True, slots=True, kw_only=True)
class HandWork:
    """`kept_tracks` are the keys of the tracks that stay, None when nothing is known of an earlier pass; `kept` are the
    sounds on them; `told` is where markers say that a sound is on, by file name; `remarks` are for a person.
    """

    kept_tracks: tuple[str, ...] | None = None
    kept: tuple[KeptSound, ...] = ()
    told: tuple[tuple[str, tuple[FrameSpan, ...]], ...] = ()
    remarks: tuple[str, ...] = ()


def hand_work(edit: Edit, passes: Mapping[Path, Mapping[str, Any]], path_maps: PathMaps) -> HandWork:
    """What was done to the tracks in `edit` that earlier passes laid, by their output folders and manifests.

    Without a manifest nothing is known, and nothing is kept. Raises LayingError when the edit changed meanwhile.
    """
    earlier = [track for folder, manifest in passes.items() for track in _earlier_tracks(manifest, folder, edit.rate)]
    if not earlier:
        return HandWork()
    laid = laid_tracks(edit, [folder / "takes" for folder in passes], path_maps=path_maps)
    placed = placed_on(laid, earlier)
    with_fades = keeps_fades(laid)
    clauses = {track.key: touched(track, placed[track.key], with_fades=with_fades) for track in laid}
    changes = {key: clause for key, clause in clauses.items() if clause}
    as_left = [track for track in laid if track.key not in changes]
    markers = moved_markers(as_left, [sound for track in as_left for sound in placed[track.key]])
    track_of = {sound: track.name for track in earlier for sound in track.clips}
    return HandWork(
        kept_tracks=tuple(changes),
        kept=tuple(
            KeptSound(placed=sound, track=track_of[sound], lying=lying(track, sound))
            for track in laid
            if track.key in changes
            for sound in placed[track.key]
        ),
        # A sound without any marker left is the detector's again.
        told=tuple((sound.wav.name, spans) for sound, spans in markers.items() if spans),
        remarks=tuple(
            f"the track {track.name or 'without a name'} was changed by hand ({changes[track.key]}) and stays so"
            for track in laid
            if track.key in changes
        ),
    )


def _earlier_tracks(manifest: Mapping[str, Any], folder: Path, rate: Fraction) -> list[FoleyTrack]:
    """The tracks that a pass laid."""
    tracks: dict[str, list[PlacedClip]] = {}
    for name, placed in _laid_cues(manifest, folder, rate):
        tracks.setdefault(name, []).append(placed)
    return [
        FoleyTrack(name=name, clips=tuple(sorted(clips, key=lambda clip: clip.record.first)))
        for name, clips in tracks.items()
    ]


def _laid_cues(manifest: Mapping[str, Any], folder: Path, rate: Fraction) -> Iterator[tuple[str, PlacedClip]]:
    """The laid cues of a manifest, with their tracks; a damaged one counts as none."""
    for shot, cues in rows_of(manifest):
        for cue in cues:
            try:
                if cue["wav"] and cue["track"]:
                    yield str(cue["track"]), _placed(shot, cue, folder, rate)
            except (KeyError, TypeError, ValueError):
                continue


def _placed(shot: Mapping[str, Any], cue: Mapping[str, Any], folder: Path, rate: Fraction) -> PlacedClip:
    wav = folder / str(cue["wav"])
    spans = cue["told_spans"] if cue["told_spans"] is not None else cue["heard_spans"]
    first, count = int(cue["record_first"]), int(cue["record_count"])
    # A manifest from before handles were hidden says nothing of what is laid: all of it was.
    laid_first, laid_count = int(cue.get("laid_first", first)), int(cue.get("laid_count", count))
    return PlacedClip(
        name=wav.stem,
        wav=wav,
        record=FrameSpan(first=laid_first, count=laid_count, rate=rate),
        head_frames=laid_first - first,
        tail_frames=first + count - laid_first - laid_count,
        fade_in=_fade(cue.get("fade_in")),
        fade_out=_fade(cue.get("fade_out")),
        shot_id=str(shot["shot_id"]),
        label=str(cue["label"]),
        cue_id=str(cue["cue_id"]),
        spans=tuple(FrameSpan(first=int(span["first"]), count=int(span["count"]), rate=rate) for span in spans),
    )


def _fade(told: Mapping[str, Any] | None) -> Fade:
    if told is None:
        return NO_FADE
    return Fade(frames=int(told["frames"]), seconds=Fraction(told["seconds"]), crossing=bool(told["crossing"]))

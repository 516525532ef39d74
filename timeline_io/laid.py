"""What lies on our audio tracks now: an editor laid the edit, worked on it, and exported it again.

Programs lose names, marks and metadata on the way, and spell paths as they like; which file a clip plays survives
in every format, so that is what a track of ours is known by.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath

from timeline_io.bundle_names import name_before, plain_name
from timeline_io.bundles import container_of
from timeline_io.edit import Edit, Fade, PlacedClip
from timeline_io.formats import laying_in
from timeline_io.formats.found import FoundClip, FoundTrack
from timeline_io.formats.target import Target, is_take
from timeline_io.frames import FrameSpan, frame_at
from timeline_io.lay import check_unchanged, folders_as_seen
from timeline_io.media_paths import plain_path
from timeline_io.path_maps import PathMaps

# Tells names in bundles from others; no file name holds it.
_IN_BUNDLE = "media/"
# Programs round to their own clocks; a person's change is a frame at least.
_SAME_FADE_S = Fraction(1, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidClip:
    """One of our sounds as it lies on a track.

    `media` is the plain path by which the timeline names its file. `source_first` is how many frames of the edit into
    the file it begins, as the timeline counts. `spans` are the stretches of record time that our "on: " markers cover
    inside the clip, () when there is none. `effects` name what changes how it sounds, its fades aside. `elsewhere`
    tells that it carries our mark, but its file lies in none of the folders asked for.
    """

    name: str
    media: str
    record: FrameSpan
    source_first: int
    spans: tuple[FrameSpan, ...] = ()
    enabled: bool = True
    effects: tuple[str, ...] = ()
    fade_in_s: Fraction = Fraction(0)
    fade_out_s: Fraction = Fraction(0)
    elsewhere: bool = False

    @property
    def sound_name(self) -> str:
        """What its file is called, in a spelling that `names_of` gives as well."""
        name = PurePosixPath(self.media).name
        in_bundle = name_before(name)
        return _IN_BUNDLE + in_bundle if in_bundle else unicodedata.normalize("NFC", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidTrack:
    """An audio track that holds a sound of ours; `foreign` are the names of what else lies on it.

    `key` says to `lay_tracks` which track is meant; it holds for the edit it was read from. A lane of Final Cut Pro X
    (`is_lane`) is no track: the program decides what lies at which depth, so nothing on it is foreign to our clips.
    """

    name: str
    clips: tuple[LaidClip, ...]
    key: str
    foreign: tuple[str, ...] = ()
    enabled: bool = True
    is_lane: bool = False


def laid_tracks(edit: Edit, folders: Collection[Path], *, path_maps: PathMaps = ()) -> tuple[LaidTrack, ...]:
    """The audio tracks of `edit.path` that hold a sound of ours, in the file's order.

    A sound is ours when its file lies in one of `folders` (as `path_maps`, pairs of a prefix in the edit and one here,
    let the editor's machine see it), when laying put it into the bundle, or when it carries our mark. An edit
    decision list has none. Raises LayingError when the edit changed since it was read, or the errors of reading.
    """
    laying = laying_in(edit.format)
    if laying is None:
        return ()
    data = container_of(edit.path).timeline()
    check_unchanged(edit, data)
    known = folders_as_seen(folders, path_maps)
    laid = (_laid_track(found, edit, known) for found in laying.find(data, Target.of(edit)))
    return tuple(track for track in laid if track.clips)


def touched(laid: LaidTrack, placed: Iterable[PlacedClip], *, with_fades: bool = True) -> str:
    """What an editor changed on a track on which `placed` was laid, as a short clause; "" when all is as it was.

    Where the clips lie, what they play and how they sound counts; names and markers do not. `with_fades` False leaves
    fades aside: see `keeps_fades`.
    """
    changes = list(dict.fromkeys(_changes(laid, list(placed), with_fades=with_fades)))
    more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0]}{more}" if changes else ""


def keeps_fades(tracks: Iterable[LaidTrack]) -> bool:
    """Whether the program that wrote the tracks last knows fades: some read none, and then not one is left."""
    return any(clip.fade_in_s or clip.fade_out_s for track in tracks for clip in track.clips)


def lying(track: LaidTrack, placed: PlacedClip) -> tuple[PlacedClip, ...]:
    """A placed sound as it lies on a track now, whatever an editor did to its place, its edges and its fades; () when
    it is gone or switched off. What an effect makes of it is not known."""
    clips = [clip for clip in track.clips if is_sound_of(clip, placed) and clip.enabled and clip.record.count > 0]
    return tuple(_as_it_lies(clip, placed) for clip in clips) if track.enabled else ()


def _as_it_lies(clip: LaidClip, placed: PlacedClip) -> PlacedClip:
    head, rate = _frames_into(clip, placed), placed.record.rate
    return replace(
        placed,
        record=clip.record,
        head_frames=head,
        tail_frames=placed.file.count - head - clip.record.count,
        spans=clip.spans,
        fade_in=Fade(frames=round(clip.fade_in_s * rate), seconds=clip.fade_in_s),
        fade_out=Fade(frames=round(clip.fade_out_s * rate), seconds=clip.fade_out_s),
    )


def is_sound_of(clip: LaidClip, placed: PlacedClip) -> bool:
    """Whether a laid clip plays the file of a placed one."""
    return clip.sound_name in names_of(placed)


def names_of(placed: PlacedClip) -> tuple[str, str]:
    """What the file of a placed clip may be called on a timeline: a bundle gives files names of its own."""
    own = placed.wav.name
    return unicodedata.normalize("NFC", own), _IN_BUNDLE + plain_name(own)


def _laid_track(found: FoundTrack, edit: Edit, folders: frozenset[Path]) -> LaidTrack:
    ours, foreign = [], []
    for clip in found.clips:
        if clip.marked or is_take(clip.media_ref, folders):
            ours.append(_laid_clip(clip, edit, folders))
        elif not found.is_lane:
            foreign.append(clip.name)
    return LaidTrack(
        name=found.name,
        clips=tuple(sorted(ours, key=lambda clip: clip.record.first)),
        key=found.key,
        foreign=tuple(dict.fromkeys(foreign)),
        enabled=found.enabled,
        is_lane=found.is_lane,
    )


def _laid_clip(found: FoundClip, edit: Edit, folders: frozenset[Path]) -> LaidClip:
    record = _span(found.start_s, found.start_s + found.length_s, edit)
    spans = (_span(start_s, start_s + length_s, edit, at_least=1) for start_s, length_s in sorted(found.ons))
    return LaidClip(
        name=found.name,
        media=plain_path(found.media_ref),
        record=record,
        source_first=frame_at(found.source_s, edit.rate),
        spans=tuple(part for span in spans if (part := _inside(span, record)) is not None),
        enabled=found.enabled,
        effects=found.effects,
        fade_in_s=found.fade_in_s,
        fade_out_s=found.fade_out_s,
        elsewhere=not is_take(found.media_ref, folders),
    )


def _span(start_s: Fraction, end_s: Fraction, edit: Edit, at_least: int = 0) -> FrameSpan:
    """Seconds from the start of the timeline -> frames from midnight."""
    first, end = frame_at(start_s, edit.rate), frame_at(end_s, edit.rate)
    return FrameSpan(first=edit.start_frame + first, count=max(at_least, end - first), rate=edit.rate)


def _inside(span: FrameSpan, record: FrameSpan) -> FrameSpan | None:
    first, end = max(span.first, record.first), min(span.end, record.end)
    return FrameSpan(first=first, count=end - first, rate=span.rate) if first < end else None


def _changes(laid: LaidTrack, placed: list[PlacedClip], *, with_fades: bool) -> Iterator[str]:
    yield from (f"it holds {name}" for name in laid.foreign)
    if not laid.enabled:
        yield "it is switched off"
    named: dict[str, list[PlacedClip]] = {}
    for sound in placed:
        for name in names_of(sound):
            named.setdefault(name, []).append(sound)
    met: set[PlacedClip] = set()
    for clip in laid.clips:
        own = named.get(clip.sound_name, [])
        waiting = [sound for sound in own if sound not in met]
        file_name = PurePosixPath(clip.media).name or clip.name
        if waiting:
            nearest = min(waiting, key=lambda sound: abs(sound.record.first - clip.record.first))
            met.add(nearest)
            changes = _changes_of(clip, nearest, with_fades=with_fades)
            yield from (f"{nearest.wav.name} {change}" for change in changes)
        elif own:
            yield f"{file_name} lies on it more than once"
        else:
            yield f"it holds {file_name}, which was not laid there"
    yield from (f"{sound.wav.name} was removed" for sound in placed if sound not in met)


def _changes_of(clip: LaidClip, placed: PlacedClip, *, with_fades: bool) -> Iterator[str]:
    """What is different about one clip, as what may be said after its name."""
    trimmed = _frames_into(clip, placed) - placed.head_frames
    moved = clip.record.first - placed.record.first - trimmed
    if clip.record.count != placed.record.count:
        yield "was trimmed"
    elif trimmed:
        yield f"was slipped by {_frames(abs(trimmed))}"
    if moved and clip.record.first != placed.record.first:
        yield f"was moved by {_frames(abs(moved))}"
    if not clip.enabled:
        yield "is switched off"
    if clip.elsewhere:
        yield "was linked to another folder"
    if with_fades and not _is_fade(clip.fade_in_s, placed.fade_in, placed.record.rate):
        yield "got another fade-in"
    if with_fades and not _is_fade(clip.fade_out_s, placed.fade_out, placed.record.rate):
        yield "got another fade-out"
    yield from (f"got {effect}" for effect in clip.effects)


def _is_fade(found_s: Fraction, placed: Fade, rate: Fraction) -> bool:
    """Whether a fade is as long as the one laid, in whichever way its format counts."""
    return any(abs(found_s - laid_s) < _SAME_FADE_S for laid_s in (placed.frames / rate, placed.seconds))


def _frames_into(clip: LaidClip, placed: PlacedClip) -> int:
    """How far into its file a clip begins: a number beyond the file's end counts from the timecode in its header,
    which is where its first frame was laid."""
    counted, file = clip.source_first, placed.file
    return counted - file.first if counted >= file.count <= file.first else counted


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count != 1 else ''}"

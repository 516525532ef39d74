"""What the last pass laid against what lies there now: which track is which, and which markers an editor moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from timeline_io.edit import FoleyTrack, PlacedClip
from timeline_io.formats.on_markers import on_spans
from timeline_io.frames import FrameSpan
from timeline_io.laid import LaidClip, LaidTrack, names_of


def placed_on(laid: Sequence[LaidTrack], earlier: Sequence[FoleyTrack]) -> dict[str, tuple[PlacedClip, ...]]:
    """What was laid on each track, by its key, as `touched` wants it: tracks are known by their sounds, not by names.

    A track that holds sounds of several earlier ones is the one whose sounds it has most of; a copy of a track is
    none. Lanes of Final Cut Pro X are what lies on them: a sound that is gone counts for the lane with most of its
    track. What an editor removed with its whole track is on none.
    """
    on = {track.key: {clip.sound_name for clip in track.clips} for track in laid}
    homes = _homes([(track.key, track.name) for track in laid if not track.is_lane], on, earlier)
    placed = {track.key: homes.get(track.key, ()) for track in laid}
    lanes = [track.key for track in laid if track.is_lane]
    for track in earlier if lanes else ():
        where = [next((key for key in lanes if _is_on(sound, on[key])), None) for sound in track.clips]
        most = Counter(key for key in where if key is not None).most_common(1)
        for sound, key in zip(track.clips, where, strict=True) if most else ():
            key = most[0][0] if key is None else key
            placed[key] = (*placed[key], sound)
    return placed


def _homes(
    laid: Sequence[tuple[str, str]], on: Mapping[str, set[str]], earlier: Sequence[FoleyTrack]
) -> dict[str, tuple[PlacedClip, ...]]:
    """Pairs of tracks, those that share most sounds first, then those of one name; `laid` are keys and names."""
    pairs = [
        (-shared, name != known.name, number, index)
        for number, (key, name) in enumerate(laid)
        for index, known in enumerate(earlier)
        if (shared := sum(_is_on(sound, on[key]) for sound in known.clips))
    ]
    homes: dict[str, tuple[PlacedClip, ...]] = {}
    taken: set[int] = set()
    for *_, number, index in sorted(pairs):
        key = laid[number][0]
        if key not in homes and index not in taken:
            homes[key] = earlier[index].clips
            taken.add(index)
    return homes


def _is_on(sound: PlacedClip, names: set[str]) -> bool:
    return not names.isdisjoint(names_of(sound))


def moved_markers(laid: Iterable[LaidTrack], placed: Iterable[PlacedClip]) -> dict[PlacedClip, tuple[FrameSpan, ...]]:
    """Where a sound is on by its markers, for every placed sound whose markers are not as they were laid.

    () stands for a sound all of whose markers are gone. Some programs write no markers at all: where not one is left
    in the whole edit, nothing is said. Final Cut gives every marker the length of a frame: such a one is as long as it
    was laid.
    """
    clips = {clip.sound_name: clip for track in laid for clip in track.clips}
    if not any(clip.spans for clip in clips.values()):
        return {}
    moved = {}
    for sound in placed:
        clip = next((clips[name] for name in names_of(sound) if name in clips), None)
        if clip is not None:
            # Only what is heard of a sound has markers.
            marked = replace(sound, spans=tuple(on_spans(sound)))
            spans = _with_lengths(clip, marked)
            if spans != marked.spans:
                moved[sound] = spans
    return moved


def _with_lengths(clip: LaidClip, sound: PlacedClip) -> tuple[FrameSpan, ...]:
    """The spans of a laid clip, those of one frame as long as the span of the same number or beginning was."""
    same_number = len(clip.spans) == len(sound.spans)
    by_first = {span.first: span for span in sound.spans}
    spans = []
    for index, span in enumerate(clip.spans):
        before = sound.spans[index] if same_number else by_first.get(span.first)
        if span.count == 1 and before is not None:
            count = min(before.count, clip.record.end - span.first)
            span = FrameSpan(first=span.first, count=count, rate=span.rate)
        spans.append(span)
    return tuple(spans)

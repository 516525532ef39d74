"""The records of an edit: plain, frozen, hashable and picklable; no OpenTimelineIO object leaves this package."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from timeline_io.frames import Counting, FrameSpan
from timeline_io.motion import Motion

# (seconds from a first edge, seconds into the media): where a changing speed bends.
Knot = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """How the pictures of an image sequence count: number `first + i` is shown from `i / rate` seconds on.

    Only every `step`-th number is a picture. None where the edit does not say: the rate is then that of the edit, the
    first number the lowest on disk.
    """

    rate: Fraction | None = None
    first: int | None = None
    step: int = 1


def shot_id_of(number: int) -> str:
    """The name of the `number`-th shot of an edit, counted from 1; tens leave room for a person's own."""
    return f"sh{10 * number:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A stretch of picture from one clip, as the audience sees it.

    `record` is in timeline frames counted from midnight (the start timecode is included).
    What is seen t seconds after the shot's first edge is the media at
    `source_start_s + speed * t` seconds from the start of the file. A reversed shot has a
    negative speed and starts at the far edge of what it shows; a frozen one has speed 0. Where the speed
    changes, `ramp` holds knots with straight lines between them, and `speed` is the mean.

    `source_timecode_s` is the source time as the edit spells it in the media's own timecode, counted as
    `source_counted` says where the edit does not know how the media counts; `start_unknown`
    tells that only the media knows at which timecode it starts. `reel` is the tape or card the edit names.
    With `numbered` the media is an image sequence, whose path names all its pictures, `sea.%04d.exr`, and whose time
    begins with its first number.

    `motion` is set where the edit says frames of media a second instead of a speed: `speed` is then what the edit alone
    lets one think, and the media's own rate decides.

    `dissolve_in` and `dissolve_out` are the frames over which the shot before turns into this one, and this one into
    the next: the shots meet at a cut point inside, and are seen beyond it.
    """

    shot_id: str
    name: str
    media: Path | None
    media_ref: str
    record: FrameSpan
    source_start_s: Fraction
    speed: Fraction
    notes: tuple[str, ...] = ()
    track: str = ""
    ramp: tuple[Knot, ...] = ()
    source_timecode_s: Fraction | None = None
    source_counted: Counting | None = None
    start_unknown: bool = False
    reel: str = ""
    offline_reason: str = ""
    numbered: Numbered | None = None
    dissolve_in: FrameSpan | None = None
    dissolve_out: FrameSpan | None = None
    motion: Motion | None = None

    @property
    def seen(self) -> FrameSpan:
        """Record frames in which something of the shot is seen: to the far ends of its dissolves."""
        first = self.dissolve_in.first if self.dissolve_in else self.record.first
        end = self.dissolve_out.end if self.dissolve_out else self.record.end
        return FrameSpan(first=first, count=end - first, rate=self.record.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedItem:
    """Something on the picture tracks that yields no shot, and why."""

    name: str
    reason: str
    record: FrameSpan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit as read from a file: its shots in record order, and what was left out."""

    path: Path
    format: str
    name: str
    rate: Fraction
    start_frame: int
    frame_count: int
    shots: tuple[Shot, ...]
    skipped: tuple[SkippedItem, ...]
    digest: str
    drop_frame: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fade:
    """A fade at an edge of a clip, inside the clip: `frames` long where a format counts whole frames, `seconds` where
    it counts finer. A `crossing` one is half of a crossfade between two sounds; their powers add up to one."""

    frames: int = 0
    seconds: Fraction = Fraction(0)
    crossing: bool = False


NO_FADE = Fade()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedClip:
    r"""One sound file at its place.

    file      [ head |################ record ################| tail ]     the whole file
    timeline         [/##############################################\]     what is heard, with its fades

    `record` is what is heard. `head_frames` and `tail_frames` of the file lie hidden before and after it, so that an
    editor who drags an edge finds sound there. `spans` are the stretches of record time in which it was found to
    sound; each becomes a marker on the laid clip. `channels` of the file: 1, or 2 for stereo.
    """

    name: str
    wav: Path
    record: FrameSpan
    shot_id: str
    label: str
    cue_id: str = ""
    spans: tuple[FrameSpan, ...] = ()
    head_frames: int = 0
    tail_frames: int = 0
    fade_in: Fade = NO_FADE
    fade_out: Fade = NO_FADE
    channels: int = 1

    @property
    def file(self) -> FrameSpan:
        """Record time that the whole file covers, the hidden handles included."""
        count = self.head_frames + self.record.count + self.tail_frames
        return FrameSpan(first=self.record.first - self.head_frames, count=count, rate=self.record.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoleyTrack:
    """One new audio track: clips in record order that do not overlap."""

    name: str
    clips: tuple[PlacedClip, ...]

"""An edit as its file describes it, before anyone asks what is visible: tracks, clips, nested sequences.

All readers fill this one model, so layering, trimming and retiming are written once (shots.py).
All times are exact seconds. A track's items carry their place on that track; what lies between two
items is a gap. Items meet at the cut point of the transition between them, which the track names as a dissolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from timeline_io.edit import Knot, Numbered
from timeline_io.frames import Counting
from timeline_io.motion import Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What somebody wrote on the timeline; `at_s` counts from the start of the item it sits on."""

    at_s: Fraction
    length_s: Fraction
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A piece of one media file on a track.

    t seconds after `start_s` it shows the media at `source_start_s + speed * t` seconds from the
    start of the file. Where the speed changes, `ramp` says it instead: knots (seconds after `start_s`, seconds
    into the file) with straight lines between them, the first at 0 and the last at `length_s`; `speed` is then
    the mean. `no_picture` says why it is nothing to look at (a title, a generator).

    `source_timecode_s` is the source time as the edit spells it, in seconds from midnight of the media's own
    timecode, where the edit says so; `source_counted` is how it was counted, where nothing says how the
    media counts. `start_unknown` tells that the edit does not say at which timecode the file starts (an EDL
    never does): `source_start_s` is then no better than `source_timecode_s`.
    `reel` is the tape or card that the edit names.

    With `numbered` the media is an image sequence, and `media_ref` names all its pictures: `sea.%04d.exr`.

    `motion` is set where the edit says frames of media a second instead of a speed: only the media's rate makes a speed
    of them, and `speed` is then what the edit alone lets one think.

    `last_frame_s` is where in the file the last frame of the media begins, where the edit says how long that is: a
    speed-up that runs past it holds it.
    """

    name: str
    start_s: Fraction
    length_s: Fraction
    source_start_s: Fraction
    speed: Fraction
    media_ref: str
    enabled: bool = True
    no_picture: str = ""
    offline_reason: str = ""
    notes: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()
    ramp: tuple[Knot, ...] = ()
    source_timecode_s: Fraction | None = None
    source_counted: Counting | None = None
    start_unknown: bool = False
    reel: str = ""
    numbered: Numbered | None = None
    motion: Motion | None = None
    last_frame_s: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """A sequence used as a clip: t seconds after `start_s` it shows its own `source_start_s + speed * t`."""

    name: str
    start_s: Fraction
    length_s: Fraction
    source_start_s: Fraction
    speed: Fraction
    tracks: tuple[Track, ...]
    enabled: bool = True
    markers: tuple[Marker, ...] = ()
    inner_markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissolve:
    """A transition of whatever look, from `start_s` to `end_s`, between two items of a track that meet at `cut_s`."""

    start_s: Fraction
    cut_s: Fraction
    end_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A picture track; a later track of the same sequence lies above it."""

    name: str
    items: tuple[Clip | Nest, ...]
    enabled: bool = True
    dissolves: tuple[Dissolve, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A whole timeline: its own clock, its length, and its picture tracks from the bottom up.

    `remarks` are sentences about the whole file that a person should know (a rate that had to be found).
    """

    name: str
    rate: Fraction
    start_frame: int
    length_s: Fraction
    tracks: tuple[Track, ...]
    markers: tuple[Marker, ...] = ()
    drop_frame: bool = False
    remarks: tuple[str, ...] = ()

"""Where in its media a shot begins. An edit counts source time in the media's own timecode and says, or does not say,
at which timecode the file starts; the file itself knows best when the numbers do not fit.

    edit says   source 01:00:05:00, file starts at 01:00:00:00   ->   5 s into the file
    EDL says    source 01:00:05:00                               ->   5 s, when the file starts at 01:00:00:00
    transcoded  source 01:00:05:00, file starts at 01:00:00:00   ->   5 s as well, whatever start the edit believes in
    EDL says    source 00:00:01:00                               ->   3 s, when the file starts at 23:59:58:00

A number that happens to lie inside a file proves nothing where the file has a timecode that says otherwise: a shot of
which nothing lies inside its file is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import floor

from flows.errors import OutsideMediaError
from flows.planning.media_speed import at_media_rate
from pipeline.probe import MovieInfo
from timeline_io.edit import Shot
from timeline_io.frames import frame_at_timecode, frames_of_day, rate_name
from timeline_io.media_clock import MediaClock

_TOLERANCE_FRAMES = 1
# Of a frame: edits round what they write.
_ROUNDED = Fraction(1, 100)


class PlacedBy(StrEnum):
    """What says where a shot begins in its media."""

    EDIT = "edit"
    TIMECODE = "timecode of the file"
    NUMBERS = "numbers of the pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A shot with source times that count from the first picture of its media, and what says so.

    `remark` is one clause for a person when the edit's own numbers did not fit; "" when they did.
    """

    shot: Shot
    placed_by: PlacedBy
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the edit: seconds into the file at which the shot may begin, and whose word that is."""

    start_s: Fraction
    placed_by: PlacedBy


def anchored(shot: Shot, movie: MovieInfo) -> Placement:
    """Where a shot lies in its media. Raises OutsideMediaError when nothing of what it shows lies inside.

    Its speed is that of the media where the edit says frames a second.
    """
    if movie.is_still:
        return Placement(shot=shot, placed_by=PlacedBy.EDIT)
    shot, motion_remark = at_media_rate(shot, movie)
    readings = list(_readings(shot, movie))
    fitting = [reading for reading in readings if _overlap_s(shot, reading.start_s, movie) >= _shown_s(shot)]
    best = fitting[0] if fitting else max(readings, key=lambda reading: _overlap_s(shot, reading.start_s, movie))
    if not fitting and _overlap_s(shot, best.start_s, movie, tolerance_frames=0) <= 0:
        raise OutsideMediaError(_refusal(shot, movie))
    remarks = (motion_remark, _remark(shot, best.start_s, movie, fits=bool(fitting)))
    return Placement(
        shot=_moved(shot, best.start_s),
        placed_by=best.placed_by,
        remark="; ".join(text for text in remarks if text),
    )


def media_clock(movie: MovieInfo) -> MediaClock | None:
    """How the file counts its timecode; None when it has none that can be read.

    Its timecode track says it; a mere text is counted by the rate of the picture. The numbers of an image sequence are
    its timecode: 1001 at 24 is 00:00:41:17.
    """
    if movie.timecode_track is not None:
        track = movie.timecode_track
        return MediaClock(first=track.first, rate=track.rate, drop_frame=track.drop_frame)
    if movie.start_timecode and movie.rate:
        try:
            first = frame_at_timecode(movie.start_timecode, movie.rate)
        except ValueError:
            return None
        return MediaClock(first=first, rate=movie.rate, drop_frame=";" in movie.start_timecode)
    return MediaClock(first=movie.numbering.first or 0, rate=movie.numbering.rate) if movie.numbering else None


def frame_in(movie: MovieInfo, start_s: Fraction) -> int | None:
    """The number, from 0, of the picture on the screen at a place in the media; None where its rate is not known."""
    return None if movie.rate is None else max(0, floor(start_s * movie.rate + _ROUNDED))


def _readings(shot: Shot, movie: MovieInfo) -> Iterator[_Reading]:
    """The ways to read the edit, the most trustworthy first."""
    clock = media_clock(movie)
    if not shot.start_unknown:
        yield _Reading(shot.source_start_s, PlacedBy.EDIT)
        yield from (_Reading(shot.source_start_s + day_s, PlacedBy.EDIT) for day_s in _days_s(shot, clock))
    code_s = shot.source_timecode_s
    if code_s is None:
        # Nothing says where the file starts: what lies behind its end may still be meant as its timecode.
        if clock is None or movie.numbering or shot.source_start_s < movie.duration_s:
            return
        code_s = shot.source_start_s
    if clock is None:
        yield _Reading(code_s, PlacedBy.EDIT)
    elif movie.numbering:
        yield from _by_numbers(shot, code_s, clock)
    else:
        offset_s = clock.offset_s(code_s, shot.source_counted)
        yield _Reading(offset_s, PlacedBy.TIMECODE)
        # A handle may begin a little before the file does.
        yield _Reading(offset_s - clock.day_s, PlacedBy.TIMECODE)


def _by_numbers(shot: Shot, code_s: Fraction, clock: MediaClock) -> Iterator[_Reading]:
    """The ways to read a time as the number of a picture."""
    # A list that counts an image sequence from zero lies one frame before a first number of 1.
    if code_s >= clock.start_s:
        yield _Reading(code_s - clock.start_s, PlacedBy.NUMBERS)
    yield _Reading(code_s, PlacedBy.EDIT)


def _days_s(shot: Shot, clock: MediaClock | None) -> list[Fraction]:
    """How long 24 hours may be in the timecode of an edit that counted backwards over midnight, in seconds."""
    if shot.source_start_s >= 0 or shot.source_timecode_s is None:
        return []
    if clock is not None:
        return [clock.day_s]
    rate = shot.record.rate
    return list(dict.fromkeys(frames_of_day(rate, drop_frame) / rate for drop_frame in (False, True)))


def _reach(shot: Shot) -> tuple[Fraction, Fraction]:
    """The first and the last media time seen, relative to the shot's `source_start_s`."""
    if shot.ramp:
        seen = [media_s - shot.source_start_s for _, media_s in shot.ramp]
    else:
        seen = [Fraction(0), shot.speed * shot.record.duration_s]
    return min(seen), max(seen)


def _shown_s(shot: Shot) -> Fraction:
    low, high = _reach(shot)
    return high - low


def _overlap_s(
    shot: Shot, start_s: Fraction, movie: MovieInfo, *, tolerance_frames: int = _TOLERANCE_FRAMES
) -> Fraction:
    """How much of what is seen lies inside the file, in seconds; below zero is how far it lies outside."""
    low, high = _reach(shot)
    slack_s = tolerance_frames / (movie.rate or shot.record.rate)
    first_s, last_s = max(start_s + low, -slack_s), min(start_s + high, movie.duration_s + slack_s)
    return last_s - first_s


def _moved(shot: Shot, start_s: Fraction) -> Shot:
    by_s = start_s - shot.source_start_s
    if not by_s:
        return shot
    ramp = tuple((time_s, media_s + by_s) for time_s, media_s in shot.ramp)
    return replace(shot, source_start_s=start_s, ramp=ramp)


def _remark(shot: Shot, best: Fraction, movie: MovieInfo, *, fits: bool) -> str:
    if not fits:
        return f"the edit asks for more of {movie.path.name} than its {float(movie.duration_s):.2f} s"
    if best != shot.source_start_s and not shot.start_unknown:
        return f"placed by the timecode of {movie.path.name}: the edit's own numbers lie outside the file"
    if movie.missing:
        those = "a picture of {} is" if movie.missing == 1 else f"{movie.missing} pictures of {{}} are"
        return f"{those.format(movie.path.name)} missing: the one before is held"
    return ""


def _refusal(shot: Shot, movie: MovieInfo) -> str:
    """Why a shot cannot be placed, in the timecode of the file where it has one."""
    clock, name = media_clock(movie), movie.path.name
    todo = "relink it to the file it was cut from, or correct its source times in the edit"
    if clock is None or shot.source_timecode_s is None:
        where_s = shot.source_start_s if shot.source_timecode_s is None else shot.source_timecode_s
        lies = f"asks for {float(where_s):.2f} s, but {name} is {float(movie.duration_s):.2f} s long"
        return f"the clip {shot.name} {lies}: {todo}"
    asked = clock.written(clock.offset_s(shot.source_timecode_s, shot.source_counted))
    runs = f"{clock.written(Fraction(0))} to {clock.written(movie.duration_s)} at {rate_name(clock.rate)} fps"
    return f"the clip {shot.name} asks for {asked}, but {name} runs from {runs}: {todo}"

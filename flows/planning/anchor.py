"""Where in its media a shot begins. An edit counts source time in the media's own timecode and says, or does not say,
at which timecode the file starts; the file itself knows best when the numbers do not fit.

    edit says   source 01:00:05:00, file starts at 01:00:00:00   ->   5 s into the file
    EDL says    source 01:00:05:00                               ->   5 s, when the file starts at 01:00:00:00
    transcoded  source 01:00:05:00, file starts at 01:00:00:00   ->   5 s as well, whatever start the edit believes in
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pipeline.probe import MovieInfo
from timeline_io.edit import Shot
from timeline_io.frames import frame_at_timecode

_TOLERANCE_FRAMES = 1


def anchored(shot: Shot, movie: MovieInfo) -> tuple[Shot, str]:
    """The shot with source times that lie inside its media, where any reading of the edit puts them there.

    Also a remark, one clause, when the edit's own numbers did not fit; "" when they did.
    """
    readings = list(dict.fromkeys(_readings(shot, movie)))
    fitting = [start_s for start_s in readings if _overlap_s(shot, start_s, movie) >= _shown_s(shot)]
    best = fitting[0] if fitting else max(readings, key=lambda start_s: _overlap_s(shot, start_s, movie))
    return _moved(shot, best), _remark(shot, best, movie, fits=bool(fitting))


def media_start_s(movie: MovieInfo) -> Fraction | None:
    """The timecode at which the file starts, in seconds from midnight; None when it has none that can be read.

    The numbers of an image sequence are its timecode, counted in frames: 1001 at 24 is 00:00:41:17.
    """
    if movie.numbering and not movie.start_timecode:
        return Fraction(movie.numbering.first or 0) / movie.numbering.rate
    if not movie.start_timecode or not movie.rate:
        return None
    try:
        return Fraction(frame_at_timecode(movie.start_timecode, movie.rate)) / movie.rate
    except ValueError:
        return None


def _readings(shot: Shot, movie: MovieInfo) -> Iterator[Fraction]:
    """Seconds into the file at which the shot may begin, the most trustworthy first."""
    if not shot.start_unknown:
        yield shot.source_start_s
    if shot.source_timecode_s is not None:
        start_s = media_start_s(movie)
        # A list that counts an image sequence from zero lies one frame before a first number of 1.
        if start_s is not None and not (movie.numbering and shot.source_timecode_s < start_s):
            yield shot.source_timecode_s - start_s
        yield shot.source_timecode_s
    yield shot.source_start_s


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


def _overlap_s(shot: Shot, start_s: Fraction, movie: MovieInfo) -> Fraction:
    """How much of what is seen lies inside the file, in seconds; below zero is how far it lies outside."""
    low, high = _reach(shot)
    slack_s = _TOLERANCE_FRAMES / (movie.rate or shot.record.rate)
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

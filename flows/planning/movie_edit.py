"""A movie without a timeline: its cuts are found, and each shot is a shot of an edit as long as the movie.

film.mov   [ shot | shot |     shot     ]   ->   an Edit at a usual rate, from its own start timecode

Pictures may lie at varying distances: a shot begins with the first frame of the edit that shows its first picture.
"""

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from pathlib import Path

from flows.planning.anchor import media_clock
from pipeline.cuts import find_cuts
from pipeline.picture_rate import edit_rate
from pipeline.probe import MovieInfo, probe_movie
from timeline_io.edit import Edit, Shot, shot_id_of
from timeline_io.frames import FrameSpan, frame_at, frames_of_day

MOVIE = "movie"
# Of a frame: containers date pictures in ticks of their own.
_ROUNDED_DATES = Fraction(1, 8)
MOVIE_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mxf", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".dv"}
)


def is_movie(path: Path) -> bool:
    """Whether a file is a movie by its name."""
    return path.suffix.lower() in MOVIE_SUFFIXES


def read_movie(path: Path) -> Edit:
    """The shots of a movie. Raises MediaError when it cannot be read."""
    movie = probe_movie(path)
    found = find_cuts(path)
    rate = edit_rate(movie.rate, found.times_s)
    # Some containers guess how long they are; every picture is seen, for a frame at least.
    count = max(frame_at(movie.duration_s, rate), floor(found.times_s[-1] * rate + _ROUNDED_DATES) + 1)
    clock = media_clock(movie)
    start = 0 if clock is None else frame_at(clock.start_s, rate)
    firsts = dict.fromkeys(_first_frame(cut_s, rate) for cut_s in found.cuts_s)
    cuts = [first for first in firsts if 0 < first < count]
    told = "no cut was found in it" if not cuts else f"{len(cuts)} cuts were found in its picture"
    return Edit(
        path=path,
        format=MOVIE,
        name=path.stem,
        rate=rate,
        start_frame=start,
        frame_count=count,
        shots=tuple(
            _shot(number, movie, FrameSpan(first=start + first, count=end - first, rate=rate), start)
            for number, (first, end) in enumerate(pairwise([0, *cuts, count]), start=1)
        ),
        skipped=(),
        digest=movie.digest,
        drop_frame=clock is not None and clock.drop_frame and frames_of_day(rate, True) != frames_of_day(rate, False),
        remarks=(f"{path.name} is a movie, not an edit: {told}",),
    )


def _first_frame(cut_s: Fraction, rate: Fraction) -> int:
    """The first frame of the edit at which a picture that appears at `cut_s` is on the screen."""
    return ceil(cut_s * rate - _ROUNDED_DATES)


def _shot(number: int, movie: MovieInfo, record: FrameSpan, start_frame: int) -> Shot:
    return Shot(
        shot_id=shot_id_of(number),
        name=movie.path.stem,
        media=movie.path,
        media_ref=str(movie.path),
        record=record,
        source_start_s=Fraction(record.first - start_frame) / record.rate,
        speed=Fraction(1),
    )

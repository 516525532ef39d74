"""A movie without a timeline: its cuts are found, and each shot is a shot of an edit as long as the movie.

film.mov   [ shot | shot |     shot     ]   ->   an Edit at the movie's own rate, from its own start timecode
"""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from flows.planning.anchor import media_start_s
from pipeline.cuts import find_cuts
from pipeline.probe import MovieInfo, probe_movie
from timeline_io.edit import Edit, Shot, shot_id_of
from timeline_io.errors import EmptyEditError
from timeline_io.frames import FrameSpan, frame_at, snap_rate

MOVIE = "movie"
MOVIE_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mxf", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".dv"}
)


def is_movie(path: Path) -> bool:
    """Whether a file is a movie by its name."""
    return path.suffix.lower() in MOVIE_SUFFIXES


def read_movie(path: Path) -> Edit:
    """The shots of a movie. Raises MediaError when it cannot be read, EmptyEditError when it has no length."""
    movie = probe_movie(path)
    rate = snap_rate(movie.rate or Fraction(25))
    count = frame_at(movie.duration_s, rate)
    if count <= 0:
        raise EmptyEditError(f"{path.name} has no length: there is nothing to make sound for")
    start_s = media_start_s(movie)
    start = 0 if start_s is None else frame_at(start_s, rate)
    cuts = [cut for cut in find_cuts(path) if cut < count]
    found = "no cut was found in it" if not cuts else f"{len(cuts)} cuts were found in its picture"
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
        drop_frame=";" in (movie.start_timecode or ""),
        remarks=(f"{path.name} is a movie, not an edit: {found}",),
    )


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

"""Where in its media each shot begins, and by whose word, told without a pass: files are opened, no picture decoded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flows.errors import OutsideMediaError
from flows.planning.anchor import Placement, anchored, frame_in
from flows.shot_job import Media, media_of
from flows.work.boundary import Failure, attempt
from pipeline.probe import MovieInfo, probe_quick
from timeline_io.edit import Shot
from timeline_io.media_need import MediaFacts, is_of_reel

_REEL = "reel"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlace:
    """The first media time a shot shows, in seconds from the first picture, and the number of that picture, from 0.

    `placed_by` are the words of who says so: the edit, the timecode of the file, the reel it is of. Of a shot that
    cannot be placed it is empty, and `remark` says why; else that is what a person should know of its place, or "".
    """

    start_s: Fraction | None = None
    frame: int | None = None
    placed_by: tuple[str, ...] = ()
    remark: str = ""


def media_places(shots: Sequence[Shot]) -> Iterator[MediaPlace]:
    """The place of each shot. Never raises for media: what is wrong with it is a remark."""

    @cache
    def movie_of(media: Media) -> MovieInfo | Failure:
        return attempt(probe_quick, *media)

    for shot in shots:
        media = media_of(shot)
        yield MediaPlace(remark=shot.offline_reason) if media is None else _place(shot, movie_of(media))


def _place(shot: Shot, movie: MovieInfo | Failure) -> MediaPlace:
    if isinstance(movie, Failure):
        return MediaPlace(remark=movie.reason)
    try:
        placed = anchored(shot, movie)
    except OutsideMediaError as error:
        return MediaPlace(remark=str(error))
    return MediaPlace(
        start_s=placed.shot.source_start_s,
        frame=frame_in(movie, placed.shot.source_start_s),
        placed_by=_words(placed, movie),
        remark=placed.remark,
    )


def _words(placed: Placement, movie: MovieInfo) -> tuple[str, ...]:
    of_reel = is_of_reel(movie.path, MediaFacts(reel=movie.reel), placed.shot.reel)
    return (str(placed.placed_by), _REEL) if of_reel else (str(placed.placed_by),)

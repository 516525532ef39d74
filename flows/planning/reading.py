"""Reading an edit the way a pass does: in a process of its own, its media searched for as the options say."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from flows.options import PassOptions, store_folder
from flows.planning.anchor import media_clock
from flows.planning.media_speed import with_media_speeds
from flows.planning.movie_edit import is_movie, read_movie
from pipeline.errors import MediaError
from pipeline.probe import probe_quick
from timeline_io.edit import Edit
from timeline_io.errors import UnsupportedEditError
from timeline_io.frames import snap_rate
from timeline_io.guarded import read_edit_guarded
from timeline_io.media import MediaSearch
from timeline_io.media_need import MediaFacts


def read_for(edit_path: Path, options: PassOptions) -> Edit:
    """Read an edit, or find the cuts of a movie. Raises TimelineError, MediaError for a movie."""
    if is_movie(edit_path):
        return read_movie(edit_path)
    search = MediaSearch(
        path_maps=options.path_maps,
        roots=options.media_roots,
        edit_folder=edit_path.parent,
        cache=store_folder(options) / "media",
        probe=media_facts,
    )
    edit = read_edit_guarded(edit_path, media=search, sequence=options.sequence, rate=_rate(options.rate))
    return with_media_speeds(edit)


def media_facts(path: Path) -> MediaFacts:
    """The length, the timecode and the reel of a movie; empty facts for what is none."""
    with suppress(MediaError):
        movie = probe_quick(path)
        return MediaFacts(length_s=movie.duration_s, clock=media_clock(movie), reel=movie.reel)
    return MediaFacts()


def _rate(text: str | None) -> Fraction | None:
    try:
        return None if text is None else snap_rate(text)
    except ValueError as error:
        raise UnsupportedEditError(f"--rate {text}: {error}; write it as 25, 23.976 or 24000/1001") from error

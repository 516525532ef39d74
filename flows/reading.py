"""Reading an edit the way a pass does."""

from fractions import Fraction
from pathlib import Path

from flows.options import PassOptions
from timeline_io.edit import Edit
from timeline_io.errors import UnsupportedEditError
from timeline_io.frames import snap_rate
from timeline_io.media import MediaSearch
from timeline_io.read import read_edit


def read_for(edit_path: Path, options: PassOptions) -> Edit:
    """Read an edit, searching its media where the options say. Raises TimelineError."""
    search = MediaSearch(path_maps=options.path_maps, roots=options.media_roots, edit_folder=edit_path.parent)
    return read_edit(edit_path, media=search, sequence=options.sequence, rate=_rate(options.rate))


def _rate(text: str | None) -> Fraction | None:
    try:
        return None if text is None else snap_rate(text)
    except ValueError as error:
        raise UnsupportedEditError(f"--rate {text}: {error}; write it as 25, 23.976 or 24000/1001") from error

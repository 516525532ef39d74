"""Reading an edit the way a pass does."""

from pathlib import Path

from flows.options import PassOptions
from timeline_io.edit import Edit
from timeline_io.media import MediaSearch
from timeline_io.read import read_edit


def read_for(edit_path: Path, options: PassOptions) -> Edit:
    """Read an edit, searching its media where the options say. Raises TimelineError."""
    search = MediaSearch(path_maps=options.path_maps, roots=options.media_roots, edit_folder=edit_path.parent)
    return read_edit(edit_path, media=search, sequence=options.sequence)

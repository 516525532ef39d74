"""Read adapter foley_fcpxml: a Final Cut Pro X project (.fcpxml, .fcpxmld) as the audience sees it.

One picture track of visible shots with exact places, speeds and source times at any frame rate; what lies hidden,
is disabled or is no filmed picture is left out. For reading only: laying sounds patches the file itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from timeline_io.otio_plugin.visible import visible_timeline
from timeline_io.read import edit_of, read_timeline


def read_from_file(filepath: str, sequence: str | None = None) -> Any:
    """The visible shots of the file as an OpenTimelineIO Timeline; `sequence` names one of several.

    Raises the errors of read_edit. Media is named as in the file: a media linker finds it.
    """
    return visible_timeline(read_timeline(Path(filepath), sequence))


def read_from_string(input_str: str, sequence: str | None = None) -> Any:
    """The same for the text of a file."""
    return visible_timeline(edit_of(input_str.encode("utf-8"), Path("timeline.fcpxml"), sequence))

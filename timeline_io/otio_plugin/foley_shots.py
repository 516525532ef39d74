"""Write-only adapter foley_shots: a timeline as the JSON list of the shots that sounds are made for.

{"name", "rate", "start_frame", "frames", "shots": [...], "skipped": [{"name", "reason"}, ...]}; frames count from
midnight at `rate`, times and speeds are exact fractions of seconds written as text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from timeline_io.edit import Shot
from timeline_io.read import edit_of


def write_to_string(input_otio: Any, sequence: str | None = None) -> str:
    """The shots of a Timeline, or of the one called `sequence` in a collection, as JSON text.

    Raises the errors of read_edit.
    """
    data = input_otio.to_json_string().encode("utf-8")
    edit = edit_of(data, Path(f"{input_otio.name or 'timeline'}.otio"), sequence)
    document = {
        "name": edit.name,
        "rate": str(edit.rate),
        "start_frame": edit.start_frame,
        "frames": edit.frame_count,
        "shots": [_plain(shot) for shot in edit.shots],
        "skipped": [{"name": item.name, "reason": item.reason} for item in edit.skipped],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plain(shot: Shot) -> dict[str, Any]:
    return {
        "shot_id": shot.shot_id,
        "name": shot.name,
        "first_frame": shot.record.first,
        "frames": shot.record.count,
        "source_start_s": str(shot.source_start_s),
        "speed": str(shot.speed),
        "ramp": [[str(at_s), str(source_s)] for at_s, source_s in shot.ramp],
        "media": shot.media_ref,
        "notes": list(shot.notes),
        "track": shot.track,
    }

"""foley shots: what an edit holds. Reads the edit and nothing else; no model, no media."""

import os
from typing import TYPE_CHECKING, Any

from plugin.commands.options import (
    DebugOption,
    EditArgument,
    JsonOption,
    MediaRootOption,
    PathMapOption,
    QuietOption,
    RateOption,
    SequenceOption,
    pass_options,
)

if TYPE_CHECKING:
    from timeline_io.edit import Edit, Shot


def shots(
    edit: EditArgument,
    media_root: MediaRootOption = None,
    path_map: PathMapOption = None,
    sequence: SequenceOption = None,
    rate: RateOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """List the shots of an edit: where they lie, which media they show, and what was left out and why."""
    from flows.planning.reading import read_for
    from plugin.console import Voice, table

    options, _ = pass_options(
        edit, {"media-root": media_root, "path-map": path_map, "sequence": sequence, "rate": rate}
    )
    found = read_for(edit.absolute(), options)
    rows = [_as_json(shot, found) for shot in found.shots]
    skipped = [{"name": item.name, "reason": item.reason} for item in found.skipped]
    document = {
        "edit": str(found.path),
        "name": found.name,
        "format": found.format,
        "rate": str(found.rate),
        "frames": found.frame_count,
        "shots": rows,
        "skipped": skipped,
        "remarks": list(found.remarks),
    }
    voice = Voice(as_json=as_json, quiet=quiet)
    for remark in found.remarks:
        voice.warn(remark)
    columns = ("shot_id", "name", "at", "seconds", "speed", "media")
    home = f"{found.path.parent}{os.sep}"
    shown = table(columns, [[str(row[column]).removeprefix(home) for column in columns] for row in rows])
    left_out = [f"left out: {item['name'] or 'something without a name'}: {item['reason']}" for item in skipped]
    voice.result(document, shown, *left_out, f"{len(rows)} shots at {found.rate} fps")
    return 0


def _as_json(shot: "Shot", edit: "Edit") -> dict[str, Any]:
    from timeline_io.frames import timecode

    return {
        "shot_id": shot.shot_id,
        "name": shot.name,
        "at": timecode(shot.record.first, shot.record.rate, edit.drop_frame),
        "first_frame": shot.record.first,
        "frames": shot.record.count,
        "seconds": round(float(shot.record.duration_s), 3),
        "source_start_s": round(float(shot.source_start_s), 6),
        "speed": round(float(shot.speed), 4),
        "ramp_s": [[round(float(t), 6), round(float(media), 6)] for t, media in shot.ramp],
        "media": str(shot.media) if shot.media else shot.offline_reason or f"offline: {shot.media_ref}",
        "online": shot.media is not None,
        "notes": list(shot.notes),
        "track": shot.track,
    }

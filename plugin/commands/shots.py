"""foley shots: what an edit holds, and where in its media each shot lies. No model, and no picture is decoded."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from flows.planning.media_places import MediaPlace
    from timeline_io.edit import Edit, Shot

LongOption = Annotated[
    bool, typer.Option("--long", "-l", help="Also tell where in its media each shot begins, and by whose word.")
]
_COLUMNS = ("shot_id", "name", "at", "seconds", "speed", "media")
_LONG_COLUMNS = ("shot_id", "name", "at", "seconds", "media_start_s", "media_frame", "placed_by", "media")


def shots(
    edit: EditArgument,
    media_root: MediaRootOption = None,
    path_map: PathMapOption = None,
    sequence: SequenceOption = None,
    rate: RateOption = None,
    as_json: JsonOption = False,
    long: LongOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """List the shots of an edit: where they lie, which media they show, and what was left out and why."""
    from flows.planning.media_places import media_places
    from flows.planning.reading import read_for
    from plugin.console import Voice, table

    options, _ = pass_options(
        edit, {"media-root": media_root, "path-map": path_map, "sequence": sequence, "rate": rate}
    )
    found = read_for(edit.absolute(), options)
    rows = [_as_json(shot, found) for shot in found.shots]
    if as_json or long:
        rows = [row | _place_as_json(place) for row, place in zip(rows, media_places(found.shots), strict=True)]
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
    columns, home = _LONG_COLUMNS if long else _COLUMNS, f"{found.path.parent}{os.sep}"
    shown = table(columns, [_cells(row, columns, home) for row in rows])
    placing = [f"{row['shot_id']}: {row['place_remark']}" for row in rows if long and row["place_remark"]]
    left_out = [f"left out: {item['name'] or 'something without a name'}: {item['reason']}" for item in skipped]
    voice.result(document, shown, *placing, *left_out, f"{len(rows)} shots at {found.rate} fps")
    return 0


def _cells(row: dict[str, Any], columns: Sequence[str], home: str) -> list[str]:
    """The columns of a row as text; media beside the edit goes by its name alone."""
    return ["-" if row[column] in (None, "") else str(row[column]).removeprefix(home) for column in columns]


def _place_as_json(place: "MediaPlace") -> dict[str, Any]:
    return {
        "media_start_s": None if place.start_s is None else round(float(place.start_s), 6),
        "media_frame": place.frame,
        "placed_by": ", ".join(place.placed_by),
        "place_remark": place.remark,
    }


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
        "reel": shot.reel,
        "speed": round(float(shot.speed), 4),
        "ramp_s": [[round(float(t), 6), round(float(media), 6)] for t, media in shot.ramp],
        "media": str(shot.media) if shot.media else shot.offline_reason or f"offline: {shot.media_ref}",
        "online": shot.media is not None,
        "notes": list(shot.notes),
        "track": shot.track,
    }

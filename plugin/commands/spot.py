"""foley spot: which sounds an edit calls for and when, as a cue sheet to edit. Makes no sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import DebugOption, EditArgument, JsonOption, QuietOption, pass_options
from plugin.commands.pass_flags import SPOTTING, with_pass_flags

if TYPE_CHECKING:
    from flows.planning.plan import PassPlan
    from flows.spot_pass import SpottedShot
    from timeline_io.cue_sheet import Cue


@with_pass_flags(SPOTTING)
def spot(
    edit: EditArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The sheet to write. Default: <edit>_cues.csv beside the edit.")
    ] = None,
    *,
    flags: dict[str, Any],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Write a cue sheet: the sounds of every shot, when each was heard, and how sure that is.

    Edit it in a spreadsheet and hand it to `foley run --labels`. A file that exists is never replaced.
    Exit code: 0 all spotted, 2 wrong usage, 3 some shots failed, 4 no shot could be spotted.
    """
    from flows.planning.plan import plan_pass
    from flows.spot_pass import require_free, spot_pass, write_sheet
    from plugin.console import Voice
    from plugin.progress import PassProgress

    options, _ = pass_options(edit, flags)
    voice = Voice(as_json=as_json, quiet=quiet)
    plan = plan_pass(edit.absolute(), options)
    sheet = out or edit.with_name(f"{edit.stem}_cues.csv")
    require_free(sheet)
    with PassProgress(voice) as progress:
        shots = spot_pass(plan, progress.tell)
    return _show(plan, shots, write_sheet(sheet, plan, shots), voice)


def _show(plan: "PassPlan", shots: "tuple[SpottedShot, ...]", sheet: Path, voice: Any) -> int:
    from flows.records import ExitCode
    from plugin.console import complain, table

    failed = [shot for shot in shots if shot.failure]
    cues = [cue for shot in shots for cue in shot.cues]
    rows = [_as_json(cue) for cue in cues]
    for warning in plan.warnings:
        voice.warn(warning)
    document = {
        "edit": str(plan.edit.path),
        "cues": str(sheet.absolute()),
        "rows": rows,
        "failed": [{"shot_id": shot.shot_id, "reason": shot.failure} for shot in failed],
    }
    columns = ("shot_id", "label", "category", "confidence", "source")
    shown = table(columns, [[str(row[column]) for column in columns] for row in rows])
    voice.outcome(document, shown, f"{len(cues)} rows in {sheet.absolute()}")
    if failed:
        complain(f"{failed[0].shot_id} {failed[0].failure}" + (f" (and {len(failed) - 1} more)" if failed[1:] else ""))
    if failed and not cues:
        return ExitCode.NOTHING_MADE
    return ExitCode.SOME_FAILED if failed else ExitCode.ALL_MADE


def _as_json(cue: "Cue") -> dict[str, Any]:
    return {
        "shot_id": cue.shot_id,
        "cue_id": cue.cue_id,
        "label": cue.label,
        "category": cue.category,
        "confidence": round(cue.confidence, 3),
        "source": cue.source,
        "heard": [[span.first, span.end] for span in cue.heard],
    }

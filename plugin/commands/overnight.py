"""foley overnight: sound for many edits, now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import DebugOption, DryRunOption, JsonOption, PrefectOption, QuietOption, SubmitOption
from plugin.commands.pass_flags import NIGHT, night_options, with_pass_flags

if TYPE_CHECKING:
    from flows.orders import Outcome


@with_pass_flags(NIGHT)
def overnight(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for everything written, a folder per edit.")
    ],
    flags: dict[str, Any],
    edits: Annotated[list[Path] | None, typer.Argument(metavar="[EDIT]...", help="Single edits or movies.")] = None,
    inbox: Annotated[
        Path | None, typer.Option("--inbox", metavar="DIR", help="Every edit of this folder and those below.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="HH:MM", help="Begin no work after this time; run again to go on.")
    ] = None,
    prefect: PrefectOption = None,
    submit: SubmitOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Make the sounds of many edits; they share one engine per device, and each is laid as soon as it is complete.

    Edits that are finished and unchanged are left as they are. Exit code: 0 all made, 2 wrong usage, 3 something failed
    or is left for the next time, 4 nothing made.
    """
    from flows.night import left_for_later, sum_up
    from flows.output.delivery import require_promising
    from flows.records import ExitCode
    from flows.run import run_night
    from plugin.console import Voice
    from plugin.errors import half_way
    from plugin.progress import PassProgress

    night, with_prefect = night_options(tuple(edits or ()), inbox, out, until, {**flags, "prefect": prefect})
    voice = Voice(as_json=as_json, quiet=quiet)
    # What is wrong with the request is said before anything begins.
    young = left_for_later(night)
    require_promising(night.out, "--out")
    for edit in young:
        voice.warn(f"{edit} was changed a moment ago and may still be written: it is for the next time")
    if dry_run:
        from plugin.commands.dry_night import show_night

        return show_night(night, voice)
    if submit:
        from plugin.commands.submit import hand_over_night

        return hand_over_night(night, voice)
    with half_way(), PassProgress(voice, many=True) as progress:
        outcomes = run_night(night, tell=progress.tell, with_prefect=with_prefect)
    ending = sum_up(outcomes)
    document = {"summary": ending.text, "exit_code": ending.exit_code, "edits": [_as_json(one) for one in outcomes]}
    voice.outcome(document, ending.text, *(f"  {_line(one)}" for one in outcomes))
    _complain(outcomes)
    return ending.exit_code if outcomes else ExitCode.NOTHING_MADE


def _line(outcome: "Outcome") -> str:
    laid = outcome.report and outcome.report.outputs.edit
    return f"{outcome.in_words}{f'  {laid}' if laid else ''}"


def _as_json(outcome: "Outcome") -> dict[str, Any]:
    return {
        "edit": str(outcome.edit),
        "summary": outcome.in_words,
        "exit_code": outcome.exit_code,
        "unchanged": outcome.unchanged,
        "shots_left": outcome.shots_left,
        "error": outcome.how_it_ended if outcome.error else None,
        "report": outcome.report.as_json() if outcome.report else None,
    }


def _complain(outcomes: "list[Outcome]") -> None:
    """What needs a person, a line per edit."""
    from plugin.console import complain

    for outcome in outcomes:
        if outcome.error:
            complain(f"{outcome.edit.name}: {outcome.how_it_ended}")
        elif outcome.report and outcome.report.first_failure:
            complain(f"{outcome.edit.name}: {outcome.report.first_failure}; see {outcome.report.outputs.report}")

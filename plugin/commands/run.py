"""foley run: sound for an edit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import (
    DebugOption,
    DryRunOption,
    EditArgument,
    JsonOption,
    PrefectOption,
    QuietOption,
    SubmitOption,
    pass_options,
)
from plugin.commands.pass_flags import PASS, with_pass_flags

if TYPE_CHECKING:
    from flows.options import PassOptions
    from flows.planning.plan import PassPlan
    from flows.records import PassReport
    from plugin.console import Voice


@with_pass_flags(PASS)
def run(
    edit: EditArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for everything written. Default: <edit>_foley beside it.")
    ] = None,
    *,
    flags: dict[str, Any],
    prefect: PrefectOption = None,
    submit: SubmitOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Make the sounds an edit calls for and lay them on new audio tracks of a copy.

    The copy, the sounds, the cue sheet and a report go to the output folder; the edit itself is never touched.
    Run again, it makes only what is missing. Exit code: 0 all made, 2 wrong usage, 3 some shots failed, 4 nothing made.
    """
    from flows.planning.plan import plan_pass
    from plugin.console import Voice

    options, with_prefect = pass_options(edit, {**flags, "out": out, "prefect": prefect})
    voice = Voice(as_json=as_json, quiet=quiet)
    if dry_run:
        from plugin.commands.dry_run import show_plan

        return show_plan(plan_pass(edit.absolute(), options), voice)
    if submit:
        from plugin.commands.submit import hand_over_pass

        return hand_over_pass(plan_pass(edit.absolute(), options), voice)
    return carry_out(edit, options, voice, with_prefect=with_prefect)


def carry_out(edit: Path, options: "PassOptions", voice: "Voice", *, with_prefect: bool) -> int:
    """Run a pass, show how it goes and what came out; the exit code."""
    report = watched_pass(edit, options, voice, with_prefect=with_prefect)
    show(report, voice)
    return report.exit_code


def watched_pass(edit: Path, options: "PassOptions", voice: "Voice", *, with_prefect: bool) -> "PassReport":
    """Run a pass while showing how it goes. Raises NothingMadeError when it stops half-way."""
    from flows.planning.plan import plan_pass
    from flows.run import perform
    from plugin.errors import half_way
    from plugin.progress import PassProgress

    plan: PassPlan = plan_pass(edit.absolute(), options)
    plan.output()
    with half_way(), PassProgress(voice) as progress:
        return perform(plan, tell=progress.tell, with_prefect=with_prefect)


def show(report: "PassReport", voice: "Voice") -> None:
    """The warnings, the shots that have no sound and why, and where everything lies."""
    from plugin.console import complain

    for warning in report.warnings:
        voice.warn(warning)
    voice.outcome(
        report.as_json(),
        f"{report.edit_name}: {report.summary}, in {report.seconds} s",
        *_quiet_shots(report),
        *_places(report),
        *([f"  {'after laying':<18}{report.after_laying}"] if report.after_laying else []),
    )
    if report.counts["failed"]:
        more = report.counts["failed"] - 1
        complain(report.first_failure + (f" (and {more} more, see {report.outputs.report})" if more else ""))
    elif not report.laid:
        complain(
            "nothing sounds in any shot, so no new edit was written: name sounds, and when they sound, in a cue "
            "sheet, then use --labels"
        )


def _quiet_shots(report: "PassReport") -> list[str]:
    unheard = [shot for shot in report.shots if shot.reason]
    return [f"  {shot.shot_id or '-'}  {shot.name}: {shot.state}, {shot.reason}" for shot in unheard]


def _places(report: "PassReport") -> list[str]:
    outputs = report.outputs
    named = {
        "new edit": outputs.edit,
        **{f"tracks only {path.suffix}": path for path in outputs.companions},
        "sounds": outputs.takes,
        "cue sheet": outputs.cues,
        "report": outputs.report,
        "preview": outputs.preview,
    }
    return [f"  {name:<18}{path}" for name, path in named.items() if path]

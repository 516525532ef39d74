"""foley run: sound for an edit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugin.commands.options import (
    CompileOption,
    DaskOption,
    DebugOption,
    DeviceOption,
    DryRunOption,
    DtypeOption,
    EditArgument,
    IsolateOption,
    JsonOption,
    LabelsOption,
    MediaRootOption,
    ModelOption,
    OffloadOption,
    PathMapOption,
    PatienceOption,
    PrefectOption,
    PresetOption,
    QuietOption,
    RateOption,
    SequenceOption,
    SettingOption,
    StoreOption,
    SubmitOption,
    WorkersOption,
    pass_options,
)

if TYPE_CHECKING:
    from flows.options import PassOptions
    from flows.planning.plan import PassPlan
    from flows.records import PassReport
    from plugin.console import Voice


def run(
    edit: EditArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for everything written. Default: <edit>_foley beside it.")
    ] = None,
    labels: LabelsOption = None,
    model: ModelOption = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Another number gives other takes.")] = None,
    takes: Annotated[
        int | None, typer.Option("--takes", min=1, max=20, help="Renditions of each cue, one of them laid. Default: 1.")
    ] = None,
    conform: Annotated[
        Path | None,
        typer.Option("--conform", metavar="DIR", help="Output folder of an earlier pass over another cut."),
    ] = None,
    media_root: MediaRootOption = None,
    path_map: PathMapOption = None,
    sequence: SequenceOption = None,
    rate: RateOption = None,
    preset: PresetOption = None,
    settings: SettingOption = None,
    device: DeviceOption = None,
    isolate: IsolateOption = None,
    dask: DaskOption = None,
    workers: WorkersOption = None,
    patience: PatienceOption = None,
    dtype: DtypeOption = None,
    offload: OffloadOption = None,
    compiled: CompileOption = None,
    handles: Annotated[
        int | None, typer.Option("--handles", min=0, metavar="FRAMES", help="Extra sound on each side. Default: 12.")
    ] = None,
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="Also write preview.mp4 (default), or not.")
    ] = None,
    stems: Annotated[
        bool | None, typer.Option("--stems/--no-stems", help="Also write each category as one WAV as long as the edit.")
    ] = None,
    names: Annotated[
        str | None, typer.Option("--names", help="Pattern of file and track names: plain (default), ucs or netflix.")
    ] = None,
    store: StoreOption = None,
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

    flags = {
        "out": out,
        "labels": labels,
        "model": model,
        "seed": seed,
        "takes": takes,
        "conform": conform,
        "media-root": media_root,
        "path-map": path_map,
        "sequence": sequence,
        "rate": rate,
        "preset": preset,
        "set": settings,
        "device": device,
        "isolate": isolate,
        "dask": dask,
        "workers": workers,
        "patience": patience,
        "dtype": dtype,
        "offload": offload,
        "compile": compiled,
        "handles": handles,
        "preview": preview,
        "stems": stems,
        "names": names,
        "store": store,
        "prefect": prefect,
    }
    options, with_prefect = pass_options(edit, flags)
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

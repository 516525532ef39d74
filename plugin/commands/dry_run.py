"""foley run --dry-run: what a pass would do, without doing it or writing anything."""

from typing import Any

from flows.plan import PassPlan
from flows.records import ExitCode, ShotReport, ShotState
from flows.shot_job import ShotJob
from plugin.console import Voice, table


def show_plan(plan: PassPlan, voice: Voice) -> int:
    """Show the plan; the exit code: 0, or 3 when the plan knows already that shots will fail."""
    rows = [_of_job(job, plan) for job in plan.jobs] + [_of_report(report) for report in plan.settled]
    for warning in plan.warnings:
        voice.warn(warning)
    document = {
        "edit": str(plan.edit.path),
        "out": str(plan.folder),
        "store": str(plan.studio.store),
        "model": plan.card.name,
        "warnings": list(plan.warnings),
        "shots": rows,
    }
    shown = table(("shot", "name", "would be", "sounds", "why"), [list(map(str, row.values())) for row in rows])
    voice.result(document, shown, f"Would write to {plan.folder}; nothing was written.")
    failed = any(report.state is ShotState.FAILED for report in plan.settled)
    return ExitCode.SOME_FAILED if failed else ExitCode.ALL_MADE


def _of_job(job: ShotJob, plan: PassPlan) -> dict[str, Any]:
    if job.shot_id in plan.known:
        state, cues = "cached", [cue.spotted for cue in plan.known[job.shot_id].cues]
    else:
        state, cues = "made", list(job.given or ())
    labels = ", ".join(cue.label for cue in cues) or ("" if state == "cached" else "CLIP decides")
    why = cues[0].source if cues else ""
    return {"shot_id": job.shot_id, "name": job.name, "state": state, "labels": labels, "reason": why}


def _of_report(report: ShotReport) -> dict[str, Any]:
    return {
        "shot_id": report.shot_id,
        "name": report.name,
        "state": str(report.state),
        "labels": "",
        "reason": report.reason,
    }

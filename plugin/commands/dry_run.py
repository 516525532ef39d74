"""foley run --dry-run: what a pass would do and what it would take, without doing it or writing anything."""

import os
from dataclasses import asdict
from typing import Any

from flows.output.delivery import require_promising
from flows.planning.forecast import Disk, Forecast, forecast
from flows.planning.plan import PassPlan
from flows.records import ExitCode, ShotReport
from flows.shot_job import ShotJob
from flows.studio.pools import gpus
from flows.watching.remaining import duration
from plugin.console import Voice, table

_NEVER = "not known: no pass with this model on this machine yet"


def show_plan(plan: PassPlan, voice: Voice) -> int:
    """Show the plan; the exit code: 0, or 3 when the plan knows already that shots will fail."""
    require_promising(plan.folder, "--out")
    require_promising(plan.studio.store, "--store or FOLEY_STORE")
    rows = [_of_job(job, plan) for job in plan.jobs] + [_of_report(report) for report in plan.settled]
    ahead = forecast(plan, devices=device_count(plan.options.device))
    for warning in plan.warnings:
        voice.warn(warning)
    document = {
        "edit": str(plan.edit.path),
        "out": str(plan.folder),
        "store": str(plan.studio.store),
        "model": plan.card.name,
        "warnings": list(plan.warnings),
        "shots": rows,
        "forecast": asdict(ahead),
    }
    shots = table(("shot", "name", "would be", "sounds", "why"), [list(map(str, row.values())) for row in rows])
    needs = table(("", ""), list(facts(ahead).items()))
    voice.result(document, shots, needs, f"Would write to {plan.folder}; nothing was written.")
    return ExitCode.SOME_FAILED if ahead.missing else ExitCode.ALL_MADE


def device_count(device: str, *, whole_machine: bool = False) -> int:
    """How many devices are meant, without loading torch; with `whole_machine`, "auto" is every GPU there is."""
    if device == "cuda:all" or (device == "auto" and whole_machine):
        return max(1, len(gpus(os.environ)))
    return device.count(",") + 1


def facts(ahead: Forecast) -> dict[str, str]:
    """The forecast, a line each."""
    return {
        "shots": f"{ahead.shots}, {ahead.to_hear} to listen to, {len(ahead.missing)} cannot be done",
        "sounds": _sounds(ahead),
        "time": _time(ahead),
        "disk": _disk(ahead.disk),
        "memory": _memory(ahead),
        "number format": ahead.number_format,
        "licence": f"{ahead.licence}, {'commercial use allowed' if ahead.commercial_use else 'no commercial use'}",
    }


def _sounds(ahead: Forecast) -> str:
    more = "" if ahead.all_told else ", and what CLIP hears"
    return f"{ahead.made_already} made already, {ahead.to_make} to make{more}"


def _time(ahead: Forecast) -> str:
    found = ahead.estimate
    if found.wall_s is None:
        return _NEVER
    stages = {"listening": found.listen_s, "making": found.make_s, "laying": found.lay_s}
    told = [f"{name} {duration(seconds)}" for name, seconds in stages.items() if seconds is not None]
    return f"about {duration(found.wall_s)} (work: {', '.join(told)})"


def _disk(disk: Disk) -> str:
    parts = {"takes": disk.store, "delivered": disk.out, "preview": disk.preview}
    told = [f"{name} {'not known' if size is None else _size(size)}" for name, size in parts.items()]
    verdict = {True: "enough", False: "NOT enough: make room, or name other folders with --out and --store", None: ""}
    return ", ".join(filter(None, (*told, f"{_size(disk.free)} free", verdict[disk.enough])))


def _memory(ahead: Forecast) -> str:
    if ahead.memory is None:
        return _NEVER
    on_gpu = "" if ahead.memory.gpu_megabytes is None else f", {_size(ahead.memory.gpu_megabytes * 1e6)} of the GPU"
    if ahead.memory.measured:
        return f"{_size(ahead.memory.megabytes * 1e6)}{on_gpu}, as measured here before"
    return f"at least {_size(ahead.memory.megabytes * 1e6)}, the weights alone; the rest is {_NEVER}"


def _size(size: float) -> str:
    """Bytes for a person."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


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

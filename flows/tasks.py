"""The steps as Prefect tasks: thin, untagged, uncached. The clip store knows what is done; Prefect knows what happened.

Arguments travel in `quote`, so Prefect does not walk through them; results are receipts of a few hundred bytes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows.engine import Studio
from flows.laying import OnStage, lay_pass
from flows.options import PassOptions
from flows.plan import PassPlan, plan_pass
from flows.records import PassReport
from flows.schedule import Batch, Ledger
from flows.shot_job import ShotJob
from flows.steps import Heard, Take, listen, make_takes


@task(name="plan", task_run_name="plan {edit_name}", cache_policy=NO_CACHE, persist_result=False)
def plan_task(edit_name: str, edit: Path, options: PassOptions) -> PassPlan:
    """Read the edit, probe its media, see what is done already."""
    return plan_pass(edit, options)


@task(name="listen", task_run_name="listen {shot_id}", cache_policy=NO_CACHE, persist_result=False)
def listen_task(shot_id: str, job: ShotJob, studio: Studio) -> State[Any]:
    """Look at one shot and decide its cues."""
    heard: Heard = listen(job, studio)
    if heard.failure:
        return Completed(name="ShotFailed", message=heard.failure, data=heard)
    labels = ", ".join(cue.spotted.label for cue in heard.cues)
    return Completed(message=labels or "silent", data=heard)


@task(name="generate", task_run_name="generate {title}", cache_policy=NO_CACHE, persist_result=False)
def generate_task(title: str, batch: Batch, studio: Studio) -> State[Any]:
    """Make one batch of takes."""
    takes: tuple[Take, ...] = make_takes(batch.requests, studio)
    failed = [take.failure for take in takes if take.failure]
    if failed:
        return Completed(name="SomeFailed", message=f"{len(failed)} of {len(takes)} failed: {failed[0]}", data=takes)
    return Completed(message=f"{len(takes)} made", data=takes)


@task(name="lay", task_run_name="lay {edit_name}", cache_policy=NO_CACHE, persist_result=False)
def lay_task(
    edit_name: str, plan: PassPlan, ledger: Ledger, on_stage: OnStage, elapsed_s: Callable[[], float]
) -> PassReport:
    """Write the takes, the new edit and the papers."""
    return lay_pass(plan, ledger, on_stage, elapsed_s)

"""Sets up a server for a studio: pools, deployments, and what a studio that died left half done.

Run by `foley studio up` in a process of its own, so that the one that keeps all others alive stays small.
"""

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Crashed
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.foley_pass import foley_pass
from flows.night import ends_at
from flows.overnight import overnight
from flows.share import foley_share
from flows.studio.pools import DEPLOYMENT, NIGHTS, OWN_TAG, PASSES

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

# "python" is the one that runs the worker, on each machine its own: see common_environment.
_COMMAND = "python -P -m flows.studio.leash prefect.engine"
# A run that is handed back this often kills its machine, or its machine is not fit for the work.
_BEGUN_AT_MOST = 6
_MISSED = "The studio was down when this was due"
_UNFINISHED = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
# A night without an end begins this late at most: a studio that was only started again misses none.
_LATE = timedelta(hours=1)
# The server answers with no more at once.
_PAGE = 200


def prepare(machine: str) -> None:
    """Make everything that is not there yet; `machine` is the name its workers begin with."""
    with get_client(sync_client=True) as client:
        _make_pool(client, PASSES, "One Foley pass, or a share of one, per worker and GPU.")
        _make_pool(client, NIGHTS, "Nights of many edits.")
        _deploy(foley_pass, PASSES)
        _deploy(foley_share, PASSES)
        _deploy(overnight, NIGHTS)
        for run in _left_behind(client, machine):
            client.set_flow_run_state(run.id, handed_back(run), force=True)
        for run in missed(_due(client), datetime.now(UTC)):
            client.set_flow_run_state(run.id, Cancelled(name="Missed", message=_MISSED), force=True)


def missed(due: "Sequence[FlowRun]", now: datetime) -> "list[FlowRun]":
    """Of the runs of schedules that were due while no studio ran, those that are not made up for: all but the last of
    each schedule, and that too when its time is over."""
    ordered = sorted(due, key=lambda run: run.expected_start_time or now)
    last = {run.deployment_id: run for run in ordered}
    return [run for run in ordered if run is not last[run.deployment_id] or _is_over(run, now)]


def handed_back(run: "FlowRun") -> State[Any]:
    """What becomes of a run whose studio was stopped in the middle of it."""
    if run.state and run.state.type is StateType.CANCELLING:
        return Cancelled(message="The studio was stopped while this run was being cancelled")
    if run.run_count >= _BEGUN_AT_MOST:
        return Crashed(
            message=f"Begun {run.run_count} times and never finished: see what stops its machine, then retry"
        )
    return AwaitingRetry(message="The studio was stopped in the middle of this run and goes on with it now")


def _make_pool(client: SyncPrefectClient, name: str, purpose: str) -> None:
    template = _job_template()
    try:
        found = client.read_work_pool(name)
    except ObjectNotFound:
        pool = WorkPoolCreate(name=name, type="process", description=purpose, base_job_template=template)
        client.create_work_pool(pool)
        return
    if found.base_job_template != template:
        client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))


def _job_template() -> dict[str, Any]:
    """Runs on the leash of their worker: else a run outlives a worker that is killed, and its GPU has two."""
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = _COMMAND
    return template


def _deploy(flow: Any, pool: str) -> None:
    """The deployment from which a person, or a night, begins single runs."""
    flow.to_deployment(
        name=DEPLOYMENT, work_pool_name=pool, tags=[OWN_TAG], entrypoint_type=EntrypointType.MODULE_PATH
    ).apply()


def _left_behind(client: SyncPrefectClient, machine: str) -> list["FlowRun"]:
    """The unfinished runs of this machine's workers, none of which lives: the studio is only just starting."""
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": list(_UNFINISHED)}}})
    runs = client.read_flow_runs(flow_run_filter=unfinished)
    return [run for run in runs if run.deployment_id and is_of(machine, run)]


def _due(client: SyncPrefectClient) -> list["FlowRun"]:
    """The runs that a schedule has planned, whose time has come and which nobody has begun."""
    planned = FlowRunFilter.model_validate(
        {
            "tags": {"all_": [OWN_TAG]},
            "state": {"type": {"any_": [StateType.SCHEDULED]}},
            "start_time": {"is_null_": True},
            "expected_start_time": {"before_": datetime.now(UTC)},
        }
    )
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            flow_run_filter=planned, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_PAGE, offset=len(found)
        )
        found += page
        if len(page) < _PAGE:
            return [run for run in found if run.auto_scheduled]


def _is_over(run: "FlowRun", now: datetime) -> bool:
    due = run.expected_start_time or now
    night = run.parameters.get("night")
    end = None
    with suppress(ValueError, AttributeError):  # what is wrong with its parameters, the run says itself
        end = ends_at(night.get("until") if night else None, datetime.fromtimestamp(due.timestamp()))
    return now >= (end or due + _LATE)


def is_of(machine: str, run: "FlowRun") -> bool:
    """Whether a worker of this machine had the run: "box-2" is the second one of box, and none of box-2."""
    worker = str(run.labels.get("prefect.worker.name", ""))
    if not worker:  # it was just being taken: nights are taken by this machine alone
        return run.work_pool_name == NIGHTS
    return bool(re.fullmatch(rf"{re.escape(machine)}-(\d+|nights)", worker))


if __name__ == "__main__":
    prepare(sys.argv[1])

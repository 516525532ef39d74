"""Nights that begin by themselves: deployments of the overnight flow with a cron, or an inbox looked at every so often.

Each has a name; to schedule the same name again changes it. The caller has connected to a server (flows.studio.reach).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flows.errors import ScheduleError
from flows.options import NightOptions
from flows.studio.clock import clock_warning, next_times, require_zone
from flows.studio.pools import DEPLOYMENT, NIGHTS, OWN_TAG
from pipeline.errors import first_line

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.schedules import Schedule

_SCHEDULED = "foley-schedule"
_FLOW = "overnight"
# Looking costs a process of a few seconds each time; and Prefect's scheduler cannot count to the end of the calendar.
_SHORTEST_S, _LONGEST_S = 60, 7 * 24 * 3600
_REMIND_H = 12
_BANNED = set("/%&<>")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A schedule as a person sees it; times in its own zone."""

    name: str
    when: str
    paused: bool
    inbox: str
    out: str
    until: str | None
    next_runs: tuple[datetime, ...] = ()
    warning: str = field(default="", compare=False)


def schedule_nightly(name: str, night: NightOptions, cron: str, zone: str) -> Scheduled:
    """Begin a night whenever the cron says. Raises ScheduleError for anything that cannot be."""
    _require_name(name)
    times = next_times(cron, zone)
    _require_folders(night)
    from prefect.schedules import Cron

    # A night that lasts into the next one is waited for: one that is skipped would leave its edits without sound.
    _deploy(name, night.model_copy(update={"if_busy": "wait"}), Cron(cron, timezone=zone))
    return _seen(name, f"{cron} {zone}", night, tuple(times), clock_warning(cron, require_zone(zone)))


def schedule_watch(name: str, night: NightOptions, every_s: int) -> Scheduled:
    """Look into the inbox every so many seconds. Raises ScheduleError for anything that cannot be."""
    _require_name(name)
    if every_s < _SHORTEST_S:
        raise ScheduleError(f"--every {every_s}: looking more often than every {_SHORTEST_S} s only costs")
    if every_s > _LONGEST_S:
        raise ScheduleError(f"--every {every_s}: name at most {_LONGEST_S} s, a week, or use `foley schedule nightly`")
    _require_folders(night)
    from prefect.schedules import Interval

    # While one look still works, the next ones have nothing to do; and nobody wants the same mail every few minutes.
    _deploy(name, night.model_copy(update={"if_busy": "skip", "remind_h": _REMIND_H}), Interval(every_s))
    return _seen(name, f"every {every_s} s", night)


def schedules() -> list[Scheduled]:
    """All schedules by name, each with its next runs as far as the server has planned them."""
    with _client() as client:
        return sorted((_as_scheduled(client, found) for found in _deployments(client)), key=lambda one: one.name)


def set_paused(name: str, paused: bool) -> None:
    """Pause a schedule, or resume it; a night that is going on is left alone. Raises ScheduleError for a wrong name."""
    with _client() as client:
        found = _find(client, name)
        if paused:
            client.pause_deployment(found.id)
            return
        client.resume_deployment(found.id)
        for schedule in found.schedules:
            client.update_deployment_schedule(found.id, schedule.id, active=True)


def remove(name: str) -> None:
    """Remove a schedule and the runs it has planned. Raises ScheduleError for a wrong name."""
    with _client() as client:
        client.delete_deployment(_find(client, name).id)


def _deploy(name: str, night: NightOptions, schedule: "Schedule") -> None:
    from prefect.types.entrypoint import EntrypointType

    from flows.overnight import overnight

    with _explained():
        deployment: Any = overnight.to_deployment(
            name=name,
            schedule=schedule,
            parameters={"night": night.model_dump(mode="json")},
            work_pool_name=NIGHTS,
            tags=[OWN_TAG, _SCHEDULED],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        deployment.apply()


def _require_name(name: str) -> None:
    # Prefect would take the .py off: a schedule of another name.
    if not name or _BANNED & set(name) or name.endswith(".py") or name != name.strip() or not name.isprintable():
        raise ScheduleError(f"--name {name!r} cannot be a schedule's name: use letters, numbers, dashes and spaces")
    if name == DEPLOYMENT:
        raise ScheduleError(f"--name {name} is what the studio calls a deployment of its own: choose another")
    if len(name) > _LONGEST_NAME:
        raise ScheduleError(f"--name {name[:20]}... is longer than {_LONGEST_NAME} letters: shorten it")


def _require_folders(night: NightOptions) -> None:
    inbox = night.inbox
    if inbox is None or not os.path.isdir(inbox):  # noqa: PTH112  (Path's raises where a folder above it is closed)
        raise ScheduleError(f"--inbox {inbox} is no folder on this machine: make it, or name another")
    if night.out.resolve() == inbox.resolve() or inbox.resolve() in night.out.resolve().parents:
        raise ScheduleError(
            f"--out {night.out} lies in the inbox, where what is made would be taken for edits to do: name a folder "
            "elsewhere"
        )


def _seen(
    name: str, when: str, night: NightOptions, next_runs: tuple[datetime, ...] = (), warning: str = ""
) -> Scheduled:
    return Scheduled(
        name=name,
        when=when,
        paused=False,
        inbox=str(night.inbox),
        out=str(night.out),
        until=night.until,
        next_runs=next_runs,
        warning=warning,
    )


def _deployments(client: "SyncPrefectClient") -> "list[DeploymentResponse]":
    from prefect.client.schemas.filters import DeploymentFilter, FlowFilter

    return client.read_deployments(
        flow_filter=FlowFilter.model_validate({"name": {"any_": [_FLOW]}}),
        deployment_filter=DeploymentFilter.model_validate({"tags": {"all_": [_SCHEDULED]}}),
    )


def _find(client: "SyncPrefectClient", name: str) -> "DeploymentResponse":
    found = {deployment.name: deployment for deployment in _deployments(client)}
    if name not in found:
        there = ", ".join(sorted(found)) or "none: `foley schedule nightly` makes one"
        raise ScheduleError(f"no schedule is called '{name}'; there are: {there}")
    return found[name]


def _as_scheduled(client: "SyncPrefectClient", deployment: "DeploymentResponse") -> Scheduled:
    when, zone = _when(deployment)
    night = deployment.parameters.get("night", {})
    # One that prefect.yaml made begins switched off in its schedule, not as a deployment.
    paused = deployment.paused or not any(schedule.active for schedule in deployment.schedules)
    planned = () if paused else _planned(client, deployment)
    return Scheduled(
        name=deployment.name,
        when=when,
        paused=paused,
        inbox=str(night.get("inbox", "")),
        out=str(night.get("out", "")),
        until=night.get("until"),
        next_runs=tuple(time.astimezone(zone) for time in planned),
    )


def _when(deployment: "DeploymentResponse") -> tuple[str, ZoneInfo]:
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    for planned in deployment.schedules:
        schedule = planned.schedule
        if isinstance(schedule, CronSchedule):
            zone = schedule.timezone or "UTC"
            return f"{schedule.cron} {zone}", ZoneInfo(zone)
        if isinstance(schedule, IntervalSchedule):
            return f"every {schedule.interval.total_seconds():.0f} s", ZoneInfo(schedule.timezone or "UTC")
    return "never", ZoneInfo("UTC")


def _planned(client: "SyncPrefectClient", deployment: "DeploymentResponse") -> list[datetime]:
    from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter.model_validate({"id": {"any_": [deployment.id]}}),
        flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": [StateType.SCHEDULED]}}}),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=3,
    )
    return [run.expected_start_time for run in runs if run.expected_start_time]


def _client() -> "SyncPrefectClient":
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the server refuses into one sentence."""
    from prefect.deployments.runner import DeploymentApplyError

    try:
        yield
    except DeploymentApplyError as error:
        said = first_line(error)
        raise ScheduleError(f"the server refuses the schedule ({said}): is it this studio's server?") from error

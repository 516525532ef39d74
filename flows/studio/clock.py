"""When a schedule fires: is its cron one, does its time zone exist, does the clock skip or repeat its hour."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from flows.errors import ScheduleError

_EXAMPLE = '"0 22 * * 1-5" is 22:00 from Monday to Friday'
_HOURS_A_YEAR = 366 * 24


def require_zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ScheduleError when there is none."""
    if name not in available_timezones():
        near = sorted(zone for zone in available_timezones() if zone.split("/")[-1].casefold() == name.casefold())
        raise ScheduleError(f"--timezone {name} is none: write {near[0] if near else 'a name such as Europe/Berlin'}")
    return ZoneInfo(name)


def here() -> str:
    """The time zone of this machine, "UTC" when it does not say."""
    link = Path("/etc/localtime")
    named = [os.environ.get("TZ", ""), str(link.resolve()).partition("zoneinfo/")[2] if link.exists() else ""]
    return next((name for name in named if name in available_timezones()), "UTC")


def next_times(cron: str, zone: str, count: int = 3) -> list[datetime]:
    """When the cron fires next, in its zone. Raises ScheduleError for a cron or zone that cannot be."""
    require_zone(zone)
    if len(cron.split()) != 5:
        raise ScheduleError(f"--cron '{cron}' has not five parts (minute hour day month weekday): {_EXAMPLE}")
    from prefect.server.schemas.schedules import CronSchedule

    try:
        schedule = CronSchedule(cron=cron, timezone=zone)
        return [time.astimezone(ZoneInfo(zone)) for time in asyncio.run(schedule.get_dates(count))]
    except Exception as error:  # each kind of wrong cron has an error of its own
        raise ScheduleError(f"--cron '{cron}' is no time (minute hour day month weekday): {_EXAMPLE}") from error


def clock_warning(cron: str, zone: ZoneInfo, today: datetime | None = None) -> str:
    """A sentence when the cron names an hour that the zone's clocks skip or repeat within a year, else ""."""
    touched = _hours_of(cron) & changing_hours(zone, today or datetime.now(UTC))
    if not touched:
        return ""
    hour = min(touched)
    return (
        f"the clocks of {zone.key} skip or repeat the hour from {hour:02}:00 once a year, and that night runs at "
        "another time or twice: choose another hour"
    )


def changing_hours(zone: ZoneInfo, start: datetime) -> set[int]:
    """The hours of the day, local, that a change of the clocks skips or repeats in the year after `start`."""
    found: set[int] = set()
    now = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(_HOURS_A_YEAR):
        later = now + timedelta(hours=1)
        before, after = (time.astimezone(zone).utcoffset() or timedelta(0) for time in (now, later))
        if after != before:
            # By the smaller offset, the change comes at the start of the hour that is skipped or repeated.
            found.add((later + min(before, after)).hour)
        now = later
    return found


def _hours_of(cron: str) -> set[int]:
    """The hours a valid cron names; every hour is none in particular, for then no single night is at stake."""
    field = cron.split()[1]
    hours: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            continue
        first, _, last = span.partition("-")
        begin, end = int(first), int(last or (23 if step else first))
        if end < begin:
            # 22-6 goes over midnight. Its steps every scheduler counts in its own way: it may be any of these hours.
            begin, step = begin - 24, ""
        hours.update(hour % 24 for hour in range(begin, end + 1, int(step or 1)))
    return hours

"""Crons, time zones and the hours that clocks skip or repeat."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flows.errors import ScheduleError
from flows.studio.clock import _hours_of, changing_hours, clock_warning, here, next_times, require_zone

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Europe/Berlin", {2}),
        ("Europe/London", {1}),
        ("America/New_York", {1, 2}),
        ("Australia/Sydney", {2}),
        ("America/Havana", {0}),
        ("Asia/Tokyo", set()),
        ("UTC", set()),
    ],
)
def test_the_hours_a_zone_skips_or_repeats(zone: str, hours: set[int]) -> None:
    assert changing_hours(ZoneInfo(zone), NEW_YEAR) == hours


@pytest.mark.parametrize(
    ("cron", "warned"),
    [
        ("0 22 * * 1-5", False),
        ("30 2 * * *", True),
        ("0 1-3 * * *", True),
        ("0 0,4 * * *", False),
        ("0 * * * *", False),
    ],
)
def test_a_night_at_such_an_hour_is_warned_of(cron: str, warned: bool) -> None:
    assert bool(clock_warning(cron, ZoneInfo("Europe/Berlin"), NEW_YEAR)) is warned
    assert clock_warning(cron, ZoneInfo("Asia/Tokyo"), NEW_YEAR) == ""


def test_the_next_times_are_in_the_zone() -> None:
    times = next_times("0 22 * * 1-5", "Europe/Berlin", 4)
    assert [(time.hour, time.minute) for time in times] == [(22, 0)] * 4
    assert all(time.weekday() < 5 for time in times)
    assert times == sorted(times)
    assert str(times[0].tzinfo) == "Europe/Berlin"


@pytest.mark.parametrize(
    "cron", ["", "22:00", "0 25 * * *", "0 22 * * 1-5 2026", "a b c d e", "0 0 30 2 *", "R R * * *"]
)
def test_what_is_no_cron_is_one_sentence(cron: str) -> None:
    with pytest.raises(ScheduleError, match="minute hour day month weekday") as caught:
        next_times(cron, "Europe/Berlin")
    assert "\n" not in str(caught.value)


def test_what_is_no_zone_is_one_sentence_with_the_one_that_was_meant() -> None:
    assert require_zone("Europe/Berlin").key == "Europe/Berlin"
    with pytest.raises(ScheduleError, match="write Europe/Berlin"):
        require_zone("berlin")
    with pytest.raises(ScheduleError, match="such as Europe/Berlin"):
        require_zone("Mars/Olympus")


def test_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert here() == "Asia/Tokyo"
    monkeypatch.setenv("TZ", ":nonsense")
    assert here()


@pytest.mark.parametrize(
    ("hours", "named"),
    [("22-6", {22, 23, 0, 1, 2, 3, 4, 5, 6}), ("22-4/3", {22, 23, 0, 1, 2, 3, 4}), ("2/3", set(range(2, 24, 3)))],
)
def test_hours_over_midnight_are_seen(hours: str, named: set[int]) -> None:
    assert _hours_of(f"30 {hours} * * *") == named
    assert {time.hour for time in next_times(f"30 {hours} * * *", "UTC", 24)} <= named

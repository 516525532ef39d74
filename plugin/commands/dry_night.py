"""foley overnight --dry-run: what a night would do, edit by edit, and whether there is time and room for it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flows.night import ends_at, left_as_it_is, orders_of
from flows.options import NightOptions
from flows.orders import Order
from flows.planning.forecast import Forecast, forecast, missing_of
from flows.planning.plan import PassPlan, plan_pass
from flows.records import ExitCode
from flows.watching.remaining import duration
from flows.work.boundary import Failure, attempt
from plugin.commands.dry_run import device_count, facts
from plugin.console import Voice, table

_COLUMNS = ("edit", "would be", "shots", "to do", "missing", "why")


def show_night(night: NightOptions, voice: Voice) -> int:
    """Show the plans; the exit code: 0, or 3 when an edit or a shot cannot be done.

    Raises SettingError for a night without edits, WeightsError for its model. Nothing is written.
    """
    rows, to_do = [], []
    for order in orders_of(night):
        plan = attempt(plan_pass, order.edit, order.options)
        is_done = isinstance(plan, PassPlan) and left_as_it_is(plan)
        rows.append(_row(order, plan, is_done=is_done))
        if isinstance(plan, PassPlan) and not is_done:
            to_do.append(plan)
    devices = device_count(night.options.device, whole_machine=True)
    ahead = forecast(*to_do, devices=devices) if to_do else None
    spare_s = _spare_s(night, ahead)
    document = {"edits": rows, "forecast": ahead and asdict(ahead), "spare_s": spare_s}
    shown = [table(_COLUMNS, [[str(row[name]) for name in _COLUMNS] for row in rows])]
    if ahead:
        words = facts(ahead)
        words["time"] += _until(night, spare_s)
        shown.append(table(("", ""), list(words.items())))
    voice.result(document, *shown, f"Would write to {night.out}; nothing was written.")
    return ExitCode.SOME_FAILED if any(row["missing"] for row in rows) else ExitCode.ALL_MADE


def _row(order: Order, plan: PassPlan | Failure, *, is_done: bool) -> dict[str, Any]:
    if isinstance(plan, Failure):
        told: tuple[Any, ...] = ("failed", 0, 0, 1, plan.reason)
    else:
        missing = missing_of(plan)
        state = "unchanged" if is_done else "made" if plan.to_do else "laid"
        why = f"{missing[0].shot_id} {missing[0].why}" if missing else ""
        told = (state, len(plan.edit.shots), len(plan.to_do), len(missing), why)
    return dict(zip(_COLUMNS, (str(order.edit), *told), strict=True))


def _spare_s(night: NightOptions, ahead: Forecast | None) -> float | None:
    """Seconds that are left between the end of the work and the night's; None where one of them is not known."""
    end = ends_at(night.until, datetime.now())
    if end is None or ahead is None or ahead.estimate.wall_s is None:
        return None
    return (end - datetime.now(UTC)).total_seconds() - ahead.estimate.wall_s


def _until(night: NightOptions, spare_s: float | None) -> str:
    if spare_s is None:
        return ""
    if spare_s < 0:
        return f"; {duration(-spare_s)} more than there are until {night.until}: the rest is for the next night"
    return f"; done {duration(spare_s)} before {night.until}"

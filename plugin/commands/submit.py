"""--submit: a pass or a night for the running studio. What is wrong with it is said before anybody waits for it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from plugin.console import Voice

if TYPE_CHECKING:
    from flows.options import NightOptions
    from flows.planning.plan import PassPlan
    from flows.studio.submit import Submitted


def hand_over_pass(plan: "PassPlan", voice: Voice) -> int:
    """Submit a pass over an edit that could be read; the exit code. Raises StudioError when no studio runs."""
    from flows.studio.submit import submit_pass

    _connect()
    for warning in plan.warnings:
        voice.warn(warning)
    return _show(submit_pass(plan.edit.path, plan.options), f"{plan.edit.path.stem}: {plan.in_words}", voice)


def hand_over_night(night: "NightOptions", voice: Voice) -> int:
    """Submit a night; the exit code. Raises StudioError when no studio runs, SettingError for a night without edits."""
    from flows.night import orders_of
    from flows.records import counted
    from flows.studio.submit import submit_night

    edits = counted(len(orders_of(night)), "edit")
    _connect()
    return _show(submit_night(night), edits, voice)


def _connect() -> None:
    from flows.studio.home import studio_home
    from flows.studio.reach import connect

    connect(studio_home())


def _show(submitted: "Submitted", what: str, voice: Voice) -> int:
    voice.outcome(asdict(submitted), f"submitted, {what}", submitted.url)
    return 0

"""What the server does by itself about runs that die. All of it is made anew at each start, by name, never twice.

A  no heartbeat for 90 s               -> Crashed: the machine, its worker or the network is gone
B  a run of the studio Crashed         -> AwaitingRetry: a worker takes it up again, and the store knows what is made
C  B did so for the third time a day   -> Failed: what kills a run each time is not cured by another try

B names the state it sets, so that C counts only what B did and not what a person tries again by hand.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from flows.studio.environment import LOST_AFTER_S
from flows.studio.pools import OWN_TAG

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore, EventTrigger

LOST, AGAIN, GIVE_UP = "Foley: lost runs", "Foley: run again after a crash", "Foley: give up after three crashes"
REVIVED = "RunAgain"
TRIES = 3
_COUNTED_FOR = timedelta(hours=24)
_RUNS: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}


def set_up_automations() -> None:
    """Make or mend the automations of this server; one that a person switched off stays off."""
    for automation in (lost_runs(), run_again(), give_up()):
        keep(automation)


def lost_runs() -> "AutomationCore":
    """A: a run that stopped giving signs of life is Crashed."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=LOST,
        description="Marks a run as Crashed when its machine or worker has vanished.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification(_RUNS),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=LOST_AFTER_S),
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                force=False,
                message=f"No sign of life for {LOST_AFTER_S} s: its machine, its worker or the network is gone",
            )
        ],
    )


def run_again() -> "AutomationCore":
    """B: a run of the studio that Crashed is scheduled again."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore

    message = "Begun again after a crash; what was made is in the store and is not made twice"
    return AutomationCore(
        name=AGAIN,
        description="Begins a crashed run again.",
        trigger=_on("prefect.flow-run.Crashed"),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name=REVIVED, message=message, force=False)],
    )


def give_up() -> "AutomationCore":
    """C: a run that was begun again for the third time in a day is Failed instead."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore

    message = f"Crashed {TRIES} times: look at the worker's log in the studio's folder, mend the cause, then retry"
    return AutomationCore(
        name=GIVE_UP,
        description="Stops beginning a run again that crashes each time.",
        trigger=_on(f"prefect.flow-run.{REVIVED}", threshold=TRIES, within=_COUNTED_FOR),
        actions=[ChangeFlowRunState(state=StateType.FAILED, name="GivenUp", message=message, force=True)],
    )


def _on(event: str, *, threshold: int = 1, within: timedelta = timedelta(0)) -> "EventTrigger":
    """Something happened to a run that the studio's deployments began."""
    from prefect.events.schemas.automations import EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    own: dict[str, str | list[str]] = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{OWN_TAG}"}
    return EventTrigger(
        expect={event},
        match=ResourceSpecification(_RUNS),
        match_related=ResourceSpecification(own),
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=threshold,
        within=within,
    )


def keep(automation: "AutomationCore") -> None:
    """Make the automation of this name what it should be; no change where it is that already."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(automation.name)
        if not found:
            client.create_automation(automation)
            return
        wanted = automation.model_copy(update={"enabled": found[0].enabled})
        if _essence(found[0]) != _essence(wanted):
            client.update_automation(found[0].id, wanted)
        for twin in found[1:]:
            client.delete_automation(twin.id)


def drop(name: str) -> bool:
    """Remove the automation of this name; whether there was one."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(name)
        for automation in found:
            client.delete_automation(automation.id)
    return bool(found)


def _essence(automation: "AutomationCore") -> tuple[object, ...]:
    """What decides how an automation behaves."""
    return (
        automation.description,
        automation.trigger.model_dump(mode="json"),
        [action.model_dump(mode="json") for action in automation.actions],
    )

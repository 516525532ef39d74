"""Automations of the server. Each has a name and is made or mended by it, so nothing is ever there twice.

Lost runs: no heartbeat for 90 s -> Crashed, because the machine, its worker or the network is gone. What then becomes
of the run, flows/studio/watch.py decides.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from flows.studio.environment import LOST_AFTER_S

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

LOST = "Foley: lost runs"


def set_up_automations() -> None:
    """Make or mend the automations of this server; one that a person switched off stays off."""
    keep(lost_runs())


def lost_runs() -> "AutomationCore":
    """A run that stopped giving signs of life is Crashed."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    message = f"No sign of life for {LOST_AFTER_S} s: its machine, its worker or the network is gone"
    return AutomationCore(
        name=LOST,
        description="Marks a run as Crashed when its machine or worker has vanished.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=LOST_AFTER_S),
        ),
        actions=[ChangeFlowRunState(name=None, state=StateType.CRASHED, message=message, force=False)],
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
        automation.trigger.model_dump(mode="json", exclude={"id"}),
        [action.model_dump(mode="json") for action in automation.actions],
    )

"""Automations of the server. Each has a name and is made or mended by it, so nothing is ever there twice.

They only tell people (flows/studio/notify.py). What becomes of a run that died, flows/studio/watch.py decides; why no
automation does is written there.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore


def keep(automation: "AutomationCore") -> None:
    """Make the automation of this name what it should be; one that a person switched off stays off."""
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

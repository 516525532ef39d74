"""What a flow does at its end when the Prefect server is away: it waits for it a while, then lets it be.

A pass needs no server while it works, only to say how it ended. Left to itself Prefect asks for a minute, takes the
silence for a failure of the flow, and asks for another minute to have that noted: a server that comes back in the
second one would learn that a finished pass failed.
"""

import time
from contextlib import suppress
from queue import Empty

from httpx import HTTPStatusError
from prefect.client.orchestration import get_client
from prefect.context import SettingsContext, get_settings_context
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.desk import Listener, PassEvent

_PATIENCE_S = 30.0
_ASK_EVERY_S = 1.0


def wait_for_server(tell: Listener) -> None:
    """Come back when the server answers, at the latest after half a minute; Prefect will then not wait for it again.

    To be called in a flow, as the last thing it does.
    """
    if _is_there():
        return
    tell(PassEvent(stage="wait", text=f"waiting for the Prefect server at {PREFECT_API_URL.value()} to come back"))
    give_up_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up_at:
        time.sleep(_ASK_EVERY_S)
        if _is_there():
            return
    _ask_only_once()
    _keep_no_news()


def _is_there() -> bool:
    """Whether it answers, be it with a refusal."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    return error is None or isinstance(error, HTTPStatusError)


def _ask_only_once() -> None:
    now = get_settings_context()
    impatient = now.settings.copy_with_update({PREFECT_CLIENT_MAX_RETRIES: 0})
    # Never left: what comes after the flow's last word is Prefect's own, and reads the setting there.
    SettingsContext(profile=now.profile, settings=impatient).__enter__()


def _keep_no_news() -> None:
    """What the server has not heard yet would each be tried for seven seconds, one after the other, at the exit."""
    with suppress(Empty, AttributeError):
        while True:
            EventsWorker.instance()._queue.get_nowait()

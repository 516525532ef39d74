"""The end of a flow whose server is away: it waits a while, then Prefect must not wait again."""

from contextvars import copy_context
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from flows.desk import PassEvent
from flows.server.prefect_env import set_defaults

set_defaults()
NOBODY = "http://127.0.0.1:9/api"


def retries_after_waiting(told: list[PassEvent]) -> int:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows.server.absent_server import wait_for_server

    with temporary_settings({PREFECT_API_URL: NOBODY}):
        wait_for_server(told.append)
        return int(PREFECT_CLIENT_MAX_RETRIES.value())


@pytest.mark.steady
def test_a_server_that_is_gone_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    news: SimpleQueue[str] = SimpleQueue()
    for line in ("first", "second"):
        news.put(line)
    keeper = SimpleNamespace(instance=lambda: SimpleNamespace(_queue=news))
    monkeypatch.setattr("flows.server.absent_server.EventsWorker", keeper)
    monkeypatch.setattr("flows.server.absent_server._PATIENCE_S", 0.2)
    monkeypatch.setattr("flows.server.absent_server._ASK_EVERY_S", 0.1)
    told: list[PassEvent] = []
    assert copy_context().run(retries_after_waiting, told) == 0
    assert [event.text for event in told] == [f"waiting for the Prefect server at {NOBODY} to come back"]
    assert news.empty()


def test_a_server_that_comes_back_is_asked_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr("flows.server.absent_server._is_there", lambda: next(answers))
    monkeypatch.setattr("flows.server.absent_server._ASK_EVERY_S", 0.01)
    told: list[PassEvent] = []
    assert copy_context().run(retries_after_waiting, told) > 0
    assert len(told) == 1


def test_a_server_that_is_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.server.absent_server._is_there", lambda: True)
    told: list[PassEvent] = []
    assert copy_context().run(retries_after_waiting, told) > 0
    assert not told

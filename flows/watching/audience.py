"""Who hears how a pass goes when it is a Prefect flow run: whoever called it, and the people at the server's pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

from prefect.runtime import flow_run

from flows.desk import Listener, PassEvent
from flows.watching.papers import url_of
from flows.watching.prefect_sink import PrefectSink
from flows.watching.publish import Publisher


@contextmanager
def audience(caller: Listener, *, place: Path, devices: int, night: bool = False) -> Iterator[Listener]:
    """A listener for everyone; to be used inside a flow run, which it shows.

    `place` is the folder that names the show: that of the edit, or the night's inbox.
    """
    publisher = Publisher(
        PrefectSink(UUID(str(flow_run.id))),
        show=place.name,
        night=date.today() if night else None,
        devices=devices,
        url_of=url_of,
    )

    def tell(event: PassEvent) -> None:
        caller(event)
        publisher.tell(event)

    try:
        yield tell
    finally:
        publisher.close()

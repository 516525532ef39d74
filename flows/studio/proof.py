"""A proof that schedules work with what is installed here: a server of its own must plan the runs of a cron deployment.

A release of SQLAlchemy that is too new lets the server start, and kills its scheduler without a word to anybody.
"""

import tempfile
import time
from pathlib import Path

from flows.errors import StudioError
from flows.server.loopback import free_port
from flows.studio.api import Api, ApiError
from flows.studio.children import Child, ChildPlan, end_all
from flows.studio.environment import checked_database, common_environment, server_environment
from flows.studio.home import StudioHome
from flows.studio.reach import answers

_STARTS_WITHIN_S = 180.0
_PLANS_WITHIN_S = 30.0
_STEP_S = 0.25


def seconds_to_plan() -> float:
    """How long a fresh server took to plan the runs of a cron deployment. Raises StudioError when it does not."""
    with tempfile.TemporaryDirectory(prefix="foley-proof-", ignore_cleanup_errors=True) as folder:
        home = StudioHome(Path(folder))
        home.make()
        url = f"http://127.0.0.1:{free_port()}"
        server = Child(_server(home, url))
        server.start()
        try:
            _wait_for_server(server, url)
            return _plan(Api(f"{url}/api", home.credentials()), server)
        finally:
            end_all([server])


def _server(home: StudioHome, url: str) -> ChildPlan:
    common = common_environment(home.prefect, f"{url}/api", url, home.credentials())
    environment = server_environment(common, url, url, checked_database(None, home.prefect))
    return ChildPlan(
        name="the server",
        module="prefect",
        arguments=("server", "start", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]),
        environment={**environment, "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1"},
        log=home.logs / "server.log",
    )


def _wait_for_server(server: Child, url: str) -> None:
    give_up_at = time.monotonic() + _STARTS_WITHIN_S
    while not answers(f"{url}/api"):
        if server.ended() is not None or time.monotonic() > give_up_at:
            raise StudioError(f"a Prefect server does not start here: {server.last_words()}")
        time.sleep(_STEP_S)


def _plan(api: Api, server: Child) -> float:
    begun = time.monotonic()
    deployment, why = None, "no run was planned"
    while time.monotonic() - begun < _PLANS_WITHIN_S:
        try:
            deployment = deployment or api.deploy_every_minute("foley-proof")
            if api.planned_runs(deployment):
                return time.monotonic() - begun
        except ApiError as error:  # its database may be locked while it is new
            why = f"a Prefect server that was just started does not answer ({error})"
        time.sleep(_STEP_S)
    raise StudioError(f"{why} in {_PLANS_WITHIN_S:.0f} s: {server.last_words()}")

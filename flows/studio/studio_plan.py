"""Every process of a studio, its arguments and environment, worked out before anything is started."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from flows.errors import StudioError
from flows.studio.children import ChildPlan
from flows.studio.environment import (
    checked_database,
    common_environment,
    papers_environment,
    server_environment,
    without_password,
    worker_environment,
)
from flows.studio.home import StudioHome
from flows.studio.pools import WorkerPlan, gpus, worker_plans

# What passes wrote is shown on the port after the server's, to this machine alone.
PAPERS_HOST = "127.0.0.1"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A host name, or an IPv6 address: that one has two colons at least.
_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person may say about a studio. `address` is the name other machines know this one by."""

    host: str = "127.0.0.1"
    port: int = 4200
    address: str | None = None
    open_to_network: bool = False
    database: str | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioPlan:
    """Everything that is to run, worked out before anything is started."""

    host: str
    port: int
    api_url: str
    ui_url: str
    papers_url: str
    database: str
    server: ChildPlan
    papers: ChildPlan
    preparation: ChildPlan
    workers: tuple[ChildPlan, ...]


def studio_plan(home: StudioHome, wishes: Wishes) -> StudioPlan:
    """What is to run. Raises StudioError for a database or a number of workers that cannot be."""
    local = f"http://{_in_url(_EVERYWHERE.get(wishes.host, wishes.host))}:{wishes.port}"
    ui_url = f"http://{_in_url(_public_name(wishes))}:{wishes.port}"
    database = checked_database(wishes.database, home.prefect)
    papers_url = f"http://{PAPERS_HOST}:{wishes.port + 1}"
    common = common_environment(home.prefect, f"{local}/api", ui_url, home.credentials())
    common |= papers_environment(papers_url, home.papers)
    return StudioPlan(
        host=wishes.host,
        port=wishes.port,
        api_url=f"{local}/api",
        ui_url=ui_url,
        papers_url=papers_url,
        database=without_password(database),
        server=ChildPlan(
            name="the server",
            module="prefect",
            arguments=("server", "start", "--host", wishes.host, "--port", str(wishes.port)),
            environment=server_environment(common, ui_url, local, database),
            log=home.logs / "server.log",
            # The server sends the mails, so it must know what a mail is; its pages speak to nobody else.
            imports=("flows.studio.mail", "flows.studio.pages"),
        ),
        papers=ChildPlan(
            name="the papers' server",
            module="flows.watching.papers",
            arguments=("--port", str(wishes.port + 1), "--home", str(home.papers)),
            environment=common,
            log=home.logs / "papers.log",
        ),
        preparation=ChildPlan(
            name="the preparation",
            module="flows.studio.prepare",
            arguments=(_machine(),),
            environment=common,
            log=home.logs / "prepare.log",
        ),
        workers=tuple(worker_children(home, wishes, common, nights=True)),
    )


def worker_children(home: StudioHome, wishes: Wishes, common: dict[str, str], *, nights: bool) -> Iterator[ChildPlan]:
    """The workers of this machine, one per GPU; with `nights` one for nights, too."""
    for worker in worker_plans(_machine(), gpus(os.environ), wishes.workers, nights=nights):
        yield ChildPlan(
            name=worker.name,
            module="prefect",
            arguments=_worker_arguments(worker),
            environment=worker_environment(common, worker.device),
            log=home.logs / f"{worker.name}.log",
        )


def _worker_arguments(worker: WorkerPlan) -> tuple[str, ...]:
    start = ("worker", "start", "--type", "process", "--install-policy", "never")
    return (*start, "--pool", worker.pool, "--name", worker.name, "--limit", str(worker.limit))


def require_meant(wishes: Wishes) -> None:
    """Raise StudioError for an address that lets others in without a word about it, and for names and ports that are
    none."""
    if not wishes.host:
        raise StudioError("--host is empty: write 127.0.0.1, or 0.0.0.0 for every address of this machine")
    if wishes.host not in LOOPBACK and not wishes.open_to_network:
        raise StudioError(
            f"--host {wishes.host} lets other machines reach this studio, protected by its password alone: add "
            "--open-to-network if that is meant"
        )
    if not 1 <= wishes.port <= 65534:
        raise StudioError(
            f"--port {wishes.port} cannot be: choose one between 1024 and 65534, the next one shows what passes wrote"
        )
    if wishes.address is not None and not _NAME.fullmatch(wishes.address):
        raise StudioError(
            f"--address {wishes.address} is no name of a machine: write it without http:// and without a port"
        )


def _public_name(wishes: Wishes) -> str:
    if wishes.address:
        return wishes.address
    return socket.getfqdn() if wishes.host in _EVERYWHERE else wishes.host


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _machine() -> str:
    """The machine's name, as workers are called."""
    return socket.gethostname().split(".")[0] or "here"

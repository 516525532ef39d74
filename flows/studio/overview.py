"""How the studio is: its server, its pools, its workers and what they are at. The caller has connected to a server."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.studio.pools import NIGHTS, PASSES

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, Worker

_SHOWN_RUNS = 20
_LATELY = ("RUNNING", "PENDING", "CANCELLING", "PAUSED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `kind` is server, pool, worker or run."""

    kind: str
    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole table."""

    rows: tuple[Row, ...] = field(default=())

    def as_json(self) -> list[dict[str, str]]:
        """The rows as plain data."""
        return [asdict(row) for row in self.rows]


def overview() -> Overview:
    """Ask the server about everything."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        server = Row(kind="server", name=str(client.api_url), state="up", detail=f"Prefect {client.api_version()}")
        pools = [row for pool in (PASSES, NIGHTS) for row in _pool_rows(client, pool)]
        return Overview(rows=(server, *pools, *_run_rows(client)))


def _pool_rows(client: "SyncPrefectClient", name: str) -> list[Row]:
    from prefect.exceptions import ObjectNotFound

    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        return [Row(kind="pool", name=name, state="missing", detail="`foley studio up` makes it")]
    state = "paused" if pool.is_paused else str(pool.status.value if pool.status else "ready").lower()
    return [Row(kind="pool", name=name, state=state), *_worker_rows(client, name)]


def _worker_rows(client: "SyncPrefectClient", pool: str) -> list[Row]:
    workers = client.read_workers_for_work_pool(pool)
    return [_worker_row(worker, pool) for worker in sorted(workers, key=lambda worker: worker.name)]


def _worker_row(worker: "Worker", pool: str) -> Row:
    seen = f", seen {_ago(worker.last_heartbeat_time)}" if worker.last_heartbeat_time else ""
    return Row(kind="worker", name=worker.name, state=worker.status.value.lower(), detail=f"{pool}{seen}")


def _run_rows(client: "SyncPrefectClient") -> list[Row]:
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    going_on = FlowRunFilter.model_validate({"state": {"type": {"any_": list(_LATELY)}}})
    runs = client.read_flow_runs(flow_run_filter=going_on, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_SHOWN_RUNS)
    return [_run_row(run) for run in runs]


def _run_row(run: "FlowRun") -> Row:
    begun = f"begun {_ago(run.start_time)}" if run.start_time else "not begun"
    where = run.labels.get("prefect.worker.name")
    again = f", attempt {run.run_count}" if run.run_count > 1 else ""
    detail = f"{begun}{again}{f' on {where}' if where else ''}"
    return Row(kind="run", name=run.name, state=run.state_name or "unknown", detail=detail)


def _ago(time: datetime) -> str:
    seconds = max(0.0, (datetime.now(UTC) - time).total_seconds())
    if seconds < 90:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 5400 else f"{seconds / 3600:.1f} h ago"

"""A studio whose processes are killed at random comes to the same end as one that nobody touches."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from flows.server.loopback import free_port
from tests.bench.bench_kills import Wanted, kill_passes
from tests.support.postgres import postgres, postgres_tools

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of the server's database; None for its own file."""
    if request.param == "sqlite":
        yield None
        return
    if postgres_tools() is None:
        pytest.skip("no PostgreSQL server is installed here")
    with postgres() as url:
        yield url


def test_whatever_is_killed_a_pass_ends_as_if_nothing_had_been(database: str | None, tmp_path: Path) -> None:
    with_postgres = database is not None
    second = with_postgres and sys.platform == "linux" and os.geteuid() == 0
    wanted = Wanted(
        kills=6,
        seed=5,
        port=free_port(),
        database=database,
        workers=2 if with_postgres else 1,
        second_machine=second,
    )
    # In a process of its own: Prefect, once it is loaded, stays with the server that it knows.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        tally = fresh.submit(kill_passes, tmp_path, wanted).result()
    assert sum(tally.kills.values()) == 6 and len(tally.kills) >= 3
    assert (tally.made_twice, tally.other_bytes, tally.bad_ends) == ([], [], [])
    assert max(tally.orphaned_s, default=0) < 180

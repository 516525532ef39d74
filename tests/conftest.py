"""No test finds the studio of who runs the tests, none is judged by its speed, none pays for what others imported."""

import gc
import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A worker of pytest-xdist has one core; torch's threads would wait for those of the others.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# A busy machine takes its time over an example, and over drawing one.
settings.register_profile(
    "calm", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("calm")
# Nothing that is imported goes away: looking for what does takes a fifth of collecting.
gc.disable()
_BEGUN_AT = time.monotonic()


@pytest.fixture(autouse=True)
def no_studio(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio's folder that is not there."""
    monkeypatch.setenv("FOLEY_STUDIO", str(Path(tmp_path_factory.getbasetemp()) / "no-studio"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--minutes`: for who has not more of them."""
    parser.addoption("--minutes", type=float, default=math.inf, help="skip what has not begun by then")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test for which no time is left."""
    if time.monotonic() > _BEGUN_AT + 60 * item.config.getoption("minutes"):
        pytest.skip("no time is left for it")


def pytest_collection_finish() -> None:
    """Leave torch, Prefect and the rest out of every later collection: they stay, and going through them costs more
    than many a test does."""
    gc.collect()
    gc.freeze()
    gc.enable()

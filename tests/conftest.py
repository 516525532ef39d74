"""No test may find the studio of who runs the tests, and none pays for what others imported."""

import gc
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_studio(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio's folder that is not there."""
    monkeypatch.setenv("FOLEY_STUDIO", str(Path(tmp_path_factory.getbasetemp()) / "no-studio"))


def pytest_collection_finish() -> None:
    """Leave torch, Prefect and the rest out of every later collection: they stay, and going through them costs more
    than many a test does."""
    gc.collect()
    gc.freeze()

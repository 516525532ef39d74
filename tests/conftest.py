"""No test may find the studio of who runs the tests."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_studio(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A studio's folder that is not there."""
    monkeypatch.setenv("FOLEY_STUDIO", str(Path(tmp_path_factory.getbasetemp()) / "no-studio"))

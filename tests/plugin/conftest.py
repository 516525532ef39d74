"""Fixtures of a pass without torch, its edits read without a process of their own, and of a calm machine."""

from pathlib import Path

import pytest

from tests.support.passes import card, edit_of, engine, movie, options, read_here

__all__ = ["calm", "card", "edit_of", "engine", "movie", "options", "read_here"]


@pytest.fixture
def calm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of the test's own, no Prefect, no preview, a wide terminal."""
    monkeypatch.setenv("FOLEY_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("FOLEY_PREFECT", "no")
    monkeypatch.setenv("FOLEY_PREVIEW", "no")
    monkeypatch.setenv("COLUMNS", "200")

"""What was told lately is not told again: a watched inbox meets the same broken edit every few minutes."""

import json
import os
from pathlib import Path

import pytest

from flows.orders import Outcome
from flows.reminder import TOLD_NAME, news_of, told_lately
from timeline_io.errors import UnreadableEditError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr("flows.reminder.time.time", lambda: now[0])
    return now


def test_the_same_is_told_again_after_some_hours_only(tmp_path: Path, clock: list[float]) -> None:
    assert not told_lately(tmp_path, ["bad edit"], hours=12)
    for minute in range(5, 720, 5):
        clock[0] = 1_000_000.0 + 60 * minute
        assert told_lately(tmp_path, ["bad edit"], hours=12)
    clock[0] = 1_000_000.0 + 720 * 60
    assert not told_lately(tmp_path, ["bad edit"], hours=12)
    clock[0] += 300
    assert told_lately(tmp_path, ["bad edit"], hours=12)


def test_one_new_thing_tells_all(tmp_path: Path, clock: list[float]) -> None:
    assert not told_lately(tmp_path, ["a", "b"], hours=1)
    clock[0] += 3000
    assert not told_lately(tmp_path, ["a", "b", "c"], hours=1)
    clock[0] += 3000
    assert told_lately(tmp_path, ["b", "c"], hours=1)


def test_what_comes_back_after_it_was_mended_is_told(tmp_path: Path, clock: list[float]) -> None:
    assert not told_lately(tmp_path, ["a"], hours=1)
    assert told_lately(tmp_path, [], hours=1)
    assert not (tmp_path / TOLD_NAME).exists()
    assert not told_lately(tmp_path, ["a"], hours=1)


@pytest.mark.parametrize("content", ["", "[]", '{"told": 3}', '{"told": {"x": "noon"}}', "\ufeff\0"])
def test_a_broken_memory_tells_and_is_mended(tmp_path: Path, content: str) -> None:
    (tmp_path / TOLD_NAME).write_text(content, encoding="utf-8")
    assert not told_lately(tmp_path, ["a"], hours=1)
    assert told_lately(tmp_path, ["a"], hours=1)


def test_a_clock_that_was_set_back_silences_nothing(tmp_path: Path, clock: list[float]) -> None:
    assert not told_lately(tmp_path, ["a"], hours=1)
    clock[0] -= 86_400
    assert not told_lately(tmp_path, ["a"], hours=1)


def test_where_nothing_can_be_kept_all_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert not told_lately(tmp_path / "file", ["a"], hours=1)
    assert "what was told is told again" in caplog.text


def test_an_edit_that_was_exported_again_is_news(tmp_path: Path) -> None:
    edit = tmp_path / "reel.otio"
    edit.write_text("")
    outcome = Outcome(edit=edit, error=UnreadableEditError("reel.otio is empty"))
    (first,) = news_of([outcome, Outcome(edit=tmp_path / "fine.otio", unchanged=True)])
    os.utime(edit, (1, 1))
    assert news_of([outcome]) != [first]
    assert news_of([], OSError("the inbox is not there")) == ["the inbox is not there"]


def test_what_is_kept_names_no_edit(tmp_path: Path) -> None:
    told_lately(tmp_path, ["/shows/secret/reel.otio: 1 shot failed"], hours=1)
    ((name, at),) = json.loads((tmp_path / TOLD_NAME).read_text())["told"].items()
    assert len(name) == 64 and at > 1.7e9

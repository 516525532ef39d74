"""What is no edit is refused in one sentence, whatever its bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timeline_io.errors import TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.files import MAX_EDIT_BYTES
from timeline_io.read import read_edit

Write = Callable[..., Path]

BOMB = '<!DOCTYPE xmeml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE xmeml SYSTEM "file:///etc/passwd">'
UNREADABLE = {
    "empty": b"",
    "blank": b" \n\t ",
    "binary": bytes(range(256)) * 10,
    "a movie": b"\x00\x00\x00\x20ftypisom" + b"\x00" * 100,
    "text": b"TITLE: my edit\n",
    "half json": b'{"OTIO_SCHEMA": "Timeline.1", "tracks": ',
    "json list": b"[1, 2]",
    "other json": b'{"name": "package", "version": 2}',
    "half xml": b"<xmeml version='4'><sequence>",
    "latin-1 json": '{"OTIO_SCHEMA": "Timeline.1", "name": "é"}'.encode("latin-1"),
    "unknown encoding": b'<?xml version="1.0" encoding="klingon"?><xmeml/>',
    "a codec that is no encoding": b'<?xml version="1.0" encoding="zlib"?><xmeml/>',
    "deep json": b'{"OTIO_SCHEMA": "Timeline.1", "tracks": ' + b"[" * 200_000,
    "a number without end": b'{"OTIO_SCHEMA": "Timeline.1", "n": ' + b"9" * 10_000 + b"}",
}
UNSUPPORTED = {
    "html": b"<html><body/></html>",
    "newer fcpxml": b'<?xml version="1.0"?><fcpxml version="1.99"/>',
    "newer xmeml": b'<xmeml version="9"><sequence/></xmeml>',
    "a bare clip": b'{"OTIO_SCHEMA": "Clip.2"}',
    "newer otio": b'{"OTIO_SCHEMA": "Timeline.99"}',
}


def _refusal(path: Path) -> TimelineError:
    with pytest.raises(TimelineError) as caught:
        read_edit(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return caught.value


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("suffix", [".otio", ".xml"])
def test_damaged_files(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(UNREADABLE[kind])
    assert isinstance(_refusal(path), UnreadableEditError)


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_other_kinds_and_versions(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut.xml"
    path.write_bytes(UNSUPPORTED[kind])
    assert isinstance(_refusal(path), UnsupportedEditError)


@pytest.mark.parametrize("suffix", [".prproj", ".drp", ".ale", ".DRP"])
def test_formats_not_read_yet_say_which_are(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(b"anything")
    error = _refusal(path)
    assert isinstance(error, UnsupportedEditError)
    assert ".otio" in str(error) and "Final Cut Pro 7" in str(error)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "does not exist" in str(_refusal(tmp_path / "nowhere.otio"))
    folder = tmp_path / "folder.otio"
    folder.mkdir()
    assert "is a folder" in str(_refusal(folder))
    assert isinstance(_refusal(tmp_path / ("x" * 400 + ".otio")), UnreadableEditError)


def test_a_huge_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.otio"
    with path.open("wb") as stream:
        os.truncate(stream.fileno(), MAX_EDIT_BYTES + 1)
    assert "200 MB" in str(_refusal(path))


@pytest.mark.parametrize("head", [BOMB, EXTERNAL])
def test_entities_and_external_types_are_refused(fcp7: SimpleNamespace, fcp7_file: Write, head: str) -> None:
    path = fcp7_file(fcp7.sequence(fcp7.track(fcp7.item("a.mov", 0, 24, 0, 24))), head=head)
    assert "not opened" in str(_refusal(path))


def test_deep_nesting_is_refused(otio: SimpleNamespace, otio_file: Write) -> None:
    nested = otio.clip("a.mov", 0, 24)
    for _ in range(120):
        nested = otio.stack(otio.track(nested))
    assert "deep" in str(_refusal(otio_file(otio.track(nested))))


def test_the_content_counts_not_the_suffix(otio: SimpleNamespace, otio_file: Write) -> None:
    assert read_edit(otio_file(otio.track(otio.clip("a.mov", 0, 24)), name="cut.xml")).format == "otio"


# --- Whatever the bytes ---------------------------------------------------------------------------------------------

NUMBERS: list[Any] = [0, -1, 1e308, float("nan"), float("inf"), 10**30]
JUNK: list[Any] = [*NUMBERS, None, True, "", "x", [], {}, [[]], "Clip.9", "\ud800"]
XML_JUNK = ["", "-1", "x", "999999999999999", "1e999999999", "NaN", "0", "TRUE", "-5.5", "24/0", "\u2028", "<track>"]
FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def _reads_or_refuses(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        read_edit(path)
    except TimelineError as error:
        assert "\n" not in str(error)


def _mutated(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Each edit replaces `count` bytes at a relative position."""
    for where, count, new in edits:
        at = int(where * len(data))
        data = data[:at] + new + data[at + count :]
    return data


edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 40), st.binary(max_size=4)), min_size=1, max_size=6
)


@FUZZ
@given(name=st.sampled_from(["small.otio", "small.xml"]), edits=edits)
def test_mutated_bytes(
    fixture_timelines: Path, tmp_path: Path, name: str, edits: list[tuple[float, int, bytes]]
) -> None:
    data = (fixture_timelines / name).read_bytes()
    _reads_or_refuses(tmp_path / name, _mutated(data, edits))


@FUZZ
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(JUNK)), min_size=1, max_size=4))
def test_mutated_values(fixture_timelines: Path, tmp_path: Path, changes: list[tuple[int, Any]]) -> None:
    root = json.loads((fixture_timelines / "small.otio").read_bytes())
    for pick, junk in changes:
        slots = list(_slots(root))
        holder, key = slots[pick % len(slots)]
        holder[key] = junk
    _reads_or_refuses(tmp_path / "cut.otio", json.dumps(root).encode())


@FUZZ
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(XML_JUNK)), min_size=1, max_size=4))
def test_mutated_texts(fixture_timelines: Path, tmp_path: Path, changes: list[tuple[int, str]]) -> None:
    pieces = (fixture_timelines / "small.xml").read_text("utf-8").split(">")
    for pick, junk in changes:
        index = pick % len(pieces)
        pieces[index] = junk + "<" + pieces[index].rpartition("<")[2]
    _reads_or_refuses(tmp_path / "cut.xml", ">".join(pieces).encode())


def _slots(value: Any) -> Any:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield value, key
        yield from _slots(inner)

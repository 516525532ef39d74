"""What is no edit is refused in one sentence, whatever its bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from timeline_io.errors import TimelineError, UnreadableEditError, UnsupportedEditError
from timeline_io.files import MAX_AAF_BYTES, MAX_EDIT_BYTES
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


@pytest.mark.parametrize("suffix", [".prproj", ".drp", ".avb", ".PRPROJ"])
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


def test_an_aaf_may_be_larger_because_it_may_hold_its_sounds(tmp_path: Path) -> None:
    path = tmp_path / "cut.aaf"
    with path.open("wb") as stream:
        stream.write(bytes.fromhex("d0cf11e0a1b11ae1"))
        os.truncate(stream.fileno(), MAX_AAF_BYTES + 1)
    assert "1000 MB" in str(_refusal(path))
    os.truncate(path, MAX_EDIT_BYTES + 1)
    assert "MB" not in str(_refusal(path))


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


def test_half_the_mark_of_a_compound_file_makes_no_aaf(tmp_path: Path) -> None:
    path = tmp_path / "cut.aaf"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(UnreadableEditError, match="is no timeline that can be read"):
        read_edit(path)

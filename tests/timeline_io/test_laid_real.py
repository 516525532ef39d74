"""Our tracks in real exports of real programs: read back as they were laid, and gone without a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.aaf_graph import graph
from tests.support.fcpxml import complaints
from tests.support.laying import written_take
from timeline_io.edit import Edit, FoleyTrack
from timeline_io.files import digest_of
from timeline_io.formats.safe_xml import parse_xml
from timeline_io.laid import laid_tracks, touched
from timeline_io.laid_pairs import placed_on
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.read import read_edit

HOW_MANY = {".otio": 7, ".xml": 4, ".fcpxml": 11, ".aaf": 8}


@pytest.mark.parametrize("suffix", [".otio", ".xml", ".fcpxml", pytest.param(".aaf", marks=pytest.mark.steady)])
def test_what_is_laid_is_read_back_and_taken_out(real_timelines: Path, tmp_path: Path, suffix: str) -> None:
    paths = sorted(real_timelines.glob(f"*{suffix}"))
    assert len(paths) == HOW_MANY[suffix]
    for path in paths:
        edit = read_edit(path)
        assert laid_tracks(edit, [tmp_path / "takes"]) == ()
        tracks = plan_tracks({"FOLEY Ambience": [written_take(edit, index, tmp_path / "takes") for index in range(7)]})
        laid = lay_tracks(edit, tracks, tmp_path / path.name)
        if suffix == ".fcpxml":
            assert list(complaints(parse_xml(laid.read_bytes(), path.name))) == [], path.name
        again = replace(edit, path=laid, digest=digest_of(laid.read_bytes()))
        _check_read_back(again, tracks, tmp_path / "takes")
        bare = remove_foley_tracks(laid, tmp_path / f"bare_{path.name}")
        assert _content(bare) == _content(path), path.name


def _check_read_back(edit: Edit, tracks: tuple[FoleyTrack, ...], takes: Path) -> None:
    found = laid_tracks(edit, [takes])
    placed = placed_on(found, tracks)
    assert [placed[track.key] for track in found] == [track.clips for track in tracks], edit.path.name
    for track in found:
        assert touched(track, placed[track.key]) == "", edit.path.name
        for laid, clip in zip(track.clips, placed[track.key], strict=True):
            assert laid.spans == (() if edit.format == "aaf" else clip.spans), edit.path.name


def _content(path: Path) -> object:
    return graph(path) if path.suffix == ".aaf" else path.read_bytes()

"""Whose files are whose."""

import os
from pathlib import Path

import pytest

from flows.errors import OutputFolderError
from flows.output.delivery import MANIFEST_NAME, OutputFolder, open_folder, write_text


def folder(path: Path) -> OutputFolder:
    return open_folder(path / "out", Path("reel.otio"))


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    assert open_folder(tmp_path / "a" / "b", Path("x.otio")).folder.is_dir()


def test_what_we_wrote_we_may_write_again(tmp_path: Path) -> None:
    first = folder(tmp_path)
    write_text(first.report, "one")
    first.conclude([first.report], {})
    folder(tmp_path).require_free([first.report])


def test_what_we_announced_is_ours_even_when_we_never_came_to_say_so(tmp_path: Path) -> None:
    first = folder(tmp_path)
    first.announce([first.report])
    write_text(first.report, "half a pass")
    folder(tmp_path)


def test_what_somebody_changed_is_theirs(tmp_path: Path) -> None:
    first = folder(tmp_path)
    write_text(first.report, "one")
    first.conclude([first.report], {})
    first.report.write_text("two")
    with pytest.raises(OutputFolderError, match="changed since"):
        folder(tmp_path)


def test_files_of_earlier_passes_stay_ours(tmp_path: Path) -> None:
    first = folder(tmp_path)
    write_text(first.edit, "edit")
    write_text(first.report, "one")
    first.conclude([first.edit, first.report], {})
    second = folder(tmp_path)
    second.conclude([second.report], {})
    folder(tmp_path).require_free([first.edit])


def test_a_folder_or_a_broken_link_of_that_name_is_not_ours(tmp_path: Path) -> None:
    out = folder(tmp_path)
    out.report.mkdir()
    with pytest.raises(OutputFolderError):
        out.require_free([out.report])
    out.preview.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputFolderError):
        out.require_free([out.preview])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"what": "something else"}'])
def test_a_manifest_that_is_not_ours_stops_us(tmp_path: Path, text: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST_NAME).write_text(text)
    with pytest.raises(OutputFolderError, match="not a manifest of this program"):
        folder(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(OutputFolderError, match="is a file, so nothing can be written there"):
        folder(tmp_path)


def test_a_folder_inside_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError, match="is a file, so nothing can be written there"):
        open_folder(tmp_path / "file" / "out", Path("x.otio"))


def test_text_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "列車 \ud800")
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "列車 ?"

"""Media references of every spelling, found on this machine."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from timeline_io.media import MediaSearch
from timeline_io.media_paths import localhost_url, plain_path, spellings


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("file://localhost/C:/rushes/a.mov", "C:/rushes/a.mov"),
        ("file://localhost/D%3a/media/a%20b.mov", "D:/media/a b.mov"),
        ("file:///C%3A/rushes/a.mov", "C:/rushes/a.mov"),
        ("file:///c:/a.mov", "c:/a.mov"),
        ("file://C:/a.mov", "C:/a.mov"),
        ("file://d:\\media\\a.mov", "d:/media/a.mov"),
        ("file://server/share/a.mov", "//server/share/a.mov"),
        ("file:////server/share/a.mov", "//server/share/a.mov"),
        ("file:///Volumes/rushes/a#1.mov", "/Volumes/rushes/a#1.mov"),
        ("file:///Volumes/a%23b%3F.mov", "/Volumes/a#b?.mov"),
        ("file:/Volumes/a.mov", "/Volumes/a.mov"),
        ("FILE://LOCALHOST/Volumes/a.mov", "/Volumes/a.mov"),
        ("file:///G%3a/%e8%8a%b1.mov", "G:/花.mov"),
        ("file:///caf%e9.mov", "/café.mov"),
        ("C:\\Users\\me\\a.mov", "C:/Users/me/a.mov"),
        ("G:/a.mov", "G:/a.mov"),
        ("\\\\server\\share\\a.mov", "//server/share/a.mov"),
        ("/Volumes/100%/a.mov", "/Volumes/100%/a.mov"),
        ("./a.mov", "./a.mov"),
        ("http://host/a.mov", ""),
        ("", ""),
    ],
)
def test_every_spelling_means_a_plain_path(ref: str, path: str) -> None:
    assert plain_path(ref) == path


def test_a_plain_path_is_tried_literally_before_its_escapes() -> None:
    assert spellings("takes/a%20b.mov")[:2] == ("takes/a%20b.mov", "takes/a b.mov")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (PurePosixPath("/takes/a b#1.wav"), "file://localhost/takes/a%20b%231.wav"),
        (PurePosixPath("/音/a.wav"), "file://localhost/%E9%9F%B3/a.wav"),
        (PureWindowsPath("C:\\takes\\a.wav"), "file://localhost/C:/takes/a.wav"),
        (PureWindowsPath("\\\\server\\share\\a.wav"), "file://server/share/a.wav"),
    ],
)
def test_urls_are_escaped_and_read_back(path: PurePosixPath | PureWindowsPath, url: str) -> None:
    assert localhost_url(path) == url
    assert plain_path(url) == str(path).replace("\\", "/")


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"movie")
    return path


def test_as_written_and_beside_the_edit(tmp_path: Path) -> None:
    absolute = _touch(tmp_path / "rushes" / "a b.mov")
    beside = _touch(tmp_path / "edit" / "c.mov")
    search = MediaSearch(edit_folder=tmp_path / "edit")
    assert search.resolve(absolute.as_uri()) == absolute
    assert search.resolve("../rushes/a%20b.mov") == tmp_path / "edit" / ".." / "rushes" / "a b.mov"
    assert search.resolve("E:/elsewhere/c.mov") == beside
    assert search.resolve("missing.mov") is None


def test_names_are_the_same_however_accents_are_stored(tmp_path: Path) -> None:
    stored = _touch(tmp_path / unicodedata.normalize("NFD", "café.mov"))
    search = MediaSearch(edit_folder=tmp_path)
    assert search.resolve(unicodedata.normalize("NFC", "café.mov")) == stored


def test_the_longest_path_map_wins_and_windows_paths_have_no_case(tmp_path: Path) -> None:
    right = _touch(tmp_path / "day2" / "a.mov")
    _touch(tmp_path / "all" / "day2" / "a.mov")
    maps = (("D:\\Rushes", str(tmp_path / "all")), ("d:/rushes/DAY2/", str(tmp_path / "day2")))
    search = MediaSearch(path_maps=maps, edit_folder=tmp_path / "edit")
    assert search.resolve("file://localhost/D%3a/rushes/Day2/a.mov") == right
    assert search.resolve("D:/rushes_old/Day2/a.mov") is None


def test_search_folders_prefer_the_longest_common_tail(tmp_path: Path) -> None:
    roots = (tmp_path / "one", tmp_path / "two")
    first = _touch(roots[0] / "x" / "A001.MOV")
    fits = _touch(roots[1] / "day1" / "cam_b" / "a001.mov")
    search = MediaSearch(roots=roots, edit_folder=tmp_path / "edit")
    assert search.resolve("E:/film/day1/cam_b/a001.mov") == fits
    assert search.resolve("E:/elsewhere/A001.mov") == first


def test_what_was_looked_for_is_told(tmp_path: Path) -> None:
    search = MediaSearch(path_maps=(("D:/", "/mnt"),), roots=(tmp_path,), edit_folder=Path("/edit"))
    assert search.looked_for("D:\\a\\b.mov") == (
        Path("/mnt/a/b.mov"), Path("D:/a/b.mov"), Path("/edit/b.mov"), tmp_path / "b.mov",
    )  # fmt: skip


def test_nothing_outside_the_allowed_folders_is_ever_found(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "media", _touch(tmp_path / "secret.mov")
    inside = _touch(allowed / "a.mov")
    (allowed / "link.mov").symlink_to(secret)
    search = MediaSearch(edit_folder=allowed, roots=(allowed, tmp_path), allowed_roots=(allowed,))
    assert search.resolve("a.mov") == inside
    for ref in (str(secret), "../secret.mov", "link.mov", "secret.mov", f"file://{secret}"):
        assert search.resolve(ref) is None


@pytest.mark.parametrize("ref", ["", ".", "..", "/", "a\0b.mov", "x" * 5000, "file://", "/dev/zero"])
def test_odd_references_are_offline(tmp_path: Path, ref: str) -> None:
    search = MediaSearch(edit_folder=tmp_path, roots=(tmp_path,))
    assert search.resolve(ref) is None
    assert isinstance(search.looked_for(ref), tuple)

"""Media references of every spelling, found on this machine."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline_io.edit import PlacedClip
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.media import MediaSearch
from timeline_io.media_clock import MediaClock
from timeline_io.media_index import FileIndex
from timeline_io.media_need import MediaFacts, Need
from timeline_io.media_paths import localhost_url, plain_path, spellings
from timeline_io.path_maps import from_edit, to_edit_path
from timeline_io.read import read_edit


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


def _touch(path: Path, content: bytes = b"movie") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
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


# --- Several files of one name --------------------------------------------------------------------------------------


def test_files_that_fit_equally_well_are_not_chosen_from_in_silence(tmp_path: Path) -> None:
    for folder, content in (("a", b"one"), ("b", b"another"), ("copy1", b"same"), ("copy2", b"same")):
        _touch(tmp_path / folder / "C0001.MP4", content)
    differing = MediaSearch(roots=(tmp_path / "a", tmp_path / "b"), edit_folder=tmp_path)
    found = differing.find("E:/card/C0001.MP4")
    assert found.path is None
    assert found.offline_reason == (
        f"offline: 2 files named C0001.MP4 fit equally well ({tmp_path}/a/C0001.MP4, {tmp_path}/b/C0001.MP4): "
        "map the folder of the right one (--path-map), or search fewer folders (--media-root)"
    )
    copies = MediaSearch(roots=(tmp_path / "copy1", tmp_path / "copy2"), edit_folder=tmp_path)
    found = copies.find("E:/card/C0001.MP4")
    assert found.path == tmp_path / "copy1" / "C0001.MP4"
    assert found.remark.endswith("they are equally large, and the first was taken")


def test_one_file_under_two_names_is_one_file(tmp_path: Path) -> None:
    first = _touch(tmp_path / "a" / "x.mov")
    (tmp_path / "b").mkdir()
    os.link(first, tmp_path / "b" / "x.mov")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.mov").symlink_to(first)
    found = MediaSearch(roots=(tmp_path, tmp_path / "a"), edit_folder=Path("/edit")).find("x.mov")
    assert (found.path, found.remark) == (first, "")


def test_what_a_file_says_of_itself_decides_before_its_folder(tmp_path: Path) -> None:
    short, other, right = (_touch(tmp_path / name / "x.mov", name.encode()) for name in ("day1", "b", "right"))
    facts = {
        short: MediaFacts(length_s=Fraction(5), clock=MediaClock(first=90_000, rate=Fraction(25))),
        other: MediaFacts(length_s=Fraction(50), clock=MediaClock(first=0, rate=Fraction(25))),
        right: MediaFacts(length_s=Fraction(50), clock=MediaClock(first=90_000, rate=Fraction(25))),
    }
    asked: list[Path] = []

    def probe(path: Path) -> MediaFacts:
        asked.append(path)
        return facts[path]

    search = MediaSearch(roots=(tmp_path,), edit_folder=Path("/edit"), probe=probe)
    need = Need(until_s=Fraction(20), timecodes_s=(Fraction(3610), Fraction(3620)))
    assert search.find("E:/day1/x.mov", need).path == right
    assert search.find("E:/day1/x.mov", Need(until_s=Fraction(4))).path == short
    assert set(asked) == {short, other, right}


def test_the_only_file_of_a_name_is_not_asked(tmp_path: Path) -> None:
    alone = _touch(tmp_path / "x" / "alone.mov")
    search = MediaSearch(roots=(tmp_path,), edit_folder=Path("/edit"), probe=lambda path: pytest.fail(f"asked {path}"))
    assert search.find("alone.mov", Need(until_s=Fraction(20))).path == alone


def test_an_edit_tells_what_it_needs_of_its_media(
    tmp_path: Path, otio: SimpleNamespace, otio_file: Callable[..., Path]
) -> None:
    media = otio.media("E:/x/a.mov")
    path = otio_file(
        otio.track(*(otio.clip("a", start, length, media=media) for start, length in ((48, 24), (96, 48))))
    )
    _touch(tmp_path / "roots" / "x" / "a.mov", b"short")
    long = _touch(tmp_path / "roots" / "y" / "a.mov", b"long enough")
    lengths = {b"short": Fraction(5), b"long enough": Fraction(6)}

    def probe(file: Path) -> MediaFacts:
        return MediaFacts(length_s=lengths[file.read_bytes()])

    search = MediaSearch(roots=(tmp_path / "roots",), edit_folder=Path("/edit"), probe=probe)
    assert {shot.media for shot in read_edit(path, media=search).shots} == {long}


def test_a_choice_is_a_remark_of_the_edit(fixture_timelines: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        _touch(tmp_path / folder / "walk_01.mov")
    edit = read_edit(fixture_timelines / "golden.otio", media=MediaSearch(roots=(tmp_path,), edit_folder=tmp_path))
    assert edit.shots[0].media == tmp_path / "a" / "walk_01.mov"
    assert [remark for remark in edit.remarks if "walk_01.mov" in remark] == [
        f"2 files named walk_01.mov fit equally well ({tmp_path}/a/walk_01.mov, {tmp_path}/b/walk_01.mov): "
        "they are equally large, and the first was taken"
    ]


# --- The index of search folders ------------------------------------------------------------------------------------


def _aged(*folders: Path) -> None:
    """Set the folders' time back: one that has just changed is not trusted to be finished."""
    for folder in folders:
        os.utime(folder, (1_000_000_000, 1_000_000_000))


def test_an_index_is_kept_and_follows_what_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = tmp_path / "media", tmp_path / "cache"
    first, second = _touch(root / "day1" / "a.mov"), _touch(root / "day2" / "cam" / "A.MOV")
    _aged(root, root / "day1", root / "day2", root / "day2" / "cam")
    assert FileIndex((root,), cache)("a.mov") == (first, second)
    listed: list[str] = []
    scandir = os.scandir

    def noted_scandir(path: str | Path) -> object:
        listed.append(Path(path).name)
        return scandir(path)

    # Put back before the test ends: pytest removes the folder by file descriptors, which have no name.
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", noted_scandir)
        assert FileIndex((root,), cache)("a.mov") == (first, second)
        assert listed == []
        third = _touch(root / "day1" / "new" / "a.mov")
        first.unlink()
        assert FileIndex((root,), cache)("a.mov") == (third, second)
    assert sorted(listed) == ["day1", "new"]


def test_a_folder_that_just_changed_is_listed_again(tmp_path: Path) -> None:
    root, cache = tmp_path / "media", tmp_path / "cache"
    _touch(root / "a.mov")
    time_ns = root.stat().st_mtime_ns
    assert FileIndex((root,), cache)("b.mov") == ()
    added = _touch(root / "b.mov")
    # As on a system whose clock did not tick in between.
    os.utime(root, ns=(time_ns, time_ns))
    assert FileIndex((root,), cache)("b.mov") == (added,)


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\x00", b"[]", b"null", b'{"version": 1}', b"[" * 100_000, b'{"version": 1, "root": "/", "folders": 7}'],
)
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    root, cache = tmp_path / "media", tmp_path / "cache"
    there = _touch(root / "a.mov")
    _aged(root)
    FileIndex((root,), cache)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert FileIndex((root,), cache)("a.mov") == (there,)
    assert kept.read_bytes() == whole


@pytest.mark.parametrize("entry", [[1, [], ["../secret.mov"]], [1, ["/etc"], []], [1, [], [7]], ["x", [], []], [1], 5])
def test_a_forged_index_leads_nowhere_else(tmp_path: Path, entry: object) -> None:
    root, cache = tmp_path / "media", tmp_path / "cache"
    root.mkdir()
    _aged(root)
    _touch(tmp_path / "secret.mov")
    FileIndex((root,), cache)
    (kept,) = cache.iterdir()
    document = json.loads(kept.read_bytes())
    if isinstance(entry, list) and entry[0] == 1:
        entry[0] = root.stat().st_mtime_ns
    kept.write_text(json.dumps(document | {"folders": {"": entry}}))
    index = FileIndex((root,), cache)
    assert index("secret.mov") == index("../secret.mov") == ()


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    there = _touch(tmp_path / "media" / "a.mov")
    cache = _touch(tmp_path / "a file")
    assert FileIndex((tmp_path / "media",), cache)("a.mov") == (there,)


def test_names_that_are_no_text_are_kept_too(tmp_path: Path) -> None:
    root, cache = tmp_path / "media", tmp_path / "cache"
    odd = _touch(root / os.fsdecode(b"caf\xe9") / "a.mov")
    _aged(root, odd.parent)
    assert FileIndex((root,), cache)("a.mov") == FileIndex((root,), cache)("a.mov") == (odd,)


# --- Paths as the editor's machine sees them ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here", "file", "seen"),
    [
        ("D:\\foley", "/mnt/foley", "/mnt/foley/takes/a.wav", PureWindowsPath("D:\\foley\\takes\\a.wav")),
        ("D:\\", "/mnt/", "/mnt/takes/a.wav", PureWindowsPath("D:\\takes\\a.wav")),
        ("\\\\nas\\film", "/mnt/film", "/mnt/film/a.wav", PureWindowsPath("\\\\nas\\film\\a.wav")),
        ("file://nas/film", "/mnt/film", "/mnt/film/a.wav", PureWindowsPath("\\\\nas\\film\\a.wav")),
        ("/Volumes/film", "/mnt/film", "/mnt/film/a b.wav", PurePosixPath("/Volumes/film/a b.wav")),
        ("/Volumes/film", "/mnt/film", "/mnt/film2/a.wav", PurePosixPath("/mnt/film2/a.wav")),
    ],
)
def test_a_file_here_as_the_editor_sees_it(there: str, here: str, file: str, seen: PurePosixPath) -> None:
    search = MediaSearch(path_maps=((there, here),))
    assert search.to_edit_path(Path(file)) == seen
    assert isinstance(search.to_edit_path(Path(file)), PureWindowsPath) == isinstance(seen, PureWindowsPath)


def test_the_longest_map_wins_on_the_way_back_too() -> None:
    maps = (("X:/", "/mnt"), ("Y:/", "/mnt/film"))
    assert to_edit_path(Path("/mnt/film/a.wav"), maps) == PureWindowsPath("Y:/a.wav")


names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)


@given(parts=st.lists(names, min_size=1, max_size=4), prefix=st.sampled_from(["D:/x", "//nas/x", "/Volumes/x"]))
def test_there_and_back_is_the_same_file(parts: list[str], prefix: str) -> None:
    maps = ((prefix, "/mnt/y"),)
    file = Path("/mnt/y", *parts)
    assert from_edit(plain_path(str(to_edit_path(file, maps))), maps) == str(file)


@pytest.mark.parametrize("name", ["golden.otio", "golden.xml"])
def test_sounds_are_laid_by_the_paths_of_the_editors_machine(
    fixture_timelines: Path, tmp_path: Path, placed: Callable[..., PlacedClip], name: str
) -> None:
    edit = read_edit(fixture_timelines / name)
    tracks = plan_tracks({"FOLEY Props": [placed(edit, 0, 10)]})
    maps = (("P:\\film", str(tmp_path)),)
    laid = lay_tracks(edit, tracks, tmp_path / "out" / name, path_maps=maps)
    written = {"golden.otio": rb"P:\\film\\takes\\sh0010_train.wav"}.get(
        name, b"file://localhost/P:/film/takes/sh0010_train.wav"
    )
    assert written in laid.read_bytes() and str(tmp_path).encode() not in laid.read_bytes()
    again = lay_tracks(read_edit(laid), tracks, tmp_path / "again" / name, path_maps=maps)
    assert again.read_bytes() == laid.read_bytes()
    # What was laid before there was a map is replaced as well.
    plain = lay_tracks(edit, tracks, tmp_path / "plain" / name)
    mapped = lay_tracks(read_edit(plain), tracks, tmp_path / "mapped" / name, path_maps=maps)
    assert mapped.read_bytes() == laid.read_bytes()
    bare = remove_foley_tracks(laid, tmp_path / "bare" / name, takes=tmp_path / "takes", path_maps=maps)
    assert bare.read_bytes() == edit.path.read_bytes()

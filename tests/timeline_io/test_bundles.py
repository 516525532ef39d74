"""Edits that lie in a bundle with their media: read from it, laid into a copy of it, and nothing else touched."""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import opentimelineio
import pytest

from timeline_io import bundle_zip
from timeline_io.bundles import timeline_file
from timeline_io.edit import Edit, FoleyTrack, PlacedClip
from timeline_io.errors import LayingError, TimelineError, UnreadableEditError
from timeline_io.lay import lay_tracks, plan_tracks, remove_foley_tracks
from timeline_io.media import MediaSearch
from timeline_io.read import read_edit

Place = Callable[..., PlacedClip]
Members = dict[str, bytes]

MOVIE = bytes(range(256)) * 40
FOREIGN = {"version.txt": b"1.0.0", "media/walk 1.mov": MOVIE, "media/train.mov": MOVIE[::-1], "media/sub/x.wav": b"x"}


@pytest.fixture
def members(otio: SimpleNamespace) -> Members:
    """The files of a bundle whose edit shows two of its movies and one that is elsewhere."""
    timeline = otio.timeline(
        otio.track(
            otio.clip("walk", 0, 24, media=otio.media("media/walk%201.mov")),
            otio.clip("train", 0, 24, media=otio.media("media/train.mov")),
            otio.clip("rain", 0, 24, media=otio.media("/rushes/rain.mov")),
        )
    )
    return {"content.otio": json.dumps(timeline, indent=4).encode(), **FOREIGN}


def _zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            stored = name.startswith("media/")
            archive.writestr(name, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return path


def _folder(path: Path, members: Mapping[str, bytes]) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def _held(path: Path) -> Members:
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.fixture(params=[".otioz", ".otiod"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path, members: Members) -> Path:
    """One edit as each kind of bundle of OpenTimelineIO."""
    return (_zip if request.param == ".otioz" else _folder)(tmp_path / f"cut{request.param}", members)


@pytest.fixture
def tracks(placed: Place) -> Callable[[Edit], tuple[FoleyTrack, ...]]:
    """Tracks for an edit, whose sounds exist."""

    def make(edit: Edit) -> tuple[FoleyTrack, ...]:
        clips = [placed(edit, 0, 20, "sh0010_step"), placed(edit, 12, 20, "日本 step #2")]
        for clip in clips:
            clip.wav.parent.mkdir(exist_ok=True)
            clip.wav.write_bytes(clip.name.encode() * 100)
        return plan_tracks({"FOLEY Footsteps": clips})

    return make


def _read(path: Path, tmp_path: Path) -> Edit:
    return read_edit(path, media=MediaSearch(edit_folder=path.parent, cache=tmp_path / "cache"))


# --- Reading --------------------------------------------------------------------------------------------------------


def test_the_media_in_a_bundle_are_files(bundle: Path, tmp_path: Path) -> None:
    edit = _read(bundle, tmp_path)
    assert (edit.format, edit.name, [shot.name for shot in edit.shots]) == ("otio", "cut", ["walk", "train", "rain"])
    walk, train, rain = (shot.media for shot in edit.shots)
    assert walk is not None and (walk.name, walk.read_bytes()) == ("walk 1.mov", MOVIE)
    assert train is not None and train.read_bytes() == MOVIE[::-1]
    assert rain is None and edit.shots[2].offline_reason.startswith("offline: looked for /rushes/rain.mov")


def test_what_opentimelineio_bundles_is_read(tmp_path: Path, otio: SimpleNamespace) -> None:
    (tmp_path / "a b.mov").write_bytes(MOVIE)
    clip = otio.clip("a", 0, 24, media=otio.media((tmp_path / "a b.mov").as_uri()))
    timeline = opentimelineio.adapters.read_from_string(json.dumps(otio.timeline(otio.track(clip))))
    for suffix in ("otioz", "otiod"):
        opentimelineio.adapters.write_to_file(timeline, str(tmp_path / f"made.{suffix}"))
        (shot,) = _read(tmp_path / f"made.{suffix}", tmp_path).shots
        assert shot.media is not None and shot.media.read_bytes() == MOVIE


def test_only_what_shots_use_is_unpacked_and_only_into_the_cache(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    before = path.read_bytes()
    edit = _read(path, tmp_path)
    unpacked = {file for file in (tmp_path / "cache").rglob("*") if file.is_file()}
    assert unpacked == {edit.shots[0].media, edit.shots[1].media}
    assert {entry.name for entry in tmp_path.iterdir()} == {"cut.otioz", "cache"}
    assert path.read_bytes() == before


def test_folders_of_the_cache_have_the_mode_of_the_store_around_it(tmp_path: Path, members: Members) -> None:
    bundle = _zip(tmp_path / "cut.otioz", members)
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o2770)
    read_edit(bundle, media=MediaSearch(edit_folder=bundle.parent, cache=store / "media"))
    folders = [path for path in store.rglob("*") if path.is_dir()]
    assert len(folders) >= 3
    assert {path.stat().st_mode & 0o7777 for path in folders} == {0o2770}


def test_without_a_cache_bundled_media_is_offline_and_says_why(tmp_path: Path, members: Members) -> None:
    edit = read_edit(_zip(tmp_path / "cut.otioz", members))
    assert edit.shots[0].offline_reason == "offline: it lies inside cut.otioz, and no folder was named to unpack it to"


def test_unpacked_media_are_taken_again_but_not_half_ones(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    media = _read(path, tmp_path).shots[0].media
    assert media is not None
    written = media.stat().st_mtime_ns
    assert _read(path, tmp_path).shots[0].media == media and media.stat().st_mtime_ns == written
    media.write_bytes(MOVIE[:100])
    _read(path, tmp_path)
    assert media.read_bytes() == MOVIE


def test_a_changed_bundle_is_unpacked_anew(tmp_path: Path, members: Members) -> None:
    path = tmp_path / "cut.otioz"
    first = _read(_zip(path, members), tmp_path).shots[0].media
    second = _read(_zip(path, members | {"media/walk 1.mov": b"a new take"}), tmp_path).shots[0].media
    assert first is not None and second is not None and first != second
    assert second.read_bytes() == b"a new take"


def test_a_damaged_member_is_offline_and_leaves_no_file(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    data = path.read_bytes()
    at = data.index(MOVIE)
    path.write_bytes(data[:at] + b"!" + data[at + 1 :])
    edit = _read(path, tmp_path)
    assert edit.shots[0].media is None and "cannot be unpacked from cut.otioz" in edit.shots[0].offline_reason
    assert edit.shots[1].media is not None
    assert [file.name for file in (tmp_path / "cache").rglob("*") if file.is_file()] == ["train.mov"]


def test_a_link_in_the_cache_leads_nowhere(tmp_path: Path, members: Members) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "otioz").symlink_to(tmp_path / "elsewhere")
    edit = _read(_zip(tmp_path / "cut.otioz", members), tmp_path)
    assert "leads out of the cache folder" in edit.shots[0].offline_reason
    assert not list((tmp_path / "elsewhere").iterdir())


def test_media_of_a_folder_bundle_stay_inside_what_is_allowed(tmp_path: Path, members: Members) -> None:
    (tmp_path / "secret.mov").write_bytes(b"secret")
    path = _folder(tmp_path / "cut.otiod", members)
    (path / "media" / "walk 1.mov").unlink()
    (path / "media" / "walk 1.mov").symlink_to(tmp_path / "secret.mov")
    edit = read_edit(path, media=MediaSearch(edit_folder=tmp_path, allowed_roots=(path,)))
    assert edit.shots[0].media is None
    assert edit.shots[1].media == path / "media" / "train.mov"


# --- Refusals -------------------------------------------------------------------------------------------------------


def _refusal(path: Path) -> str:
    with pytest.raises(UnreadableEditError) as caught:
        read_edit(path, media=MediaSearch(cache=path.parent / "cache"))
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
    assert not (path.parent / "cache").exists()
    return str(caught.value)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "media/../../x", "media\\x", "C:x", "media/..", "//server/x"])
def test_members_that_lead_out_are_refused(tmp_path: Path, members: Members, name: str) -> None:
    assert "may lead out" in _refusal(_zip(tmp_path / "cut.otioz", members | {name: b"x"}))


def test_two_members_of_one_name_are_refused(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("media/train.mov", b"another")
    assert "'media/train.mov' is in it twice" in _refusal(path)


def test_links_and_encrypted_members_are_refused(tmp_path: Path, members: Members) -> None:
    link = zipfile.ZipInfo("media/link.mov")
    link.external_attr = 0o120777 << 16
    path = _zip(tmp_path / "cut.otioz", members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in _refusal(path)
    path = _zip(tmp_path / "locked.otioz", members)
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted" in _refusal(path)


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, members: Members) -> None:
    monkeypatch.setattr(bundle_zip, "_BOMB_BYTES", 1_000_000)
    path = _zip(tmp_path / "cut.otioz", members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("media/zeros.mov", bytes(3_000_000), zipfile.ZIP_DEFLATED)
    assert "would unpack to 3 MB from 0 MB" in _refusal(path)


def test_a_timeline_larger_than_it_declares_is_not_unpacked(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    data = bytearray(path.read_bytes())
    at = data.index(b"content.otio", data.index(b"PK\x01\x02")) - 46 + 24
    assert int.from_bytes(data[at : at + 4], "little") == len(members["content.otio"])
    data[at : at + 4] = (50).to_bytes(4, "little")
    path.write_bytes(data)
    assert "is damaged" in _refusal(path)
    data[at : at + 4] = (400_000_000).to_bytes(4, "little")
    path.write_bytes(data)
    assert "400 MB" in _refusal(path)


def test_members_that_share_their_bytes_are_refused(tmp_path: Path, members: Members) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    data = bytearray(path.read_bytes())
    for name in (b"media/walk 1.mov", b"media/train.mov"):
        at = data.rindex(name) - 46 + 20
        data[at : at + 4] = (15_000).to_bytes(4, "little")
    path.write_bytes(data)
    assert "larger than itself" in _refusal(path)


@pytest.mark.parametrize("count", [4, 30, 200, 5000])
def test_half_a_bundle_is_refused(tmp_path: Path, members: Members, count: int) -> None:
    path = _zip(tmp_path / "cut.otioz", members)
    path.write_bytes(path.read_bytes()[:count])
    assert "no valid zip" in _refusal(path)


def test_other_zips_and_folders_are_named_for_what_they_are(tmp_path: Path, members: Members) -> None:
    assert "without content.otio" in _refusal(_zip(tmp_path / "cut.otioz", {"a.txt": b"x"}))
    assert "empty timeline" in _refusal(_zip(tmp_path / "void.otioz", members | {"content.otio": b" "}))
    (tmp_path / "none.otiod").mkdir()
    with pytest.raises(UnreadableEditError, match=r"none\.otiod.content\.otio does not exist"):
        read_edit(tmp_path / "none.otiod")
    (tmp_path / "plain").mkdir()
    with pytest.raises(UnreadableEditError, match="is a folder"):
        read_edit(tmp_path / "plain")


def test_errors_of_the_timeline_name_the_bundle(tmp_path: Path, members: Members) -> None:
    assert "JSON" in _refusal(_zip(tmp_path / "cut.otioz", members | {"content.otio": b'{"half": '}))


# --- Laying ---------------------------------------------------------------------------------------------------------


def test_the_sounds_go_into_the_bundle(bundle: Path, tmp_path: Path, tracks: Any) -> None:
    edit = _read(bundle, tmp_path)
    laid = lay_tracks(edit, tracks(edit), tmp_path / "out" / f"cut.foley{bundle.suffix}")
    sounds = {name: data for name, data in _held(laid).items() if name.startswith("media/smooth-foley-")}
    assert set(sounds.values()) == {b"sh0010_step" * 100, "日本 step #2".encode() * 100}
    assert all(name.isascii() and name.endswith(".wav") for name in sounds)
    timeline = opentimelineio.adapters.read_from_string(_held(laid)["content.otio"].decode())
    ours = [track for track in timeline.tracks if track.name.startswith("FOLEY")]
    assert {clip.media_reference.target_url for track in ours for clip in track.find_clips()} == set(sounds)
    again = _read(laid, tmp_path)
    assert [shot.source_start_s for shot in again.shots] == [shot.source_start_s for shot in edit.shots]


def test_all_other_files_stay_equal_and_come_back_alone(bundle: Path, tmp_path: Path, tracks: Any) -> None:
    before = _held(bundle)
    edit = _read(bundle, tmp_path)
    laid = lay_tracks(edit, tracks(edit), tmp_path / f"laid{bundle.suffix}")
    held = _held(laid)
    assert {name: held[name] for name in FOREIGN} == FOREIGN
    for takes in (None, tmp_path / "takes"):
        bare = remove_foley_tracks(laid, tmp_path / f"bare{bundle.suffix}", takes=takes)
        assert {name: data for name, data in _held(bare).items() if name != ".smooth-foley-copy"} == before
    assert _held(bundle) == before


def test_laying_twice_is_laying_once(bundle: Path, tmp_path: Path, tracks: Any) -> None:
    edit = _read(bundle, tmp_path)
    once = lay_tracks(edit, tracks(edit), tmp_path / f"once{bundle.suffix}")
    twice = lay_tracks(_read(once, tmp_path), tracks(edit), tmp_path / f"twice{bundle.suffix}")
    assert _held(twice) == _held(once)
    if once.is_file():
        assert twice.read_bytes() == once.read_bytes()
    fewer = plan_tracks({"FOLEY Props": tracks(edit)[0].clips})
    replaced = lay_tracks(_read(once, tmp_path), fewer, tmp_path / f"few{bundle.suffix}")
    assert _held(replaced) == _held(lay_tracks(edit, fewer, tmp_path / f"new{bundle.suffix}"))


def test_an_editors_own_track_of_bundled_sounds_is_left_alone(
    tmp_path: Path, members: Members, otio: SimpleNamespace, tracks: Any
) -> None:
    timeline = json.loads(members["content.otio"])
    own = otio.clip("door", 0, 24, media=otio.media("media/sub/x.wav"))
    beside = otio.clip("door", 0, 24, media=otio.media("media/door.wav"))
    timeline["tracks"]["children"].append(otio.track(own, beside, name="FOLEY by hand", kind="Audio"))
    path = _zip(tmp_path / "cut.otioz", members | {"content.otio": json.dumps(timeline).encode()})
    edit = _read(path, tmp_path)
    laid = lay_tracks(edit, tracks(edit), tmp_path / "laid.otioz")
    again = lay_tracks(_read(laid, tmp_path), tracks(edit), tmp_path / "again.otioz")
    assert b"FOLEY by hand" in _held(again)["content.otio"]


def test_a_sound_that_an_editor_uses_elsewhere_stays(
    tmp_path: Path, members: Members, otio: SimpleNamespace, tracks: Any
) -> None:
    edit = _read(_zip(tmp_path / "cut.otioz", members), tmp_path)
    held = _held(lay_tracks(edit, tracks(edit), tmp_path / "laid.otioz"))
    sound = next(name for name in held if "step.wav" in name)
    timeline = json.loads(held["content.otio"])
    timeline["tracks"]["children"].append(otio.track(otio.clip("s", 0, 9, media=otio.media(sound)), kind="Audio"))
    path = _zip(tmp_path / "edited.otioz", held | {"content.otio": json.dumps(timeline).encode()})
    bare = _held(remove_foley_tracks(path, tmp_path / "bare.otioz"))
    assert [name for name in bare if "smooth-foley" in name] == [sound]
    assert bare[sound] == held[sound]


def test_a_sound_that_is_gone_leaves_no_bundle(bundle: Path, tmp_path: Path, tracks: Any) -> None:
    edit = _read(bundle, tmp_path)
    made = tracks(edit)
    shutil.rmtree(tmp_path / "takes")
    with pytest.raises(LayingError, match=r"the sound .*\.wav cannot be read \(No such file or directory\)"):
        lay_tracks(edit, made, tmp_path / f"out{bundle.suffix}")
    assert not [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(("out", "."))]


def test_a_folder_is_never_written_into_or_replaced(tmp_path: Path, members: Members, tracks: Any) -> None:
    path = _folder(tmp_path / "cut.otiod", members)
    other = _folder(tmp_path / "other.otiod", members)
    (tmp_path / "link.otiod").symlink_to(path)
    (tmp_path / "file.otiod").write_bytes(b"mine")
    edit = _read(path, tmp_path)
    for place in (path, path / "inside.otiod", tmp_path, other, tmp_path / "link.otiod", tmp_path / "file.otiod"):
        with pytest.raises(LayingError):
            lay_tracks(edit, tracks(edit), place)
    assert _held(path) == _held(other) == members
    assert (tmp_path / "file.otiod").read_bytes() == b"mine"
    assert not list(tmp_path.glob(".*"))


def test_our_own_copy_of_a_folder_is_replaced_whole(tmp_path: Path, members: Members, tracks: Any) -> None:
    edit = _read(_folder(tmp_path / "cut.otiod", members), tmp_path)
    out = lay_tracks(edit, tracks(edit), tmp_path / "cut.foley.otiod")
    (out / "media" / "stray.wav").write_bytes(b"x")
    lay_tracks(edit, (), out)
    assert set(_held(out)) == {*members, ".smooth-foley-copy"}
    assert timeline_file(out).read_bytes() == members["content.otio"]


def test_the_file_that_tells_an_edit(tmp_path: Path, bundle: Path) -> None:
    assert timeline_file(bundle) == (bundle if bundle.is_file() else bundle / "content.otio")
    assert timeline_file(tmp_path / "to come.otiod") == tmp_path / "to come.otiod" / "content.otio"
    assert timeline_file(tmp_path / "to come.fcpxmld") == tmp_path / "to come.fcpxmld" / "Info.fcpxml"
    for name in ("to come.otioz", "to come.xml", "x" * 400):
        assert timeline_file(tmp_path / name) == tmp_path / name
    (tmp_path / "a file.otiod").write_bytes(b"")
    assert timeline_file(tmp_path / "a file.otiod") == tmp_path / "a file.otiod"


def test_a_media_folder_behind_a_link_is_not_written_through(tmp_path: Path, members: Members, tracks: Any) -> None:
    path = _folder(tmp_path / "cut.otiod", members)
    (path / "media").rename(tmp_path / "store")
    (path / "media").symlink_to(tmp_path / "store")
    before = sorted((tmp_path / "store").iterdir())
    edit = _read(path, tmp_path)
    with pytest.raises(LayingError, match="behind a link"):
        lay_tracks(edit, tracks(edit), tmp_path / "out.otiod")
    assert sorted((tmp_path / "store").iterdir()) == before


def test_a_full_disk_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, bundle: Path, tmp_path: Path, tracks: Any
) -> None:
    edit = _read(bundle, tmp_path)
    made = tracks(edit)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    if bundle.is_dir():
        with pytest.raises(LayingError, match="more than is free"):
            lay_tracks(edit, made, tmp_path / "out.otiod")
    else:
        shutil.rmtree(tmp_path / "cache")
        assert "more than is free" in _read(bundle, tmp_path).shots[0].offline_reason


def test_a_final_cut_bundle_is_read_and_copied(real_timelines: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.fcpxmld"
    path.mkdir()
    shutil.copyfile(real_timelines / "fcpx_25i.fcpxml", path / "Info.fcpxml")
    (path / "CurrentVersion.plist").write_bytes(b"<plist/>")
    edit = read_edit(path)
    plain = read_edit(real_timelines / "fcpx_25i.fcpxml")
    assert edit.shots and [shot.record for shot in edit.shots] == [shot.record for shot in plain.shots]
    out = lay_tracks(edit, (), tmp_path / "cut.foley.fcpxmld")
    assert _held(out) == _held(path) | {".smooth-foley-copy": b""}


def test_an_edit_that_changed_since_is_not_patched(bundle: Path, tmp_path: Path, tracks: Any) -> None:
    edit = replace(_read(bundle, tmp_path), digest="0" * 64)
    with pytest.raises(TimelineError, match="changed since"):
        lay_tracks(edit, tracks(edit), tmp_path / f"out{bundle.suffix}")

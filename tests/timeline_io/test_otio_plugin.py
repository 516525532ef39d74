"""The plugin, asked for through OpenTimelineIO itself."""

from __future__ import annotations

import importlib
import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import opentimelineio
import pytest

from timeline_io.edit import Edit
from timeline_io.errors import SequenceChoiceError
from timeline_io.otio_plugin.visible import visible_timeline
from timeline_io.read import edit_of, read_edit

REPOSITORY = Path(__file__).parents[2]
MANIFEST = REPOSITORY / "timeline_io" / "otio_plugin" / "plugin_manifest.json"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let OpenTimelineIO know the plugin, whether this project is installed or not."""
    monkeypatch.setenv("OTIO_PLUGIN_MANIFEST_PATH", str(MANIFEST))
    opentimelineio.plugins.ActiveManifest(force_reload=True)
    yield
    monkeypatch.undo()
    opentimelineio.plugins.ActiveManifest(force_reload=True)


def test_the_plugin_is_found_as_an_entry_point() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    (module,) = project["project"]["entry-points"]["opentimelineio.plugins"].values()
    folder = Path(str(importlib.import_module(module).__file__)).parent
    assert folder / "plugin_manifest.json" == MANIFEST
    assert (folder / "__init__.py").is_file()
    assert project["tool"]["setuptools"]["package-data"][module] == ["plugin_manifest.json"]


def test_every_part_describes_itself_and_claims_no_suffix() -> None:
    known = opentimelineio.plugins.plugin_info_map()
    parts = [
        known["adapters"]["foley_fcpxml"],
        known["adapters"]["foley_shots"],
        known["media_linkers"]["foley_search"],
    ]
    assert all(part["doc"] and not str(part).startswith("ERROR") for part in parts)
    assert [list(part["supported features"]) for part in parts[:2]] == [
        ["read_from_file", "read_from_string"], ["write_to_string"],
    ]  # fmt: skip
    assert opentimelineio.adapters.from_filepath("cut.otio").name == "otio_json"
    adapters = opentimelineio.plugins.ActiveManifest().adapters
    assert [list(adapter.suffixes) for adapter in adapters if adapter.name.startswith("foley_")] == [[], []]


# --- foley_search ---------------------------------------------------------------------------------------------------


def _linked(path: Path, **arguments: Any) -> list[Any]:
    timeline = opentimelineio.adapters.read_from_file(
        str(path), media_linker_name="foley_search", media_linker_argument_map=arguments
    )
    return [clip.media_reference.clone() for clip in list(timeline.find_clips())]


def test_media_is_linked_by_maps_and_in_search_folders(
    tmp_path: Path, otio: SimpleNamespace, otio_file: Callable[..., Path]
) -> None:
    mapped, searched = tmp_path / "mapped" / "a.mov", tmp_path / "roots" / "x" / "b.mov"
    for file in (mapped, searched):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"movie")
    missing = {"OTIO_SCHEMA": "MissingReference.1", "name": "b.mov"}
    generator = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "black", "parameters": {}, "name": "a.mov"}
    path = otio_file(
        otio.track(
            otio.clip("a", 0, 24, media=otio.media("D:\\film\\a.mov", otio.span(5, 100)) | {"metadata": {"reel": "7"}}),
            otio.clip("b", 0, 24, media=missing),
            otio.clip("c", 0, 24, media=otio.media("E:/nowhere/c.mov")),
            otio.clip("d", 0, 24, media=generator),
        )
    )
    a, b, c, d = _linked(path, path_maps=[["D:/film", str(tmp_path / "mapped")]], roots=[str(tmp_path / "roots")])
    assert (a.target_url, a.available_range.start_time.value, a.metadata["reel"]) == (str(mapped), 5, "7")
    assert (b.target_url, b.name) == (str(searched), "b.mov")
    assert c.target_url == "E:/nowhere/c.mov"
    assert isinstance(d, opentimelineio.schema.GeneratorReference)


def test_a_choice_is_told_and_allowed_folders_hold(
    tmp_path: Path, otio: SimpleNamespace, otio_file: Callable[..., Path]
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.mov").write_bytes(b"movie")
    path = otio_file(otio.track(otio.clip("x", 0, 24, media=otio.media("E:/x.mov"))))
    roots = [str(tmp_path / "a"), str(tmp_path / "b")]
    (chosen,) = _linked(path, roots=roots, cache=str(tmp_path / "cache"))
    assert chosen.target_url == str(tmp_path / "a" / "x.mov")
    assert "2 files named x.mov" in chosen.metadata["foley_search"]["remark"]
    assert list((tmp_path / "cache").glob("media-index-*.json"))
    (only,) = _linked(path, roots=roots, allowed_roots=[str(tmp_path / "b")])
    assert only.target_url == str(tmp_path / "b" / "x.mov")


# --- foley_fcpxml ---------------------------------------------------------------------------------------------------


def _facts(edit: Edit) -> list[tuple[Any, ...]]:
    """The shots as far as OpenTimelineIO can hold them; its times are floats, good to a thousandth of a frame."""
    return [
        (shot.name, shot.media_ref, shot.record, shot.notes, round(shot.source_start_s, 5), round(shot.speed, 5))
        for shot in edit.shots
    ]


def _again(timeline: Any) -> Edit:
    return edit_of(timeline.to_json_string().encode(), Path("again.otio"))


@pytest.mark.parametrize("name", ["golden.otio", "golden.xml", "golden.fcpxml", "golden.edl", "small.xml"])
def test_the_timeline_of_visible_shots_reads_as_the_same_shots(fixture_timelines: Path, name: str) -> None:
    edit = read_edit(fixture_timelines / name)
    again = _again(visible_timeline(edit))
    assert _facts(again) == _facts(edit)
    assert (again.rate, again.start_frame, again.frame_count) == (edit.rate, edit.start_frame, edit.frame_count)


@pytest.mark.parametrize("name", ["fcpx_23.98", "fcpx_29.97d", "fcpx_24With25Media", "ofk_CutSample"])
def test_final_cut_projects_come_as_timelines(real_timelines: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "cut.fcpxml"
    shutil.copyfile(real_timelines / f"{name}.fcpxml", path)
    edit = read_edit(path)
    timeline = opentimelineio.adapters.read_from_file(str(path), adapter_name="foley_fcpxml")
    assert _facts(_again(timeline)) == _facts(edit)
    assert timeline.duration().rate == float(edit.rate) and timeline.duration().value == edit.frame_count
    text = opentimelineio.adapters.read_from_string(path.read_text("utf-8"), adapter_name="foley_fcpxml")
    assert text.is_equivalent_to(timeline)


# --- foley_shots ----------------------------------------------------------------------------------------------------


def test_shots_are_written_as_json(fixture_timelines: Path, tmp_path: Path) -> None:
    edit = read_edit(fixture_timelines / "golden.otio")
    timeline = opentimelineio.adapters.read_from_file(str(edit.path))
    out = tmp_path / "shots.json"
    opentimelineio.adapters.write_to_file(timeline, str(out), adapter_name="foley_shots")
    document = json.loads(out.read_text("utf-8"))
    assert {key: document[key] for key in ("name", "rate", "start_frame", "frames")} == {
        "name": "golden", "rate": "24000/1001", "start_frame": 86400, "frames": 384,
    }  # fmt: skip
    assert [shot["shot_id"] for shot in document["shots"]] == [shot.shot_id for shot in edit.shots]
    assert [Fraction(shot["source_start_s"]) for shot in document["shots"]] == [s.source_start_s for s in edit.shots]
    assert document["shots"][4] == {
        "shot_id": "sh0050", "name": "door_03.mov", "first_frame": 86496, "frames": 24,
        "source_start_s": str(edit.shots[4].source_start_s), "speed": "-1", "ramp": [],
        "media": edit.shots[4].media_ref, "notes": [], "track": edit.shots[4].track,
    }  # fmt: skip
    assert {"name": "rain_05_alt.mov", "reason": "disabled"} in document["skipped"]


def test_one_timeline_of_a_collection_is_named(otio: SimpleNamespace) -> None:
    children = [otio.timeline(otio.track(otio.clip(name, 0, 24)), name=name) for name in ("one", "two")]
    text = json.dumps({"OTIO_SCHEMA": "SerializableCollection.1", "name": "both", "children": children})
    both = opentimelineio.adapters.read_from_string(text)
    with pytest.raises(SequenceChoiceError, match="'one', 'two'"):
        opentimelineio.adapters.write_to_string(both, adapter_name="foley_shots")
    written = opentimelineio.adapters.write_to_string(both, adapter_name="foley_shots", sequence="two")
    assert [shot["name"] for shot in json.loads(written)["shots"]] == ["two"]

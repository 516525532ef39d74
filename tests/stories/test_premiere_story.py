"""The story of a Final Cut Pro 7 XML, as Premiere and Resolve export it: the same file comes back, with sound."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.scenes.catalogue import source_named
from pipeline.scenes.movie import write_scene_movie
from pipeline.scenes.scene import make_scene
from tests.support.renderer import heard_clips
from timeline_io.lay import remove_foley_tracks
from timeline_io.read import read_edit

pytestmark = pytest.mark.steady

RATE = "<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate>"
HOUR_DROP_FRAME = 107_892
# clip name, scene's target, first frame, last frame, first frame of the media, seed
CUTS = (("car passing by", "car", 0, 60, 15, 3), ("hammer 50% & <more>", "hammer", 60, 120, 30, 5))


def _clip(number: int, kind: str, url: str) -> str:
    name, _, start, end, first, _ = CUTS[number]
    name = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    other = "audio" if kind == "video" else "video"
    content = f"<name>{number}.mp4</name><pathurl>{url}</pathurl>{RATE}<duration>120</duration>"
    file = f'<file id="file-{number}">{content if kind == "video" else ""}</file>'
    return (
        f'<clipitem id="{kind}-{number}"><name>{name}</name><enabled>TRUE</enabled>{RATE}<start>{start}</start>'
        f"<end>{end}</end><in>{first}</in><out>{first + end - start}</out>{file}"
        f"<link><linkclipref>{other}-{number}</linkclipref></link></clipitem>"
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cut of two scenes at 29.97 drop frame, with production sound, links, a marker and an instance of a filter."""
    folder = tmp_path_factory.mktemp("premiere") / "Reel #1, 100%"
    folder.mkdir()
    urls = []
    for number, (_, target, *_, seed) in enumerate(CUTS):
        scene = make_scene(seed, 4.0, target=source_named(target), others=())
        movie = write_scene_movie(scene, folder / f"{number}.mp4", rate=Fraction(30000, 1001))
        urls.append("file://localhost" + str(movie).replace("%", "%25").replace("#", "%23").replace(" ", "%20"))
    video, audio = ("".join(_clip(i, kind, urls[i]) for i in range(2)) for kind in ("video", "audio"))
    path = folder / "reel 1.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="4">\n<sequence id="sequence-1">'
        f"<name>reel 1</name><duration>120</duration>{RATE}"
        f"<timecode>{RATE}<string>01;00;00;00</string><frame>{HOUR_DROP_FRAME}</frame>"
        f"<displayformat>DF</displayformat></timecode><media><video><track>{video}</track></video>"
        f"<audio><track>{audio}</track></audio></media>"
        "<marker><name>foley: hammer on anvil</name><in>70</in><out>-1</out></marker></sequence>\n</xmeml>\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def passed(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON document of a pass over that edit with the bundled model."""
    command = [sys.executable, "-m", "plugin.cli", "run", str(exported), "--no-prefect", "--json"]
    environment = os.environ | {"FOLEY_STORE": str(tmp_path_factory.mktemp("store"))}
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def test_each_shot_gets_its_sound(passed: dict[str, Any]) -> None:
    assert [(s["state"], [c["label"] for c in s["cues"]]) for s in passed["shots"]] == [
        ("made", ["car passing by"]),
        ("made", ["hammer on anvil"]),
    ]


def test_the_edit_without_our_tracks_is_the_export_byte_for_byte(
    passed: dict[str, Any], exported: Path, tmp_path: Path
) -> None:
    laid = Path(passed["outputs"]["edit"])
    assert laid.read_bytes() != exported.read_bytes()
    assert remove_foley_tracks(laid, tmp_path / "stripped.xml").read_bytes() == exported.read_bytes()
    assert read_edit(laid).shots == read_edit(exported).shots


def test_our_clips_show_their_shots_of_files_of_exactly_their_length(passed: dict[str, Any]) -> None:
    rate = Fraction(30_000, 1001)
    shots = {Path(c["wav"]).stem: (shot, c) for shot in passed["shots"] for c in shot["cues"]}
    clips = heard_clips(Path(passed["outputs"]["edit"]))
    assert sorted(clip.name for clip in clips) == sorted(shots) and len(clips) == 2
    for clip in clips:
        shot, cue = shots[clip.name]
        assert (clip.start_s * rate + HOUR_DROP_FRAME, clip.length_s * rate) == (
            shot["first_frame"],
            shot["frame_count"],
        )
        assert clip.source_s * rate == cue["laid_first"] - cue["record_first"] == 12
        first, end = cue["record_first"], cue["record_first"] + cue["record_count"]
        edges = [round(Fraction(frame) * 48_000 * 1001 / 30_000) for frame in (first, end)]
        assert len(clip.sound()) == edges[1] - edges[0]

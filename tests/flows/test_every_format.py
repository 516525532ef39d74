"""The same cut in every format, through a whole pass: the same takes at the same places, the same export with them."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from flows.options import PassOptions
from flows.records import PassReport
from flows.run import run_pass
from tests.support import aaf_files, fcpxml
from tests.support.aaf_graph import graph
from tests.support.passes import Cut, FakeEngine, write_edit
from timeline_io.companion import can_be_laid_into
from timeline_io.lay import remove_foley_tracks
from timeline_io.read import read_edit

pytestmark = pytest.mark.usefixtures("card")
Movie = Callable[[str], Path]
Write = Callable[[Path, Path, Path], Path]
RATE_24 = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"


def _otio(folder: Path, train: Path, ball: Path) -> Path:
    return write_edit(folder / "reel.otio", [Cut(name="train", media=train), Cut(name="ball", media=ball, first=0)])


def _fcp7(folder: Path, train: Path, ball: Path) -> Path:
    def item(name: str, media: Path, start: int, first: int) -> str:
        return (
            f'<clipitem id="{name}"><name>{name}</name>{RATE_24}<start>{start}</start><end>{start + 24}</end>'
            f'<in>{first}</in><out>{first + 24}</out><file id="f{name}"><pathurl>file://localhost{media}</pathurl>'
            f"{RATE_24}<duration>48</duration></file></clipitem>"
        )

    path = folder / "reel.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n<!DOCTYPE xmeml>\n<xmeml version="4"><sequence id="s"><name>reel</name>{RATE_24}'
        f"<duration>48</duration><timecode>{RATE_24}<frame>86400</frame><displayformat>NDF</displayformat></timecode>"
        f"<media><video><track>{item('train', train, 0, 12)}{item('ball', ball, 24, 0)}</track></video></media>"
        "</sequence></xmeml>\n"
    )
    return path


def _fcpxml(folder: Path, train: Path, ball: Path) -> Path:
    assets = "".join(
        f'<asset id="{name}" name="{name}" start="0s" duration="2s" hasVideo="1" format="f24">'
        f'<media-rep kind="original-media" src="file://{media}"/></asset>'
        for name, media in (("train", train), ("ball", ball))
    )
    spine = fcpxml.clip("train", "3600 1/2 1"), fcpxml.clip("ball", "3601 0 1")
    body = fcpxml.project(*spine, name="reel", sequence='format="f24" tcStart="3600s" duration="2s"')
    path = folder / "reel.fcpxml"
    path.write_text(fcpxml.document(body, resources=assets))
    return path


def _aaf(folder: Path, train: Path, ball: Path) -> Path:
    path = folder / "reel.aaf"
    with aaf_files.written(path, Fraction(24)) as aaf:
        media = [
            aaf.media(name, rate=Fraction(24), frames=48, timecode=0, url=f"file://{file}")
            for name, file in (("train", train), ("ball", ball))
        ]
        aaf.composition("reel", aaf.sequence(aaf.clip(media[0], 12, 24), aaf.clip(media[1], 0, 24)))
    return path


def _edl(folder: Path, train: Path, ball: Path) -> Path:
    path = folder / "reel.edl"
    path.write_text(
        "TITLE: reel\nFCM: NON-DROP FRAME\n"
        f"001  T V C 00:00:00:12 00:00:01:12 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: train\n* FROM FILE: {train}\n"
        f"002  B V C 00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00\n* FROM CLIP NAME: ball\n* FROM FILE: {ball}\n"
    )
    return path


@pytest.fixture(params=[_otio, _fcp7, _fcpxml, _aaf, _edl], ids=lambda write: write.__name__.strip("_"))
def edit(request: pytest.FixtureRequest, movie: Movie, tmp_path: Path) -> Path:
    write: Write = request.param
    folder = tmp_path / "the same cut, 100% #1"
    folder.mkdir()
    return write(folder, movie("a.mp4"), movie("b.mp4"))


def facts(report: PassReport) -> list[tuple[str, str, int, int]]:
    return [
        (cue.label, cue.key, cue.record_first, cue.record_count)
        for shot in report.shots
        for cue in shot.cues
        if cue.wav
    ]


def test_the_same_cut_gives_the_same_takes_at_the_same_places(
    edit: Path, engine: FakeEngine, movie: Movie, options: PassOptions, tmp_path: Path
) -> None:
    changed = options.model_copy(update={"rate": "24"})
    report = run_pass(edit, changed, with_prefect=False)
    reference = run_pass(_otio(tmp_path / "ref", movie("a.mp4"), movie("b.mp4")), options, with_prefect=False)
    assert facts(report) == facts(reference)
    assert [place for _, _, *place in facts(report)] == [[86388, 48], [86412, 48]]


def test_what_comes_back_is_the_export_and_our_tracks(
    edit: Path, engine: FakeEngine, options: PassOptions, tmp_path: Path
) -> None:
    report = run_pass(edit, options.model_copy(update={"rate": "24"}), with_prefect=False)
    original = read_edit(edit, rate=Fraction(24))
    laid = report.outputs.edit
    if not can_be_laid_into(original):
        assert laid is None
        return
    assert laid and laid.name == f"reel.foley{edit.suffix}"
    assert read_edit(laid).shots == original.shots
    bare = remove_foley_tracks(laid, tmp_path / f"bare{edit.suffix}")
    if edit.suffix == ".aaf":
        assert graph(bare) == graph(edit)
    else:
        assert bare.read_bytes() == edit.read_bytes()

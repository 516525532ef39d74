"""What is heard on a laid timeline, in every format, measured from the written file and its WAVs alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.placing import place_take
from flows.shot_job import CueJob, ShotJob, Spotted, cue_jobs, job_for
from pipeline.clip_store import ClipStore
from pipeline.probe import MovieInfo
from pipeline.records import SAMPLE_RATE_HZ, FoleyClip
from tests.support import aaf_files
from tests.support.renderer import RATE_HZ, HeardClip, heard_clips, mix_of
from timeline_io.companion import write_companions
from timeline_io.edit import Edit, PlacedClip, Shot
from timeline_io.frames import sample_at
from timeline_io.lay import lay_tracks, plan_tracks
from timeline_io.read import read_edit

FIXTURES = Path(__file__).parents[1] / "fixtures" / "timelines"
FORMATS = ["golden.otio", "golden.xml", "golden.fcpxml", "golden.aaf"]
HANDLES = 12
SILENCE = 10 ** (-70 / 20)
STEP = 10 ** (-50 / 20)
Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A cut laid with one loud sound per shot, and what was placed."""

    edit: Edit
    path: Path
    companions: tuple[Path, ...]
    placed: dict[str, PlacedClip]

    def span(self, shot: Shot) -> tuple[int, int]:
        """The samples of the timeline in which a shot is seen."""
        first, count = shot.seen.samples(RATE_HZ)
        begin = sample_at(self.edit.start_frame, self.edit.rate, RATE_HZ)
        return first - begin, first - begin + count


def noise(count: int, seed: int) -> Sound:
    return (0.3 * np.random.default_rng(seed).standard_normal(count)).clip(-0.9, 0.9).astype(np.float32)


def job_of(shot: Shot) -> ShotJob:
    movie = MovieInfo(
        path=Path("/nowhere") / shot.name,
        digest=shot.name,
        duration_s=Fraction(1000),
        rate=Fraction(25),
        width=64,
        height=64,
        has_audio=False,
        is_procedural_scene=True,
        start_timecode=None,
    )
    return job_for(shot, movie, handles=HANDLES, given=None, seed=0)


def cue_of(job: ShotJob, **told: object) -> CueJob:
    spotted = replace(Spotted(label="rain", category="ambience", confidence=1.0, source="sheet"), **told)  # type: ignore[arg-type]
    return cue_jobs(job, (spotted,), settings_digest="s", model_digest="m")[0]


def place(shot: Shot, sound: Sound | None, folder: Path, **told: object) -> PlacedClip:
    """The shot with a sound as long as its file, noise when None, delivered as a pass does it."""
    job = job_of(shot)
    cue = cue_of(job, **told)
    count = job.file.samples(SAMPLE_RATE_HZ)[1] + 1
    samples = noise(count, int(shot.shot_id[2:])) if sound is None else sound
    clip = FoleyClip(samples=samples[None], sample_rate_hz=SAMPLE_RATE_HZ)
    receipt = ClipStore(folder / "store").put(cue.request.key(), clip, active_spans_s=((0.0, 1.0),))
    return place_take(job, cue, receipt, folder / "takes" / f"{shot.shot_id}.wav")


def edit_in(name: str, folder: Path) -> Edit:
    return read_edit(aaf_files.golden(folder / name) if name.endswith(".aaf") else FIXTURES / name)


@pytest.fixture(scope="module", params=FORMATS)
def laid(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Laid:
    folder = tmp_path_factory.mktemp("laid")
    edit = edit_in(request.param, folder)
    placed = {shot.shot_id: place(shot, None, folder) for shot in edit.shots}
    tracks = plan_tracks({"FOLEY Ambience": list(placed.values())})
    path = lay_tracks(edit, tracks, folder / f"laid{edit.path.suffix}")
    companions = write_companions(edit, tracks, folder, "golden")
    return Laid(edit=edit, path=path, companions=companions, placed=placed)


def clips_of(laid: Laid, path: Path) -> dict[str, HeardClip]:
    return {clip.name: clip for clip in heard_clips(path)}


def test_each_clip_is_heard_as_long_as_its_shot_is_seen_and_nowhere_else(laid: Laid) -> None:
    for path in (laid.path, *laid.companions):
        clips = clips_of(laid, path)
        assert len(clips) == len(laid.edit.shots) == 14
        for shot in laid.edit.shots:
            begin, end = laid.span(shot)
            heard = mix_of([clips[shot.shot_id]], sample_at(laid.edit.frame_count, laid.edit.rate, RATE_HZ))
            assert np.abs(heard[:begin]).max(initial=0.0) < SILENCE
            assert np.abs(heard[end:]).max(initial=0.0) < SILENCE
            assert np.sqrt(np.mean(heard[begin:end] ** 2)) > 0.1


def test_what_is_heard_at_a_place_was_made_for_that_place(laid: Laid) -> None:
    clips = clips_of(laid, laid.path)
    for shot in laid.edit.shots:
        clip, file = clips[shot.shot_id], laid.placed[shot.shot_id].file
        whole = clip.sound()
        lead = clip.first - (file.samples(RATE_HZ)[0] - sample_at(laid.edit.start_frame, laid.edit.rate, RATE_HZ))
        middle = slice(clip.end - clip.first - 9000, clip.end - clip.first - 7000)
        expected = whole[lead:][middle]
        np.testing.assert_allclose(clip.samples(fades=False)[middle], expected, atol=2**-22)


def test_no_edge_is_a_step(laid: Laid) -> None:
    for path in (laid.path, *laid.companions):
        for clip in heard_clips(path):
            heard = clip.samples()
            assert max(abs(heard[0]), abs(heard[-1])) < STEP
            assert clip.fade_in_s > 0 and clip.fade_out_s > 0


def test_an_edge_that_is_dragged_out_goes_on_without_a_dip(laid: Laid) -> None:
    room_s = HANDLES / laid.edit.rate
    for clip in heard_clips(laid.path):
        dragged = clip.samples(head_s=room_s, tail_s=room_s, fades=False)
        edges = (clip.first - round((clip.start_s - room_s) * RATE_HZ), len(dragged) - round(room_s * RATE_HZ))
        for edge in edges:
            levels = [np.sqrt(np.mean(dragged[edge + at : edge + at + 480] ** 2)) for at in range(-2400, 2400, 480)]
            assert min(levels) > 0.2


def test_clips_of_one_track_never_touch_and_a_dissolve_is_crossed_on_two(laid: Laid) -> None:
    for path in (laid.path, *laid.companions):
        clips = heard_clips(path)
        for track in {clip.track for clip in clips}:
            own = sorted((clip for clip in clips if clip.track == track), key=lambda clip: clip.first)
            assert all(before.end < after.first for before, after in pairwise(own))
    rate = laid.edit.rate
    before, after = (clips_of(laid, laid.path)[shot] for shot in ("sh0100", "sh0110"))
    assert (after.start_s, before.start_s + before.length_s) == (258 / rate, 270 / rate)
    assert (before.fade_out_s, after.fade_in_s) == (12 / rate, 12 / rate)
    assert before.track != after.track


def test_short_fades_are_ten_milliseconds_where_time_is_finer_than_frames(laid: Laid) -> None:
    crossed = {"sh0100", "sh0110"}
    wanted = Fraction(1, 100) if laid.path.suffix == ".fcpxml" else 1 / laid.edit.rate
    plain = [clip for clip in heard_clips(laid.path) if clip.name not in crossed]
    assert {fade for clip in plain for fade in (clip.fade_in_s, clip.fade_out_s)} == {wanted}


# --- One edge in detail ---------------------------------------------------------------------------------------------


@pytest.fixture
def shot() -> Shot:
    """The third shot of the golden cut: twelve frames."""
    return edit_in("golden.otio", FIXTURES).shots[2]


def from_cut(shot: Shot, piece: Sound, before: int = 0) -> Sound:
    """Silence as long as the file of a shot, with a piece that begins `before` samples before the cut."""
    job = job_of(shot)
    sound = np.zeros(job.file.samples(SAMPLE_RATE_HZ)[1] + 1, np.float32)
    first = shot.record.samples(SAMPLE_RATE_HZ)[0] - job.file.samples(SAMPLE_RATE_HZ)[0] - before
    sound[first : first + len(piece)] = piece
    return sound


def test_an_onset_on_the_cut_or_just_behind_it_is_not_faded(shot: Shot, tmp_path: Path) -> None:
    hit = noise(4000, 1) * np.exp(-np.arange(4000) / 900).astype(np.float32)
    for delay, room in ((0, 0), (144, 144), (700, 480)):
        ringing = noise(2400 + delay, 2) / np.float32(75)
        clip = place(shot, from_cut(shot, np.concatenate([ringing, hit]), before=2400), tmp_path / str(delay))
        assert clip.fade_in.frames == 0
        assert abs(clip.fade_in.seconds * SAMPLE_RATE_HZ - room) <= 24


def test_a_silent_edge_has_no_fade(shot: Shot, tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(6000, np.float32), noise(3000, 1)])
    clip = place(shot, from_cut(shot, late), tmp_path)
    assert (clip.fade_in.seconds, clip.fade_in.frames) == (0, 0)
    assert (clip.fade_out.seconds, clip.fade_out.frames) == (0, 0)


def test_a_hit_that_began_before_the_cut_is_faded_in_its_middle(shot: Shot, tmp_path: Path) -> None:
    clip = place(shot, from_cut(shot, noise(9000, 3), before=1000), tmp_path)
    assert (clip.fade_in.frames, clip.fade_in.seconds) == (1, Fraction(1, 100))


def test_a_tail_is_heard_beyond_the_cut_only_when_a_person_asks(shot: Shot, tmp_path: Path) -> None:
    plain, longer, longest = (place(shot, None, tmp_path / str(n), tail_frames=n) for n in (0, 5, 40))
    assert plain.record == shot.record
    assert (longer.record.first, longer.record.end) == (shot.record.first, shot.record.end + 5)
    assert (longest.record.end, longest.tail_frames) == (shot.record.end + HANDLES, 0)


def test_a_shot_of_one_frame_has_no_fade_of_a_frame(shot: Shot, tmp_path: Path) -> None:
    single = replace(shot, record=replace(shot.record, count=1))
    clip = place(single, None, tmp_path)
    assert (clip.fade_in.frames, clip.fade_out.frames) == (0, 0)
    assert 0 < clip.fade_in.seconds <= clip.record.duration_s / 2


def test_a_shot_that_is_all_dissolve_has_no_short_fade_beside_it(shot: Shot, tmp_path: Path) -> None:
    whole = replace(shot, dissolve_in=shot.record)
    clip = place(whole, None, tmp_path)
    assert (clip.fade_in.frames, clip.fade_in.crossing, clip.fade_out.seconds) == (shot.record.count, True, 0)
    both = replace(shot, dissolve_in=shot.record, dissolve_out=shot.record)
    crossed = place(both, None, tmp_path / "both")
    assert crossed.fade_in.frames + crossed.fade_out.frames == shot.record.count

"""Delivered sound: exact samples, a place in time, safe peaks, and nobody's file overwritten."""

import errno
import os
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from pipeline.bwf import read_tag
from pipeline.clip_store import ClipStore
from pipeline.errors import OutputError
from pipeline.finish import deliver_take, limit_peaks, to_delivery_rate, write_bwf
from pipeline.records import ClipReceipt, FoleyClip
from tests.support.sounds import noise, stored

ONE_HOUR_AT_23_976 = 86_400 * 2002
KEY = "ab" * 32


def _take(folder: Path, samples: np.ndarray) -> ClipReceipt:
    return ClipStore(folder / "store").put(KEY, FoleyClip(samples=samples, sample_rate_hz=48_000))


@pytest.mark.parametrize("count", [0, 1, 2, 4801])
@pytest.mark.parametrize("channels", [1, 2])
def test_24_bit_samples_come_back_exactly(tmp_path: Path, count: int, channels: int) -> None:
    sound = noise(count, channels=channels, level=1.0)
    write_bwf(tmp_path / "a.wav", sound, 48_000, time_reference=0)
    assert np.array_equal(stored(tmp_path / "a.wav"), sound)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.samplerate, info.subtype, info.frames, info.channels) == (48_000, "PCM_24", count, channels)


def test_the_extremes_of_24_bits_are_exact_and_louder_is_clipped_not_wrapped(tmp_path: Path) -> None:
    step = 2.0**-23
    sound = np.array([-1, 1 - step, step, -step, 0, 1, 1.5, -7, 0.4 * step, 0.6 * step], np.float32)
    write_bwf(tmp_path / "a.wav", sound, 48_000, time_reference=0)
    expected = np.array([[-1, 1 - step, step, -step, 0, 1 - step, 1 - step, -1, 0, step]], np.float32)
    assert np.array_equal(stored(tmp_path / "a.wav"), expected)


def test_a_player_and_an_editor_read_the_place_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_bwf(path, noise(4800), 48_000, time_reference=ONE_HOUR_AT_23_976, description="Fu\u00df on gravel")
    with av.open(str(path)) as container:
        assert container.metadata["time_reference"] == "172972800"
        assert container.metadata["comment"] == "Fu\u00df on gravel"
        assert container.metadata["encoded_by"] == "Smooth-Foley"
        assert container.metadata["coding_history"].startswith("A=PCM,F=48000,W=24,M=mono,T=Smooth-Foley")
        assert container.streams.audio[0].codec_context.name == "pcm_s24le"
    with wave.open(str(path)) as plain:
        assert (plain.getnframes(), plain.getsampwidth()) == (4800, 3)


def test_a_sound_that_starts_before_midnight_starts_the_day_before(tmp_path: Path) -> None:
    write_bwf(tmp_path / "a.wav", noise(10), 48_000, time_reference=-960)
    tag = read_tag(tmp_path / "a.wav")
    assert tag is not None and tag.time_reference == 86_400 * 48_000 - 960


def test_a_long_description_is_cut_between_characters(tmp_path: Path) -> None:
    write_bwf(tmp_path / "a.wav", noise(10), 48_000, time_reference=0, description="x" + "\u96e8" * 200)
    tag = read_tag(tmp_path / "a.wav")
    assert tag is not None and tag.description == "x" + "\u96e8" * 85


def test_equal_sound_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_bwf(tmp_path / name, noise(480), 48_000, time_reference=7, description="d")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_written(tmp_path: Path, bad: float) -> None:
    with pytest.raises(OutputError, match="not numbers"):
        write_bwf(tmp_path / "a.wav", np.array([0, bad], np.float32), 48_000, time_reference=0)
    assert list(tmp_path.iterdir()) == []


def _full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bwf(tmp_path / "a.wav", noise(10), 48_000, time_reference=0)
    before = (tmp_path / "a.wav").read_bytes()
    monkeypatch.setattr(os, "fsync", _full_disk)
    with pytest.raises(OutputError, match=r"a\.wav cannot be written: the disk is full") as refused:
        write_bwf(tmp_path / "a.wav", noise(20), 48_000, time_reference=0)
    assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.wav": before}


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"a\.wav cannot be written"):
        write_bwf(tmp_path / "file" / "a.wav", noise(10), 48_000, time_reference=0)


def test_a_name_at_the_limit_of_the_disk_is_written(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * 251 + ".wav")
    write_bwf(longest, noise(10), 48_000, time_reference=0)
    with pytest.raises(OutputError, match="too long"):
        write_bwf(tmp_path / ("x" * 252 + ".wav"), noise(10), 48_000, time_reference=0)


def test_others_may_read_what_is_delivered(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_bwf(tmp_path / "a.wav", noise(10), 48_000, time_reference=0)
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_start_of_a_take_is_delivered_bit_for_bit(tmp_path: Path) -> None:
    sound = noise(4805, channels=2)
    take = _take(tmp_path, sound)
    out = tmp_path / "takes" / "s010_car_v001.wav"
    assert deliver_take(take, out, samples=4804, time_reference=12, description="car") == out
    assert np.array_equal(stored(out), sound[:, :4804])
    tag = read_tag(out)
    assert tag is not None and (tag.time_reference, tag.description) == (12, "car")


def test_delivering_again_changes_nothing_and_a_new_place_replaces(tmp_path: Path) -> None:
    take, out = _take(tmp_path, noise(480)), tmp_path / "takes" / "a.wav"
    deliver_take(take, out, samples=480, time_reference=0)
    os.utime(out, ns=(1, 1))
    deliver_take(take, out, samples=480, time_reference=0)
    assert out.stat().st_mtime_ns == 1
    deliver_take(take, out, samples=240, time_reference=9)
    tag = read_tag(out)
    assert tag is not None and tag.time_reference == 9
    assert stored(out).shape == (1, 240)


def test_a_foreign_file_is_never_overwritten(tmp_path: Path) -> None:
    take = _take(tmp_path, noise(480))
    (tmp_path / "takes").mkdir()
    for name, content in (("text.wav", b"my notes"), ("empty.wav", b""), ("riff.wav", b"RIFF\0\0\0\0WAVEbext")):
        foreign = tmp_path / "takes" / name
        foreign.write_bytes(content)
        with pytest.raises(OutputError, match="not a take of ours"):
            deliver_take(take, foreign, samples=480, time_reference=0)
        assert foreign.read_bytes() == content


def test_a_take_is_replaced_only_in_our_own_folder(tmp_path: Path) -> None:
    take, elsewhere = _take(tmp_path, noise(480)), tmp_path / "elsewhere" / "a.wav"
    deliver_take(take, elsewhere, samples=480, time_reference=0)
    deliver_take(take, elsewhere, samples=480, time_reference=0)
    with pytest.raises(OutputError, match="not a take of ours"):
        deliver_take(take, elsewhere, samples=480, time_reference=1)


def test_a_take_that_an_editor_changed_is_kept(tmp_path: Path) -> None:
    take, out = _take(tmp_path, noise(480)), tmp_path / "takes" / "a.wav"
    deliver_take(take, out, samples=480, time_reference=0)
    edited = bytearray(out.read_bytes())
    edited[-1] ^= 1
    out.write_bytes(edited)
    with pytest.raises(OutputError, match="was changed since"):
        deliver_take(take, out, samples=480, time_reference=0)
    assert out.read_bytes() == edited


def test_a_take_that_is_short_or_gone_is_refused(tmp_path: Path) -> None:
    take = _take(tmp_path, noise(480))
    with pytest.raises(OutputError, match="480 samples, fewer than the 481"):
        deliver_take(take, tmp_path / "a.wav", samples=481, time_reference=0)
    take.wav.unlink()
    with pytest.raises(OutputError, match="cannot be read"):
        deliver_take(take, tmp_path / "a.wav", samples=480, time_reference=0)


@pytest.mark.parametrize("count", [0, 1, 47_999, 48_000, 60_000])
def test_the_delivered_count_is_exact(count: int) -> None:
    sound = to_delivery_rate(noise(16_000)[0], 16_000, count)
    assert sound.shape == (count,) and sound.dtype == np.float32
    assert not sound[48_001:].any()


def test_an_empty_sound_is_silence() -> None:
    assert np.array_equal(to_delivery_rate(np.zeros(0, np.float32), 16_000, 100), np.zeros(100, np.float32))


def test_resampling_keeps_time_and_level_and_removes_the_mean() -> None:
    seconds = np.arange(16_000) / 16_000
    quiet = (0.01 * np.sin(2 * np.pi * 440 * seconds) + 0.05).astype(np.float32)
    sound = to_delivery_rate(quiet, 16_000, 48_000)
    expected = 0.01 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    assert np.abs(sound - expected)[500:-500].max() < 1e-5


def test_a_smaller_count_is_the_start_of_the_same_sound() -> None:
    loud = noise(16_000, level=1.0)[0]
    whole = to_delivery_rate(loud, 16_000, 48_000)
    assert np.array_equal(to_delivery_rate(loud, 16_000, 20_000), whole[:20_000])


def test_peaks_bend_under_the_ceiling_and_the_rest_is_untouched() -> None:
    sound = np.linspace(-4, 4, 80_001, dtype=np.float32)
    limited = limit_peaks(sound)
    quiet = np.abs(sound) <= 10 ** (-3 / 20)
    assert np.array_equal(limited[quiet], sound[quiet])
    assert np.abs(limited).max() <= 10 ** (-2 / 20) + 1e-6
    assert (np.diff(limited) >= 0).all()
    assert np.abs(np.diff(limited)).max() <= np.diff(sound).max() * 1.01


@pytest.mark.parametrize("frequency_hz", [110, 997, 3000, 5000])
def test_peaks_between_the_samples_stay_below_minus_one_decibel(frequency_hz: int) -> None:
    seconds = np.arange(16_000) / 16_000
    loud = (1.4 * np.sin(2 * np.pi * frequency_hz * seconds)).astype(np.float32)
    oversampled = soxr.resample(to_delivery_rate(loud, 16_000, 48_000), 48_000, 384_000, quality="VHQ")
    assert np.abs(oversampled[4000:-4000]).max() < 10 ** (-1 / 20)

"""The seam, second half: a receipt becomes a file at its place, of which the shot is heard and the handles are hidden.

file      [  head  |############ shot ############|  tail  ]
heard              [/##########################\\]           fades lie inside, dissolves reach over the cut
"""

from fractions import Fraction
from pathlib import Path

from flows.shot_job import CueJob, ShotJob, record_spans
from pipeline.edges import EdgeFit, edge_fits
from pipeline.finish import channels_of, deliver_take
from pipeline.records import SAMPLE_RATE_HZ, ClipReceipt
from timeline_io.edit import NO_FADE, Fade, PlacedClip, Shot
from timeline_io.frames import FrameSpan


def place_take(job: ShotJob, cue: CueJob, receipt: ClipReceipt, wav: Path) -> PlacedClip:
    """Write the take to `wav` with exactly the samples of the job's file span, and say what of it is heard where.

    The file's time reference is its first sample counted from midnight, so an editor can spot it to its place without
    the timeline. Raises OutputError when the file cannot be written.
    """
    first, count = job.file.samples(SAMPLE_RATE_HZ)
    deliver_take(
        receipt,
        wav,
        skip=round(job.lead_s * SAMPLE_RATE_HZ),
        samples=count,
        time_reference=first,
        description=f"{job.shot_id} {cue.spotted.label}",
    )
    heard = heard_span(job, cue)
    fade_in, fade_out = _fades(job.shot, heard, wav, first)
    return PlacedClip(
        name=wav.stem,
        wav=wav,
        record=heard,
        shot_id=job.shot_id,
        label=cue.spotted.label,
        cue_id=cue.cue_id,
        spans=sounding_spans(job, cue, receipt),
        head_frames=heard.first - job.file.first,
        tail_frames=job.file.end - heard.end,
        fade_in=fade_in,
        fade_out=fade_out,
        channels=channels_of(wav),
    )


def heard_span(job: ShotJob, cue: CueJob) -> FrameSpan:
    """Record frames in which a take is heard: as far as its shot is seen, and its tail where a person asked for one."""
    seen = job.shot.seen
    end = min(job.file.end, seen.end + cue.spotted.tail_frames)
    return FrameSpan(first=seen.first, count=end - seen.first, rate=seen.rate)


def sounding_spans(job: ShotJob, cue: CueJob, receipt: ClipReceipt) -> tuple[FrameSpan, ...]:
    """Where a take sounds, in record time: where a person told it to, else where it was heard."""
    told = cue.spotted.spans
    return record_spans(receipt.active_spans_s, job) if told is None else told


def _fades(shot: Shot, heard: FrameSpan, wav: Path, file_first: int) -> tuple[Fade, Fade]:
    """The fades of what is heard of a file that begins at sample `file_first`: over a dissolve, or else short."""
    first, count = heard.samples(SAMPLE_RATE_HZ)
    begin = first - file_first
    frame_samples = round(SAMPLE_RATE_HZ / heard.rate)
    fits = edge_fits(wav, (begin, begin + count), frame_samples)
    fade_in, fade_out = (_short(fit) for fit in fits)
    crossing_in, crossing_out = _crossings(shot, heard)
    if crossing_in:
        fade_in = _crossing(crossing_in, heard.rate)
    if crossing_out:
        fade_out = _crossing(crossing_out, heard.rate)
    return _fitting(fade_in, fade_out, heard.count, heard.rate)


def _crossings(shot: Shot, heard: FrameSpan) -> tuple[int, int]:
    """Frames over which a dissolve crosses the sound with that of the shots before and after; a sound that goes on
    beyond a dissolve does not end in it. Two dissolves that meet share what is heard."""
    lengths = [
        shot.dissolve_in.count if shot.dissolve_in else 0,
        shot.dissolve_out.count if shot.dissolve_out and shot.dissolve_out.end == heard.end else 0,
    ]
    together = sum(lengths)
    if together > heard.count:
        lengths = [length * heard.count // together for length in lengths]
    return lengths[0], lengths[1]


def _crossing(frames: int, rate: Fraction) -> Fade:
    return Fade(frames=frames, seconds=frames / rate, crossing=True)


def _short(fit: EdgeFit) -> Fade:
    return Fade(frames=int(fit.frame), seconds=Fraction(fit.samples, SAMPLE_RATE_HZ))


def _fitting(fade_in: Fade, fade_out: Fade, count: int, rate: Fraction) -> tuple[Fade, Fade]:
    """Both fades, without a short one for which a clip of `count` frames has no room beside the other."""
    if fade_in.crossing or fade_out.crossing:
        both_fit = fade_in.seconds + fade_out.seconds <= count / rate and fade_in.frames + fade_out.frames <= count
        return (fade_in, fade_out) if both_fit else (_only_crossing(fade_in), _only_crossing(fade_out))
    if fade_in.frames + fade_out.frames <= count:
        return fade_in, fade_out
    return Fade(seconds=fade_in.seconds), Fade(seconds=fade_out.seconds)


def _only_crossing(fade: Fade) -> Fade:
    return fade if fade.crossing else NO_FADE

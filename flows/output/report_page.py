"""report.html: one page that shows every shot with its state, its sounds and why, and plays them. It asks nothing of
the network, and everything that came from the edit is escaped."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from flows.records import CueReport, PassReport, ShotReport, ShotState
from pipeline.weights.registry import ModelCard
from timeline_io.frames import timecode

_ASKED_BY = {"sheet": "from the cue sheet", "note": "from a note", "name": "from the clip's name"}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --sound: #2f7d5b; --bad: #b3372f; --idle: #8a8a8a; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h1 small { font-weight: normal; opacity: .7; }
.note { border-left: 4px solid var(--bad); background: var(--soft); padding: .4rem .8rem; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.state { font-weight: 600; } .failed { color: var(--bad); } .silent, .skipped { color: var(--idle); }
.made, .cached { color: var(--sound); } .why { opacity: .75; font-size: .9em; }
audio { height: 2rem; width: 16rem; display: block; } svg { display: block; width: 16rem; height: 14px; }
img { display: block; max-width: 100%; margin-top: .4rem; }
svg .take { fill: var(--line); } svg .on { fill: var(--sound); } video { max-width: 100%; }
"""


def report_page(report: PassReport, card: ModelCard) -> str:
    """The page as HTML text; links are relative to the output folder, so the folder may be moved."""
    body = [
        f"<h1>{escape(report.edit_name)} <small>Foley: {escape(report.summary)}</small></h1>",
        *(f'<p class="note">{escape(warning)}</p>' for warning in report.warnings),
        _facts(report, card),
        f"<p>After laying: {escape(report.after_laying)}</p>" if report.after_laying else "",
        _preview(report),
        "<table><thead><tr><th>Shot</th><th>At</th><th>State</th><th>Sounds</th></tr></thead><tbody>",
        *(_row(shot, report) for shot in report.shots),
        "</tbody></table>",
    ]
    title = f"Foley for {escape(report.edit_name)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, body)) + "\n</body></html>\n"
    )


def _facts(report: PassReport, card: ModelCard) -> str:
    laid, outputs = report.outputs.edit, report.outputs
    alone = ", ".join(f'<a href="{_link(path, report)}">{escape(path.name)}</a>' for path in outputs.companions)
    if laid:
        where = f'New edit: <a href="{_link(laid, report)}">{escape(laid.name)}</a>, and the new tracks alone: {alone},'
    else:
        where = f"The new tracks alone: {alone}," if alone else "No new edit was written"
    tracks = f" with the tracks {escape(', '.join(report.tracks))}" if report.tracks else ""
    model = f"{escape(card.title)} ({escape(card.licence)}){_computed(report)}"
    return f"<p>{where}{tracks}. Model: {model}. Made in {report.seconds} s.</p>"


def _computed(report: PassReport) -> str:
    return f", computed in {escape(report.number_format)}" if report.number_format else ""


def _preview(report: PassReport) -> str:
    film = report.outputs.preview
    return f'<p><video controls preload="metadata" src="{_link(film, report)}"></video></p>' if film else ""


def _row(shot: ShotReport, report: PassReport) -> str:
    state = escape(shot.state)
    why = f'<div class="why">{escape(shot.reason)}</div>' if shot.reason else ""
    cues = "".join(_cue(cue, report) for cue in shot.cues) + _picture(shot, report)
    return (
        f"<tr><td><b>{escape(shot.shot_id)}</b><div>{escape(shot.name)}</div></td>"
        f'<td class="number">{_place(shot, report)}</td>'
        f'<td><span class="state {state}">{state}</span>{why}</td><td>{cues}</td></tr>'
    )


def _picture(shot: ShotReport, report: PassReport) -> str:
    """What was seen and made, of a shot that a person should look at."""
    if shot.picture is None:
        return ""
    words = "pictures of the shot, how surely its sound was seen over time, and the spectrogram of the take"
    file = _link(shot.picture, report)
    return f'<a href="{file}"><img src="{file}" alt="{escape(shot.shot_id)}: {words}" loading="lazy"></a>'


def _place(shot: ShotReport, report: PassReport) -> str:
    if shot.state is ShotState.SKIPPED and not shot.frame_count:
        return ""
    return (
        f"{timecode(shot.first_frame, report.rate, report.drop_frame)}<br>{float(shot.frame_count / report.rate):.2f} s"
    )


def _cue(cue: CueReport, report: PassReport) -> str:
    why = f"{_ASKED_BY.get(cue.source, 'heard by CLIP')}, confidence {cue.confidence:.2f}"
    warning = f"; {escape(cue.warning)}" if cue.warning else ""
    take = ", ".join(filter(None, (f"take {cue.take}", cue.verdict, "" if cue.laid else "not on the timeline")))
    small = f'<span class="why">{escape(cue.category)}, {why}; {escape(take)}; seed {cue.seed}{warning}</span>'
    head = f"<div>{escape(cue.label)} {small}</div>"
    if cue.wav is None:
        return head
    player = _link(cue.player or cue.wav, report)
    return f'{head}<audio controls preload="none" src="{player}"></audio>{_spans(cue, report)}'


def _spans(cue: CueReport, report: PassReport) -> str:
    """A bar as long as what is heard of the take, with the stretches where the sound was found, or told to be."""
    total = float(cue.laid_count / report.rate) or 1.0
    spans = cue.heard_spans if cue.told_spans is None else cue.told_spans
    spans_s = [(float((s.first - cue.laid_first) / report.rate), float(s.duration_s)) for s in spans]
    on = "".join(_bar("on", 100 * start / total, 100 * length / total) for start, length in spans_s)
    heard = _spoken((start, start + length) for start, length in spans_s)
    return (
        f'<svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="sounds {heard}">'
        f"<title>sounds {heard}</title>{_bar('take', 0, 100)}{on}</svg>"
    )


def _bar(kind: str, left: float, width: float) -> str:
    return f'<rect class="{kind}" x="{left:.2f}" y="0" width="{max(width, 0.3):.2f}" height="8"/>'


def _spoken(spans: Iterable[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in spans) or "nowhere"


def _link(file: Path | None, report: PassReport) -> str:
    return escape(quote(file.relative_to(report.outputs.folder).as_posix())) if file else ""

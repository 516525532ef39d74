"""The report of an edit as Markdown for a page of the server: counts, model, speed, and the worst shots with pictures.

The names in it come from an edit and may hold anything, so nothing of them is taken for Markdown or HTML.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from flows.planning.plan import PassPlan
from flows.records import PassReport, ShotReport
from flows.watching.remaining import duration
from flows.watching.shot_rows import Row, problem_of, row_of, worst_first
from pipeline.settings import Settings
from pipeline.weights.registry import ModelCard

_WORST = 10
_MOST_EDITS = 500
_LONGEST_WHY = 500
_MOST_INLINE_BYTES = 400_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")
_COLUMNS = ("state", "shot", "label", "confidence", "seconds", "why")

# A file of an output folder -> its URL, or "" when no server shows it.
UrlOf = Callable[[Path, Path], str]


def no_url(folder: Path, file: Path) -> str:
    """Nothing shows the files."""
    return ""


def pass_page(report: PassReport, plan: PassPlan, url_of: UrlOf = no_url) -> str:
    """The page of a finished edit."""
    worst = [shot for shot in worst_first(report.shots)[:_WORST] if problem_of(shot)]
    parts = [
        f"# {plain(report.edit_name[:_LONGEST_WHY])}: {plain(report.summary)}",
        *(f"> {plain(warning)}" for warning in report.warnings),
        _links(report, url_of),
        _facts(report, plan),
    ]
    if worst:
        parts += ["## What to look at first", *_worst(worst, report, url_of)]
    return "\n\n".join(filter(None, parts)) + "\n"


def night_page(rows: Sequence[Row], reports: Mapping[str, str]) -> str:
    """The edits of a night as a table; `reports` are the addresses of their reports, by the edits' names."""
    columns = list(rows[0]) if rows else []
    lines = [[_cell(column, row[column], reports) for column in columns] for row in rows[:_MOST_EDITS]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [columns, ["---"] * len(columns), *lines]) + "\n"


def _cell(column: str, text: str, reports: Mapping[str, str]) -> str:
    """A cell of the table of edits; the name of an edit leads to its report, where something shows it."""
    address = reports.get(text, "") if column == "edit" else ""
    return f"[{plain(text)}]({address})" if address.startswith("http") else plain(text)


def link_line(file: Path | None, report: PassReport, url_of: UrlOf, words: str) -> str:
    """A link to a file, where something shows it, and where it lies: an editor wants to open it, not to look at it."""
    if file is None:
        return ""
    url = url_of(report.outputs.folder, file)
    name = plain(file.name)
    return f"{words}: {f'[{name}]({url})' if url else name}, in {plain(str(file.parent))}"


def licence_in_words(card: ModelCard) -> str:
    """The licence of a model, and whether it allows commercial use."""
    return f"{card.licence}, {'no commercial use' if card.non_commercial else 'commercial use allowed'}"


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _links(report: PassReport, url_of: UrlOf) -> str:
    outputs = report.outputs
    files = {"New edit": outputs.edit, "Report with players": outputs.report, "Preview": outputs.preview}
    lines = [link_line(file, report, url_of, words) for words, file in files.items()]
    return "\n".join(f"- {line}" for line in lines if line)


def _facts(report: PassReport, plan: PassPlan) -> str:
    shots = sum(report.counts.values())
    sound_s = sum(cue.seconds for shot in report.shots for cue in shot.cues)
    facts = {
        "Shots": ", ".join(f"{count} {state}" for state, count in report.counts.items() if count),
        "Took": f"{duration(report.seconds)}{_throughput(shots, sound_s, report.seconds)}",
        "Model": f"{plan.card.title} ({plan.card.name}), computed in {plan.studio.number_format}",
        "Licence": licence_in_words(plan.card),
        "Device": plan.studio.device,
        "Seed, takes": f"{plan.options.seed}, {plan.options.takes} of each cue",
        "Settings": _changed(plan.studio.settings, plan.card.settings),
    }
    return "\n".join(f"- {name}: {plain(value)}" for name, value in facts.items())


def _throughput(shots: int, sound_s: float, seconds: float) -> str:
    if seconds < 1:
        return ""
    return f": {60 * shots / seconds:.1f} shots a minute, {sound_s / seconds:.2f} s of sound a second"


def _changed(settings: Settings, usual: Settings) -> str:
    before = asdict(usual)
    changed = [f"{name} {value}" for name, value in asdict(settings).items() if value != before[name]]
    return f"{', '.join(changed) or 'those of the model'} (digest {settings.digest()})"


def _worst(worst: Iterable[ShotReport], report: PassReport, url_of: UrlOf) -> Iterator[str]:
    """The worst shots in words, each with its picture. Without a server to show them the pictures lie in the page
    itself, as far as they go."""
    room = _MOST_INLINE_BYTES
    for shot in worst:
        row = row_of(shot)
        sound = f"{row['label']}, confidence {row['confidence']}" if row["confidence"] else row["label"]
        why = ": ".join(filter(None, (sound, shot.reason or row["why"])))
        name, why = plain(shot.name[:_LONGEST_WHY]), plain(why[:_LONGEST_WHY])
        yield f"**{plain(shot.shot_id)}** {name}, {row['state']}: {why}"
        picture = shot.picture
        if picture is None or not picture.is_file():
            continue
        source = url_of(report.outputs.folder, picture)
        if not source and picture.stat().st_size <= room:
            room -= picture.stat().st_size
            source = _inline(picture)
        if source:
            yield f"![{plain(shot.shot_id)}]({source})"


def _inline(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"

"""Results: systems down, measures across, each cell a value with its interval; as Markdown for people, JSON for tools.

Rows and columns keep the order they are given in, so that two runs differ only where their numbers do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.evaluation.bootstrap import Interval

_SCHEMA = 1
_UNDEFINED = "-"
_ARROWS = {True: " ↑", False: " ↓", None: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column: its key in JSON, its heading, its unit, how many digits are worth reading, which way is better."""

    key: str
    title: str
    unit: str = ""
    digits: int = 3
    higher_is_better: bool | None = None

    @property
    def heading(self) -> str:
        """Title with unit, and an arrow that points to the better end."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit}{_ARROWS[self.higher_is_better]}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SystemResult:
    """A row: a system and its cells by measure key; a measure that was not taken has no cell."""

    system: str
    cells: Mapping[str, Interval]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResultsTable:
    """Measures, rows and what they were measured on; raises ValueError for a key or system named twice or unknown."""

    title: str
    clips: int
    measures: tuple[Measure, ...]
    rows: tuple[SystemResult, ...]

    def __post_init__(self) -> None:
        keys = [measure.key for measure in self.measures]
        _check_unique(keys, "measure")
        _check_unique([row.system for row in self.rows], "system")
        for row in self.rows:
            unknown = sorted(set(row.cells) - set(keys))
            if unknown:
                raise ValueError(f"{row.system} has cells for measures that are not in the table: {', '.join(unknown)}")


def to_markdown(table: ResultsTable) -> str:
    """The table as Markdown, ending in a line feed; an undefined or missing value is a dash."""
    head = ["System", *(measure.heading for measure in table.measures)]
    body = [[row.system, *(_cell(row, measure) for measure in table.measures)] for row in table.rows]
    rule = ["---", *("---:" for _ in table.measures)]
    lines = [_line(cells) for cells in (head, rule, *body)]
    return "\n".join([f"**{table.title}** ({table.clips} clips)", "", *lines, ""])


def to_json(table: ResultsTable) -> str:
    """The table as JSON with full precision, ending in a line feed; NaN is null, infinity raises ValueError."""
    document = {
        "schema": _SCHEMA,
        "title": table.title,
        "clips": table.clips,
        "measures": [
            {"key": m.key, "title": m.title, "unit": m.unit, "higher_is_better": m.higher_is_better}
            for m in table.measures
        ],
        "systems": [{"system": row.system, "results": _json_cells(row, table.measures)} for row in table.rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def format_interval(interval: Interval, digits: int, *, signed: bool = False) -> str:
    """`0.926 [0.910, 0.941]`; without bounds the value alone; a dash for NaN; `signed` shows a plus."""
    if math.isnan(interval.value):
        return _UNDEFINED
    sign = "+" if signed else ""
    value, low, high = (f"{number:{sign}.{digits}f}" for number in (interval.value, interval.low, interval.high))
    return value if math.isnan(interval.low) or math.isnan(interval.high) else f"{value} [{low}, {high}]"


def _check_unique(names: list[str], kind: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the table names a {kind} twice: {', '.join(twice)}")


def _cell(row: SystemResult, measure: Measure) -> str:
    interval = row.cells.get(measure.key)
    return _UNDEFINED if interval is None else format_interval(interval, measure.digits)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _json_cells(row: SystemResult, measures: tuple[Measure, ...]) -> dict[str, dict[str, float | None] | None]:
    return {m.key: _json_interval(row.cells[m.key]) if m.key in row.cells else None for m in measures}


def _json_interval(interval: Interval) -> dict[str, float | None]:
    return {"value": _or_null(interval.value), "low": _or_null(interval.low), "high": _or_null(interval.high)}


def _or_null(number: float) -> float | None:
    return None if math.isnan(number) else number

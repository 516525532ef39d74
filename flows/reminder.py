"""What was told lately: an inbox that is looked into every few minutes runs into the same broken edit each time.

A file in the night's output folder holds a digest of each thing that was told, and when.
"""

import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from flows.orders import Outcome
from flows.records import ShotState
from timeline_io.errors import LayingError
from timeline_io.files import digest_of, write_atomically

log = logging.getLogger(__name__)

TOLD_NAME = ".foley-night-told.json"


def news_of(outcomes: Iterable[Outcome], error: Exception | None = None) -> list[str]:
    """What there is to tell of a night: what became of each edit that was not left as it is, and what ended it all."""
    return [_news(outcome) for outcome in outcomes if not outcome.unchanged] + [str(error)] * bool(error)


def told_lately(out: Path, news: Iterable[str], hours: float) -> bool:
    """Whether each of these was told by a night into `out` within the last hours. If not, all of them are told now.

    Only what is still so is remembered: what comes back after it was mended is news. Where nothing can be kept, all is.
    """
    now = time.time()
    wanted = {digest_of(line.encode()) for line in news}
    lately = {line: at for line, at in _told(out).items() if line in wanted and 0 <= now - at < hours * 3600}
    is_old = lately.keys() == wanted
    _keep(out, lately if is_old else dict.fromkeys(wanted, now))
    return is_old


def _news(outcome: Outcome) -> str:
    shots = outcome.report.shots if outcome.report else ()
    failed = [f"{shot.shot_id} {shot.reason}" for shot in shots if shot.state is ShotState.FAILED]
    # What was made in one look is cached in the next, so a count of shots would be news once more.
    return "\n".join((str(outcome.edit), _changed(outcome.edit), *(failed or [outcome.how_it_ended])))


def _changed(edit: Path) -> str:
    try:
        return str(edit.stat().st_mtime_ns)
    except OSError:
        return ""


def _told(out: Path) -> dict[str, float]:
    try:
        told = json.loads((out / TOLD_NAME).read_bytes())["told"]
        return {str(line): float(at) for line, at in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(out: Path, told: dict[str, float]) -> None:
    try:
        if told:
            write_atomically(out / TOLD_NAME, json.dumps({"told": told}, indent=1).encode())
        else:
            (out / TOLD_NAME).unlink(missing_ok=True)
    except (LayingError, OSError) as error:
        log.warning("what was told is told again: %s", error)

"""A night's work: which edits there are, when it is over, which of them need nothing, how it went."""

import hashlib
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import OutputFolderError, SettingError
from flows.options import NightOptions, PassOptions
from flows.orders import Order, Outcome
from flows.output.delivery import MANIFEST_NAME, manifest_of, rows_of
from flows.places import edit_name
from flows.planning.plan import PassPlan
from flows.records import ExitCode, counted
from flows.studio.watch import REVIVED
from timeline_io.formats import EDIT_SUFFIXES

if TYPE_CHECKING:
    from prefect import State

log = logging.getLogger(__name__)

# An edit that is still being copied into the inbox is for the next time.
_SETTLED_S = 20.0
# How, not what: these options change nothing of what comes out.
_HOW = {"out", "store", "device", "isolate", "dask", "workers", "patience_s", "offload", "compiled"}


def orders_of(night: NightOptions) -> list[Order]:
    """An order per edit, each with an output folder of its own, those that are listed first.

    Raises SettingError when there is no inbox, or nothing to do was named.
    """
    _require_edits(night)
    found = list(night.edits)
    if night.inbox is not None:
        found += [path for path in _edits_in(night.inbox) if _is_settled(path)]
    # One edit that is named twice is still one.
    found = [Path(edit) for edit in dict.fromkeys(map(os.path.abspath, found))]
    names = Counter(edit_name(edit).casefold() for edit in found)
    shared = dict(night.options)
    return [Order(edit=edit, options=PassOptions(**shared, out=night.out / _folder(edit, names))) for edit in found]


def left_for_later(night: NightOptions) -> list[Path]:
    """Edits of the inbox that changed a moment ago: somebody may still be copying them there.

    Raises SettingError as `orders_of` does.
    """
    _require_edits(night)
    return [path for path in _edits_in(night.inbox) if not _is_settled(path)] if night.inbox else []


def _require_edits(night: NightOptions) -> None:
    if night.inbox is None and not night.edits:
        raise SettingError("a night needs edits: name an inbox folder, or edits one by one")


def place_of(night: NightOptions) -> Path:
    """The folder that names the show: the inbox, else where all the edits lie, else where everything is written."""
    folders = {edit.parent for edit in night.edits}
    return night.inbox or (folders.pop() if len(folders) == 1 else night.out)


def _folder(edit: Path, names: Counter[str]) -> str:
    """A name for its output that stays the same when other edits come and go, unless they share its stem."""
    if names[edit_name(edit).casefold()] == 1:
        return f"{edit_name(edit)}_foley"
    which = hashlib.sha256(str(edit).encode()).hexdigest()[:6]
    return f"{edit.stem}{edit.suffix.replace('.', '_')}_{which}_foley"


def _edits_in(inbox: Path) -> list[Path]:
    """The edits in a folder and those below, by name; not what is hidden or written by us."""
    if not inbox.is_dir():
        raise SettingError(f"the inbox {inbox} is not there: name a folder that is")
    return sorted(_candidates(inbox))


def _candidates(inbox: Path) -> Iterator[Path]:
    """Whatever is called like an edit. A bundle (.otiod) is a folder, and what is in it is no edit."""
    ours = _written_into(inbox)
    for where, folders, files in os.walk(inbox, onerror=_told_of):
        visible = {name: Path(where, name) for name in (*folders, *files) if not name.startswith(".")}
        there = {name: path for name, path in visible.items() if path not in ours}
        edits = {name for name, path in there.items() if path.suffix.lower() in EDIT_SUFFIXES}
        yield from map(there.__getitem__, edits)
        below = there.keys() & set(folders) - edits
        folders[:] = [name for name in below if not os.path.lexists(there[name] / MANIFEST_NAME)]


def _written_into(inbox: Path) -> set[Path]:
    """What a pass wrote straight into the inbox: the edits beside it are still edits."""
    manifest = manifest_of(inbox)
    return {inbox / name.split("/")[0] for kind in ("files", "writing") for name in manifest.get(kind, ())}


def _told_of(error: OSError) -> None:
    log.warning("%s cannot be looked into (%s): no edit in it gets sound", error.filename, error.strerror)


def _is_settled(path: Path) -> bool:
    """Whether nobody writes it any more, as far as its time of change tells; one that is gone again is not."""
    try:
        return abs(time.time() - path.stat().st_mtime) >= _SETTLED_S
    except OSError:
        return False


def ends_at(until: str | None, now: datetime) -> datetime | None:
    """The moment when the local time `until` ("07:00") next comes after `now`, a local time; None for no end."""
    if until is None:
        return None
    hour, minute = map(int, until.split(":"))
    end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if end <= now:
        end += timedelta(days=1)
    # As a moment: a clock that is set back at night does not open a night again that was over.
    return datetime.fromtimestamp(end.timestamp(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """When a night was asked for, and whether it was begun since: then the studio only goes on with it."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun: bool = False

    @property
    def local(self) -> datetime:
        """The moment by this machine's clock."""
        return datetime.fromtimestamp(self.moment.timestamp())


def last_asked(states: Iterable["State[Any]"]) -> Asked:
    """When the run that has had these states was last asked for: by a schedule, for a time of its own, or by a person
    who began it or pressed Retry. A studio that begins one again after a crash or its own end asks for nothing new."""
    asked, ran, was_final = Asked(), False, True
    for state in sorted(states, key=lambda state: state.timestamp):
        if state.is_scheduled() and was_final and state.name != REVIVED:
            asked, ran = Asked(moment=state.state_details.scheduled_time or state.timestamp), False
        elif state.is_scheduled():
            asked = replace(asked, begun=ran)
        ran, was_final = ran or state.is_running(), state.is_final()
    return asked


def deadline(end: datetime | None) -> Callable[[], bool]:
    """A function that says whether this moment has come."""
    return lambda: end is not None and datetime.now(UTC) >= end


def left_as_it_is(plan: PassPlan) -> bool:
    """Whether the output folder holds what this plan would write, none of it failed, so nothing has to be touched."""
    if plan.to_do:
        return False
    try:
        found = manifest_of(plan.folder)
    except OutputFolderError:
        return False
    same = found.get("asked") == asked(plan) and found.get("counts", {}).get("failed") == 0
    # Media may have become what it was before an earlier night: its takes are there, but they were not the last laid.
    wanted = {cue.request.key() for heard in plan.known.values() for cue in heard.cues}
    laid = {cue.get("key") for _, cues in rows_of(found) for cue in cues}
    return same and wanted <= laid and all((plan.folder / name).exists() for name in found.get("files", {}))


def asked(plan: PassPlan) -> str:
    """A digest of everything that decides what a pass writes, but for the media, which decide the takes."""
    options = plan.options
    told = {name: value for name, value in options.model_dump(mode="json").items() if name not in _HOW}
    sheet = hashlib.sha256(options.labels.read_bytes()).hexdigest() if options.labels else None
    facts = [told, sheet, plan.edit.digest, plan.studio.model_digest, plan.studio.settings_digest]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a night went: the name of its state, a sentence, whether nothing at all was made, the exit code."""

    name: str
    text: str
    failed: bool
    exit_code: int

    @property
    def again(self) -> "Ending":
        """The same, for who was told of its failures already."""
        return replace(self, name="StillFailing") if self.name in ("Failed", "CompletedWithFailures") else self


def ended_by(error: Exception | None) -> Ending:
    """A night that came to no edit at all."""
    return Ending(name="Failed", text=str(error), failed=True, exit_code=ExitCode.NOTHING_MADE)


def sum_up(outcomes: Sequence[Outcome]) -> Ending:
    """All outcomes in a word and a sentence that a person can act on; the edits that need a person are named."""
    if not outcomes:
        return Ending(name="NothingToDo", text="no edit is there", failed=False, exit_code=ExitCode.ALL_MADE)
    codes = [ExitCode.ALL_MADE if outcome.needs_nobody else outcome.exit_code for outcome in outcomes]
    unfinished = [outcome for outcome in outcomes if not outcome.report and not outcome.error and not outcome.unchanged]
    problems = [outcome for outcome in outcomes if not outcome.needs_nobody and outcome not in unfinished]
    unchanged = sum(outcome.unchanged for outcome in outcomes)
    parts = [counted(len(outcomes), "edit"), f"{codes.count(ExitCode.ALL_MADE) - unchanged} finished"]
    parts += [f"{unchanged} unchanged"] * bool(unchanged)
    parts += [f"{len(unfinished)} to be continued"] * bool(unfinished)
    parts += [f"{len(problems)} with failures ({_named(problems)})"] * bool(problems)
    text = ", ".join(parts)
    if all(code == ExitCode.NOTHING_MADE for code in codes) and not unfinished:
        return Ending(name="Failed", text=text, failed=True, exit_code=ExitCode.NOTHING_MADE)
    # "Completed" is told to who wants to hear of success: not every look into an inbox where nothing is new.
    done = "NothingToDo" if unchanged == len(outcomes) else "Completed"
    name = "CompletedWithFailures" if problems else "ToBeContinued" if unfinished else done
    code = ExitCode.SOME_FAILED if problems or unfinished else ExitCode.ALL_MADE
    return Ending(name=name, text=text, failed=False, exit_code=code)


def _named(outcomes: Sequence[Outcome]) -> str:
    more = len(outcomes) - 3
    return "; ".join(outcome.in_words for outcome in outcomes[:3]) + (f"; and {more} more" if more > 0 else "")

"""A night's work: which edits there are, when it is over, which of them need nothing, how it went."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flows.errors import OutputFolderError, SettingError
from flows.options import NightOptions, PassOptions
from flows.orders import Order, Outcome
from flows.output.delivery import MANIFEST_NAME, manifest_of
from flows.planning.plan import PassPlan
from flows.records import ExitCode
from timeline_io.read import EDIT_SUFFIXES

# An edit that is still being copied into the inbox is for the next time.
_SETTLED_S = 20.0
# How, not what: these options change nothing of what comes out.
_HOW = {"out", "store", "device", "isolate", "dask", "workers", "patience_s", "offload", "compiled"}


def orders_of(night: NightOptions) -> list[Order]:
    """An order per edit, each with an output folder of its own, those that are listed first.

    Raises SettingError when there is no inbox, or nothing to do was named.
    """
    if night.inbox is None and not night.edits:
        raise SettingError("a night needs edits: name an inbox folder, or edits one by one")
    found = [edit.expanduser().absolute() for edit in night.edits]
    if night.inbox is not None:
        found += [edit for edit in _edits_in(night.inbox.expanduser().absolute()) if edit not in found]
    names = Counter(edit.stem for edit in found)
    shared, out = dict(night.options), night.out.absolute()
    return [Order(edit=edit, options=PassOptions(**shared, out=out / _folder(edit, names))) for edit in found]


def _folder(edit: Path, names: Counter[str]) -> str:
    """A name for its output that stays the same when other edits come and go, unless they share its stem."""
    if names[edit.stem] == 1:
        return f"{edit.stem}_foley"
    which = hashlib.sha256(str(edit).encode()).hexdigest()[:6]
    return f"{edit.stem}{edit.suffix.replace('.', '_')}_{which}_foley"


def _edits_in(inbox: Path) -> list[Path]:
    """The edits in a folder and those below, by name; not what is hidden, half copied, or written by us."""
    if not inbox.is_dir():
        raise SettingError(f"the inbox {inbox} is not there: name a folder that is")
    ours = {manifest.parent for manifest in inbox.rglob(MANIFEST_NAME)}
    newest = time.time() - _SETTLED_S
    return sorted(
        path
        for path in inbox.rglob("*")
        if path.suffix.lower() in EDIT_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(inbox).parts)
        and not ours.intersection(path.parents)
        and not any(parent.suffix.lower() in EDIT_SUFFIXES for parent in _between(path, inbox))
        and path.stat().st_mtime <= newest
    )


def _between(path: Path, inbox: Path) -> Iterable[Path]:
    """The folders that hold `path` below the inbox: a bundle (.otiod) is a folder, and what is in it is no edit."""
    return (parent for parent in path.parents if parent != inbox and inbox in parent.parents)


def deadline(until: str | None, now: datetime) -> Callable[[], bool]:
    """A function that says whether the local time `until` ("07:00"), next to come after `now`, has come."""
    if until is None:
        return lambda: False
    hour, minute = map(int, until.split(":"))
    end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if end <= now:
        end += timedelta(days=1)
    return lambda: datetime.now() >= end


def left_as_it_is(plan: PassPlan) -> bool:
    """Whether the output folder holds what this plan would write, all of it made, so that nothing has to be touched."""
    if plan.to_do:
        return False
    try:
        found = manifest_of(plan.folder)
    except OutputFolderError:
        return False
    same = found.get("asked") == asked(plan) and found.get("exit_code") == ExitCode.ALL_MADE
    return same and all((plan.folder / name).exists() for name in found.get("files", {}))


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


def sum_up(outcomes: Sequence[Outcome]) -> Ending:
    """All outcomes in a word and a sentence that a person can act on; the edits that need a person are named."""
    if not outcomes:
        return Ending(name="NothingToDo", text="no edit is there", failed=False, exit_code=ExitCode.ALL_MADE)
    codes = [outcome.exit_code for outcome in outcomes]
    unfinished = [outcome for outcome in outcomes if not outcome.report and not outcome.error and not outcome.unchanged]
    problems = [outcome for outcome in outcomes if outcome.exit_code != ExitCode.ALL_MADE and outcome not in unfinished]
    unchanged = sum(outcome.unchanged for outcome in outcomes)
    parts = [f"{len(outcomes)} edits", f"{codes.count(ExitCode.ALL_MADE) - unchanged} finished"]
    parts += [f"{unchanged} unchanged"] * bool(unchanged)
    parts += [f"{len(unfinished)} to be continued"] * bool(unfinished)
    parts += [f"{len(problems)} with failures ({_named(problems)})"] * bool(problems)
    text = ", ".join(parts)
    if all(code == ExitCode.NOTHING_MADE for code in codes) and not unfinished:
        return Ending(name="Failed", text=text, failed=True, exit_code=ExitCode.NOTHING_MADE)
    name = "CompletedWithFailures" if problems else "ToBeContinued" if unfinished else "Completed"
    code = ExitCode.SOME_FAILED if problems or unfinished else ExitCode.ALL_MADE
    return Ending(name=name, text=text, failed=False, exit_code=code)


def _named(outcomes: Sequence[Outcome]) -> str:
    more = len(outcomes) - 3
    return "; ".join(outcome.in_words for outcome in outcomes[:3]) + (f"; and {more} more" if more > 0 else "")

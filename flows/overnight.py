"""Many edits in one night, as a Prefect flow: a stand-in that makes one pass after the other.

No `from __future__ import annotations` here: Prefect reads the annotations to build a deployment's form.
"""

from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.foley_pass import foley_pass
from flows.options import NightOptions

_EDITS = (".otio", ".otioz", ".xml", ".fcpxml", ".aaf", ".edl")


@flow(name="overnight", persist_result=False)
def overnight(night: NightOptions) -> State[Any]:
    """Make Foley for every edit of a folder or a list.

    Args:
        night: which edits, where to write, how long to work, and the options all edits share
    """
    states = [_pass(edit, night) for edit in _edits(night)]
    failed = [state for state in states if not state.is_completed()]
    if failed and len(failed) == len(states):
        return Failed(message=f"none of {len(states)} edits has tracks: {failed[0].message}")
    partly = failed or [state for state in states if state.name == "CompletedWithFailures"]
    return Completed(name="CompletedWithFailures" if partly else "Completed", message=f"{len(states)} edits")


def _edits(night: NightOptions) -> list[Path]:
    found = [path for path in sorted(night.inbox.iterdir()) if path.suffix.lower() in _EDITS] if night.inbox else []
    return [*night.edits, *found]


def _pass(edit: Path, night: NightOptions) -> State[Any]:
    options = night.options.model_copy(update={"out": night.out / edit.stem})
    return foley_pass(edit, options, return_state=True)

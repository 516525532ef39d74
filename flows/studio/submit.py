"""Hands a pass or a night to the studio, whose workers do it. The caller has connected to a server (reach.py)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.errors import StudioError
from flows.night import place_of
from flows.options import NightOptions, PassOptions
from flows.studio.pools import DEPLOYMENT

_PASS, _NIGHT = f"foley-pass/{DEPLOYMENT}", f"overnight/{DEPLOYMENT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A run that waits for a worker: its id, and the address of its page."""

    run_id: str
    url: str


def submit_pass(edit: Path, options: PassOptions) -> Submitted:
    """Have a worker of the studio make an edit's sounds. Raises StudioError when the server has no such deployment."""
    return _submit(_PASS, edit.stem, edit=str(edit), options=options.model_dump(mode="json"))


def submit_night(night: NightOptions) -> Submitted:
    """Have a worker of the studio make a night's edits. Raises StudioError when the server has no such deployment."""
    return _submit(_NIGHT, place_of(night).name, night=night.model_dump(mode="json"))


def _submit(deployment: str, name: str, **parameters: Any) -> Submitted:
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    try:
        run: Any = run_deployment(deployment, parameters=parameters, flow_run_name=name, timeout=0, as_subflow=False)
    except ObjectNotFound as error:
        raise StudioError(
            f"the server has no deployment {deployment}: start it with `foley studio up`, or deploy prefect.yaml"
        ) from error
    return Submitted(run_id=str(run.id), url=url_of(run))


def url_of(run: Any) -> str:
    """The address of a run's page."""
    from prefect.utilities.urls import url_for

    return url_for(run) or ""

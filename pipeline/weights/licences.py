"""What may be used: licences that a person has to accept, and a studio that refuses non-commercial weights."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.weights.catalogue import Licence

_ACCEPTED = "accepted_licences.json"
_OFF = ("", "0", "false", "no", "off")


def refuse_non_commercial() -> bool:
    """Whether FOLEY_REFUSE_NON_COMMERCIAL says that this studio uses no non-commercial weights."""
    return os.environ.get("FOLEY_REFUSE_NON_COMMERCIAL", "").lower() not in _OFF


def require_allowed(name: str, licence: str, *, non_commercial: bool) -> None:
    """Raises WeightsError when the studio's policy forbids a model."""
    if non_commercial and refuse_non_commercial():
        raise WeightsError(
            f"model {name!r} is licensed for non-commercial use only ({licence}), and this studio refuses such weights "
            "(FOLEY_REFUSE_NON_COMMERCIAL, or refuse-non-commercial in foley.toml); use another model"
        )


def require_accepted(name: str, licences: Sequence[Licence], models: Path, *, accept: bool) -> None:
    """Record what is accepted now (`accept`, or FOLEY_ACCEPT_LICENCE) beside the models.

    Raises WeightsError for a non-commercial licence that nobody accepted, now or before.
    """
    known = accepted(models)
    named = os.environ.get("FOLEY_ACCEPT_LICENCE", "").replace(",", " ").split()
    for licence in licences:
        if not licence.non_commercial or licence.spdx in known:
            continue
        if not accept and licence.spdx not in named:
            raise WeightsError(
                f"model {name!r} is under {licence.title} ({licence.spdx}, {licence.link}), which forbids commercial "
                f"use: read it, then add --accept-licence or set FOLEY_ACCEPT_LICENCE={licence.spdx}"
            )
        _record(licence, models)


def accepted(models: Path) -> dict[str, dict[str, str]]:
    """Licences accepted before, by SPDX name, with the day; none when the record is not there or damaged."""
    try:
        known = json.loads((models / _ACCEPTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _record(licence: Licence, models: Path) -> None:
    from pipeline.weights.store import write_text

    entry = {"link": licence.link, "accepted": datetime.now(UTC).date().isoformat()}
    text = json.dumps(accepted(models) | {licence.spdx: entry}, indent=2)
    write_text(models / _ACCEPTED, text + "\n")

"""From published files to installed ones: each part once, tensor by tensor, strict about what it finds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError, first_line
from pipeline.weights.catalogue import Part
from pipeline.weights.fit import require_fit
from pipeline.weights.parts import PartLayout
from pipeline.weights.states import read_state, write_state


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPart:
    """The files of a part on this machine."""

    config: Path | None = None
    weights: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.files, *filter(None, (self.config, self.weights)))


def convert(part: Part, published: PublishedPart, model: Path, layout: PartLayout | None) -> None:
    """Write `part` into the model folder `model`, whose parts before it are there already.

    layout: None for a part without weights. Raises WeightsError when the weights are damaged, hold code, or do not fit;
    OSError when the disk does.
    """
    for path in published.files:
        _require_table(path)
        copy_in(path, model / part.folder / path.name)
    if published.config is not None:
        _require_table(published.config)
        copy_in(published.config, model / part.folder / "config.json")
    if published.weights is None or layout is None:
        return
    if layout.config is not None:
        _write_config(part.folder, model, layout.config)
    state = layout.renamed(read_state(published.weights))
    write_state(state, model / part.folder / layout.weights)
    require_fit(part.folder, layout.weights, model, layout, origin=published.weights)


def copy_in(source: Path, target: Path) -> None:
    """Copy a file into a folder that need not be there yet. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _require_table(path: Path) -> None:
    """Small files with settings are checked where they come from, so that a damaged one is named by its own place."""
    if path.suffix != ".json":
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged ({error}); get it again from its publisher") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} is damaged (it is no table); get it again from its publisher")


def _write_config(folder: str, model: Path, make: Callable[[Path], dict[str, Any]]) -> None:
    try:
        config = make(model)
    except WeightsError:
        raise
    except Exception as error:  # each library that reads a configuration has errors of its own
        why = first_line(error)
        raise WeightsError(f"the configuration of {folder} is not a published one ({why}); get it again") from error
    path = model / folder / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

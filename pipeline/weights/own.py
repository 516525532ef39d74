"""A model that somebody trained: a few parts of their own over the frozen ones of an installed model.

    folder/frame_adapter.safetensors      flat keys, as in an installed model
    folder/temporal_adapter.safetensors   or temporal_adapter/{config.json, diffusion_pytorch_model.safetensors}
    folder/detector.safetensors           a LinearDetector
    folder/smooth_foley.json              {"title", "domain", "settings"}, each as it differs from the base's

At least one of the three parts has to be there; the base's parts take their place where one is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.files import sha256_of
from pipeline.registries import Family
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.convert import copy_in
from pipeline.weights.fit import require_fit
from pipeline.weights.install import Tell, finish_card, require_published
from pipeline.weights.licences import require_accepted
from pipeline.weights.parts import PartLayout, config_of, layouts_of
from pipeline.weights.registry import ModelCard, find_model, read_card
from pipeline.weights.states import read_shapes
from pipeline.weights.store import building, exclusive, explained, link_or_copy
from pipeline.weights.templates import template

_SETTINGS = "smooth_foley.json"
_FRAME_ADAPTER = "smooth_foley.safetensors"
_TEMPORAL_ADAPTER = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnFile:
    """A file somebody trained, and its place in the installed model."""

    path: Path
    folder: str
    name: str


def fetch_own(name: str, folder: Path, models: Path, *, accept_licence: bool = False, tell: Tell) -> ModelCard:
    """Install the trained parts in `folder` as model `name`, over the installed base; its card.

    Raises WeightsError, and nothing is changed then.
    """
    model = require_published(name)
    own = list(_own_files(folder))
    if not own:
        raise WeightsError(
            f"{folder} holds nothing that was trained: looked for frame_adapter.safetensors, "
            f"temporal_adapter.safetensors, temporal_adapter/{_TEMPORAL_ADAPTER} and detector.safetensors"
        )
    base = find_model(str(models / model.base) if (models / model.base).is_dir() else model.base)
    with exclusive(models), explained(models):
        require_accepted(name, model.licences, models, accept=accept_licence)
        lock = ChecksumLock(models)
        with building(models, name) as building_site:
            _place(own, base, building_site, tell)
            card = _card(template(model), folder, own, base, building_site)
            files = finish_card(building_site, card)
        lock.record({}, name, files)
    return read_card(models / name)


def _own_files(folder: Path) -> Iterator[_OwnFile]:
    temporal = folder / "temporal_adapter"
    places = [
        (folder / "frame_adapter.safetensors", "frame_adapter", _FRAME_ADAPTER),
        (temporal / "config.json", "temporal_adapter", "config.json"),
        (temporal / _TEMPORAL_ADAPTER, "temporal_adapter", _TEMPORAL_ADAPTER),
        (folder / "temporal_adapter.safetensors", "temporal_adapter", _TEMPORAL_ADAPTER),
        (folder / "detector.safetensors", "detector", "linear.safetensors"),
    ]
    for path, part, name in places:
        if path.is_file():
            yield _OwnFile(path=path, folder=part, name=name)


def _place(own: list[_OwnFile], base: ModelCard, site: Path, tell: Tell) -> None:
    """The base's files by link, then the trained ones, each checked against its network."""
    replaced = {f"{file.folder}/{file.name}" for file in own}
    for name in base.files:
        if name not in replaced:
            link_or_copy(base.folder / name, site / name)
    for file in own:
        copy_in(file.path, site / file.folder / file.name)
    layouts = layouts_of(base.family)
    for file in own:
        if file.name.endswith(".safetensors"):
            tell(f"checking {file.path}")
            require_fit(file.folder, file.name, site, layouts[file.folder], origin=file.path)


def _card(card: dict[str, Any], folder: Path, own: list[_OwnFile], base: ModelCard, site: Path) -> dict[str, Any]:
    told = _told(folder / _SETTINGS)
    parts = {file.folder for file in own}
    structure = json.loads(json.dumps(base.structure))
    if "frame_adapter" in parts:
        _use_frame_adapter(structure, site, layouts_of(base.family)["frame_adapter"])
    structure["condition_channels"] = config_of("temporal_adapter", site)["conditioning_channels"]
    trained = {"detector": "linear"} if "detector" in parts else {}
    card |= {name: told[name] for name in ("title", "domain") if name in told}
    card["settings"] = {**card["settings"], **trained, **told.get("settings", {})}
    _require_known(card["settings"], base.family, folder / _SETTINGS)
    checksums = {file.path.relative_to(folder).as_posix(): sha256_of(file.path) for file in own}
    inherited = {name: origin for name, origin in base.sources.items() if name not in parts}
    return card | {"structure": structure, "sources": {**inherited, "own": {"source": str(folder), "files": checksums}}}


def _use_frame_adapter(structure: dict[str, Any], site: Path, layout: PartLayout) -> None:
    """Every frame looks through the trained adapter; the mean frame keeps the published one, which knows it."""
    file = f"frame_adapter/{_FRAME_ADAPTER}"
    assert layout.configuration is not None
    tokens = layout.configuration(site, read_shapes(site / file))["tokens_per_frame"]
    for attention in ("literal", "time_local"):
        structure["frame_adapters"][attention] |= {"file": file, "tokens_per_frame": tokens}


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}): mend it or take it away") from error
    if not isinstance(told, dict) or not isinstance(told.get("settings", {}), dict):
        raise WeightsError(f"{path} is no table with a table of settings: mend it or take it away")
    return told


def _require_known(settings: dict[str, Any], family: Family, path: Path) -> None:
    try:
        family.settings(**settings)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the settings in {path} cannot be used ({error}): mend them") from error

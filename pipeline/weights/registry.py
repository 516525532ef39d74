"""The models this program knows: what they are, what they may be used for, and which files they are made of.

A model is a folder with a `model.json`: bundled with the program, or fetched into the folder of installed models.
Nothing here loads torch or asks anything of the network.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.files import sha256_of
from pipeline.label import VocabularyLabel
from pipeline.registries import DETECTORS, Family, family_named
from pipeline.weights.card_kinds import require_card
from pipeline.weights.catalogue import FIRST_FAMILY, PublishedModel, published_models
from pipeline.weights.checksums import known_sha256
from pipeline.weights.licences import require_allowed
from pipeline.weights.store import explained, models_folder
from pipeline.weights.templates import template

CARD_NAME = "model.json"
_BUNDLED = Path(__file__).parent
_BUNDLED_NAMES = ("mini",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model says of itself.

    domain: what it was trained on, in one phrase. procedural_only: real footage is outside its domain.
    closed_vocabulary: labels outside `labels` are outside its domain. family: the models that make sound as it does;
    settings and presets are of its kind.
    files: relative path -> sha256.
    structure: sizes and layouts the loader needs. sizes: relative path -> bytes, for a fetched model. sources: part ->
    {"source": "repo@revision", "files": {path: sha256}}, for a fetched model. presets: name -> settings that differ.
    """

    name: str
    title: str
    licence: str
    domain: str
    folder: Path
    labels: tuple[VocabularyLabel, ...]
    settings: Any
    files: dict[str, str]
    structure: dict[str, Any]
    procedural_only: bool
    closed_vocabulary: bool
    bundled: bool
    family: Family
    non_commercial: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """64 hex digits: changes with any weight and with the structure, not with where the folder lies."""
        canonical = json.dumps([self.files, self.structure], sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def preset(self, name: str | None) -> Any:
        """The model's settings, or one of its other sets by name. Raises ValueError that names those there are."""
        if name is None:
            return self.settings
        if name not in self.presets:
            there = f"there are {', '.join(self.presets)}" if self.presets else "it has none"
            raise ValueError(f"model {self.name!r} has no preset {name!r}; {there}")
        return replace(self.settings, **self.presets[name])

    def lacks(self, settings: Any) -> str:
        """What `settings` ask for and the model is without, for a person; "" when it has all of it."""
        wanted = {f"detector {settings.detector!r}": DETECTORS[settings.detector].file}
        wanted |= self.family.needs(settings, self.structure)
        return next((what for what, file in wanted.items() if file and file not in self.files), "")

    @property
    def size_bytes(self) -> int:
        """What the files that are there take on disk."""
        paths = map(self.folder.joinpath, self.files)
        return sum(path.stat().st_size for path in paths if os.path.isfile(path))  # noqa: PTH113

    @property
    def installed(self) -> bool:
        """Whether the card and all files are there."""
        # os.path, unlike pathlib, takes a folder that may not be read for one without the file.
        return all(os.path.isfile(self.folder / name) for name in (CARD_NAME, *self.files))  # noqa: PTH113


def known_models() -> tuple[ModelCard, ...]:
    """The cards of all models: bundled, those that can be fetched (installed or not), and others that are installed."""
    published = published_models()
    installed = {card.name: card for card in installed_cards(models_folder())}
    fetchable = [installed[name] if name in installed else _card_of(model) for name, model in published.items()]
    others = [card for name, card in installed.items() if name not in published]
    return (*(read_card(_BUNDLED / name) for name in _BUNDLED_NAMES), *fetchable, *others)


def installed_cards(models: Path) -> Iterator[ModelCard]:
    """The cards of the models in a folder; those whose card is damaged are left out."""
    for path in sorted(models.glob(f"[!.]*/{CARD_NAME}")):
        with suppress(WeightsError):
            yield read_card(path.parent)


def find_model(name_or_folder: str) -> ModelCard:
    """The card of a model by name or by folder.

    Raises WeightsError that names the models there are, how to fetch one that is not installed, or why this studio
    does not use it.
    """
    card = read_card(_folder_of(name_or_folder))
    require_allowed(card.name, card.licence, non_commercial=card.non_commercial)
    return card


def _folder_of(name_or_folder: str) -> Path:
    if name_or_folder in _BUNDLED_NAMES:
        return _BUNDLED / name_or_folder
    is_name = Path(name_or_folder).name == name_or_folder
    places = [models_folder() / name_or_folder] * is_name + [Path(name_or_folder)]
    for folder in places:
        with explained(folder):
            if (folder / CARD_NAME).is_file():
                return folder
    if name_or_folder in published_models():
        raise _not_installed(published_models()[name_or_folder])
    raise WeightsError(
        f"no model is called {name_or_folder!r} and no folder of that name holds a {CARD_NAME}; the models are: "
        f"{', '.join(card.name for card in known_models())}"
    )


def _not_installed(model: PublishedModel) -> WeightsError:
    require_allowed(model.name, model.licence_names, non_commercial=model.non_commercial)
    terms = ", no commercial use" if model.non_commercial else ""
    return WeightsError(
        f"model {model.name!r} is not installed: `{model.fetch_command}` gets it "
        f"(about {model.installed_bytes / 1e9:.1f} GB; {model.licence_names}{terms})"
    )


def _card_of(model: PublishedModel) -> ModelCard:
    return _card_from(template(model), models_folder() / model.name)


def read_card(folder: Path) -> ModelCard:
    """Read `folder`/model.json. Raises WeightsError when it is missing or damaged."""
    path = folder / CARD_NAME
    try:
        return _card_from(json.loads(path.read_text(encoding="utf-8")), folder)
    except OSError as error:
        raise WeightsError(
            f"the model card {path} cannot be read ({error.strerror}); install the model again"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"the model card {path} is damaged ({error}); install the model again") from error


def _card_from(card: dict[str, Any], folder: Path) -> ModelCard:
    require_card(card)
    labels = tuple(
        VocabularyLabel(text=label["text"], category=label["category"], words=tuple(label["words"]))
        for label in card["labels"]
    )
    family = family_named(card.get("family", FIRST_FAMILY))
    read = ModelCard(
        name=card["name"],
        title=card["title"],
        licence=card["licence"],
        domain=card["domain"],
        folder=folder,
        labels=labels,
        settings=family.settings(**card["settings"]),
        files=card["files"],
        structure=card["structure"],
        procedural_only=card["procedural_only"],
        closed_vocabulary=card["closed_vocabulary"],
        bundled=folder.parent == _BUNDLED,
        family=family,
        non_commercial=card.get("non_commercial", False),
        sizes=card.get("sizes", {}),
        sources=card.get("sources", {}),
        presets=card.get("presets", {}),
    )
    for preset in read.presets:
        read.preset(preset)
    return read


def verify_files(card: ModelCard, *, again: bool = True) -> None:
    """Check every file of a model against its sha256. Raises WeightsError that names the first that differs.

    Published weights are many gigabytes. Without `again` a file of an installed model that is untouched since it was
    last found whole is not read again.
    """
    for name, expected in sorted(card.files.items()):
        path = card.folder / name
        if not path.is_file():
            raise WeightsError(f"the weights file {path} of model {card.name!r} is missing; install the model again")
        with explained(path):
            found = sha256_of(path) if again or card.bundled else known_sha256(path)
        if found != expected:
            raise WeightsError(
                f"the weights file {path} of model {card.name!r} was changed (its sha256 is not the recorded one); "
                "install the model again"
            )


def verify_sizes(card: ModelCard) -> None:
    """Check that every file of a model is there and as long as it was, which is quick. Raises WeightsError."""
    for name in sorted(card.files):
        path = card.folder / name
        size = path.stat().st_size if path.is_file() else None
        if size is None or size != card.sizes.get(name, size):
            state = "missing" if size is None else f"{size:,} bytes long instead of {card.sizes[name]:,}"
            raise WeightsError(f"the weights file {path} of model {card.name!r} is {state}; install the model again")

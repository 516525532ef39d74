"""Fetching a model: licence, files, room, conversion, and then the whole folder at once.

files  <- a plain folder or the hub          sources.py, hub.py
parts  <- linked from another installed model where its source is the same, else converted once      convert.py
card   <- the template, and the sha256 of every file                                                templates.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.files import sha256_of
from pipeline.files_as_found import lfs_pointer
from pipeline.registries import family_named
from pipeline.weights.catalogue import Part, PublishedModel, published_models
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.convert import PublishedPart, convert
from pipeline.weights.fit import require_fit
from pipeline.weights.licences import require_accepted, require_allowed
from pipeline.weights.parts import PartLayout, layouts_of
from pipeline.weights.registry import CARD_NAME, ModelCard, installed_cards, read_card
from pipeline.weights.sources import WeightSource
from pipeline.weights.store import building, exclusive, explained, link_or_copy, require_room
from pipeline.weights.templates import template

Tell = Callable[[str], None]


def fetch(name: str, place: WeightSource, models: Path, *, accept_licence: bool = False, tell: Tell) -> ModelCard:
    """Install the model `name` from `place` into the folder `models`; its card.

    Parts that another installed model has from the same source are shared, not fetched again. Raises WeightsError,
    and nothing is changed then.
    """
    model = require_published(name)
    with exclusive(models), explained(models):
        require_accepted(name, model.licences, models, accept=accept_licence)
        lock = ChecksumLock(models)
        gathering = _Gathering(model, place, models, lock, tell)
        parts = gathering.parts()
        with building(models, name) as folder:
            layouts = layouts_of(family_named(model.family))
            for part in parts:
                part.place(folder, tell, layouts)
            files = finish_card(folder, _card(model, parts, folder))
        lock.record(gathering.seen, name, files)
    return read_card(models / name)


def require_published(name: str) -> PublishedModel:
    """The catalogue's entry of a model. Raises WeightsError when it cannot be fetched, or not by this studio."""
    model = published_models().get(name)
    if model is None:
        raise WeightsError(f"no model called {name!r} can be fetched; these can: {', '.join(published_models())}")
    require_allowed(name, model.licence_names, non_commercial=model.non_commercial)
    return model


def finish_card(folder: Path, card: dict[str, Any]) -> dict[str, str]:
    """Write the card of the model in `folder` with the sha256 of every file; those sha256."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: sha256_of(folder / name) for name in names}
    sizes = {name: (folder / name).stat().st_size for name in names}
    text = json.dumps({**card, "files": files, "sizes": sizes}, indent=2) + "\n"
    (folder / CARD_NAME).write_text(text, encoding="utf-8")
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """A part with its files at hand: published ones, or the same part `shared` by an installed model.

    source: "repo@revision"; checksums: path in the source -> sha256.
    """

    part: Part
    source: str
    checksums: dict[str, str]
    published: PublishedPart = field(default_factory=PublishedPart)
    shared: ModelCard | None = None

    @property
    def needed_bytes(self) -> int:
        """What it will take on disk."""
        sizes = sum(path.stat().st_size for path in self.published.paths)
        return 0 if self.shared else min(self.part.installed_bytes, sizes)

    def place(self, folder: Path, tell: Tell, layouts: Mapping[str, PartLayout]) -> None:
        """Put the part into the model folder `folder`. Raises WeightsError or OSError."""
        if self.shared is None:
            tell(f"converting {self.part.name}")
            convert(self.part, self.published, folder, layouts.get(self.part.folder))
            return
        tell(f"sharing {self.part.name} with the installed {self.shared.name}")
        for name in files_of(self.shared, self.part.folder):
            link_or_copy(self.shared.folder / name, folder / name)
        if self.part.weights:
            layout = layouts[self.part.folder]
            require_fit(self.part.folder, layout.weights, folder, layout)


class _Gathering:
    """Brings the files of all parts together before anything is written. seen: source -> path -> sha256."""

    def __init__(
        self, model: PublishedModel, place: WeightSource, models: Path, lock: ChecksumLock, tell: Tell
    ) -> None:
        self.model, self.place, self.models, self.lock, self.tell = model, place, models, lock, tell
        self.installed = list(installed_cards(models))
        self.seen: dict[str, dict[str, str]] = {}

    def parts(self) -> list[_Gathered]:
        """All parts. Raises WeightsError: what is missing and where it was looked for, or that there is no room."""
        here = {part.name: same for part in self.model.parts if (same := self._already_here(part))}
        self.place.require_room([part for part in self.model.parts if part.name not in here])
        missing: list[str] = []
        gathered = []
        for part in self.model.parts:
            found = here.get(part.name) or self._gather(part) or self._stand_in(part)
            if found:
                gathered.append(found)
            elif part.name in self.model.optional:
                self.tell(f"without {part.name}: there is no {self._looked_for(part)}")
            else:
                missing.append(f"{part.name}: there is no {self._looked_for(part)}")
        if missing:
            raise WeightsError(f"model {self.model.name!r} cannot do without {'; '.join(missing)}")
        require_room(self.models, sum(part.needed_bytes for part in gathered), f"installing {self.model.name!r}")
        return gathered

    def _already_here(self, part: Part) -> _Gathered | None:
        """The part as an installed model has it, where the source could only bring the same once more."""
        return self._shared(part, None) if self.place.unchanging else None

    def _gather(self, part: Part) -> _Gathered | None:
        self.tell(f"getting {part.name} from {self._source(part)}")
        wanted = [(part.config,), part.weights, *((name,) for name in part.files)]
        found = {names: self.place.find(part.source, names) for names in wanted if any(names)}
        free = {(part.config,)} if part.config_optional else set()
        if any(place is None for names, place in found.items() if names not in free):
            return None
        checksums = self._checked(part, dict(filter(None, found.values())))
        shared = self._shared(part, checksums)
        config, weights = found.get((part.config,)), found.get(part.weights)
        published = PublishedPart(
            config=config and config[1],
            weights=weights and weights[1],
            files=tuple(place[1] for name in part.files if (place := found[(name,)])),
        )
        return shared or _Gathered(part=part, source=self._source(part), checksums=checksums, published=published)

    def _stand_in(self, part: Part) -> _Gathered | None:
        other = self.model.instead.get(part.name)
        if other is None:
            return None
        found = self._already_here(other) or self._gather(other)
        if found:
            self.tell(f"{other.name} instead of {part.name}: there is no {self._looked_for(part)}")
        return found

    def _checked(self, part: Part, places: dict[str, Path]) -> dict[str, str]:
        """The sha256 of published files, which have to be what they were the first time. Raises WeightsError."""
        checksums = {}
        for name, path in places.items():
            if why := lfs_pointer(path):
                raise WeightsError(why)
            checksums[name] = sha256_of(path)
            self.lock.require_source(self._source(part), name, checksums[name], path)
        self.seen.setdefault(self._source(part), {}).update(checksums)
        return checksums

    def _shared(self, part: Part, checksums: dict[str, str] | None) -> _Gathered | None:
        """The part of an installed model that was made of the same source (and the same files), if it is whole."""
        for card in self.installed:
            origin = card.sources.get(part.name)
            same = origin and origin["source"] == self._source(part) and checksums in (None, origin["files"])
            if origin and same and _is_whole(card, part.folder):
                return _Gathered(part=part, source=origin["source"], checksums=origin["files"], shared=card)
        return None

    def _source(self, part: Part) -> str:
        return f"{part.source.repo}@{self.place.revision(part.source)}"

    def _looked_for(self, part: Part) -> str:
        names = part.weights or part.files
        return self.place.describe(part.source, names if part.weights else names[:1])


def files_of(card: ModelCard, folder: str) -> list[str]:
    """The files of one part of an installed model."""
    return [name for name in card.files if name.startswith(f"{folder}/")]


def _is_whole(card: ModelCard, folder: str) -> bool:
    names = files_of(card, folder)
    places = [(card.folder / name, card.files[name]) for name in names]
    return bool(names) and all(path.is_file() and sha256_of(path) == known for path, known in places)


def _card(model: PublishedModel, parts: Sequence[_Gathered], folder: Path) -> dict[str, Any]:
    card = template(model)
    scheduler = json.loads((folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    card["structure"]["scheduler"] = {name: value for name, value in scheduler.items() if not name.startswith("_")}
    names = {found.part.name for found in parts}
    if card["settings"]["detector"] == "null_margin" and "clip" not in names:
        # Without CLIP's text half no label can be compared with a picture.
        card["settings"]["detector"] = "onset" if "onset" in names else "always"
    card["sources"] = {found.part.name: {"source": found.source, "files": found.checksums} for found in parts}
    return card

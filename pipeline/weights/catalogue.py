"""What can be fetched: `models.toml` as records. Reading it loads no torch and asks nothing of the network."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# Where nothing else is said: there was no other.
FIRST_FAMILY = "auffusion"
_CATALOGUE = Path(__file__).with_name("models.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence by its SPDX name; `non_commercial` ones have to be accepted before anything is fetched."""

    spdx: str
    title: str
    link: str
    non_commercial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published repository. folders: the names it goes by inside a plain folder of downloads."""

    repo: str
    licence: Licence
    folders: tuple[str, ...]
    revision: str = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One network (or one set of small files) of a model.

    folder: its place in an installed model. config: a file of the source, "" for none. config_optional: the network
    is known without it. weights: names of one and the
    same file, the first one that is there counts. files: taken as they are.
    """

    name: str
    folder: str
    source: Source
    config: str
    config_optional: bool
    weights: tuple[str, ...]
    files: tuple[str, ...]
    bytes: int
    installed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModel:
    """A model that can be fetched. optional: parts it can do without. instead: a part -> what can stand in for it.

    family: of models that make sound as it does. base: the model whose parts it is put on, for a model that somebody
    trained; else "".
    """

    name: str
    title: str
    domain: str
    parts: tuple[Part, ...]
    optional: frozenset[str]
    instead: dict[str, Part]
    base: str
    family: str

    @property
    def licences(self) -> tuple[Licence, ...]:
        """The licences of all sources, the strictest first."""
        own = {part.source.licence for part in self.parts}
        inherited = set(published_models()[self.base].licences) if self.base else set()
        return tuple(sorted(own | inherited, key=lambda licence: (not licence.non_commercial, licence.spdx)))

    @property
    def repos(self) -> tuple[str, ...]:
        """The repositories its parts come from."""
        own = (part.source.repo for part in self.parts)
        inherited = published_models()[self.base].repos if self.base else ()
        return tuple(dict.fromkeys((*inherited, *own)))

    @property
    def licence_names(self) -> str:
        """Their SPDX names in one line."""
        return ", ".join(licence.spdx for licence in self.licences)

    @property
    def non_commercial(self) -> bool:
        """Whether any licence forbids commercial use."""
        return any(licence.non_commercial for licence in self.licences)

    @property
    def installed_bytes(self) -> int:
        """About how large it is on disk."""
        base = published_models()[self.base].installed_bytes if self.base else 0
        return base + sum(part.installed_bytes for part in self.parts)

    @property
    def fetch_command(self) -> str:
        """What to type to get it."""
        accept = " --accept-licence" if self.non_commercial else ""
        return f"foley models fetch {self.name}{' --from DIR' if self.base else ''}{accept}"


@cache
def published_models() -> dict[str, PublishedModel]:
    """All models that can be fetched, by name."""
    document = tomllib.loads(_CATALOGUE.read_text(encoding="utf-8"))
    licences = {spdx: Licence(spdx=spdx, **entry) for spdx, entry in document["licences"].items()}
    sources = {name: _source(entry, licences) for name, entry in document["sources"].items()}
    parts = {name: _part(name, entry, sources) for name, entry in document["parts"].items()}
    return {name: _model(name, entry, parts) for name, entry in document["models"].items()}


def _source(entry: dict[str, Any], licences: dict[str, Licence]) -> Source:
    return Source(repo=entry["repo"], licence=licences[entry["licence"]], folders=tuple(entry["folders"]))


def _part(name: str, entry: dict[str, Any], sources: dict[str, Source]) -> Part:
    return Part(
        name=name,
        folder=entry.get("folder", name),
        source=sources[entry["source"]],
        config=entry.get("config", ""),
        config_optional=entry.get("config_optional", False),
        weights=tuple(entry.get("weights", ())),
        files=tuple(entry.get("files", ())),
        bytes=entry["bytes"],
        installed_bytes=entry.get("installed_bytes", entry["bytes"]),
    )


def _model(name: str, entry: dict[str, Any], parts: dict[str, Part]) -> PublishedModel:
    return PublishedModel(
        name=name,
        title=entry["title"],
        domain=entry["domain"],
        parts=tuple(parts[part] for part in entry["parts"]),
        optional=frozenset(entry.get("optional", ())),
        instead={part: parts[other] for part, other in entry.get("instead", {}).items()},
        base=entry.get("base", ""),
        family=entry.get("family", FIRST_FAMILY),
    )

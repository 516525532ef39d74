"""The models this program knows: what they are, what they may be used for, and which files they are made of.

A model is a folder with a `model.json`. Nothing here loads torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError
from pipeline.label import KnownLabel
from pipeline.settings import Settings

CARD_NAME = "model.json"
_BUNDLED = Path(__file__).parent
_BUNDLED_NAMES = ("mini",)
_HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model says of itself.

    domain: what it was trained on, in one phrase. procedural_only: real footage is outside its domain.
    closed_vocabulary: labels outside `labels` are outside its domain. files: relative path -> sha256.
    structure: sizes and layouts the loader needs.
    """

    name: str
    title: str
    licence: str
    domain: str
    folder: Path
    labels: tuple[KnownLabel, ...]
    settings: Settings
    files: dict[str, str]
    structure: dict[str, Any]
    procedural_only: bool
    closed_vocabulary: bool
    bundled: bool

    @property
    def digest(self) -> str:
        """64 hex digits: changes with any weight and with the structure, not with where the folder lies."""
        canonical = json.dumps([self.files, self.structure], sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """What the files that are there take on disk."""
        return sum(path.stat().st_size for path in map(self.folder.joinpath, self.files) if path.is_file())

    @property
    def installed(self) -> bool:
        """Whether all files are there."""
        return all((self.folder / name).is_file() for name in self.files)


def known_models() -> tuple[ModelCard, ...]:
    """The cards of all models that come with the program."""
    return tuple(read_card(_BUNDLED / name) for name in _BUNDLED_NAMES)


def find_model(name_or_folder: str) -> ModelCard:
    """The card of a model by name or by folder. Raises WeightsError that names the models there are."""
    if name_or_folder in _BUNDLED_NAMES:
        return read_card(_BUNDLED / name_or_folder)
    folder = Path(name_or_folder)
    if (folder / CARD_NAME).is_file():
        return read_card(folder)
    known = ", ".join(_BUNDLED_NAMES)
    raise WeightsError(
        f"no model is called {name_or_folder!r} and no folder of that name holds a {CARD_NAME}; the models are: {known}"
    )


def read_card(folder: Path) -> ModelCard:
    """Read `folder`/model.json. Raises WeightsError when it is missing or damaged."""
    path = folder / CARD_NAME
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        labels = tuple(
            KnownLabel(text=label["text"], category=label["category"], words=tuple(label["words"]))
            for label in card["labels"]
        )
        return ModelCard(
            name=card["name"],
            title=card["title"],
            licence=card["licence"],
            domain=card["domain"],
            folder=folder,
            labels=labels,
            settings=Settings(**card["settings"]),
            files=card["files"],
            structure=card["structure"],
            procedural_only=card["procedural_only"],
            closed_vocabulary=card["closed_vocabulary"],
            bundled=folder.parent == _BUNDLED,
        )
    except OSError as error:
        raise WeightsError(
            f"the model card {path} cannot be read ({error.strerror}); install the model again"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"the model card {path} is damaged ({error}); install the model again") from error


def verify_files(card: ModelCard) -> None:
    """Check every file of a model against its sha256. Raises WeightsError that names the first that differs."""
    for name, expected in sorted(card.files.items()):
        path = card.folder / name
        if not path.is_file():
            raise WeightsError(f"the weights file {path} of model {card.name!r} is missing; install the model again")
        if sha256_of(path) != expected:
            raise WeightsError(
                f"the weights file {path} of model {card.name!r} was changed (its sha256 is not the recorded one); "
                "install the model again"
            )


def sha256_of(path: Path) -> str:
    """The sha256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()

"""Is an installed model what it says it is? Its files, its networks' names and shapes, its image encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WeightsError
from pipeline.weights.checksums import ChecksumLock
from pipeline.weights.registry import ModelCard, installed_cards, verify_files

_SAME = 0.9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a verification."""

    check: str
    ok: bool
    text: str


def verify(card: ModelCard, models: Path) -> Iterator[Check]:
    """All checks of a model, one by one as they are made; `models` is where other installed ones are."""
    yield _tried("files", lambda: _files(card))
    if card.bundled:
        return
    yield _tried("lock", lambda: _lock(card, models))
    for name in card.files:
        if name.endswith(".safetensors"):
            yield _tried(name, lambda name=name: _fit(card, name))  # type: ignore[misc]
    pair = encoder_pair(card, models)
    if pair is not None:
        yield _tried("image encoders", lambda: _same_encoder(*pair))


def encoder_pair(card: ModelCard, models: Path) -> tuple[Path, Path] | None:
    """The folders of open_clip's CLIP and of the stand-alone image encoder, one of them this model's; None without."""
    found = []
    for part in ("clip", "image_encoder"):
        owners = (card, *installed_cards(models))
        found.append(next((c.folder / part for c in owners if f"{part}/config.json" in c.files), None))
    clip, encoder = found
    own = {f"{part}/config.json" for part in ("clip", "image_encoder")} & card.files.keys()
    return (clip, encoder) if clip and encoder and own else None


def _tried(check: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(check=check, ok=True, text=probe())
    except WeightsError as error:
        return Check(check=check, ok=False, text=str(error))


def _files(card: ModelCard) -> str:
    verify_files(card)
    return f"{len(card.files)} files, {card.size_bytes / 1e6:,.0f} MB, as they were installed"


def _lock(card: ModelCard, models: Path) -> str:
    ChecksumLock(models).require_model(card.name, card.files)
    return "the model that was fetched first"


def _fit(card: ModelCard, name: str) -> str:
    from pipeline.weights.fit import require_fit
    from pipeline.weights.parts import layouts_of
    from pipeline.weights.states import read_shapes

    folder, file = name.split("/", 1)
    require_fit(folder, file, card.folder, layouts_of(card.family)[folder])
    return f"{len(read_shapes(card.folder / name))} keys, all of the right shape"


def _same_encoder(clip: Path, encoder: Path) -> str:
    from pipeline.weights.encoders import least_cosine

    found = least_cosine(clip, encoder)
    text = f"open_clip's and the stand-alone image encoder agree to a cosine of {found:.6f} on three drawn pictures"
    if found <= _SAME:
        raise WeightsError(f"{text}, less than {_SAME}: one of {clip} and {encoder} is not the published one")
    return text

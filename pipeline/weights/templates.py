"""The cards of published models before they are installed: labels, settings and structure from published/*.json.

A template may name another as its `base`; what it says itself goes over that, table by table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.label import category_of
from pipeline.weights.catalogue import PublishedModel

_FOLDER = Path(__file__).with_name("published")


def template(model: PublishedModel) -> dict[str, Any]:
    """A model card (see registry.ModelCard) without its files."""
    own = _merged_with_base(model.name)
    return {
        "name": model.name,
        "title": model.title,
        "licence": model.licence_names,
        "non_commercial": model.non_commercial,
        "family": model.family,
        "domain": model.domain,
        "procedural_only": False,
        "closed_vocabulary": False,
        "labels": [_label(entry) for entry in _read("labels.json")["labels"]],
        "settings": own["settings"],
        "presets": own.get("presets", {}),
        "structure": own["structure"],
        "files": {},
    }


def _label(entry: dict[str, Any]) -> dict[str, Any]:
    return {"text": entry["text"], "category": category_of(entry["text"]), "words": entry["words"]}


def _merged_with_base(name: str) -> dict[str, Any]:
    own = _read(f"{name}.json")
    base = own.pop("base", None)
    return _merged(_merged_with_base(base), own) if base else own


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merged(base[key], value) if both else value
    return result


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return content

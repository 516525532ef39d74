"""What people write on clips and markers, found under the names each editor gives it."""

from __future__ import annotations

_NOTE_KEYS = frozenset({"note", "notes", "comment", "comments", "description", "lognote", "keywords"})
_MAX_DEPTH = 4


def metadata_notes(metadata: object, depth: int = 0) -> tuple[str, ...]:
    """The texts in OTIO metadata whose key says that a person wrote them, whatever the editor's namespace."""
    if not isinstance(metadata, dict) or depth > _MAX_DEPTH:
        return ()
    found: list[str] = []
    for key, value in metadata.items():
        if str(key).casefold() in _NOTE_KEYS:
            found += _texts(value)
        elif isinstance(value, dict):
            found += metadata_notes(value, depth + 1)
    return filled(found)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in values if isinstance(item, str)]


def filled(texts: list[str]) -> tuple[str, ...]:
    """The texts that are not empty, each once, without white space around them."""
    return tuple(dict.fromkeys(stripped for item in texts if (stripped := item.strip())))

"""An AAF file as plain values, so that two files can be compared by what they hold and not by where they store it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import aaf2
from aaf2 import properties


def graph(path: Path) -> dict[str, Any]:
    """Mobs by id, sounds by the id of their mob, and the header's own values; lists and sets that are empty are none.

    Definitions of classes and types are left out: the library completes them in every file that it writes.
    """
    with aaf2.open(str(path), "r") as aaf:
        content = aaf.content
        return {
            "mobs": {str(mob.mob_id): _values(mob) for mob in content.mobs},
            "essence": {str(data.mob_id): _values(data) for data in content.essencedata},
            "header": {p.name: _value(p) for p in aaf.header.properties() if p.name not in ("Content", "Dictionary")},
            "operations": sorted(str(key) for key in aaf.dictionary["OperationDefinitions"].references),
        }


def _values(thing: Any) -> dict[str, Any]:
    found = {entry.name: _value(entry) for entry in thing.properties()}
    return {"class": str(thing.class_id), **{name: value for name, value in found.items() if value not in ([], {})}}


def _value(entry: Any) -> Any:
    if isinstance(entry, properties.StrongRefProperty):
        return _values(entry.value)
    if isinstance(entry, properties.StrongRefVectorProperty):
        return [_values(item) for item in entry]
    if isinstance(entry, properties.StrongRefSetProperty):
        return {str(key): _values(item) for key, item in entry.items()}
    if isinstance(entry, properties.WeakRefArrayProperty):
        return sorted(str(key) for key in entry.references)
    if isinstance(entry, properties.WeakRefProperty):
        return str(entry.ref)
    if isinstance(entry, properties.StreamProperty):
        return sha256(bytes(entry.open("r").read())).hexdigest()
    return bytes(entry.data).hex()

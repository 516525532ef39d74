"""The names of the pictures of an image sequence: `sea.%04d.exr` stands for `sea.0001.exr`, `sea.0002.exr` ..."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from timeline_io.media_paths import spellings

_COUNTER = re.compile(r"%(?:0(\d{1,2}))?d")


def with_number(pattern: str, number: int) -> str:
    """The reference to one picture."""
    folder, slash, name = pattern.rpartition("/")
    return folder + slash + _COUNTER.sub(lambda counter: _digits(counter, number), name, count=1)


def numbers_in(names: Iterable[str], pattern_name: str) -> dict[int, str]:
    """The numbers of those names that are pictures of `pattern_name`, each with its name."""
    counter = _COUNTER.search(pattern_name)
    if counter is None:
        return {}
    head, tail = (re.escape(part) for part in (pattern_name[: counter.start()], pattern_name[counter.end() :]))
    picture = re.compile(rf"{head}(\d{{1,18}}){tail}")
    found = {name: int(match[1]) for name in names if (match := picture.fullmatch(name))}
    # `%04d` counts 0007 and 12345, but never 7 or 012345.
    return {number: name for name, number in found.items() if name == with_number(pattern_name, number)}


def pictures_on_disk(pattern: Path) -> dict[int, Path]:
    """The pictures in the folder of `pattern` by their number; none where it cannot be listed."""
    try:
        names = [entry.name for entry in pattern.parent.iterdir()]
    except (OSError, ValueError):
        return {}
    return {number: pattern.with_name(name) for number, name in numbers_in(names, pattern.name).items()}


def pattern_like(pattern: str, number: int, picture: Path) -> Path:
    """The path of all pictures, spelt like that of the one with `number`, which was found under that name."""
    own = pattern.rpartition("/")[2]
    counter = _COUNTER.search(own)
    if counter is None:
        return picture
    head, digits = own[: counter.start()], _digits(counter, number)
    for spelt in (head, *spellings(head)):
        if picture.name[len(spelt) :].startswith(digits):
            rest = picture.name[len(spelt) + len(digits) :]
            return picture.with_name(picture.name[: len(spelt)] + counter[0] + rest)
    return picture.with_name(own)


def _digits(counter: re.Match[str], number: int) -> str:
    return f"{number:0{int(counter[1] or 0)}d}"

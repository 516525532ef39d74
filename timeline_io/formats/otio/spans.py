"""Where the values of a JSON text stand, so that a text can be changed in one place and nowhere else."""

from __future__ import annotations

import json
import re
from itertools import count

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_SIMPLE = re.compile(rf"{_STRING}|[^\s,\[\]{{}}]+", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[\s]*")

Span = tuple[int, int]


def elements_at(source: str, path: tuple[str | int, ...]) -> tuple[int, list[Span]]:
    """Where the array begins that a path of keys and indices leads to, and the spans of its elements.

    Raises KeyError when the path leads nowhere or to no array. Every value is passed over once, however deep it lies.
    """
    found, _ = _descend(source, _past_space(source, 0), path)
    if found is None:
        raise KeyError(path)
    return found


def _descend(source: str, start: int, path: tuple[str | int, ...]) -> tuple[tuple[int, list[Span]] | None, int]:
    """The array that the rest of the path leads to, and where the value at `start` ends."""
    if not path:
        spans, end = _elements(source, start)
        return (start, spans), end
    if source[start] not in "[{":
        raise KeyError(path[0])
    found = None
    at = _past_space(source, start + 1)
    for index in count():
        if source[at] in "]}":
            return found, at + 1
        key, value = _key(source, at) if source[start] == "{" else (index, at)
        if key == path[0]:
            # As in every JSON reader, the last of two equal keys counts.
            found, end = _descend(source, value, path[1:])
        else:
            end = _end_of_value(source, value)
        at = _past_comma(source, end)
    raise AssertionError("count() has no end")


def _key(source: str, at: int) -> tuple[str, int]:
    """A key, and where its value begins."""
    end = _end_of_value(source, at)
    return json.loads(source[at:end], strict=False), _past_space(source, _past_space(source, end) + 1)


def _elements(source: str, start: int) -> tuple[list[Span], int]:
    if source[start : start + 1] != "[":
        raise KeyError("no list")
    found = []
    at = _past_space(source, start + 1)
    while source[at] != "]":
        end = _end_of_value(source, at)
        found.append((at, end))
        at = _past_comma(source, end)
    return found, at + 1


def _end_of_value(source: str, start: int) -> int:
    try:
        return _DECODER.raw_decode(source, start)[1]
    except (ValueError, RecursionError):
        # Not quite JSON, such as a bare Inf: the brackets are counted, which is far slower.
        return _end_by_brackets(source, start)


def _end_by_brackets(source: str, start: int) -> int:
    if source[start] not in "[{":
        match = _SIMPLE.match(source, start)
        if match is None:
            raise KeyError("no value")
        return match.end()
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(source, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    raise KeyError("no end")


def _past_comma(source: str, at: int) -> int:
    at = _past_space(source, at)
    return _past_space(source, at + 1) if source[at] == "," else at


def _past_space(source: str, at: int) -> int:
    match = _SPACE.match(source, at)
    return match.end() if match else at

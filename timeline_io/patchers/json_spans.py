"""Where the values of a JSON text stand, so that a text can be changed in one place and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_SIMPLE = re.compile(rf"{_STRING}|[^\s,\[\]{{}}]+", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[\s]*")

Span = tuple[int, int]


def locate(source: str, path: tuple[str | int, ...]) -> Span:
    """The span of the value that a path of keys and indices leads to; raises KeyError when it leads nowhere."""
    span = (_past_space(source, 0), len(source))
    for step in path:
        span = _member(source, span[0], step) if isinstance(step, str) else elements(source, span[0])[step]
    return span


def elements(source: str, start: int) -> list[Span]:
    """The spans of the elements of the array that starts at `start`."""
    if source[start : start + 1] != "[":
        raise KeyError("no list")
    found = []
    at = _past_space(source, start + 1)
    while source[at] != "]":
        end = _end_of_value(source, at)
        found.append((at, end))
        at = _past_comma(source, end)
    return found


def _member(source: str, start: int, key: str) -> Span:
    # As in every JSON reader, the last of two equal keys counts.
    spans = [span for name, span in _members(source, start) if name == key]
    if not spans:
        raise KeyError(key)
    return spans[-1]


def _members(source: str, start: int) -> Iterator[tuple[str, Span]]:
    if source[start : start + 1] != "{":
        return
    at = _past_space(source, start + 1)
    while source[at] != "}":
        key_end = _end_of_value(source, at)
        value = _past_space(source, _past_space(source, key_end) + 1)
        end = _end_of_value(source, value)
        yield json.loads(source[at:key_end]), (value, end)
        at = _past_comma(source, end)


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

"""One timeline out of a file that may hold several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from timeline_io.errors import SequenceChoiceError

Item = TypeVar("Item")


def pick(items: Sequence[Item], names: Sequence[str], file_name: str, wanted: str | None) -> Item:
    """The item called `wanted`, or the only one; raises SequenceChoiceError that lists the names."""
    listed = ", ".join(repr(name) for name in names[:20])
    if wanted is not None:
        for item, name in zip(items, names, strict=True):
            if name == wanted:
                return item
        raise SequenceChoiceError(
            f"{file_name} holds no sequence named {wanted!r}: it holds {listed}; name one with --sequence", tuple(names)
        )
    if len(items) > 1:
        raise SequenceChoiceError(
            f"{file_name} holds {len(items)} sequences, name one of them with --sequence: {listed}", tuple(names)
        )
    return items[0]


def reselect(choose: Callable[[str | None], Item], name_of: Callable[[Item], str], name: str | None) -> Item:
    """The item that reading chose and called `name`; None, or a name that no item has, means the only one."""
    try:
        only = choose(None)
    except SequenceChoiceError:
        if name is None:
            raise
        return choose(name)
    if name is None or name_of(only) == name:
        return only
    try:
        return choose(name)
    except SequenceChoiceError:
        # A timeline without a name is called by its file.
        return only

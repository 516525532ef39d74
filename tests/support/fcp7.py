"""Pieces of Final Cut Pro 7 XML that several tests put together."""

from __future__ import annotations

from pathlib import Path

from timeline_io.edit import Shot
from timeline_io.read import read_edit


def only(path: Path) -> Shot:
    """The one shot of an edit."""
    (shot,) = read_edit(path).shots
    return shot


def bare(name: str, start: int, end: int, first: int, last: int, more: str) -> str:
    """A clip item without a rate; `more` is its file and whatever else."""
    return (
        f"<clipitem><name>{name}</name><start>{start}</start><end>{end}</end><in>{first}</in><out>{last}</out>"
        f"{more}</clipitem>"
    )


def dissolve(start: int, end: int, alignment: str, more: str = "", rate: str = "") -> str:
    """A transition item."""
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
        f"{rate}{more}</transitionitem>"
    )

"""How the command line speaks: results on stdout, everything else on stderr, and with --json one document on stdout.

Names from an edit are printed as they are: nothing in them is taken for markup, and a letter the terminal cannot show
is spelled out instead of ending the program. So is one that would steer the terminal: its title, its colours, its past.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NO_WIDTH = 10_000
# Level -> what stands before the words, and their style.
_LOOKS = {"info": ("", "dim"), "warning": ("foley: warning: ", "yellow"), "error": ("foley: ", "red")}
_STEERING = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if chr(number) not in "\t\n"}


class Voice:
    """One command's way of speaking. `quiet` keeps progress and results of success to itself, never an error."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    def result(self, document: Any, *lines: Any) -> None:
        """The result: `document` with --json, otherwise the lines (text, or anything rich can show)."""
        if self.as_json:
            self.out.file.write(json.dumps(document, indent=2) + "\n")
            return
        for line in () if self.quiet else lines:
            self.out.print(_harmless(line) if isinstance(line, str) else line)

    def outcome(self, document: Any, *lines: Any) -> None:
        """The result of work that is done, whether or not anybody can read of it: a lost stdout is only told."""
        try:
            self.result(document, *lines)
            self.out.file.flush()
        except OSError as error:
            let_the_reader_go()
            if not isinstance(error, BrokenPipeError):
                complain(f"the work is done, but what came of it cannot be written to stdout ({error.strerror})")

    def note(self, text: str, **facts: Any) -> None:
        """Something on the way, on stderr; in JSON with the facts beside it."""
        if not self.quiet:
            _aside(self.err, "info", text, facts)

    def warn(self, text: str) -> None:
        """A warning on stderr; also when quiet."""
        _aside(self.err, "warning", text)


class LogFormat(StrEnum):
    """How what is said on stderr looks: for people, or a JSON object a line."""

    TEXT = "text"
    JSON = "json"


_log_format = LogFormat.TEXT


def log_as(log_format: LogFormat) -> None:
    """Speak so on stderr from now on, in this process."""
    global _log_format
    _log_format = log_format


def logs_json() -> bool:
    """Whether stderr is read by a program."""
    return _log_format is LogFormat.JSON


def complain(text: str) -> None:
    """One sentence on stderr about why nothing, or not everything, was done."""
    _aside(_console(sys.stderr), "error", text)


def let_the_reader_go() -> None:
    """Whoever read stdout is gone, or its disk is full: the interpreter must not complain about it when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Rows of plain text under headings."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_harmless(cell).replace("\n", "\\n")) for cell in row))
    return shown


def _harmless(text: str) -> str:
    """The text with everything spelled out that a terminal would obey."""
    return text.translate(_STEERING)


def survive_any_letter() -> None:
    """Let stdout and stderr spell out what their encoding cannot show."""
    for stream in (sys.stdout, sys.stderr):
        _spell_out(stream)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to who prints: rich would end the program, in the middle of a night."""
        raise


def _aside(console: Console, level: str, text: str, facts: Mapping[str, Any] | None = None) -> None:
    """Words beside the work: a log on a full disk, or nobody who reads them any more, does not stop it."""
    with suppress(OSError):
        if logs_json():
            line = {"time": datetime.now(UTC).isoformat(), "level": level, "message": text} | dict(facts or {})
            console.file.write(json.dumps(line) + "\n")
            console.file.flush()
        else:
            before, style = _LOOKS[level]
            console.print(_harmless(before + text), style=style)


def _console(stream: TextIO) -> Console:
    # A file or a pipe has no width: tables are not folded there, so that other programs can read them.
    width = None if stream.isatty() else _NO_WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _spell_out(stream: TextIO) -> None:
    with suppress(AttributeError, ValueError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]

"""Every command that the README and the documents name is one that can be given."""

import importlib.util
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import typer

from plugin.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = sorted(path for path in (ROOT / "docs" / "studio").iterdir() if path.is_file())
# Before a command: a comment's sign, variables, what runs it elsewhere, the folder it lies in.
BEFORE = r"(?:[#$\s]*|ExecStart=|.* exec studio )(?:[A-Z_]+=\S+ )*(?:[\w./]*/)?"
COMMAND = re.compile(BEFORE + r"((?:foley|make|prefect|python3? -m) [a-z].*)")


def pieces(page: Path) -> Iterator[str]:
    """The lines of blocks of code, and code inside sentences; of other files all lines."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".md":
        yield from text.splitlines()
        return
    for number, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        yield from (
            part.splitlines() if number % 2 else (code.replace("\n", " ") for code in re.findall("`([^`]+)`", part))
        )


def commands_in(page: Path) -> Iterator[str]:
    """Command lines, without what is said of them behind two spaces or a sign of comment."""
    for piece in pieces(page):
        if found := COMMAND.fullmatch(piece.strip()):
            command = re.split(r"\s{2,}| #", found[1])[0].replace("[", "").replace("]", "")
            first, *more = command.split(" | ")
            yield first
            yield from (f"{first.rsplit(' ', 1)[0]} {other}" for other in more)


FOUND = sorted(set(chain.from_iterable(commands_in(page) for page in (*PAGES, *OTHERS))))
FOLEY = [command for command in FOUND if command.startswith("foley ")]


def require_known(command: str) -> None:
    """Raise LookupError or typer's BadParameter unless `command` can be given; "..." stands for what else it needs."""
    words = [word for word in shlex.split(command)[1:] if word != "..."]
    parser: Any = typer.main.get_command(app)
    while words and hasattr(parser, "commands") and not words[0].startswith("-"):
        parser = parser.commands[words.pop(0)]
    known = {"--help", *chain.from_iterable((*one.opts, *one.secondary_opts) for one in parser.params)}
    if unknown := {word.partition("=")[0] for word in words if word.startswith("--")} - known:
        raise LookupError(f"{command}: there is no {unknown}")
    if words and not set(words) <= known:
        parser.make_context(parser.name, words, resilient_parsing="..." in command)


@pytest.mark.parametrize("command", FOLEY)
def test_foley_knows(command: str) -> None:
    require_known(command)


@pytest.mark.parametrize(
    "command", ["foley sing", "foley studio dance", "foley run EDIT --nonsense", "foley schedule watch --every often"]
)
def test_a_command_that_is_none_is_found(command: str) -> None:
    with pytest.raises((LookupError, typer.BadParameter)):
        require_known(command)


def test_the_container_starts_what_foley_knows() -> None:
    text = (ROOT / "docs" / "studio" / "Containerfile").read_text(encoding="utf-8")
    words = [word for line in re.findall(r"^(?:ENTRYPOINT|CMD) (.*)$", text, re.MULTILINE) for word in json.loads(line)]
    require_known(shlex.join(words))


def test_make_knows() -> None:
    targets = sorted({command.split()[1] for command in FOUND if command.startswith("make ")})
    assert {"demo", "test", "check", "slow", "bench-mini"} <= set(targets)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony and not set(targets) - set(phony[1].split())  # `make tests` would find the folder, and do nothing
    done = subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [command for command in FOUND if command.startswith("python")])
def test_python_finds(command: str) -> None:
    module, *options = command.split()[2:]
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert "__main__" in source
    assert [option for option in options if option.startswith("--") and option not in source] == []


def test_the_pages_name_most_of_what_there_is() -> None:
    assert len(FOLEY) > 50
    assert {command.split()[1] for command in FOLEY} >= {command.name for command in app.registered_commands} - {"demo"}
    assert not [command for command in FOUND if command.startswith("prefect ")], "nothing here parses these"

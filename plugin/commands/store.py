"""foley store: how much is kept, what may go, and whether it is whole."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import DebugOption, JsonOption, QuietOption, StoreOption, pass_options
from plugin.config import CONFIG_NAME
from plugin.errors import UsageError

if TYPE_CHECKING:
    from flows.store_care import Entry

app = typer.Typer(help="What is kept of finished work: how much, what may go, is it whole.", no_args_is_help=True)

_DAY_S = 24 * 3600
_AGES = {"h": 3600, "d": _DAY_S, "w": 7 * _DAY_S}
_SIZES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_DAMAGED, _NO_STORE = 1, "there is no store in {}: name one with --store"


@app.command()
def stats(
    store: StoreOption = None, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """Say how much is kept, when it was last used, and which edits use it."""
    from flows.store_care import PARTS, entries, uses
    from plugin.console import Voice, table

    folder = _store(store)
    kept = list(entries(folder))
    parts = {part: _sum([entry for entry in kept if entry.part == part]) for part in PARTS}
    edits = [
        {"edit": str(use.edit), "folder": str(use.folder), "takes": len(use.keys), "stands": use.stands}
        for use in uses(folder)
    ]
    document = {"store": str(folder), "parts": parts, "edits": edits}
    columns = ("part", "entries", "megabytes", "of them unused for a month")
    rows = [[part, *(f"{value:,}" for value in figures.values())] for part, figures in parts.items()]
    listed = [[str(one["edit"]), str(one["takes"]), "yes" if one["stands"] else "no"] for one in edits]
    Voice(as_json=as_json, quiet=quiet).result(
        document, str(folder), table(columns, rows), table(("edit", "takes", "still there"), listed)
    )
    return 0


@app.command()
def prune(
    store: StoreOption = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="What was not used for so long: 90d, 12h, 8w.")
    ] = None,
    to_size: Annotated[
        str | None, typer.Option("--to-size", metavar="SIZE", help="The longest unused, until so much is left: 50GB.")
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Takes of no edit whose file and output folder are still there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Take out what may go. It can all be made again; what passes delivered lies in their own folders and stays.

    What was used within the last day always stays, for a pass may be about to lay it.
    """
    from flows.store_care import left_over, superfluous
    from plugin.console import Voice

    older_than_s = _read("--older-than", older_than, _AGES, "90d")
    most_bytes = _read("--to-size", to_size, _SIZES, "50GB")
    if older_than_s is None and most_bytes is None and not unused:
        raise UsageError("foley store prune: say what may go, with --older-than, --to-size or --unused")
    folder = _store(store)
    going = superfluous(folder, older_than_s=older_than_s, most_bytes=most_bytes, unused=unused)
    leftovers = list(left_over(folder))
    if not dry_run:
        _remove(going, leftovers)
    done = "would go" if dry_run else "gone"
    total = _sum(going)
    document = {
        "store": str(folder),
        "dry_run": dry_run,
        "removed": total,
        "left_over": len(leftovers),
        "keys": [f"{entry.part}/{entry.key}" for entry in going],
    }
    line = f"{total['entries']:,} entries of {total['megabytes']:,} MB {done}, and {len(leftovers)} half-written files"
    Voice(as_json=as_json, quiet=quiet).outcome(document, line)
    return 0


@app.command()
def verify(
    store: StoreOption = None, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """Read everything that is kept and name what is not as it was written; a pass makes that again by itself.

    Exit code: 0 all whole, 1 something is damaged, 2 wrong usage.
    """
    from flows.store_care import damaged, entries
    from plugin.console import Voice

    folder = _store(store)
    kept = list(entries(folder))
    wrong = [str(file) for file in damaged(folder, kept)]
    lines = [f"{file} is damaged: the next pass that needs it makes it again" for file in wrong]
    document = {"store": str(folder), "entries": len(kept), "damaged": wrong}
    Voice(as_json=as_json, quiet=quiet).result(document, *lines, f"{len(kept):,} entries, {len(wrong)} damaged")
    return _DAMAGED if wrong else 0


def _store(told: Path | None) -> Path:
    """The store that a pass in the current folder would use. Raises UsageError where there is none."""
    from flows.options import store_folder

    options, _ = pass_options(Path.cwd() / CONFIG_NAME, {"store": told})
    folder = store_folder(options)
    if not folder.is_dir():
        raise UsageError(_NO_STORE.format(folder))
    return folder


def _read(option: str, text: str | None, units: dict[str, int], example: str) -> int | None:
    """A number with its unit."""
    if text is None:
        return None
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)({'|'.join(units)})", text)
    if not found:
        raise UsageError(f"{option} {text}: write a number and {', '.join(units)}, for example {option} {example}")
    return int(float(found[1]) * units[found[2]])


def _sum(found: "Sequence[Entry]") -> dict[str, Any]:
    import time

    month_ago = time.time() - 30 * _DAY_S
    return {
        "entries": len(found),
        "megabytes": round(sum(entry.bytes for entry in found) / 1e6, 1),
        "unused_for_a_month": sum(entry.used_at < month_ago for entry in found),
    }


def _remove(going: "Sequence[Entry]", leftovers: Sequence[Path]) -> None:
    try:
        for entry in going:
            entry.remove()
        for file in leftovers:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be removed ({error.strerror}): see who may write there") from error

"""foley schedule: nights that begin by themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import DebugOption, JsonOption, QuietOption
from plugin.commands.pass_flags import NIGHT, night_options, with_pass_flags
from plugin.commands.studio import HomeOption

if TYPE_CHECKING:
    from flows.studio.schedules import Scheduled

app = typer.Typer(help="Nights that begin by themselves, in a running studio.", no_args_is_help=True)

InboxOption = Annotated[Path, typer.Option("--inbox", metavar="DIR", help="Folder of the edits to do.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for everything written.")]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="HH:MM", help="Begin no work after this time; the next night goes on.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A schedule, see `foley schedule list`.")]


@app.command()
@with_pass_flags(NIGHT)
def nightly(
    inbox: InboxOption,
    out: OutOption,
    cron: Annotated[str, typer.Option("--cron", help='When: "0 22 * * 1-5" is 22:00 from Monday to Friday.')],
    flags: dict[str, Any],
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Such as Europe/Berlin. Default: this machine's.")
    ] = None,
    until: UntilOption = None,
    name: Annotated[str, typer.Option("--name", help="What to call it; the same name again changes it.")] = "nightly",
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Make the edits of a folder at set times."""
    from flows.studio.clock import here
    from flows.studio.home import studio_home
    from flows.studio.reach import connect
    from flows.studio.schedules import schedule_nightly

    night, _ = night_options((), inbox, out, until, flags)
    connect(studio_home(home))
    return _show([schedule_nightly(name, night, cron, timezone or here())], as_json=as_json, quiet=quiet)


@app.command()
@with_pass_flags(NIGHT)
def watch(
    inbox: InboxOption,
    out: OutOption,
    flags: dict[str, Any],
    every: Annotated[int, typer.Option("--every", metavar="SECONDS", help="How often to look.")] = 300,
    until: UntilOption = None,
    name: Annotated[str, typer.Option("--name", help="What to call it; the same name again changes it.")] = "watch",
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Look into a folder again and again, and make what is new."""
    from flows.studio.home import studio_home
    from flows.studio.reach import connect
    from flows.studio.schedules import schedule_watch

    night, _ = night_options((), inbox, out, until, flags)
    connect(studio_home(home))
    return _show([schedule_watch(name, night, every)], as_json=as_json, quiet=quiet)


@app.command("list")
def list_schedules(
    home: HomeOption = None, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """List the schedules and when each runs next."""
    from flows.studio.home import studio_home
    from flows.studio.reach import connect
    from flows.studio.schedules import schedules

    connect(studio_home(home))
    return _show(schedules(), as_json=as_json, quiet=quiet)


@app.command()
def pause(
    name: NameArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Let a schedule rest. A night that is going on is left alone."""
    from flows.studio.schedules import set_paused

    return _changed(name, home, lambda: set_paused(name, True), "paused", as_json=as_json, quiet=quiet)


@app.command()
def resume(
    name: NameArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Let a paused schedule run again."""
    from flows.studio.schedules import set_paused

    return _changed(name, home, lambda: set_paused(name, False), "resumed", as_json=as_json, quiet=quiet)


@app.command()
def remove(
    name: NameArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Remove a schedule. What it made stays."""
    from flows.studio.schedules import remove as remove_schedule

    return _changed(name, home, lambda: remove_schedule(name), "removed", as_json=as_json, quiet=quiet)


def _changed(name: str, home: Path | None, change: Any, word: str, *, as_json: bool, quiet: bool) -> int:
    from flows.studio.home import studio_home
    from flows.studio.reach import connect
    from plugin.console import Voice

    connect(studio_home(home))
    change()
    Voice(as_json=as_json, quiet=quiet).result({word: name}, f"{name} is {word}")
    return 0


def _show(found: "list[Scheduled]", *, as_json: bool, quiet: bool) -> int:
    from plugin.console import Voice, table

    voice = Voice(as_json=as_json, quiet=quiet)
    for one in found:
        if one.warning:
            voice.warn(one.warning)
    rows = [_row(one) for one in found]
    columns = ("name", "when", "state", "next runs", "inbox", "out")
    shown = table(columns, rows) if rows else "no schedules: `foley schedule nightly` makes one"
    voice.result([_as_json(one) for one in found], shown)
    return 0


def _row(one: "Scheduled") -> list[str]:
    until = f", until {one.until}" if one.until else ""
    planned = ", ".join(f"{time:%a %d %b %H:%M}" for time in one.next_runs) or (
        "-" if one.paused else "not planned yet"
    )
    return [one.name, f"{one.when}{until}", "paused" if one.paused else "active", planned, one.inbox, one.out]


def _as_json(one: "Scheduled") -> dict[str, Any]:
    return {
        "name": one.name,
        "when": one.when,
        "until": one.until,
        "paused": one.paused,
        "next_runs": [time.isoformat() for time in one.next_runs],
        "inbox": one.inbox,
        "out": one.out,
    }

"""foley demo: a small edit of drawn scenes, made and scored on this machine from nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugin.commands.options import DebugOption, DeviceOption, JsonOption, PrefectOption, QuietOption, pass_options

if TYPE_CHECKING:
    from flows.records import PassReport

LOST_ON_PURPOSE = "lost_reel_train"


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the demo.")] = Path("foley-demo"),
    device: DeviceOption = None,
    prefect: PrefectOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Draw a short edit with its media, make its sounds, and say where to listen.

    One of its reels is missing on purpose: the report says so, and the exit code is 0 all the same.
    """
    from plugin.commands.run import show, watched_pass
    from plugin.console import Voice
    from plugin.demo_edit import make_demo_edit

    voice = Voice(as_json=as_json, quiet=quiet)
    require_folder(out)
    voice.note(f"drawing the demo scenes in {out.absolute()}")
    edit = make_demo_edit(out.absolute())
    flags = {"device": device, "prefect": prefect, "out": out.absolute() / "foley"}
    options, with_prefect = pass_options(edit, flags)
    report = watched_pass(edit, options, voice, with_prefect=with_prefect)
    show(report, voice)
    if not _went_as_staged(report):
        return report.exit_code
    voice.note(f"{LOST_ON_PURPOSE} is missing on purpose, to show what a pass makes of that")
    return 0


def _went_as_staged(report: "PassReport") -> bool:
    """Whether only the reel that is lost on purpose has no sound."""
    failed = {shot.name for shot in report.shots if shot.state == "failed"}
    return bool(report.laid) and failed <= {LOST_ON_PURPOSE}


def require_folder(out: Path) -> None:
    """Raise UsageError when `out` cannot be a folder to write to."""
    from plugin.errors import UsageError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"{out} cannot be used as a folder ({why}): name another with --out") from error

"""foley demo: a small edit of drawn scenes, made and scored on this machine from nothing."""

from pathlib import Path
from typing import Annotated

import typer

from plugin.commands.options import DebugOption, DeviceOption, JsonOption, PrefectOption, QuietOption, pass_options


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the demo.")] = Path("foley-demo"),
    device: DeviceOption = None,
    prefect: PrefectOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Draw a short edit with its media, make its sounds, and say where to listen."""
    from plugin.commands.run import carry_out
    from plugin.console import Voice
    from plugin.demo_edit import make_demo_edit

    voice = Voice(as_json=as_json, quiet=quiet)
    require_folder(out)
    voice.note(f"drawing the demo scenes in {out.absolute()}")
    edit = make_demo_edit(out.absolute())
    options, with_prefect = pass_options(edit, {"device": device, "prefect": prefect, "out": out.absolute() / "foley"})
    return carry_out(edit, options, voice, with_prefect=with_prefect)


def require_folder(out: Path) -> None:
    """Raise UsageError when `out` cannot be a folder to write to."""
    from plugin.errors import UsageError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"{out} cannot be used as a folder ({why}): name another with --out") from error

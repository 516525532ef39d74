"""The `foley` command. Commands import what they need when they run: `foley --help` loads neither torch nor Prefect.

Exit codes: 0 all made, 1 a fault of the program or a finding of the doctor, 2 wrong usage or input that cannot be used,
3 some shots failed and the rest is on the timeline, 4 nothing made, 130 interrupted.
"""

import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from plugin.commands import demo, doctor, models, overnight, run, schedule, shots, spot, store, studio
from plugin.console import LogFormat, complain, let_the_reader_go, log_as, survive_any_letter
from plugin.errors import NothingMadeError, UsageError

USAGE, NOTHING_MADE, FAULT, INTERRUPTED = 2, 4, 1, 130

app = typer.Typer(
    name="foley",
    help="Foley for an edit: reads a timeline, makes the sounds its shots call for, lays them back as audio tracks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("overnight")(overnight.overnight)
app.command("spot")(spot.spot)
app.command("shots")(shots.shots)
app.command("demo")(demo.demo)
app.add_typer(models.app, name="models")
app.add_typer(store.app, name="store")
app.add_typer(studio.app, name="studio")
app.add_typer(schedule.app, name="schedule")
app.command("doctor")(doctor.doctor)


@app.callback()
def _foley(
    log_format: Annotated[
        LogFormat,
        typer.Option("--log-format", envvar="FOLEY_LOG_FORMAT", help="What is said on stderr: text, or JSON lines."),
    ] = LogFormat.TEXT,
) -> None:
    """Foley for an edit: reads a timeline, makes the sounds its shots call for, lays them back as audio tracks."""
    log_as(log_format)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    _speak_utf8()
    sys.exit(exit_code_of(list(sys.argv[1:] if arguments is None else arguments)))


def _speak_utf8() -> None:
    """Begin again in UTF-8 mode where the locale would keep file names from being told, unless a person says no."""
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8" and "PYTHONUTF8" not in os.environ:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def exit_code_of(arguments: list[str]) -> int:
    """Carry out a command line; errors become one sentence on stderr. With --debug they keep their traceback."""
    survive_any_letter()
    # What torch sometimes says of its own kernels while it is imported; nobody can do anything about it.
    warnings.filterwarnings("ignore", message="Warning only once for all operators", category=UserWarning)
    try:
        # The command line parser turns Ctrl-C into this exit code by itself, or lets it through: both end up below.
        code = int(app(arguments or ["--help"], prog_name="foley", standalone_mode=False) or 0)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        let_the_reader_go()
        return 0
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _explained(error)
    if code == INTERRUPTED:
        # Threads still finish the take in hand; who presses Ctrl-C once more does not want to wait for them.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        complain("stopped; what was finished so far is kept, so running it again goes on from here")
    return code


def _explained(error: Exception) -> int:
    """Say in one sentence what is wrong; the exit code."""
    if isinstance(error, NothingMadeError):
        complain(str(error))
        return NOTHING_MADE
    if hasattr(error, "format_message"):  # the command line parser's own errors
        complain(error.format_message())
        return USAGE
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        let_the_reader_go()
        complain(f"{error.filename or 'stdout'} cannot be written: the disk is full")
        return FAULT
    if isinstance(error, UsageError) or _is_known(error):
        complain(str(error))
        return USAGE
    complain(
        f"a fault of the program, {type(error).__name__}: {error}; run again with --debug and report what it shows"
    )
    return FAULT


def _is_known(error: Exception) -> bool:
    """Whether it is one of the errors our packages raise for input they cannot use."""
    from flows.errors import PassError
    from pipeline.errors import PipelineError
    from timeline_io.errors import TimelineError

    return isinstance(error, PassError | PipelineError | TimelineError)


if __name__ == "__main__":
    main()

"""foley studio: a Prefect server, its workers and what they tell, on this machine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from plugin.commands.options import DebugOption, JsonOption, QuietOption, keep_studio_policy
from plugin.errors import UsageError

app = typer.Typer(help="Run passes day and night: server, workers, notifications.", no_args_is_help=True)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the studio. Default: FOLEY_STUDIO, else the user's data folder."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Passes at once. Default: one per GPU, one where there is none.")
]


@app.command()
def up(
    home: HomeOption = None,
    workers: WorkersOption = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            envvar="FOLEY_STUDIO_DATABASE",
            help="postgresql+asyncpg://USER@HOST/NAME. Default: SQLite.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Port of the server and its pages.")] = 4200,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    open_to_network: Annotated[
        bool, typer.Option("--open-to-network", help="Let a --host be reached by other machines.")
    ] = False,
    address: Annotated[
        str | None, typer.Option("--address", metavar="NAME", help="Name other machines know this one by.")
    ] = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Start the server, the pools, the deployments and the workers, and keep them alive.

    Stays in the foreground; Ctrl-C ends everything. What is in progress goes on when the studio is up again.
    """
    from flows.studio.environment import has_password
    from flows.studio.home import studio_home
    from flows.studio.studio_plan import Wishes
    from flows.studio.up import up as run_studio
    from plugin.console import Voice

    keep_studio_policy()
    voice = Voice(quiet=quiet)
    if database and has_password(database) and any(database in argument for argument in sys.argv):
        voice.warn("everybody on this machine can read the database's password: use FOLEY_STUDIO_DATABASE or ~/.pgpass")
    wishes = Wishes(
        host=host, port=port, address=address, open_to_network=open_to_network, database=database, workers=workers
    )
    run_studio(studio_home(home), wishes, voice.note)
    return 0


@app.command()
def join(
    server: Annotated[str, typer.Argument(metavar="URL", help="The studio's API, such as http://studio-box:4200/api.")],
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", help="File with the line that `foley studio password` prints there; once."),
    ] = None,
    home: HomeOption = None,
    workers: WorkersOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Run this machine's workers for a studio on another machine, and keep them alive. Stays in the foreground."""
    from flows.studio.environment import has_password
    from flows.studio.home import read_credentials, studio_home
    from flows.studio.studio_plan import Wishes
    from flows.studio.up import join as run_workers
    from plugin.console import Voice

    keep_studio_policy()
    if has_password(server):
        raise UsageError("the URL holds a password that everybody on this machine can read: use --password-file")
    studio = studio_home(home)
    if not password_file and not os.path.lexists(studio.password_file):
        raise UsageError("name the studio's password with --password-file: `foley studio password` prints it there")
    credentials = read_credentials(password_file or studio.password_file)
    run_workers(studio, server.rstrip("/"), credentials, Wishes(workers=workers), Voice(quiet=quiet).note)
    return 0


@app.command()
def status(
    home: HomeOption = None, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """Show the server, the pools, the workers and the runs that go on."""
    from flows.studio.home import studio_home
    from flows.studio.overview import overview
    from flows.studio.reach import connect
    from plugin.console import Voice, table

    studio = studio_home(home)
    connect(studio)
    running = studio.running()
    rows = overview().as_json()
    document = {"ui": running.ui_url if running else None, "pid": running.pid if running else None, "rows": rows}
    shown = table(("kind", "name", "state", "detail"), [list(row.values()) for row in rows])
    Voice(as_json=as_json, quiet=quiet).result(document, shown, *([running.ui_url] if running else []))
    return 0


@app.command()
def down(
    home: HomeOption = None, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """End the studio that runs here, and wait until it has ended."""
    from flows.studio.home import studio_home
    from flows.studio.up import down as end_studio
    from plugin.console import Voice

    ended = end_studio(studio_home(home))
    Voice(as_json=as_json, quiet=quiet).result({"ended": ended.pid}, f"the studio at {ended.ui_url} has ended")
    return 0


@app.command()
def password(home: HomeOption = None, debug: DebugOption = False) -> int:
    """Print what the server and its pages ask for. It is made when it is first needed."""
    from flows.studio.home import studio_home
    from plugin.console import Voice

    studio = studio_home(home)
    studio.make()
    Voice().result(None, studio.credentials())
    return 0


@app.command()
def notify(
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="POST to this URL; - reads it from standard input.")
    ] = None,
    mail: Annotated[str | None, typer.Option("--mail", metavar="ADDRESS", help="Send mails to this address.")] = None,
    smtp: Annotated[
        str | None,
        typer.Option(
            "--smtp",
            metavar="URL",
            help="smtp://HOST, smtp+starttls://USER@HOST or smtps://USER@HOST; the password is FOLEY_SMTP_PASSWORD.",
        ),
    ] = None,
    finished: Annotated[bool, typer.Option("--finished", help="Also tell when all went well.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Send a test message on every way that is set up.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Tell nobody any more.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Be told when a pass or a night fails or is made in part, by webhook or by mail."""
    from flows.studio import notify as ways
    from flows.studio.home import studio_home
    from flows.studio.reach import connect
    from plugin.console import Voice

    if bool(mail) != bool(smtp):
        raise UsageError("--mail and --smtp go together: the address, and the server that takes the mail")
    if not (webhook or mail or test or remove):
        raise UsageError("say what to do: --webhook URL, --mail ADDRESS --smtp URL, --test or --remove")
    connect(studio_home(home))
    done: dict[str, list[str]] = {"removed": ways.tell_nobody() if remove else [], "set_up": [], "tested": []}
    if webhook:
        ways.tell_webhook(sys.stdin.readline().strip() if webhook == "-" else webhook, finished=finished)
        done["set_up"].append(ways.WEBHOOK)
    if mail and smtp:
        ways.tell_by_mail(mail, smtp, os.environ.get("FOLEY_SMTP_PASSWORD", ""), finished=finished)
        done["set_up"].append(ways.MAIL)
    if test:
        done["tested"] = ways.send_test()
    lines = [f"{what.replace('_', ' ')}: {', '.join(names)}" for what, names in done.items() if names]
    Voice(as_json=as_json, quiet=quiet).result(done, *(lines or ["nobody was told"]))
    return 0

"""foley models: which models there are, how to get them, and whether they are what they should be."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import DebugOption, DeviceOption, JsonOption, QuietOption, keep_studio_policy
from plugin.errors import UsageError

if TYPE_CHECKING:
    from pipeline.weights.catalogue import PublishedModel
    from pipeline.weights.registry import ModelCard
    from plugin.console import Voice

app = typer.Typer(help="Which models there are, and how to get more.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A model, see `foley models list`.")]


@app.command("list")
def list_models(as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False) -> int:
    """List the models: name, licence, whether they are here, size. With --json also sources, presets and labels."""
    from pipeline.weights.registry import known_models
    from plugin.console import Voice, table

    rows = [_as_json(card) for card in known_models()]
    columns = ("name", "licence", "installed", "megabytes")
    shown = table(columns, [[_cell(row[column]) for column in columns] for row in rows])
    Voice(as_json=as_json, quiet=quiet).result(rows, shown)
    return 0


@app.command()
def fetch(
    name: NameArgument,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence that is shown, and accept it.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Take the published files from this folder, offline.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Branch, tag or commit of every source. Default: main.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Fetch a model: show its licence, get the files, check and convert them once, install the whole or nothing.

    The only command that uses the network, and only without --from. What was downloaded before is not downloaded again.
    """
    from pipeline.weights.install import require_published
    from plugin.console import Voice

    keep_studio_policy()
    voice = Voice(as_json=as_json, quiet=quiet)
    _show_licences(require_published(name), voice)
    card = _fetched(name, folder, revision, accept_licence, voice)
    done = f"{name} is installed in {card.folder}: {len(card.files)} files, {_cell(_megabytes(card))} MB"
    voice.result(_as_json(card) | {"folder": str(card.folder)}, done)
    return 0


@app.command()
def verify(
    name: NameArgument,
    listen: Annotated[
        Path | None,
        typer.Option("--listen", metavar="DIR", help="Also make three short sounds of drawn scenes in this folder."),
    ] = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> int:
    """Check a model: the sha256 of every file, the names and shapes of every network. Exit code 1 if one is wrong."""
    from pipeline.weights.registry import find_model
    from pipeline.weights.store import models_folder
    from pipeline.weights.verify import verify
    from plugin.console import Voice, complain

    keep_studio_policy()
    voice = Voice(as_json=as_json, quiet=quiet)
    card = find_model(name)
    checks = []
    for check in verify(card, models_folder()):
        checks.append(check)
        if not as_json:
            voice.result(None, f"{'ok  ' if check.ok else 'fail'} {check.check}: {check.text}")
    failed = [check.check for check in checks if not check.ok]
    sounds = _listening_set(name, listen, device, voice) if listen and not failed else []
    if as_json:
        document = {"name": card.name, "ok": not failed, "checks": [asdict(check) for check in checks]}
        voice.result(document | {"sounds": [str(path) for path in sounds]})
    if failed:
        complain(f"{card.name} is not in order: {', '.join(failed)}; `foley models fetch` installs it again")
    return 1 if failed else 0


@app.command()
def remove(
    name: NameArgument, as_json: JsonOption = False, quiet: QuietOption = False, debug: DebugOption = False
) -> int:
    """Remove an installed model. What it shares with other models stays."""
    from pipeline.weights.remove import remove_model
    from plugin.console import Voice

    folder = remove_model(name)
    Voice(as_json=as_json, quiet=quiet).result({"removed": str(folder)}, f"{folder} is removed")
    return 0


def _fetched(name: str, folder: Path | None, revision: str | None, accept_licence: bool, voice: "Voice") -> "ModelCard":
    """Fetch by the way the options ask for."""
    from pipeline.weights.catalogue import published_models
    from pipeline.weights.hub import Hub
    from pipeline.weights.install import fetch
    from pipeline.weights.sources import PlainFolder
    from pipeline.weights.store import models_folder

    models = models_folder()
    if published_models()[name].base:
        from pipeline.weights.own import fetch_own

        if folder is None:
            raise UsageError(f"{name} is made of parts you trained: name their folder with --from DIR")
        return fetch_own(name, folder.absolute(), models, accept_licence=accept_licence, tell=voice.note)
    progress = voice.err.is_terminal and not voice.quiet
    place = PlainFolder(folder) if folder else Hub(revision, progress=progress)
    return fetch(name, place, models, accept_licence=accept_licence, tell=voice.note)


def _listening_set(name: str, folder: Path, device: str | None, voice: "Voice") -> list[Path]:
    from pipeline.scenes.audition import write_audition_set

    sounds = write_audition_set(name, folder, device=device or "auto")
    if not voice.as_json:
        voice.result(None, *(f"listen to {path}" for path in sounds))
    return sounds


def _show_licences(model: "PublishedModel", voice: "Voice") -> None:
    for licence in model.licences:
        terms = "; no commercial use" if licence.non_commercial else ""
        voice.note(f"{model.name}: {licence.title} ({licence.spdx}, {licence.link}){terms}")


def _as_json(card: "ModelCard") -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "licence": card.licence,
        "non_commercial": card.non_commercial,
        "domain": card.domain,
        "bundled": card.bundled,
        "installed": card.installed,
        "megabytes": _megabytes(card),
        "source": _source(card),
        "presets": list(card.presets),
        "labels": [label.text for label in card.labels],
    }


def _megabytes(card: "ModelCard") -> float:
    """What it takes on disk; for a model that is not here, about what it will take."""
    from pipeline.weights.catalogue import published_models

    published = published_models().get(card.name)
    size = card.size_bytes if card.installed or published is None else published.installed_bytes
    return round(size / 1e6, 1)


def _source(card: "ModelCard") -> list[str]:
    """The repositories it is made of; those it would be fetched from when it is not here."""
    from pipeline.weights.catalogue import published_models

    if card.bundled:
        return ["bundled"]
    if card.installed:
        return list(dict.fromkeys(part["source"] for part in card.sources.values()))
    return list(published_models()[card.name].repos)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

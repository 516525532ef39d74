"""The options that a night's edits share, for commands that do not run a pass themselves but have one run later."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.commands.options import (
    CompileOption,
    DaskOption,
    DeviceOption,
    DtypeOption,
    IsolateOption,
    MediaRootOption,
    ModelOption,
    OffloadOption,
    PathMapOption,
    PatienceOption,
    PresetOption,
    RateOption,
    SettingOption,
    StoreOption,
    WorkersOption,
    pass_options,
)
from plugin.config import CONFIG_NAME
from plugin.errors import UsageError

if TYPE_CHECKING:
    from flows.options import NightOptions

# Word of the command line -> its option. What belongs to one edit (--labels, --conform, --sequence) is not among them.
_SHARED: dict[str, Any] = {
    "model": ModelOption,
    "seed": Annotated[int | None, typer.Option("--seed", min=0, help="Another number gives other takes.")],
    "takes": Annotated[int | None, typer.Option("--takes", min=1, max=20, help="Renditions of each cue. Default: 1.")],
    "media-root": MediaRootOption,
    "path-map": PathMapOption,
    "rate": RateOption,
    "preset": PresetOption,
    "set": SettingOption,
    "device": DeviceOption,
    "isolate": IsolateOption,
    "dask": DaskOption,
    "workers": WorkersOption,
    "patience": PatienceOption,
    "dtype": DtypeOption,
    "offload": OffloadOption,
    "compile": CompileOption,
    "handles": Annotated[
        int | None, typer.Option("--handles", min=0, metavar="FRAMES", help="Extra sound on each side.")
    ],
    "preview": Annotated[bool | None, typer.Option("--preview/--no-preview", help="Also write preview.mp4, or not.")],
    "stems": Annotated[bool | None, typer.Option("--stems/--no-stems", help="Also write each category as one WAV.")],
    "names": Annotated[str | None, typer.Option("--names", help="Names of files and tracks: plain, ucs or netflix.")],
    "store": StoreOption,
}


def with_pass_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command take the shared options too: they reach it as one dict, its parameter `flags`."""

    @wraps(command)
    def taking(**given: Any) -> int:
        flags = {word: given.pop(_parameter(word)) for word in _SHARED}
        return command(**given, flags=flags)

    own = inspect.signature(command, eval_str=True).parameters.values()
    shared = [
        inspect.Parameter(_parameter(word), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for word, option in _SHARED.items()
    ]
    parameters = [
        *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own if one.name != "flags"),
        *shared,
    ]
    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in parameters}
    del taking.__wrapped__
    return taking


_OF_ONE_EDIT = ("labels", "sequence", "conform")


def night_options(
    edits: tuple[Path, ...], inbox: Path | None, out: Path, until: str | None, flags: dict[str, Any]
) -> "tuple[NightOptions, bool]":
    """A night's options, which may run elsewhere and later; and whether Prefect keeps a record.

    A foley.toml in the inbox counts as one beside the edit does for `foley run`. Raises UsageError.
    """
    from pydantic import ValidationError

    from flows.options import NightOptions, SharedOptions

    beside = inbox or (edits[0].parent if edits else Path.cwd())
    options, with_prefect = pass_options(beside.expanduser() / CONFIG_NAME, flags)
    shared = dict(options)
    shared.pop("out")  # the night's own
    for word in _OF_ONE_EDIT:
        if shared.pop(word) is not None:
            raise UsageError(f"{word} is for one edit, a night has many: take it out of foley.toml or the environment")
    try:
        night = NightOptions(inbox=inbox, edits=edits, out=out, until=until, options=SharedOptions(**shared))
    except ValidationError as error:
        raise UsageError(f"--until {until} is no time of day: write it as 07:00") from error
    return night, with_prefect


def _parameter(word: str) -> str:
    return {"set": "settings", "compile": "compiled"}.get(word, word.replace("-", "_"))

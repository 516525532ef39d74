"""The options of a pass, given to each command that makes, plans or orders one."""

import inspect
from collections.abc import Callable, Iterator, Sequence
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
    LabelsOption,
    MediaRootOption,
    ModelOption,
    OffloadOption,
    PathMapOption,
    PatienceOption,
    PresetOption,
    RateOption,
    SequenceOption,
    SettingOption,
    StoreOption,
    WorkersOption,
    pass_options,
)
from plugin.config import CONFIG_NAME
from plugin.errors import UsageError

if TYPE_CHECKING:
    from flows.options import NightOptions

# Word of the command line -> its option.
_OPTIONS: dict[str, Any] = {
    "labels": LabelsOption,
    "model": ModelOption,
    "seed": Annotated[int | None, typer.Option("--seed", min=0, help="Another number gives other takes.")],
    "takes": Annotated[
        int | None, typer.Option("--takes", min=1, max=20, help="Renditions of each cue, one of them laid. Default: 1.")
    ],
    "conform": Annotated[
        Path | None,
        typer.Option("--conform", metavar="DIR", help="Output folder of an earlier pass over another cut."),
    ],
    "media-root": MediaRootOption,
    "path-map": PathMapOption,
    "sequence": SequenceOption,
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
        int | None, typer.Option("--handles", min=0, metavar="FRAMES", help="Extra sound on each side. Default: 12.")
    ],
    "preview": Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="Also write preview.mp4 (default), or not.")
    ],
    "stems": Annotated[
        bool | None, typer.Option("--stems/--no-stems", help="Also write each category as one WAV as long as the edit.")
    ],
    "names": Annotated[
        str | None, typer.Option("--names", help="Pattern of file and track names: plain (default), ucs or netflix.")
    ],
    "store": StoreOption,
}
_OF_ONE_EDIT = ("labels", "sequence", "conform")
PASS = tuple(_OPTIONS)
NIGHT = tuple(word for word in PASS if word not in _OF_ONE_EDIT)
_OF_SOUND = ("seed", "takes", "conform", "handles", "preview", "stems", "names")
_OF_MANY_DEVICES = ("isolate", "dask", "workers", "patience", "compile")
SPOTTING = tuple(word for word in PASS if word not in (*_OF_SOUND, *_OF_MANY_DEVICES))


def with_pass_flags(words: Sequence[str]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Let a command take these options too (PASS, NIGHT, SPOTTING): one dict, word -> value, its parameter `flags`."""

    def with_them(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def taking(**given: Any) -> int:
            flags = {word: given.pop(_parameter(word)) for word in words}
            return command(**given, flags=flags)

        parameters = list(_parameters(command, words))
        taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        taking.__annotations__ = {one.name: one.annotation for one in parameters}
        del taking.__wrapped__
        return taking

    return with_them


def _parameters(command: Callable[..., int], words: Sequence[str]) -> Iterator[inspect.Parameter]:
    """The command's own parameters, with those of the words in the place of `flags`."""
    for one in inspect.signature(command, eval_str=True).parameters.values():
        if one.name != "flags":
            yield one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        for word in words:
            kind = inspect.Parameter.KEYWORD_ONLY
            yield inspect.Parameter(_parameter(word), kind, default=None, annotation=_OPTIONS[word])


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

"""Options that several commands share, and how their words become the options of a pass."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugin.config import CONFIG_NAME, settle
from plugin.errors import UsageError

if TYPE_CHECKING:
    from flows.options import PassOptions

EditArgument = Annotated[
    Path, typer.Argument(metavar="EDIT", help="An edit (.otio .otioz .xml .fcpxml .aaf .edl) or a movie.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no words of success.")]
DebugOption = Annotated[bool, typer.Option("--debug", hidden=True, help="Show the traceback of an error.")]
MediaRootOption = Annotated[
    list[Path] | None, typer.Option("--media-root", help="Folder to search for media that has moved; may be repeated.")
]
PathMapOption = Annotated[
    list[str] | None,
    typer.Option("--path-map", metavar="FROM=TO", help="Replace the beginning of media paths; may be repeated."),
]
SequenceOption = Annotated[
    str | None, typer.Option("--sequence", help="Name of the sequence, where the file holds several.")
]
RateOption = Annotated[
    str | None,
    typer.Option("--rate", metavar="FPS", help="Frame rate of an edit that does not say it (an EDL): 23.976, 25 ..."),
]
LabelsOption = Annotated[Path | None, typer.Option("--labels", help="A cue sheet: which sound each shot gets.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Name or folder of a model. Default: mini.")]
StoreOption = Annotated[
    Path | None, typer.Option("--store", help="Folder of finished takes. Default: the user's cache folder.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", help="auto (default), cpu, cuda, cuda:1 or mps; several with commas, a process each; cuda:all."
    ),
]
IsolateOption = Annotated[
    bool | None,
    typer.Option("--isolate/--no-isolate", help="Work in a process of its own, or not. Default: on GPUs."),
]
DaskOption = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Have the workers of a Dask cluster do the work.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=64, help="Workers of the studio's pool that share the work. Default: 1."),
]
PatienceOption = Annotated[
    int | None,
    typer.Option(
        "--patience",
        min=1,
        metavar="SECONDS",
        help="When work that hangs is given up. Default: 300, longer for long shots.",
    ),
]
PresetOption = Annotated[
    str | None, typer.Option("--preset", help="One of the model's own sets of settings (foley models list --json).")
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one setting (docs/performance.md); may be repeated."),
]
DtypeOption = Annotated[
    str | None,
    typer.Option("--dtype", help="Number format of the large networks: auto, float32, bfloat16 or float16."),
]
OffloadOption = Annotated[
    bool | None, typer.Option("--offload/--no-offload", help="Keep on the GPU only the networks at work (8 GB cards).")
]
CompileOption = Annotated[
    bool | None,
    typer.Option("--compile/--no-compile", help="Let torch.compile make a GPU faster; the start is slower."),
]
PrefectOption = Annotated[
    bool | None,
    typer.Option("--prefect/--no-prefect", help="Keep a record of the pass in Prefect (default), or do without."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
SubmitOption = Annotated[bool, typer.Option("--submit", help="Let the running studio do it, and return at once.")]


def pass_options(edit: Path, flags: Mapping[str, Any]) -> "tuple[PassOptions, bool]":
    """The options of a pass from the command line, the environment and foley.toml; and whether Prefect keeps a record.

    Raises UsageError when one of them cannot be.
    """
    from pydantic import ValidationError

    from flows.options import PassOptions

    words = settle(flags, edit)
    _keep_policy(words)
    with_prefect = bool(words.pop("prefect", True))
    fields = {_FIELDS.get(word, word): value for word, value in words.items()}
    fields["path_maps"] = tuple(_pair("--path-map", text, _MAP_EXAMPLE) for text in words.get("path-map", ()))
    fields["settings"] = tuple(_pair("--set", text, "steps=25") for text in words.get("set", ()))
    try:
        return PassOptions(**fields), with_prefect
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--{_word(str(first['loc'][0]))} {first['input']}: {first['msg'].lower()}") from error


def keep_studio_policy() -> None:
    """Let a command that has no edit respect what the studio's foley.toml in the current folder refuses."""
    _keep_policy(settle({}, Path.cwd() / CONFIG_NAME))


def _keep_policy(words: dict[str, Any]) -> None:
    """Put the studio's policy where every process of this pass sees it: weights are loaded in several."""
    refused = words.pop("refuse-non-commercial", None)
    if refused is not None:
        os.environ["FOLEY_REFUSE_NON_COMMERCIAL"] = "1" if refused else "0"


_FIELDS = {
    "media-root": "media_roots",
    "path-map": "path_maps",
    "set": "settings",
    "compile": "compiled",
    "patience": "patience_s",
}
_MAP_EXAMPLE = r"'Z:\Show=/mnt/show'"


def _word(field: str) -> str:
    return next((word for word, name in _FIELDS.items() if name == field), field)


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    before, equals, after = text.partition("=")
    if not before or not equals or not after:
        raise UsageError(f"{option} {text}: write it as {_METAVARS[option]}, for example {option} {example}")
    return before, after


_METAVARS = {"--path-map": "FROM=TO", "--set": "NAME=VALUE"}

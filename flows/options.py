"""What a person may choose for a pass: the same words as on the command line and in a deployment's form."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flows.output.names import Naming
from flows.places import absolute, edit_name
from pipeline.settings import Precision
from pipeline.user_folders import cache_folder


def _model(name: str) -> str:
    return name if Path(name).name == name else str(absolute(Path(name)))


Place = Annotated[Path, AfterValidator(absolute)]


class _Options(BaseModel):
    """Unknown names are refused, so a typo in a deployment is not silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _EditOptions(_Options):
    out: Place | None = Field(
        default=None, description="Folder for everything written; default '<edit stem>_foley' beside the edit"
    )
    labels: Place | None = Field(default=None, description="Cue sheet (.csv) that says which sound each shot gets")
    sequence: str | None = Field(default=None, description="Name of the sequence, where the file holds several")
    conform: Place | None = Field(
        default=None, description="Output folder of an earlier pass whose takes and picks serve again; default: --out"
    )


class SharedOptions(_Options):
    """How a pass is to be made, whichever its edit."""

    model_config = ConfigDict(title="Options")  # as a deployment's form calls them

    model: Annotated[str, AfterValidator(_model)] = Field(
        default="mini", description="Name of a model, or the folder of one"
    )
    seed: int = Field(default=0, ge=0, description="Another seed gives other takes of the same cues")
    takes: int = Field(
        default=1, ge=1, le=20, description="Renditions of each cue; the picked or best-scored one is laid"
    )
    media_roots: tuple[Place, ...] = Field(
        default=(), description="Folders to search for media that is not where the edit says"
    )
    path_maps: tuple[tuple[str, str], ...] = Field(default=(), description="Beginnings of paths to replace: (from, to)")
    preset: str | None = Field(default=None, description="One of the model's own sets of settings; its card names them")
    settings: tuple[tuple[str, str], ...] = Field(default=(), description="Single settings to change: (name, value)")
    device: str = Field(
        default="auto", description="auto, cpu, cuda, cuda:1, mps; several with commas, a process each; cuda:all"
    )
    isolate: bool | None = Field(
        default=None, description="Work in a process of its own, to be ended when its GPU fails; default: on GPUs"
    )
    dask: str | None = Field(default=None, description="Address of a Dask scheduler whose workers do the work")
    workers: int = Field(
        default=1, ge=1, le=64, description="Workers of the studio's pool that share the work, this one among them"
    )
    patience_s: int = Field(
        default=300,
        ge=1,
        description="Seconds (and a tenth of them per second of sound) until work that hangs is given up",
    )
    dtype: Precision | None = Field(
        default=None, description="Number format of the large networks: auto, float32, bfloat16, float16"
    )
    offload: bool = Field(default=False, description="Keep on the GPU only the networks at work: for 8 GB cards")
    compiled: bool = Field(default=False, description="Let torch.compile make the UNet faster; pays on long passes")
    handles: int = Field(default=12, ge=0, le=10_000, description="Extra frames of sound before and after each cut")
    preview: bool = Field(default=True, description="Also write preview.mp4, the picture with the new sound")
    stems: bool = Field(default=False, description="Also write each category as one WAV as long as the edit")
    names: Naming = Field(default=Naming.PLAIN, description="Pattern of file and track names: plain, ucs or netflix")
    rate: str | None = Field(default=None, description="Frame rate of an edit that does not say it, such as an EDL")
    store: Place | None = Field(
        default=None, description="Folder of finished takes, shared by all passes; default: the cache folder"
    )


class PassOptions(SharedOptions, _EditOptions):
    """Options of a Foley pass over one edit."""


class NightOptions(_Options):
    """What a night is asked for."""

    inbox: Place | None = Field(default=None, description="Folder whose edits (its subfolders' too) are to get sound")
    edits: tuple[Place, ...] = Field(
        default=(), description="Single edits or movies, in addition to those of the inbox"
    )
    out: Place = Field(description="Folder for everything written: one folder '<edit stem>_foley' for each edit")
    until: str | None = Field(
        default=None,
        pattern=r"^([01]?\d|2[0-3]):[0-5]\d$",
        description="Local time (07:00) after which nothing is begun",
    )
    if_busy: Literal["wait", "skip"] = Field(
        default="wait", description="When another night still works into `out`: wait for it, or skip this one"
    )
    remind_h: int = Field(
        default=0, ge=0, description="Hours before failures that stay the same are told again; 0: told by every night"
    )
    options: SharedOptions = Field(default=SharedOptions(), description="Options that all edits share")


def out_folder(edit: Path, options: PassOptions) -> Path:
    """Where the pass writes: `options.out`, else '<edit>_foley' beside the edit, or around one that lies laid in it.
    Absolute."""
    usual = f"{edit_name(edit)}_foley"
    around = edit.parent if edit.stem != edit_name(edit) and edit.parent.name == usual else edit.parent / usual
    return absolute(options.out or around)


def store_folder(options: PassOptions) -> Path:
    """Where finished takes are kept: `options.store`, else FOLEY_STORE, else this user's cache folder. Absolute.

    It lies outside the output folder on purpose: a second edit of the same material finds the takes of the first.
    """
    told = options.store or os.environ.get("FOLEY_STORE")
    return absolute(Path(told) if told else cache_folder("finished takes", "FOLEY_STORE") / "smooth-foley")

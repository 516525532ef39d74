"""Where a setting comes from: the flag, else the FOLEY_* variable, else foley.toml, else the default.

foley.toml is looked for beside the edit, then in the current folder; the first one found counts. Its keys are the words
of the command line (`media-root = ["/mnt/media"]`), and its relative paths start at its own folder.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plugin.errors import ConfigError

CONFIG_NAME = "foley.toml"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def settle(flags: Mapping[str, Any], edit: Path, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings that somebody made, by their command line word; those nobody made are absent.

    `flags` holds the words given on the command line, None for those that were not.
    Raises ConfigError for an unknown key in foley.toml and for a value of the wrong kind.
    """
    from_file = _from_file(edit)
    from_environment = _from_environment(os.environ if environ is None else environ)
    given = {word: value for word, value in flags.items() if value is not None and value != []}
    return from_file | from_environment | given


def config_file(edit: Path) -> Path | None:
    """The foley.toml that counts for this edit."""
    places = (edit.parent / CONFIG_NAME, Path.cwd() / CONFIG_NAME)
    return next((place for place in places if place.is_file()), None)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for word, kind in _KINDS.items():
        name = f"FOLEY_{word.upper().replace('-', '_')}"
        if environ.get(name):
            found[word] = _checked(kind, _listed_in(environ[name], kind), Path.cwd(), name)
    return found


def _from_file(edit: Path) -> dict[str, Any]:
    file = config_file(edit)
    if file is None:
        return {}
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read ({error}): mend it or take it away") from error
    unknown = [key for key in settings if key not in _KINDS]
    if unknown:
        raise ConfigError(f"{file} has the unknown key '{unknown[0]}': the keys are {', '.join(sorted(_KINDS))}")
    return {word: _checked(_KINDS[word], value, file.parent, f"{word} in {file}") for word, value in settings.items()}


def _checked(kind: "Kind", value: Any, home: Path, where: str) -> Any:
    try:
        return kind(value, home)
    except (TypeError, ValueError, RuntimeError) as error:  # the last: "~nobody", whose home is not known
        raise ConfigError(f"{where} is {value!r}, but {error}") from error


Kind = Callable[[Any, Path], Any]


def _word(value: Any, home: Path) -> str:
    if not isinstance(value, str):
        raise TypeError("it must be text in quotes")
    return value


def _number(value: Any, home: Path) -> int:
    if isinstance(value, bool) or not str(value).strip().isascii() or not str(value).strip().isdigit():
        raise ValueError("it must be a whole number, zero or more")
    return int(value)


def _switch(value: Any, home: Path) -> bool:
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise ValueError("it must be true or false")
    return text in _TRUE


def _path(value: Any, home: Path) -> Path:
    return home / Path(_word(value, home)).expanduser()


def _paths(value: Any, home: Path) -> list[Path]:
    return [_path(item, home) for item in ([value] if isinstance(value, str) else _listed(value))]


def _maps(value: Any, home: Path) -> list[str]:
    return [_word(item, home) for item in ([value] if isinstance(value, str) else _listed(value))]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it must be a list of texts")
    return value


def _model(value: Any, home: Path) -> str:
    """A model's name, or the folder of one when there is such a folder."""
    folder = _path(value, home)
    return str(folder) if folder.is_dir() else _word(value, home)


def _listed_in(text: str, kind: Kind) -> str | list[str]:
    """What a variable holds; a list is written like PATH. The colon of a drive (Z:\\Show=/mnt/show) parts nothing."""
    if kind not in (_paths, _maps):
        return text
    parts: list[str] = []
    for part in filter(None, text.split(os.pathsep)):
        if kind is _maps and parts and "=" not in parts[-1]:
            parts[-1] += os.pathsep + part
        else:
            parts.append(part)
    return parts


_KINDS: dict[str, Kind] = {
    "out": _path,
    "labels": _path,
    "model": _model,
    "seed": _number,
    "takes": _number,
    "conform": _path,
    "rate": _word,
    "media-root": _paths,
    "path-map": _maps,
    "preset": _word,
    "set": _maps,
    "device": _word,
    "isolate": _switch,
    "dask": _word,
    "workers": _number,
    "patience": _number,
    "dtype": _word,
    "offload": _switch,
    "compile": _switch,
    "handles": _number,
    "preview": _switch,
    "stems": _switch,
    "names": _word,
    "prefect": _switch,
    "sequence": _word,
    "store": _path,
    "refuse-non-commercial": _switch,
}

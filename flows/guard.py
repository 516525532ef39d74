"""The four packages have everyday names, and another project's `pipeline` or `flows` can take their place without
a word: a folder on PYTHONPATH shadows ours, a package of that name from PyPI overwrites ours. Say so at import."""

from importlib.util import find_spec
from pathlib import Path

# Every __init__.py of this project speaks of Foley in its docstring; the namesakes on PyPI do not.
_MARK = "foley"


def require_own(*names: str) -> None:
    """Check that each package is the one beside this file; nothing is imported.

    Raises ImportError with one sentence that names the intruder's place and what to do.
    """
    home = Path(__file__).resolve().parent.parent
    for name in names:
        _require_beside(home, name)


def _require_beside(home: Path, name: str) -> None:
    ours = home / name / "__init__.py"
    found = _place_of(name)
    if found != ours:
        raise ImportError(
            f"Smooth-Foley needs its own package '{name}' in {ours.parent}, but Python finds {found or 'none'}: "
            "take that folder off PYTHONPATH, or uninstall the other package and install Smooth-Foley again"
        )
    if _MARK not in ours.read_text(encoding="utf-8", errors="replace").lower():
        raise ImportError(
            f"Smooth-Foley's package '{name}' in {ours.parent} was overwritten by another package of that name: "
            f"run `pip uninstall {name}` and install Smooth-Foley again"
        )


def _place_of(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None:
        return None
    if spec.origin:
        return Path(spec.origin).resolve()
    return Path(next(iter(spec.submodule_search_locations or [name]))).resolve()

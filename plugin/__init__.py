"""Everything a person touches of Smooth-Foley: the command line, the doctor, the demo."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

# The guard lives in flows, which a namesake may have replaced: so it is loaded by its place, not by its name.
_place = spec_from_file_location("_foley_guard", Path(__file__).resolve().parent.parent / "flows" / "guard.py")
if _place is None or _place.loader is None:
    raise ImportError("Smooth-Foley is not complete: flows/guard.py is missing; install it again")
_guard = module_from_spec(_place)
_place.loader.exec_module(_guard)
_guard.require_own("flows", "pipeline", "timeline_io")

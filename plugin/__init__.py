"""Everything a person touches of Smooth-Foley: the command line, the doctor, the demo."""

from importlib.util import find_spec
from pathlib import Path

# The guard itself lives in flows, which a namesake may have replaced: only its place can be checked from here.
_guard = Path(__file__).resolve().parent.parent / "flows" / "guard.py"
_flows = find_spec("flows")
if _flows is None or _flows.origin is None or Path(_flows.origin).resolve().parent != _guard.parent:
    raise ImportError(
        f"Smooth-Foley needs its own package 'flows' in {_guard.parent}, but Python finds "
        f"{_flows.origin if _flows else 'none'}: take that folder off PYTHONPATH, or uninstall the other package "
        "and install Smooth-Foley again"
    )

from flows.guard import require_own  # noqa: E402  (only after the check above is this import ours)

require_own("flows", "pipeline", "timeline_io")

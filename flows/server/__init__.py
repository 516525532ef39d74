"""Prefect's server as a pass needs it: quiet, offline, its own where nobody runs one, and gone now and then."""

"""Fans the shots of an edit out to make their Foley, resumes, reports. The only package that knows Prefect."""

from flows.guard import require_own

require_own("pipeline", "timeline_io")

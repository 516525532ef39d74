"""Edits in, plain shots out, Foley tracks laid back. The only package that knows OpenTimelineIO."""

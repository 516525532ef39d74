"""Edit decision lists (CMX 3600), which hold no sound of ours."""

from timeline_io.formats.base import Format
from timeline_io.formats.edl.reader import read_edl, read_edl_at
from timeline_io.formats.edl.text import looks_like_edl

FORMAT = Format(
    name="edl",
    title="edit decision lists (.edl)",
    suffixes=(".edl",),
    suits=looks_like_edl,
    read=read_edl,
    read_at=read_edl_at,
)

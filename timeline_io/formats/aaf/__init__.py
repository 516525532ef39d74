"""AAF, a compound file."""

from timeline_io.formats.aaf.container import MAGIC
from timeline_io.formats.aaf.patcher import add_tracks, find_tracks, remove_tracks
from timeline_io.formats.aaf.reader import read_aaf
from timeline_io.formats.base import Format, Laying

FORMAT = Format(
    name="aaf",
    title="AAF (.aaf)",
    suffixes=(".aaf",),
    suits=lambda head: head.startswith(MAGIC.decode("latin-1")),
    read=read_aaf,
    laying=Laying(add=add_tracks, remove=remove_tracks, find=find_tracks),
)

"""Final Cut Pro 7 XML, which Premiere and Resolve write."""

from timeline_io.formats.base import Format, Laying
from timeline_io.formats.fcp7.empty import empty_timeline
from timeline_io.formats.fcp7.patcher import add_tracks, find_tracks, remove_tracks
from timeline_io.formats.fcp7.reader import read_fcp7

FORMAT = Format(
    name="fcp7",
    title="Final Cut Pro 7 XML (.xml, as Premiere and Resolve export it)",
    suffixes=(".xml",),
    suits=lambda head: head.startswith("<"),
    read=read_fcp7,
    laying=Laying(add=add_tracks, remove=remove_tracks, find=find_tracks, empty=empty_timeline),
)

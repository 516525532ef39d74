"""Final Cut Pro X XML, alone or in its bundle."""

from timeline_io.formats.base import Format, Laying
from timeline_io.formats.fcpxml.patcher import add_tracks, find_tracks, remove_tracks
from timeline_io.formats.fcpxml.reader import read_fcpxml

FORMAT = Format(
    name="fcpxml",
    title="Final Cut Pro X XML (.fcpxml, .fcpxmld)",
    suffixes=(".fcpxml", ".fcpxmld"),
    suits=lambda head: head.startswith("<") and "<fcpxml" in head,
    read=read_fcpxml,
    laying=Laying(add=add_tracks, remove=remove_tracks, find=find_tracks),
)

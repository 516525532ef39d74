"""OpenTimelineIO's JSON, alone or in its bundles."""

from timeline_io.formats.base import Format, Laying
from timeline_io.formats.otio.empty import empty_timeline
from timeline_io.formats.otio.patcher import add_tracks, find_tracks, remove_tracks
from timeline_io.formats.otio.reader import read_otio

FORMAT = Format(
    name="otio",
    title="OpenTimelineIO (.otio, .otioz, .otiod)",
    suffixes=(".otio", ".otioz", ".otiod"),
    suits=lambda head: head.startswith("{"),
    read=read_otio,
    laying=Laying(add=add_tracks, remove=remove_tracks, find=find_tracks, empty=empty_timeline),
)

"""What OpenTimelineIO finds of this program: a media linker and two adapters, called by name.

    otio.adapters.read_from_file("cut.fcpxml", adapter_name="foley_fcpxml")
    otio.adapters.write_to_file(timeline, "shots.json", adapter_name="foley_shots")
    otio.adapters.read_from_file("cut.otio", media_linker_name="foley_search",
                                 media_linker_argument_map={"roots": ["/mnt/rushes"], "path_maps": [["D:/", "/mnt"]]})

They claim no file suffix: the first adapter that claims one is asked, and OpenTimelineIO's own come with the studio.
Nothing is laid through an adapter: a timeline written by one has lost what OpenTimelineIO does not model (lay.py).
"""

"""One shot in, one Foley clip out. The only package that knows torch, diffusers, open_clip and PyAV."""

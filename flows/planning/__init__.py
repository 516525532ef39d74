"""What there is to do: edits read, media placed, cues decided, all before anything is made."""

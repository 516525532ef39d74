"""Training of the bundled model on procedural scenes."""

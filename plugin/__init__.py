"""Everything a person touches: the command line, the doctor, the demo."""

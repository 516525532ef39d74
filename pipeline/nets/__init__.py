"""The networks, by stock classes where they exist."""

"""Doing it: the loop that keeps every device busy, the crew, and where the work happens."""

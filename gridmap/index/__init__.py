"""Point to row."""

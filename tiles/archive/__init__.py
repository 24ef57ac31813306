"""The whole pyramid of tiles in one file, for any file host that knows range requests."""

"""The live stream: one hub in the event loop, one encoded frame for everybody who asked for it."""

"""Loops compiled to machine code: arrays in, arrays out, nothing of the town's own inside."""

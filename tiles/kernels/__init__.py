"""Loops that make tiles: arrays in, arrays out, nothing of ours inside but the numba door."""

"""How a tile is measured: the units of its side, and how far it draws beyond its square.

Both are settings, read once at the start, and part of the token. The extent is a power of two, because a
rung then serves deeper zooms by shifting; whatever it is, the deepest rung has the same units on the ground
(`DEEPEST_BITS`), so a city is told apart just as finely, from a zoom earlier or later on. Nothing of this is
compiled into a kernel: the encoder is told both with every square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gridmap.errors import InputError
from gridmap.settings import TILE_BUFFER, TILE_EXTENT
from tiles.layers import DEEPEST

EXTENTS: Final = (512, 1024, 2048, 4096, 8192)
"""Below, simplified borders are seen to be simplified; above, points of the deepest zooms leave 32 bits."""

MOST_BUFFER: Final = 1024

DEEPEST_BITS: Final = 28
"""The deepest rung has 2**28 units in one of the plane: 13 cm in Chongqing."""

SLACK: Final = 16
"""Units by which a simplified border may lie off the true one, and more."""


@dataclass(frozen=True)
class Measure:
    """The units of a tile's side, and those that it draws beyond its square on every side."""

    extent: int = 4096
    buffer: int = 64

    @property
    def bits(self) -> int:
        """The extent is two to the power of this."""
        return self.extent.bit_length() - 1

    @property
    def deepest_rung(self) -> int:
        """The deepest zoom that has a rung of its own."""
        return min(DEEPEST_BITS - self.bits, DEEPEST)

    @property
    def margin(self) -> float:
        """How far beyond its square a tile may show something that is drawn elsewhere, in tiles."""
        return (self.buffer + SLACK) / self.extent


STANDARD: Final = Measure()


def read_measure() -> Measure:
    """The measure that the settings say. InputError naming one that cannot be."""
    extent, buffer = TILE_EXTENT.number(), TILE_BUFFER.number(0)
    if extent not in EXTENTS:
        known = ", ".join(map(str, EXTENTS))
        raise InputError(TILE_EXTENT.name, f"{extent} is none of {known}: correct the environment")
    if buffer > MOST_BUFFER:
        raise InputError(TILE_BUFFER.name, f"{buffer} is more than {MOST_BUFFER}: correct the environment")
    return Measure(extent, buffer)

"""Tile addresses: which square of which plane z, x, y means in each scheme that map libraries know.

    xyz         Web Mercator, rows from the north: OpenStreetMap, Google; also Tianditu `w`
    gcj02       the same on GCJ-02: AMap (Gaode)
    gcj02-tms   the same with rows from the south (TMS): Tencent
    bd09        Baidu's own squares, counted east and north from the place 0, 0; a tile of 256 pixels is
                256 * 2**(18 - z) m. South and west of there numbers are negative (Baidu writes M1 for -1)
    tianditu-c  Tianditu `c`: longitude and latitude, 2**z columns and 2**(z - 1) rows from 90 N

A *square* is (column, row) in a plane's own grid (`tiles.planes`), rows growing downwards as y does; only
the rows differ from the x, y of an address. A tile holds its western and northern border, so every place has
one tile; schemes that count rows from the south say it the other way round in their own documents, which
concerns only places that lie on a border to the last bit.

The deepest zoom is the last that has an address, not the last with tiles: Tianditu's capabilities list 1 to
18, Baidu's map libraries go from 3 (in browsers) to 21 (on phones).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from gridmap.errors import InputError
from tiles.planes import PLANES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tiles.planes import Plane

    Rows = Literal["down", "flipped", "up"]


class Tile(NamedTuple):
    """A tile's address; what it means is up to its scheme."""

    z: int
    x: int
    y: int


@dataclass(frozen=True)
class Scheme:
    """One way to number the squares of a plane.

    `rows` is how y counts them: down from the top of the plane, flipped (up from the bottom of the world's
    square), or up from the plane's 0.
    """

    name: str
    title: str
    plane: Plane
    lowest: int
    deepest: int
    rows: Rows = "down"

    def square(self, tile: Tile) -> tuple[int, int]:
        """The column and the row of a tile in the plane's grid, where rows grow downwards."""
        return tile.x, self._turned(tile.z, tile.y)

    def tile(self, z: int, column: int, row: int) -> Tile:
        """The address of a square of the plane's grid: the inverse of `square`."""
        return Tile(z, column, self._turned(z, row))

    def squares(self, z: int) -> tuple[range, range]:
        """The columns and the rows that the map has at a zoom."""
        left, top, right, bottom = (side * 2**z for side in self.plane.extent)
        columns = range(math.floor(left), math.ceil(right))
        return columns, range(math.floor(top), math.ceil(bottom))

    def holds(self, tile: Tile) -> bool:
        """Whether this is an address of the scheme: a zoom it has, a square of its map."""
        if not self.lowest <= tile.z <= self.deepest:
            return False
        columns, rows = self.squares(tile.z)
        column, row = self.square(tile)
        return column in columns and row in rows

    def tile_at(self, lon: float, lat: float, z: int) -> Tile:
        """The tile that a place (WGS84 degrees) lies in; 180 E lies in the last column.

        InputError: no degree, a zoom without addresses ("z"), a place off the map ("lat").
        """
        if not self.lowest <= z <= self.deepest:
            raise InputError("z", f"{self.name} has zooms {self.lowest} to {self.deepest}, not {z}.")
        (x,), (y,) = self.plane.project([lon], [lat])
        columns, rows = self.squares(z)
        column, row = math.floor(x * 2**z), math.floor(y * 2**z)
        row = min(row, rows.stop - 1) if y == self.plane.extent[3] else row  # the south pole of `c`
        if row not in rows:
            raise InputError("lat", f"{lat} lies beyond the edge of the map of {self.name}.")
        return self.tile(z, min(max(column, columns.start), columns.stop - 1), row)

    def box(self, tile: Tile, margin: float = 0.0) -> tuple[float, float, float, float]:
        """West, south, east, north (WGS84 degrees) of a box that holds a tile and a margin, in tiles.

        For planes of another datum the box is a little larger (`Plane.lonlat_box`). It ends where the map
        does.
        """
        column, row = self.square(tile)
        unit = 2.0**-tile.z
        return self.plane.lonlat_box(
            (column - margin) * unit,
            (row - margin) * unit,
            (column + 1 + margin) * unit,
            (row + 1 + margin) * unit,
        )

    def _turned(self, z: int, row: int) -> int:
        """A plane's row as the scheme's y, or the other way round: turning twice changes nothing."""
        if self.rows == "down":
            return row
        return 2**z - 1 - row if self.rows == "flipped" else -1 - row


SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (
            Scheme("xyz", "Web Mercator (OpenStreetMap, Google, 天地图 w)", PLANES["mercator"], 0, 22),
            Scheme("gcj02", "Web Mercator on GCJ-02 (高德 AMap)", PLANES["gcj02"], 0, 22),
            Scheme(
                "gcj02-tms",
                "Web Mercator on GCJ-02, rows from the south (腾讯 Tencent)",
                PLANES["gcj02"],
                0,
                22,
                "flipped",
            ),
            Scheme("bd09", "Baidu's squares on BD-09 (百度)", PLANES["bd09"], 3, 21, "up"),
            Scheme("tianditu-c", "CGCS2000 degrees (天地图 c)", PLANES["degrees"], 1, 18),
        )
    }
)
"""The schemes by name, in the order in which they are told."""

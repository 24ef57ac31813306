"""Buildings: rectangles that are put on the plane when a tile asks for them.

Two million buildings on four planes at every zoom would be gigabytes, so what is kept is a point, two sizes
and a bearing for each, along a Hilbert curve. A tile takes those near it, turns them into corners, and goes
the way of every other polygon from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.kernels.ellipsoid import metres_per_unit
from gridmap.lattice import SCALE, to_degrees
from tiles.curve import along_curve
from tiles.encoder import Drawn, Window
from tiles.kernels import pack
from tiles.messages import attributes, numbered, texts
from tiles.packed import with_boxes

if TYPE_CHECKING:
    from gridmap.scenery import BuildingColumns, Float32Array
    from gridmap.types import FloatArray, Int32Array, Int64Array
    from tiles.kernels.parts import Attributes, Rung
    from tiles.planes import Plane

BLOCK: Final = 128
"""Buildings in a block."""

UNKNOWN_M: Final = 8.0
"""How wide a building is drawn whose size nobody knows."""

FLOOR_M: Final = 3
"""How high a floor is drawn."""

NARROWEST: Final = 2.0
"""Units of the tile that a side has at least: what is thinner would vanish by rounding."""

KEYS: Final = ("code", "name", "kind", "height")
CORNERS: Final = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


class Houses:
    """The buildings of a city, for tiles of any plane."""

    def __init__(self, buildings: BuildingColumns, extent: int) -> None:
        """Sort the buildings along a curve: a second for two million."""
        self.order = along_curve(buildings.xs.astype(np.float64), buildings.ys.astype(np.float64))
        self._xs, self._ys = buildings.xs[self.order], buildings.ys[self.order]
        self.columns = buildings
        self._extent = extent
        self._words = np.array(buildings.uses.dictionary.to_pylist(), dtype=object)
        self._uses = buildings.uses.indices.to_numpy()
        starts = np.arange(0, len(self.order), BLOCK)
        sizes = np.maximum(buildings.widths_m, buildings.depths_m)
        # Half a diagonal of the largest, and a little for the way in which a plane turns things.
        reach_m = float(sizes.max(initial=0)) + UNKNOWN_M
        north = abs(float(self._ys.mean())) if len(self._ys) else 0.0
        self._reach = reach_m / min(metres_per_unit(north))
        self._blocks = tuple(
            function.reduceat(values, starts).astype(np.float64) if len(starts) else np.empty(0)
            for function, values in (
                (np.minimum, self._xs),
                (np.minimum, self._ys),
                (np.maximum, self._xs),
                (np.maximum, self._ys),
            )
        )

    def encode(self, plane: Plane, zoom: int, column: int, row: int, window: Window) -> bytes:
        """The layer of a square of a plane."""
        rows = self.near(plane, zoom, column, row, window)
        if not len(rows):
            return b""
        lons, lats = self.around(rows[:, None], CORNERS[:, 0], CORNERS[:, 1], zoom, window)
        xs, ys = in_window(plane, lons, lats, zoom, window)
        return Drawn(_rung(xs, ys), self._attributes(rows)).encode(at_zero(window))

    def middles(self, plane: Plane) -> FloatArray:
        """Where the buildings are on a plane, (n, 2)."""
        return np.stack(plane.project(*to_degrees(self._xs, self._ys)), axis=1)

    def boxes(self, plane: Plane) -> FloatArray:
        """Left, top, right, bottom of squares that surely hold each building, (n, 4)."""
        middles = self.middles(plane)
        reach = self._reach / SCALE / 360 * 2
        return np.hstack([middles - reach, middles + reach])

    def near(self, plane: Plane, zoom: int, column: int, row: int, window: Window) -> Int64Array:
        """The buildings that may be in a square, in the order of the curve."""
        margin, side = window.buffer / window.extent, 2.0**-zoom
        box = plane.lonlat_box(
            (column - margin) * side,
            (row - margin) * side,
            (column + 1 + margin) * side,
            (row + 1 + margin) * side,
        )
        west, south, east, north = (value * SCALE for value in box)
        west, south, east, north = (
            west - self._reach,
            south - self._reach,
            east + self._reach,
            north + self._reach,
        )
        low_x, low_y, high_x, high_y = self._blocks
        blocks = np.flatnonzero((low_x <= east) & (high_x >= west) & (low_y <= north) & (high_y >= south))
        places = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        places = places[places < len(self.order)]
        xs, ys = self._xs[places], self._ys[places]
        inside = (xs >= west) & (xs <= east) & (ys >= south) & (ys <= north)
        return np.asarray(self.order[places[inside]], np.int64)

    def around(
        self, rows: Int64Array, along: FloatArray, across: FloatArray, zoom: int, window: Window
    ) -> tuple[FloatArray, FloatArray]:
        """Places in buildings, in degrees: shares of the width and of the depth, from -0.5 to 0.5."""
        columns = self.columns
        xs, ys = columns.xs[rows].astype(np.float64), columns.ys[rows].astype(np.float64)
        east_m, north_m = metres_per_unit(float(ys.mean()))
        # A unit of the tile in metres, as wide as it is anywhere: 40,075 km round the equator.
        least = NARROWEST * 40_075_017.0 / (window.extent * 2.0**zoom)
        along_m = along * drawn_m(columns.widths_m[rows], least)
        across_m = across * drawn_m(columns.depths_m[rows], least)
        turn = np.radians(columns.bearings_deg[rows].astype(np.float64))
        sine, cosine = np.sin(turn), np.cos(turn)
        lons = (xs + (along_m * sine + across_m * cosine) / east_m) / SCALE
        lats = (ys + (along_m * cosine - across_m * sine) / north_m) / SCALE
        return lons, lats

    def _attributes(self, rows: Int64Array) -> Attributes:
        columns = self.columns
        heights = (columns.floors[rows].astype(np.int64) * FLOOR_M).tolist()
        shared = numbered(
            [columns.names.take(rows).to_pylist(), self._words[self._uses[rows]].tolist(), heights]
        )
        own = [texts(columns.codes.take(rows))]
        return attributes("building", KEYS, self._extent, columns.numbers[rows], own, shared)


def drawn_m(sizes_m: Float32Array, least: float) -> FloatArray:
    """How wide sides are drawn, in metres: as they are, and where nobody knows as most are."""
    sizes = sizes_m.astype(np.float64)
    return np.maximum(np.where(sizes > 0, sizes, UNKNOWN_M), least)


def in_window(
    plane: Plane, lons: FloatArray, lats: FloatArray, zoom: int, window: Window
) -> tuple[Int32Array, Int32Array]:
    """Degrees, in arrays of any shape, as whole units of a tile from the corner of a window on."""
    across, down = plane.project(lons.ravel(), lats.ravel())
    units = float(window.extent) * 2.0**zoom
    xs = (np.floor(across * units + 0.5) - window.left).astype(np.int32)
    ys = (np.floor(down * units + 0.5) - window.top).astype(np.int32)
    return xs.reshape(lons.shape), ys.reshape(lons.shape)


def at_zero(window: Window) -> Window:
    """A window whose own corner is where counting begins: units of the deepest zooms leave 32 bits."""
    return Window(0, 0, window.extent, window.buffer)


def _rung(xs: Int32Array, ys: Int32Array) -> Rung:
    """The rung of rectangles, row by row; those that rounding closed are left out."""
    count = len(xs)
    ahead_x, ahead_y = np.roll(xs, -1, axis=1), np.roll(ys, -1, axis=1)
    base_x, base_y = xs[:, :1].astype(np.int64), ys[:, :1].astype(np.int64)
    areas = ((xs - base_x) * (ahead_y - base_y) - (ahead_x - base_x) * (ys - base_y)).sum(axis=1)
    turned = areas < 0  # shells run clockwise as one sees them: a positive area with y down
    xs, ys = (np.where(turned[:, None], values[:, ::-1], values) for values in (xs, ys))
    room = 4 * np.arange(count + 1)
    sizes = np.full(4 * count + 1, 4, np.int32)
    counts = (areas != 0).astype(np.int32)
    rows, boxes = np.empty(count, np.int32), np.empty((count, 4), np.int32)
    starts, places = np.empty((count, 2), np.int32), np.zeros(count + 1, np.int64)
    data = np.empty(4 * pack.BYTES_PER_POINT * count + 16, np.uint8)
    used, size = pack.pack_features(
        np.arange(count),
        np.ascontiguousarray(xs).ravel(),
        np.ascontiguousarray(ys).ravel(),
        room,
        sizes,
        counts,
        rows,
        boxes,
        starts,
        places,
        data,
    )
    return with_boxes(
        rows[:used].copy(), boxes[:used].copy(), starts[:used].copy(), places[: used + 1].copy(), data[:size]
    )

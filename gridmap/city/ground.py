"""Where a grid is in metres: its scale, its size, and the straight rows along which its buildings stand.

Theory of operation. Streets make rows. Every grid gets a bearing; its outline is turned so that rows run
along the first axis, and parallel rows are cut out of it with even-odd crossings, one spacing apart. The
pieces of rows inside the grid (chords) are laid end to end, and the wanted number of places is put on that
line at even steps with a little jitter. So every place is inside by construction, evenly spread, in an exact
number, without rejection: points thrown into bounding boxes miss every second time, and each miss would cost
a lookup. The lookup still has the last word (see `buildings`).

Metres are local: one scale per grid, taken at its centre. A grid is a few kilometres wide at most, where that
is exact to about one part in a thousand; a place moved across a border by it is found out by the lookup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from gridmap.city.plan import CityPlan
    from gridmap.types import AnyArray, FloatArray, Int64Array

ROOMY = 0.2
"""At most this share of a chord is left free at each of its ends."""
MAX_ROWS = 400
"""Rows cut through one grid at most: a thin, long grid must not cost as much as a district."""


def metres_per_unit(ys: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Say how many metres one lattice unit is, eastwards and northwards, at each latitude.

    `ys` are lattice units. Series of the WGS84 ellipsoid as in NIMA TR8350.2 ("length of a degree"), good to
    a centimetre per degree.
    """
    lat = np.radians(ys / SCALE)
    north = 111132.92 - 559.82 * np.cos(2 * lat) + 1.175 * np.cos(4 * lat) - 0.0023 * np.cos(6 * lat)
    east = 111412.84 * np.cos(lat) - 93.5 * np.cos(3 * lat) + 0.118 * np.cos(5 * lat)
    return east / SCALE, north / SCALE


def offset(
    ys: FloatArray, bearing_deg: AnyArray, along: FloatArray, across: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Turn metres along a bearing and across it (to the left) into lattice units eastwards and northwards."""
    turn = np.radians(bearing_deg)
    sine, cosine = np.sin(turn), np.cos(turn)
    east_m, north_m = metres_per_unit(ys)
    return (along * sine - across * cosine) / east_m, (along * cosine + across * sine) / north_m


@dataclass(frozen=True)
class Ground:
    """The grids in metres, each turned to its own bearing around its centre.

    Per grid: `bearing_deg` of its rows (clockwise from north, 0 to 180), `area_m2`, `base` and `height`
    (lowest row coordinate and extent across the rows, metres). `edges` are the outlines: grid, and the two
    ends (along, across).
    """

    centres: FloatArray
    bearing_deg: FloatArray
    area_m2: FloatArray
    base: FloatArray
    height: FloatArray
    edge_grid: Int64Array
    edges: FloatArray

    def to_lattice(
        self, grids: Int64Array, along: FloatArray, across: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Turn row coordinates (metres) of places in `grids` back into lattice units, as floats."""
        x, y = self.centres[grids].T
        right, up = offset(y, self.bearing_deg[grids], along, across)
        return x + right, y + up


def survey(plan: CityPlan, rng: np.random.Generator) -> Ground:
    """Measure every grid of the plan and give its rows a bearing."""
    centres = plan.centres.astype(np.float64)
    count = len(centres)
    scale = metres_per_unit(centres[:, 1])
    bearing = np.floor(rng.uniform(0, 180, count))
    parts, part_grid = shapely.get_parts(plan.grids, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    grid = part_grid[part[ring]]
    turned = _turn(points - centres[grid], grid, scale, bearing)
    inside_ring = ring[1:] == ring[:-1]
    edges = np.hstack([turned[:-1], turned[1:]])[inside_ring]
    base, top = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(base, grid, turned[:, 1])
    np.maximum.at(top, grid, turned[:, 1])
    area = shapely.area(plan.grids) * scale[0] * scale[1]
    return Ground(centres, bearing, area, base, top - base, grid[1:][inside_ring], edges)


def _turn(
    offsets: FloatArray, grid: Int64Array, scale: tuple[FloatArray, FloatArray], bearing: FloatArray
) -> FloatArray:
    """Offsets from the centre in lattice units, as (along, across) the rows in metres."""
    east, north = offsets[:, 0] * scale[0][grid], offsets[:, 1] * scale[1][grid]
    turn = np.radians(bearing)[grid]
    sine, cosine = np.sin(turn), np.cos(turn)
    return np.column_stack([east * sine + north * cosine, north * sine - east * cosine])


def places(
    ground: Ground, wanted: Int64Array, margin_m: FloatArray, rng: np.random.Generator
) -> tuple[Int64Array, FloatArray, FloatArray]:
    """Find `wanted` places in every grid, evenly spread along its rows: (grid, along, across).

    `wanted` and `margin_m` (free metres at the ends of a row) have one entry per grid. The answer is ordered
    by grid, in a grid row by row; the grid's centre (0, 0) stands in where a shape leaves no room for any
    row.
    """
    grid = np.repeat(np.arange(len(wanted)), wanted)
    order = np.arange(len(grid)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    chord_grid, starts, lengths, across = _chords(ground, wanted, margin_m, rng)
    total = np.bincount(chord_grid, weights=lengths, minlength=len(wanted))
    ends = np.cumsum(lengths)
    before = np.cumsum(total) - total
    step = (order + 0.5 + rng.uniform(-0.1, 0.1, len(grid))) / np.maximum(wanted, 1)[grid]
    at = before[grid] + step * total[grid]
    chord = np.minimum(np.searchsorted(ends, at, side="right"), max(len(ends) - 1, 0))
    if len(ends) == 0:
        return grid, np.zeros(len(grid)), np.zeros(len(grid))
    found = (total[grid] > 0) & (chord_grid[chord] == grid)
    along = np.where(found, starts[chord] + at - (ends - lengths)[chord], 0.0)
    return grid, along, np.where(found, across[chord], 0.0)


def _chords(
    ground: Ground, wanted: Int64Array, margin_m: FloatArray, rng: np.random.Generator
) -> tuple[Int64Array, FloatArray, FloatArray, FloatArray]:
    """The pieces of rows inside the grids that want places, row by row: grid, start, length, across."""
    spacing = np.sqrt(ground.area_m2 / np.maximum(wanted, 1))
    spacing = ground.height / np.clip(np.rint(ground.height / spacing), 1, MAX_ROWS)
    first = ground.base + rng.uniform(0.35, 0.65, len(wanted)) * spacing
    edge = np.flatnonzero(wanted[ground.edge_grid] > 0)
    grid, (_, low, _, high) = ground.edge_grid[edge], ground.edges[edge].T
    # Rows with low <= row < high: the end two edges share is counted once, so every row is cut an even number
    # of times.
    bottom, top = np.minimum(low, high), np.maximum(low, high)
    row_from = np.maximum(np.ceil((bottom - first[grid]) / spacing[grid]), 0).astype(np.int64)
    row_to = np.maximum(np.ceil((top - first[grid]) / spacing[grid]), 0).astype(np.int64)
    cuts = row_to - row_from
    edge, grid = np.repeat(edge, cuts), np.repeat(grid, cuts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(cuts) - cuts - row_from, cuts)
    across = first[grid] + row * spacing[grid]
    a0, c0, a1, c1 = ground.edges[edge].T
    along = a0 + (a1 - a0) * (across - c0) / (c1 - c0)
    order = np.lexsort((along, row, grid))
    left, right = order[0::2], order[1::2]
    length = along[right] - along[left]
    margin = np.minimum(margin_m[grid[left]], ROOMY * length)
    return grid[left], along[left] + margin, length - 2 * margin, across[left]

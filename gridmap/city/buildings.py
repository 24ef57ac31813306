"""Where the buildings stand: places along the rows of every grid, each confirmed by the lookup.

Theory of operation. Buildings come in clusters: a farm hamlet of a dozen houses with nothing around, a
compound of walk-ups, a tower alone. A grid's clusters are spread along its rows (`ground.places`), the
members stand around their cluster's place in a small block. Then the lookup is asked for every point. Where
it answers anything but the grid the building was drawn for, the building gets a fresh place of its own; after
some such rounds it goes to the grid's centre. So the generator proposes and the lookup decides, and the
households of every grid are exactly those planned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city import forms, ground
from gridmap.city.clusters import gather
from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.city.clusters import Clusters
    from gridmap.city.districts import Locate
    from gridmap.city.housing import Stock
    from gridmap.city.plan import CityPlan
    from gridmap.types import FloatArray, Int32Array, Int64Array

GAP_M = (9.0, 5.0, 10.0, 12.0)
"""Metres left between the buildings of a cluster, by setting: a yard, an alley, or the sunlight a slab owes
its neighbour."""
CROWDED = 0.7
"""A cluster, or a building in its plot, takes at most this share of the distance to the next one."""
FRESH_ROUNDS = 3
"""Fresh places tried for a building that the lookup puts elsewhere, before it goes to the centre of its
grid."""


@dataclass(frozen=True)
class Sited:
    """Buildings with a place: the stock, its lattice points, bearings and clusters.

    `cluster` counts the clusters from 0 through all grids. `retried` and `centred` say how many buildings
    needed a fresh place, and how many of those ended at their grid's centre.
    """

    stock: Stock
    x: Int32Array
    y: Int32Array
    bearing_deg: Int64Array
    cluster: Int64Array
    retried: int
    centred: int


def site(
    plan: CityPlan, stock: Stock, settings: Int64Array, locate: Locate, rng: np.random.Generator
) -> Sited:
    """Give every building a lattice point that the lookup puts into the building's grid.

    `stock` is ordered by grid, `settings` are those of `forms`. Raises InputError when the lookup does not
    even put a grid's own centre into the grid: then plan and lookup are not of the same city.
    """
    land = ground.survey(plan, rng)
    stock, clusters = gather(stock, settings, rng)
    stock = _fitted(land, stock)
    x, y = _propose(land, stock, clusters, np.array(GAP_M)[settings], rng)
    retried, centred = _confirm(plan, land, stock, x, y, locate, rng)
    turn = np.where(settings == forms.RURAL, 20, 2)[stock.grid]
    bearing = (land.bearing_deg[stock.grid].astype(np.int64) + rng.integers(-turn, turn, endpoint=True)) % 180
    return Sited(stock, x, y, bearing, clusters.of, retried, centred)


def _fitted(land: ground.Ground, stock: Stock) -> Stock:
    """The same buildings, none larger than its plot in a crowded grid allows (never under 4 m)."""
    counts = np.bincount(stock.grid, minlength=len(land.area_m2))
    plot_m = np.sqrt(land.area_m2 / np.maximum(counts, 1))
    limit = np.maximum(CROWDED * plot_m, 4.0)[stock.grid]
    width, depth = np.minimum(stock.width_m, limit).round(1), np.minimum(stock.depth_m, limit).round(1)
    return replace(stock, width_m=width, depth_m=depth)


def _propose(
    land: ground.Ground, stock: Stock, clusters: Clusters, gap_m: FloatArray, rng: np.random.Generator
) -> tuple[Int32Array, Int32Array]:
    """First places: clusters along the rows, members in a block around each, as square as can be."""
    wanted = np.bincount(clusters.grid, minlength=len(gap_m))
    reach = (CROWDED * np.sqrt(land.area_m2 / np.maximum(wanted, 1)))[clusters.grid]
    side = np.ceil(np.sqrt(clusters.count))
    lines = np.ceil(clusters.count / side)
    gap = gap_m[clusters.grid]
    pitch = np.minimum(_mean(stock.width_m, clusters) + gap, reach / side)
    line_pitch = np.minimum(_mean(stock.depth_m, clusters) + gap, reach / lines)
    margin = np.zeros(len(gap_m))
    np.maximum.at(margin, clusters.grid, pitch * side / 2)
    _, along, across = ground.places(land, wanted, margin, rng)
    of, shake = clusters.of, rng.uniform(-0.1, 0.1, (2, len(stock.grid)))
    line, column = np.divmod(clusters.member, side[of])
    along = along[of] + (column - (side[of] - 1) / 2 + shake[0]) * pitch[of]
    across = across[of] + (line - (lines[of] - 1) / 2 + shake[1]) * line_pitch[of]
    return _points(land, stock.grid, along, across)


def _mean(metres: FloatArray, clusters: Clusters) -> FloatArray:
    """The mean over the buildings of each cluster."""
    return np.bincount(clusters.of, weights=metres) / clusters.count


def _points(
    land: ground.Ground, grid: Int64Array, along: FloatArray, across: FloatArray
) -> tuple[Int32Array, Int32Array]:
    x, y = land.to_lattice(grid, along, across)
    return np.rint(x).astype(np.int32), np.rint(y).astype(np.int32)


def _confirm(
    plan: CityPlan,
    land: ground.Ground,
    stock: Stock,
    x: Int32Array,
    y: Int32Array,
    locate: Locate,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Move in place the points that the lookup puts elsewhere; count the moved and the centred."""
    astray = np.flatnonzero(locate(x, y) != stock.grid)
    retried = len(astray)
    margin = np.full(len(land.area_m2), 6.0)
    for _ in range(FRESH_ROUNDS if retried else 0):
        wanted = np.bincount(stock.grid[astray], minlength=len(margin))
        x[astray], y[astray] = _points(land, *ground.places(land, wanted, margin, rng))
        astray = astray[locate(x[astray], y[astray]) != stock.grid[astray]]
    x[astray], y[astray] = plan.centres[stock.grid[astray]].T
    lost = astray[locate(x[astray], y[astray]) != stock.grid[astray]]
    if len(lost):
        code = plan.levels[-1].codes[stock.grid[lost[0]]]
        raise InputError(
            "locate",
            f"it does not put the centre of grid {code} into it: {len(lost)} buildings have no place; "
            "give the lookup the shapes of this plan",
        )
    return retried, len(astray)

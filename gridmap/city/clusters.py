"""Which buildings stand together: hamlets, compounds, and things that stand alone.

The homes of a grid are taken in order, some at a time; every other building (a school, a shop) is a cluster
of its own somewhere between them, because it is larger than a house and would stand in its neighbours' way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.city.forms import USES

if TYPE_CHECKING:
    from gridmap.city.housing import Stock
    from gridmap.types import Int64Array

CLUSTER_SIZE: Final = ((5, 14), (3, 8), (1, 5), (1, 1))
"""The fewest and most homes of a cluster, by setting; one size per grid."""


@dataclass(frozen=True)
class Clusters:
    """The cluster of every building (counted from 0 through all grids) and its place in it.

    `member` counts the buildings of a cluster from 0; `grid` and `count` have one entry per cluster.
    """

    of: Int64Array
    member: Int64Array
    grid: Int64Array
    count: Int64Array


def gather(stock: Stock, settings: Int64Array, rng: np.random.Generator) -> tuple[Stock, Clusters]:
    """Put the buildings in the order of their clusters; `stock` is ordered by grid, so is the answer."""
    low, high = np.array(CLUSTER_SIZE)[settings].T
    size = rng.integers(low, high, endpoint=True)
    homes = stock.use == USES.index("residential")
    per_grid = np.bincount(stock.grid[homes], minlength=len(settings))
    before = np.cumsum(per_grid) - per_grid
    rank = np.cumsum(homes) - 1 - before[stock.grid]
    between = rng.uniform(0, np.ceil(per_grid / size)[stock.grid])
    # Homes have whole keys and the others broken ones, so a cluster of homes stays together.
    key = np.where(homes, rank // size[stock.grid], between)
    order = np.lexsort((key, stock.grid))
    stock, key = stock.picked(order), key[order]
    alone = stock.use != USES.index("residential")
    starts = (np.diff(stock.grid, prepend=-1) != 0) | (np.diff(key, prepend=-1) != 0) | alone
    first = np.flatnonzero(starts)
    of = np.cumsum(starts) - 1
    count = np.diff(first, append=len(of))
    return stock, Clusters(of, np.arange(len(of)) - first[of], stock.grid[first], count)

"""Towns and communities as compact groups of neighbouring grids.

Theory of operation. Grids and their shared borders are a graph. Every group has a middle; a grid joins the
middle with the shortest path to it, each path lengthened by a handicap of its middle. Ties go to the first
middle. All grids on a shortest path then join the same middle, so a group is always connected, whatever the
shapes (an additively weighted Voronoi diagram of a graph; in whole numbers this holds exactly). A step
across a river or a ridge is long, so groups seldom straddle one. Towns measure paths in metres and move
their handicaps until each has about its planned number of grids; communities count steps instead, so that
a crowded centre is divided as finely as its people ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.extras import need

if TYPE_CHECKING:
    from gridmap.types import BoolArray, Int64Array

CROSSING = 6
"""A step across a river or ridge counts as this many steps."""
STEP, JITTER = 100, 30
"""One step in whole-number lengths, and what is added to it at random: groups get irregular borders."""


@dataclass(frozen=True)
class Graph:
    """Which of `count` grids are neighbours: grids `one[k]` and `other[k]`, each pair once.

    `metres` int64 is how far their seeds are from each other, `crossing` whether a river or ridge lies
    between.
    """

    count: int
    one: Int64Array
    other: Int64Array
    metres: Int64Array
    crossing: BoolArray

    def within(self, members: Int64Array) -> Graph:
        """The part of the graph between `members`, in their order."""
        place = np.full(self.count, -1, dtype=np.int64)
        place[members] = np.arange(len(members))
        kept = (place[self.one] >= 0) & (place[self.other] >= 0)
        ends = place[self.one[kept]], place[self.other[kept]]
        return Graph(len(members), *ends, self.metres[kept], self.crossing[kept])


def group_towns(graph: Graph, middles: Int64Array, targets: Int64Array, least: Int64Array) -> Int64Array:
    """The town of each grid: around the grids `middles`, about `targets` grids each, never below `least`.

    Raises RuntimeError when no such division is found: the plan of the district is at fault then.
    """
    length = np.maximum(graph.metres, 1) * np.where(graph.crossing, CROSSING, 1)
    paths = _paths(graph, length, middles)
    handicap = np.zeros(len(middles))
    pace = 0.3 * float(np.median(paths.min(axis=0)))
    best: Int64Array | None = None
    best_error = np.inf
    for turn in range(400):
        town = np.argmin(paths + np.rint(handicap).astype(np.int64)[:, None], axis=0)
        size = np.bincount(town, minlength=len(middles))
        error = float((np.abs(size - targets) / targets).sum())
        if (size >= least).all() and error < best_error:
            best, best_error = np.asarray(town, dtype=np.int64), error
        if best is not None and turn >= 80:
            return best
        handicap += pace / (1 + turn / 25) * np.clip((size - targets) / targets, -1.0, 1.0)
    raise RuntimeError(f"No division into {len(middles)} towns leaves enough grids for their communities.")


def group_communities(graph: Graph, count: int, middle: int, rng: np.random.Generator) -> Int64Array:
    """The community (0 to `count` - 1) of each grid of a town, of about equal numbers of grids, none empty.

    The graph must be connected; `middle` is the town's own middle, around which the first community lies.
    """
    length = STEP + rng.integers(0, JITTER, len(graph.one))
    length = length * np.where(graph.crossing, CROSSING, 1)
    paths = _paths(graph, length, np.arange(graph.count))
    middles = [middle]
    away = paths[middle].copy()
    for _ in range(count - 1):
        middles.append(int(np.argmax(away)))
        away = np.minimum(away, paths[middles[-1]])
    chosen = np.array(middles)
    for _ in range(4):
        group = np.argmin(paths[chosen], axis=0)
        for position in range(count):
            members = np.flatnonzero(group == position)
            chosen[position] = members[np.argmin(paths[np.ix_(members, members)].sum(axis=0))]
    return np.asarray(np.argmin(paths[chosen], axis=0), dtype=np.int64)


def _paths(graph: Graph, length: Int64Array, sources: Int64Array) -> Int64Array:
    """The length of the shortest path from each source to each grid, int64[sources, grids]."""
    matrix = need("scipy.sparse").coo_array(
        (length.astype(np.float64), (graph.one, graph.other)), shape=(graph.count, graph.count)
    )
    paths = need("scipy.sparse.csgraph").dijkstra(matrix.tocsr(), directed=False, indices=sources)
    if not np.isfinite(paths).all():
        raise RuntimeError("The grids of a district or town do not hang together.")
    return np.asarray(np.rint(paths), dtype=np.int64)

"""The grids of several districts, cut from their lines at once: neighbouring districts share vertices.

Owners are numbered district by district: first the seeds, then the rings, in the order of their layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.edges import shared_edges
from gridmap.city.faces import Claims, find_owners, node
from gridmap.city.metres import to_units
from gridmap.city.terrain import holder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridmap.city.layout import Layout
    from gridmap.types import Geometries, Int64Array


@dataclass(frozen=True)
class Mosaic:
    """Faces that partition the districts, and who owns them.

    `owner` has the owner's number of each face; `first` int64[districts + 1] the first number of each
    district; `zones` the zone of each owner (-1 for rings); `one`, `other` the pairs of owners that share a
    border, each in both directions, sorted.
    """

    faces: Geometries
    owner: Int64Array
    first: Int64Array
    zones: Int64Array
    one: Int64Array
    other: Int64Array

    def neighbours(self, position: int) -> tuple[Int64Array, Int64Array]:
        """The pairs of neighbours inside one district, numbered from its own first owner."""
        low, high = self.first[position : position + 2]
        own = (self.one >= low) & (self.one < high) & (self.other >= low) & (self.other < high)
        return self.one[own] - low, self.other[own] - low


def cut(layouts: Sequence[Layout], tell: Callable[[str, float], None]) -> Mosaic:
    """Node the lines of all layouts, polygonise them and give every face its owner."""
    tell("noding all borders", 0.0)
    faces = node(np.concatenate([layout.lines for layout in layouts]))
    tell("finding neighbours", 0.6)
    edges = shared_edges(faces)
    tell("giving every face an owner", 0.85)
    claims, first = _claims(layouts)
    owner = find_owners(faces, edges, claims)
    kept = owner >= 0
    zones = np.full(first[-1], -1, dtype=np.int64)
    zones[claims.seed_owner] = claims.seed_zone
    one, other = owner[edges.first], owner[edges.second]
    border = (one != other) & (one >= 0) & (other >= 0)
    one, other = np.concatenate([one[border], other[border]]), np.concatenate([other[border], one[border]])
    pairs = np.unique(one * first[-1] + other)
    return Mosaic(faces[kept], owner[kept], first, zones, pairs // first[-1], pairs % first[-1])


def _claims(layouts: Sequence[Layout]) -> tuple[Claims, Int64Array]:
    """The claims of all districts, and the first owner's number of each (and one past the last)."""
    seeds = [len(layout.sites.seeds) for layout in layouts]
    first = np.cumsum(
        [0, *(count + len(one.rings.shapes) for count, one in zip(seeds, layouts, strict=True))]
    )
    starts = list(zip(layouts, first[:-1].tolist(), seeds, strict=True))
    points = [to_units(layout.rings.inside) for layout in layouts]
    polygons = [layout.zones.polygons for layout in layouts]
    before = np.cumsum([0, *map(len, polygons)]).tolist()
    zones = [holder(own, place) + start for own, place, start in zip(polygons, points, before, strict=False)]
    rings = [
        np.arange(start + count, start + count + len(layout.rings.shapes)) for layout, start, count in starts
    ]
    claims = Claims(
        seeds=np.concatenate(points),
        seed_owner=np.concatenate([np.arange(start, start + count) for _, start, count in starts]),
        seed_zone=np.concatenate(zones),
        rings=np.concatenate([layout.rings.shapes for layout in layouts]),
        ring_owner=np.concatenate(rings),
        zones=np.concatenate(polygons),
    )
    return claims, first

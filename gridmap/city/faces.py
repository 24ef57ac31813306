"""From lines to grids: node everything, polygonise, give every face an owner, join the faces of one owner.

Theory of operation. All lines of the city (bent borders, outlines, zone borders, rings) are noded together
by snap-rounding on the lattice, so whatever crosses gets a common vertex there, and no edge ends on the
middle of another: the polygons of the result are an exact partition, without any T-junction.

Owners. A face with a seed belongs to the seed. A face inside a ring belongs to the ring. What is left are
splinters, cut off by a border of a zone, an outline or a ring: each joins the owner with whom it shares the
longest border in the same zone, from the seeds outwards until none is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.terrain import holder

if TYPE_CHECKING:
    from gridmap.city.edges import SharedEdges
    from gridmap.types import FloatArray, Geometries, Int64Array

NOBODY = -1


@dataclass(frozen=True)
class Claims:
    """Who claims what, in lattice units: seeds claim the face they lie in, rings all faces inside them.

    `seeds` float64[n, 2] with the owner's number and the zone of each; `rings` are Polygons with the owner's
    number of each; `zones` are the Polygons that the zones' numbers stand for.
    """

    seeds: FloatArray
    seed_owner: Int64Array
    seed_zone: Int64Array
    rings: Geometries
    ring_owner: Int64Array
    zones: Geometries


def node(lines: Geometries) -> Geometries:
    """The faces between lines in lattice units: Polygons with whole coordinates that share their vertices."""
    noded = shapely.union_all(lines, grid_size=1)
    return np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def find_owners(faces: Geometries, edges: SharedEdges, claims: Claims) -> Int64Array:
    """The owner of every face; NOBODY outside all zones. `edges` are the shared edges of the faces.

    Raises RuntimeError when two seeds share a face or a splinter has no neighbour in its zone: the lines or
    the claims are at fault then, and no partition can come of it.
    """
    _, face = shapely.STRtree(faces).query(shapely.points(claims.seeds), predicate="intersects")
    if len(face) != len(claims.seeds) or len(np.unique(face)) != len(face):
        raise RuntimeError(
            f"{len(claims.seeds)} seeds lie in {len(np.unique(face))} faces; each needs its own."
        )
    owner = np.full(len(faces), NOBODY, dtype=np.int64)
    zone = np.full(len(faces), NOBODY, dtype=np.int64)
    owner[face], zone[face] = claims.seed_owner, claims.seed_zone
    loose = np.flatnonzero(owner == NOBODY)
    places = shapely.get_coordinates(shapely.point_on_surface(faces[loose]))
    zone[loose] = holder(claims.zones, places)
    inside, ring = shapely.STRtree(claims.rings).query(shapely.points(places), predicate="within")
    owner[loose[inside]] = claims.ring_owner[ring]
    open_zone = zone.copy()
    open_zone[loose[inside]] = NOBODY
    # A bend of a river may cut off ground between itself and an island: only then a ring adopts.
    owner = _adopt(edges, _adopt(edges, owner, open_zone), zone)
    if ((owner == NOBODY) & (zone != NOBODY)).any():
        raise RuntimeError("A splinter of the city has no neighbour in its zone.")
    return owner


def join(faces: Geometries, owner: Int64Array, count: int) -> Geometries:
    """One Polygon or MultiPolygon per owner, [count]: the union of its faces with every vertex kept.

    Owners without a face get None.
    """
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], np.arange(count + 1))
    size = np.diff(first)
    shapes = np.full(count, None, dtype=object)
    shapes[size == 1] = faces[order[first[:-1][size == 1]]]
    for one in np.flatnonzero(size > 1).tolist():
        shapes[one] = shapely.coverage_union_all(faces[order[first[one] : first[one + 1]]])
    return shapes


def _adopt(edges: SharedEdges, owner: Int64Array, zone: Int64Array) -> Int64Array:
    """Give each face without an owner to a neighbouring owner in its zone, those next to owners first.

    Faces whose zone is NOBODY neither adopt nor are adopted.
    """
    one = np.concatenate([edges.first, edges.second])
    other = np.concatenate([edges.second, edges.first])
    useful = (owner[one] == NOBODY) & (zone[one] == zone[other]) & (zone[one] != NOBODY)
    one, other, length = one[useful], other[useful], np.tile(edges.lengths, 2)[useful]
    owner = owner.copy()
    owners = int(owner.max()) + 1
    while True:
        ready = (owner[one] == NOBODY) & (owner[other] != NOBODY)
        if not ready.any():
            return owner
        pairs, position = np.unique(one[ready] * owners + owner[other[ready]], return_inverse=True)
        shared = np.bincount(position, weights=length[ready])
        # Sorted by length, so of several adopters of one face the last assignment, the longest, stays.
        order = np.lexsort((shared, pairs // owners))
        owner[pairs[order] // owners] = pairs[order] % owners

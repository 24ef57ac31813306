"""Rivers and ridges, and the zones they cut a district into: no grid reaches from one zone into another.

A course runs through approximate real places and is bent in between by halving: the middle of each piece is
pushed sideways by a share of its length, again and again, which gives the meanders of a river or, with a
smaller share, the straighter line of a ridge. All courses and the district's outline are noded and
polygonised into raw zones; loose ends fall away there. A raw zone with hardly any seeds (a sliver between a
river and a border that the river follows) is dissolved into the neighbour with the longest shared border, so
every zone that is left has room for grids of its own.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.edges import SharedEdges, shared_edges
from gridmap.city.landmarks import RIDGES, RIVERS
from gridmap.city.metres import to_metres, to_units

if TYPE_CHECKING:
    from gridmap.city.landmarks import LonLat
    from gridmap.types import FloatArray, Geometries, Int64Array

MEANDER, SWAY = 0.13, 0.05
"""How far the middle of a piece of river or ridge is pushed aside, as a share of its length (standard
deviation)."""
PIECE_M = 250.0
"""Pieces of a course are halved until they are shorter than this."""
FEWEST_SEEDS = 4
"""A zone with fewer seeds is dissolved into its neighbour."""


@dataclass(frozen=True)
class Terrain:
    """The courses in lattice units: `rivers` and `ridges` are arrays of LineStrings."""

    rivers: Geometries
    ridges: Geometries


@dataclass(frozen=True)
class Zones:
    """The zones of one district: polygons in lattice units, and the lines between them."""

    polygons: Geometries
    barriers: Geometries


def draw_terrain(seed: int) -> Terrain:
    """Draw the courses of all rivers and ridges; the same seed draws the same ones."""
    rivers = [_course(places, seed, name, MEANDER) for name, places in RIVERS.items()]
    ridges = [_course(places, seed, name, SWAY) for name, places in RIDGES.items()]
    return Terrain(np.array(rivers, dtype=object), np.array(ridges, dtype=object))


def raw_zones(outline: shapely.MultiPolygon, terrain: Terrain) -> Geometries:
    """Cut an outline along rivers and ridges into polygons that share their vertices, in lattice units."""
    courses = np.concatenate([terrain.rivers, terrain.ridges])
    inside = shapely.intersection(courses, outline)
    parts = shapely.get_parts(inside[~shapely.is_empty(inside)])
    lines = parts[shapely.get_dimensions(parts) == 1]
    noded = shapely.union_all([outline.boundary, *lines], grid_size=1)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return np.asarray(faces[shapely.intersects(outline, shapely.point_on_surface(faces))])


def settle_zones(raw: Geometries, seeds: FloatArray) -> Zones:
    """Dissolve the raw zones that have hardly any seeds (lattice units, [n, 2]) into their neighbours."""
    edges = shared_edges(raw)
    count = np.bincount(holder(raw, seeds), minlength=len(raw))
    zone = np.arange(len(raw))
    while True:
        totals = np.bincount(zone, weights=count, minlength=len(raw))
        small = [z for z in np.argsort(totals, kind="stable") if z in zone and totals[z] < FEWEST_SEEDS]
        target = next(
            (pair for pair in ((z, _neighbour(edges, zone, z)) for z in small) if pair[1] >= 0), None
        )
        if target is None:
            break
        zone[zone == target[0]] = target[1]
    groups = [shapely.coverage_union_all(raw[zone == z]) for z in np.unique(zone)]
    border = zone[edges.first] != zone[edges.second]
    lines = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(edges.ends[border])))
    return Zones(np.array(groups, dtype=object), np.atleast_1d(shapely.get_parts(lines)))


def holder(zones: Geometries, points: FloatArray) -> Int64Array:
    """The position of the zone that holds each point [n, 2], all in lattice units; -1 outside all zones.

    On a line between two it is the first. A point up to two units outside still counts as inside: noding
    moves borders that far.
    """
    tree = shapely.STRtree(zones)
    geometries = np.asarray(shapely.points(points))
    found = np.full(len(points), -1, dtype=np.int64)
    asked, zone = tree.query(geometries, predicate="intersects")
    found[asked[::-1]] = zone[::-1]
    lost = np.flatnonzero(found < 0)
    asked, zone = tree.query(geometries[lost], predicate="dwithin", distance=2.0)
    found[lost[asked[::-1]]] = zone[::-1]
    return found


def _neighbour(edges: SharedEdges, zone: Int64Array, z: int) -> int:
    one, other = zone[edges.first], zone[edges.second]
    mine = (one == z) ^ (other == z)
    if not mine.any():
        return -1
    across = np.where(one == z, other, one)[mine]
    return int(np.argmax(np.bincount(across, weights=edges.lengths[mine])))


def _course(places: tuple[LonLat, ...], seed: int, name: str, push: float) -> shapely.LineString:
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    line = to_metres(np.array(places) * 1e7)
    while np.hypot(*np.diff(line, axis=0).T).max() > PIECE_M:
        step = np.diff(line, axis=0)
        aside = np.stack([-step[:, 1], step[:, 0]], axis=1) * rng.normal(0.0, push, (len(step), 1))
        middle = line[:-1] + 0.5 * step + aside
        line = np.insert(line, np.arange(1, len(line)), middle, axis=0)
    return shapely.LineString(np.rint(to_units(line)))

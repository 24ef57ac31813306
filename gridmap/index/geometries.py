"""From polygons in degrees, or an edition's coverage, to the edges an index is built of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap import lattice
from gridmap.coverage.cover import covers_once
from gridmap.coverage.edges import POLYGONAL, edges_of
from gridmap.coverage.rings import polygons_of
from gridmap.errors import InputError
from gridmap.index.build import upward
from gridmap.index.parts import NO_WILD, Wild
from gridmap.kernels.jit import in_threads
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.types import AnyArray, BoolArray, Geometries, Int32Array

SHOWN: Final = 5
"""Rows of invalid polygons that an error names."""


def edges_of_geometries(shapes: Geometries, *, keep_invalid: bool) -> tuple[Int32Array, bool, Wild]:
    """The upward edges of polygons in degrees, whether no point has two of them, and the invalid ones.

    Raises InputError as `GridIndex.build`.
    """
    units = _to_lattice(shapes)
    wrong = np.flatnonzero(~_valid(units))
    # What became invalid by rounding to the lattice (a spike folded shut) is kept by the same even-odd rule.
    if len(wrong) and not keep_invalid:
        given = wrong[~shapely.is_valid(shapes[wrong])]
        if len(given):
            raise InputError("geometries", _invalid(shapes, given))
    tame = units.copy()
    tame[wrong] = None
    edges = edges_of(tame)
    lines = [_sides(units[row]) for row in wrong]
    return upward(edges), len(wrong) == 0 and covers_once(edges), _wild(wrong, lines)


def edges_of_coverage(coverage: Coverage, *, proven: bool) -> tuple[Int32Array, bool, Wild]:
    """The same of a coverage, whose faces are known to be valid and apart where it is proven."""
    edges = upward(coverage.edges)
    if proven:
        return edges, True, NO_WILD
    wrong = np.flatnonzero(~_valid(polygons_of(coverage)))
    if len(wrong) == 0:
        return edges, covers_once(coverage.edges), NO_WILD
    lines = [edges[(edges[:, 4:] == row).any(axis=1), :4] for row in wrong]
    edges[:, 4:][np.isin(edges[:, 4:], wrong)] = NOWHERE
    return edges[(edges[:, 4:] != NOWHERE).any(axis=1)], False, _wild(wrong, lines)


def _sides(polygon: shapely.Geometry) -> Int32Array:
    """All sides of the rings of a polygon in lattice units (n, 4), upwards."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    sides = np.concatenate([points[:-1], points[1:]], axis=1)[ring[:-1] == ring[1:]]
    sides = sides[(sides[:, :2] != sides[:, 2:]).any(axis=1)].astype(np.int32)
    down = (sides[:, 1] > sides[:, 3]) | ((sides[:, 1] == sides[:, 3]) & (sides[:, 0] > sides[:, 2]))
    return np.asarray(np.where(down[:, None], sides[:, [2, 3, 0, 1]], sides), np.int32)


def _wild(rows: AnyArray, lines: list[Int32Array]) -> Wild:
    """Invalid polygons by row, each with its sides (n, 4)."""
    drawn = [i for i, sides in enumerate(lines) if len(sides)]
    if not drawn:
        return NO_WILD
    kept = [lines[i] for i in drawn]
    boxes = [(s[:, [0, 2]].min(), s[:, 1].min(), s[:, [0, 2]].max(), s[:, 3].max()) for s in kept]
    places = np.concatenate([[0], np.cumsum([len(sides) for sides in kept])])
    return Wild(
        np.array(boxes, np.int32), rows[drawn].astype(np.int32), places.astype(np.int64), np.concatenate(kept)
    )


def _to_lattice(shapes: Geometries) -> Geometries:
    """Polygons in lattice units. Raises InputError for other types and for corners that are no degrees."""
    types = np.asarray(shapely.get_type_id(shapes))
    other = np.flatnonzero(~np.isin(types, (-1, *POLYGONAL)))
    if len(other):
        name = shapely.GeometryType(types[other[0]]).name
        raise InputError(
            "geometries", f"row {other[0]} is a {name}: only polygons and multipolygons have an inside"
        )
    shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
    corners, row = shapely.get_coordinates(shapes, return_index=True)
    try:
        xs, ys = lattice.to_lattice(corners[:, 0], corners[:, 1])
    except InputError as error:
        inside = (np.abs(corners) <= (lattice.LARGEST_LON, lattice.LARGEST_LAT)).all(axis=1)  # NaN is not
        at = int(np.argmin(inside))
        place = f"{corners[at, 0]}, {corners[at, 1]}"
        text = f"row {row[at]} has a corner at {place}: no longitude and latitude in degrees"
        raise InputError("geometries", text) from error
    return np.asarray(shapely.set_coordinates(shapes.copy(), np.stack([xs, ys], axis=1)), dtype=object)


def _valid(units: Geometries) -> BoolArray:
    """Which polygons are valid; None is. Without the interpreter's lock, so on all cores."""
    out = np.empty(len(units), np.bool_)

    def look(some: Geometries, answer: BoolArray) -> None:
        answer[:] = shapely.is_valid(some) | shapely.is_missing(some)

    in_threads(look, [units, out], smallest=1_000)
    return out


def _invalid(shapes: Geometries, rows: AnyArray) -> str:
    named = ", ".join(str(row) for row in rows[:SHOWN]) + (" ..." if len(rows) > SHOWN else "")
    reason = shapely.is_valid_reason(shapes[rows[0]])
    polygons = f"{len(rows):,} polygons are not valid" if len(rows) > 1 else "one polygon is not valid"
    return (
        f"{polygons}: rows {named} (row {rows[0]}: {reason}). Repair them, or keep them by the even-odd rule "
        'with invalid="evenodd".'
    )


def nearest_wild(wild: Wild, x: int, y: int) -> tuple[float, int]:
    """The distance in metres from a lattice point to the nearest invalid polygon's border, and its row."""
    if len(wild.edges) == 0:
        return math.inf, NOWHERE
    east, north = (scale / lattice.SCALE for scale in lattice.metres_per_degree(y / lattice.SCALE))
    a = (wild.edges[:, 0:2] - np.array([x, y], np.int64)) * (east, north)
    b = (wild.edges[:, 2:4] - np.array([x, y], np.int64)) * (east, north)
    along = b - a
    length = (along**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(np.nan_to_num(-(a * along).sum(axis=1) / length), 0, 1)
    metres = np.hypot(*(a + share[:, None] * along).T)
    best = int(metres.argmin())
    return float(metres[best]), int(wild.rows[np.searchsorted(wild.places, best, side="right") - 1])

"""The flat sheet under a picture: lattice units as metres, borders by level, shapes as paths.

Metres are local, one scale for the whole picture, taken at its middle: a picture shows where, it measures
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.coverage.arcs import merged
from gridmap.coverage.rings import polygons_of
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from matplotlib.path import Path as DrawnPath

    from gridmap.coverage.partition import Partition
    from gridmap.types import AnyArray, FloatArray, Geometries, Int64Array

OUTER: Final = -1
"""The depth of a border with nothing beyond it."""

METRES_PER_UNIT: Final = 40_007_863 / 360 / SCALE
"""A lattice unit along a meridian: its length (WGS84) over 360 degrees. Good to half a per cent anywhere."""


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a point given in lattice units."""

    x: float
    y: float

    @property
    def scale(self) -> FloatArray:
        """Metres in a lattice unit, eastwards and northwards."""
        return np.array([np.cos(np.radians(self.y / SCALE)), 1.0]) * METRES_PER_UNIT

    def metres(self, xy: AnyArray) -> FloatArray:
        """Lattice points (n, 2) in metres."""
        return np.asarray((np.asarray(xy, np.float64) - (self.x, self.y)) * self.scale)

    def units(self, metres: AnyArray) -> FloatArray:
        """Metres (n, 2) in lattice units, not rounded."""
        return np.asarray(np.asarray(metres, np.float64) / self.scale + (self.x, self.y))

    def flat(self, shapes: Geometries) -> Geometries:
        """Shapes in lattice units as shapes in metres."""
        return np.asarray(shapely.transform(shapes, self.metres), dtype=object)

    def place(self, lon: float, lat: float) -> FloatArray:
        """A place given in degrees."""
        return np.asarray(self.metres(np.array([[lon * SCALE, lat * SCALE]]))[0])


def plane_of(partition: Partition) -> Plane:
    """The plane around the middle of a city."""
    xs, ys = partition.coverage.xs, partition.coverage.ys
    if not len(xs):
        return Plane(0.0, 0.0)
    return Plane((float(xs.min()) + float(xs.max())) / 2, (float(ys.min()) + float(ys.max())) / 2)


def border_depths(partition: Partition) -> Int64Array:
    """For each arc the widest level whose areas it divides, OUTER where nothing is on one side."""
    coverage = partition.coverage
    depth = np.full(len(coverage), len(partition.levels) - 1, np.int64)
    for level in range(len(partition.levels) - 2, -1, -1):
        rows = np.append(partition.ancestors[level], NOWHERE)
        depth[rows[coverage.left] != rows[coverage.right]] = level
    depth[(coverage.left == NOWHERE) | (coverage.right == NOWHERE)] = OUTER
    return depth


def border_lines(
    partition: Partition, plane: Plane, chosen: AnyArray, tolerance_m: float
) -> list[FloatArray]:
    """The lines of some arcs in metres, without the bends that nobody can see at a tolerance."""
    coverage = partition.coverage
    sizes = np.diff(coverage.offsets)
    if not chosen.any():
        return []
    points = plane.metres(np.stack([coverage.xs, coverage.ys], axis=1)[np.repeat(chosen, sizes)])
    kept = sizes[chosen]
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(kept)), kept))
    xy, line = shapely.get_coordinates(
        shapely.simplify(lines, tolerance_m, preserve_topology=False), return_index=True
    )
    return np.split(xy, np.flatnonzero(np.diff(line)) + 1)


def whole_city(partition: Partition, plane: Plane, tolerance_m: float) -> Geometries:
    """Shapes in metres, simplified, that together are the city.

    It is one shape where the outer border is sound, else those of all grids: drawn as one path they fill it.
    """
    one = polygons_of(merged(partition.coverage, np.zeros(partition.coverage.faces, np.int32), 1))
    shapes = one if shapely.is_valid(one)[0] else partition.polygons_at(len(partition.levels) - 1)
    return np.asarray(
        shapely.simplify(plane.flat(shapes), tolerance_m, preserve_topology=False), dtype=object
    )


def drawn_path(shapes: shapely.Geometry | Geometries) -> DrawnPath:
    """The rings of polygons and multipolygons as one path with holes, filled where any of them is."""
    from matplotlib.path import Path

    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(shapes)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, Path.code_type)
    if len(xy):
        starts = np.concatenate([[0], np.flatnonzero(np.diff(ring)) + 1])
        codes[starts] = Path.MOVETO
        codes[np.append(starts[1:], len(xy)) - 1] = Path.CLOSEPOLY
    return Path(xy if len(xy) else np.zeros((0, 2)), codes)

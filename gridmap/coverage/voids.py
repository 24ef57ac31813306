"""Voids: the places that areas enclose and nobody owns; lakes, where an outline declares them.

A void is a bounded piece of what one face leaves over. Mostly it is a hole of a polygon; where parts touch
each other in two corners they enclose one between them that is a hole of none. So the arcs are polygonised,
and the pieces that are no part of the face are its voids. Corners are matched exactly; nothing is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.coverage.arcs import coverage_of
from gridmap.coverage.rings import polygons_of

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.types import Geometries


def voids_of(coverage: Coverage) -> frozenset[bytes]:
    """The voids of a coverage of one face, by the keys of their outer rings."""
    xy = np.stack([coverage.xs, coverage.ys], axis=1).astype(np.float64)
    arcs = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy, (coverage.offsets,))
    pieces = shapely.get_parts(shapely.polygonize(arcs))
    return _outer_keys(pieces) - _outer_keys(shapely.get_parts(polygons_of(coverage)))


def declared_voids(outlines: Geometries) -> frozenset[bytes]:
    """The voids of each of the outlines by itself; what several enclose between them is declared by none."""
    single = (coverage_of(np.array([outline], dtype=object)) for outline in outlines)
    return frozenset[bytes]().union(*map(voids_of, single))


def ring_key(ring: shapely.LinearRing) -> bytes:
    """A key for a ring, the same wherever it begins and whichever way it runs."""
    return bytes(shapely.to_wkb(shapely.normalize(shapely.Polygon(ring))))


def _outer_keys(polygons: Geometries) -> frozenset[bytes]:
    return frozenset(ring_key(polygon.exterior) for polygon in polygons if not polygon.is_empty)

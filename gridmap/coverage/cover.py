"""Whether no point lies in two faces: a question about the edges without a partner alone.

The boundary chains of all faces add up; edges used in both directions cancel. If what is left is the boundary
of one valid polygon, the faces' indicator functions add up to its own: one inside, nobody outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.coverage.arcs import coverage_from_edges
from gridmap.coverage.edges import Edges
from gridmap.coverage.rings import polygons_of
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.types import BoolArray, Geometries


def border_of(edges: Edges) -> Coverage | None:
    """The border of one valid polygon, face 0, that the edges without a partner are; None when they are none.

    Polygons behind the edges must be valid. Several islands and lakes are one (multi)polygon.
    """
    if edges.repeated.any():
        return None
    alone = edges.chosen(edges.unmatched)
    left, right = np.minimum(alone.left, 0), np.minimum(alone.right, 0)  # every face becomes face 0
    border = coverage_from_edges(Edges(alone.vertices, alone.lows, alone.highs, left, right), 1)
    city = polygons_of(border)
    if unclosed(border, city)[0] or not shapely.is_valid(city[0]):
        return None
    return border


def covers_once(edges: Edges) -> bool:
    """Whether no point lies in the inside of two faces; polygons behind the edges must be valid."""
    return len(edges) == 0 or border_of(edges) is not None


def unclosed(coverage: Coverage, polygons: Geometries) -> BoolArray:
    """Faces of which some edges are in no ring: what the even-odd rule leaves of overlapping parts."""
    sizes = np.diff(coverage.offsets) - 1
    both = np.concatenate([coverage.left, coverage.right])
    inside = both != NOWHERE
    edges = np.bincount(both[inside], np.tile(sizes, 2)[inside], minlength=coverage.faces)
    parts, face = shapely.get_parts(polygons, return_index=True)
    drawn = ~shapely.is_empty(parts)
    rings = np.where(drawn, shapely.get_num_interior_rings(parts) + 1, 0)
    in_rings = shapely.get_num_coordinates(polygons) - np.bincount(face, rings, minlength=coverage.faces)
    return np.asarray(edges != in_rings)

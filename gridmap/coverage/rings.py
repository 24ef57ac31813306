"""From arcs back to polygons: the rings of every face, traced along its directed arcs.

A ring follows the wedge of its own interior at a node and splits where it meets itself, so shells run
counter-clockwise, holes clockwise, and the polygons are valid whenever the faces are. `tests/oracles.py`
rebuilds the same with shapely's polygonizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

from gridmap.coverage.edges import sign_of_areas
from gridmap.kernels import topology
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.types import BoolArray, FloatArray, Geometries, Int32Array, Int64Array

Values = TypeVar("Values", "FloatArray", "Int64Array")


@dataclass(frozen=True)
class Rings:
    """Rings sorted by face, shells before holes: points of ring i are offsets[i]:offsets[i + 1].

    Its arcs are arcs[arc_offsets[i]:arc_offsets[i + 1]]; one that is walked backwards is ~arc.
    """

    points: FloatArray
    offsets: Int64Array
    arcs: Int64Array
    arc_offsets: Int64Array
    faces: Int32Array
    shells: BoolArray

    def of(self, wanted: BoolArray) -> tuple[FloatArray, Int64Array, Int64Array]:
        """The rings of the wanted faces: their points, ring offsets, and how many rings each face has."""
        rings = np.flatnonzero(wanted[self.faces])
        points, offsets = _picked(self.points, self.offsets, rings)
        return points, offsets, np.bincount(self.faces[rings], minlength=len(wanted))[wanted]

    def nested(self, face: int) -> list[list[int]]:
        """The polygons of a face, each as the numbers of its rings: the shell, then its holes.

        A hole belongs to the smallest shell around it. It may hold shells of its own face (an island in a
        lake), so only larger ones come into question.
        """
        begin, end = np.searchsorted(self.faces, [face, face + 1]).tolist()
        middle = begin + int(self.shells[begin:end].sum())
        if middle == end:
            return [[shell] for shell in range(begin, end)]
        if middle - begin <= 1:
            return [list(range(begin, end))] if middle > begin else []
        areas = {ring: self.polygon([ring]) for ring in range(begin, end)}
        out = {shell: [shell] for shell in sorted(range(begin, middle), key=lambda ring: areas[ring].area)}
        for hole in range(middle, end):
            inside, size = areas[hole].representative_point(), areas[hole].area
            around = (shell for shell in out if areas[shell].area > size and areas[shell].contains(inside))
            out[next(around, next(reversed(out)))].append(hole)
        return list(out.values())

    def polygon(self, rings: list[int]) -> shapely.Polygon:
        """The polygon of a shell and its holes."""
        return shapely.Polygon(self._line(rings[0]), [self._line(hole) for hole in rings[1:]])

    def _line(self, ring: int) -> FloatArray:
        return self.points[self.offsets[ring] : self.offsets[ring + 1]]


def polygons_of(coverage: Coverage) -> Geometries:
    """The polygon of every face in lattice units: a Polygon or MultiPolygon, empty for one without edges."""
    rings = rings_of(coverage)
    shells_of = np.bincount(rings.faces[rings.shells], minlength=coverage.faces)
    holes_of = np.bincount(rings.faces[~rings.shells], minlength=coverage.faces)
    out = np.full(coverage.faces, shapely.Polygon(), dtype=object)
    _single(out, rings, shells_of == 1)
    _several(out, rings, (shells_of > 1) & (holes_of == 0))
    for face in np.flatnonzero((shells_of > 1) & (holes_of > 0)):
        out[face] = shapely.MultiPolygon([rings.polygon(part) for part in rings.nested(int(face))])
    return out


def in_degrees(polygons: Geometries) -> Geometries:
    """The same polygons in degrees: each coordinate is the double nearest to the lattice number / 10**7."""
    return np.asarray(shapely.transform(polygons, lambda xy: xy / SCALE), dtype=object)


def rings_of(coverage: Coverage) -> Rings:
    """The rings of all faces, traced along their arcs."""
    arc_of, backward, faces = _directed_arcs(coverage)
    first, last = coverage.nodes
    starts = np.where(backward, last[arc_of], first[arc_of])
    ends = np.where(backward, first[arc_of], last[arc_of])
    width = int(max(first.max(initial=0), last.max(initial=0))) + 1
    order = np.argsort(faces.astype(np.int64) * width + starts, kind="stable")
    arc_of, backward, faces = arc_of[order], backward[order], faces[order]
    starts, ends = starts[order], ends[order]
    key = faces.astype(np.int64) * width + starts
    wanted = faces.astype(np.int64) * width + ends
    candidates = np.stack([np.searchsorted(key, wanted), np.searchsorted(key, wanted, side="right")], axis=1)
    leaving, arriving = _steps(coverage, arc_of, backward)
    ring_arcs, ring_offsets = topology.trace_rings(faces, starts, ends, leaving, arriving, candidates)
    points, offsets = topology.ring_vertices(
        ring_arcs, ring_offsets, arc_of, backward, coverage.offsets, coverage.xs, coverage.ys
    )
    shells = sign_of_areas(points.astype(np.int64), offsets) >= 0
    arcs = np.where(backward, ~arc_of, arc_of)[ring_arcs]
    return _sorted(Rings(points, offsets, arcs, ring_offsets, faces[ring_arcs[ring_offsets[:-1]]], shells))


def _sorted(rings: Rings) -> Rings:
    """Holes after shells; the rings of a face follow each other already, as its arcs do."""
    order = np.lexsort((~rings.shells, rings.faces))
    if np.array_equal(order, np.arange(len(order))):
        return rings
    points, offsets = _picked(rings.points, rings.offsets, order)
    arcs, arc_offsets = _picked(rings.arcs, rings.arc_offsets, order)
    return Rings(points, offsets, arcs, arc_offsets, rings.faces[order], rings.shells[order])


def _picked(values: Values, offsets: Int64Array, pieces: Int64Array) -> tuple[Values, Int64Array]:
    """Some pieces of a ragged array, in the order given, and their offsets."""
    sizes = np.diff(offsets)[pieces]
    fresh = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    source = np.repeat(offsets[:-1][pieces] - fresh[:-1], sizes) + np.arange(fresh[-1])
    return values[source], fresh


def _directed_arcs(coverage: Coverage) -> tuple[Int64Array, BoolArray, Int32Array]:
    """Every arc once for each face beside it, in the direction that has the face on its left."""
    on_left = np.flatnonzero(coverage.left != NOWHERE)
    on_right = np.flatnonzero(coverage.right != NOWHERE)
    backward = np.zeros(len(on_left) + len(on_right), np.bool_)
    backward[len(on_left) :] = True
    faces = np.concatenate([coverage.left[on_left], coverage.right[on_right]])
    return np.concatenate([on_left, on_right]), backward, faces


def _steps(coverage: Coverage, arc_of: Int64Array, backward: BoolArray) -> tuple[Int64Array, Int64Array]:
    """First and last step (dx, dy) of each directed arc."""
    first, last = coverage.offsets[:-1], coverage.offsets[1:] - 1
    head = np.stack([_step(values, first) for values in (coverage.xs, coverage.ys)], axis=1)[arc_of]
    tail = np.stack([_step(values, last - 1) for values in (coverage.xs, coverage.ys)], axis=1)[arc_of]
    turned = backward[:, None]
    return np.where(turned, -tail, head), np.where(turned, -head, tail)


def _step(values: Int32Array, at: Int64Array) -> Int64Array:
    return values[at + 1].astype(np.int64) - values[at]


def _single(out: Geometries, rings: Rings, wanted: BoolArray) -> None:
    """Fill in the faces that have one shell; every hole is its."""
    if wanted.any():
        xy, ring_offsets, per_face = rings.of(wanted)
        polygon_offsets = np.concatenate([[0], np.cumsum(per_face)]).astype(np.int64)
        parts = (ring_offsets, polygon_offsets)
        out[wanted] = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, parts)


def _several(out: Geometries, rings: Rings, wanted: BoolArray) -> None:
    """Fill in the faces that have several shells and no hole."""
    if wanted.any():
        xy, ring_offsets, per_face = rings.of(wanted)
        part_offsets = np.arange(len(ring_offsets), dtype=np.int64)
        face_offsets = np.concatenate([[0], np.cumsum(per_face)]).astype(np.int64)
        parts = (ring_offsets, part_offsets, face_offsets)
        out[wanted] = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, xy, parts)

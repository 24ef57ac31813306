"""Coverage: the arcs between nodes, in one canonical order, each with a left and a right face.

The arcs are what an edition stores. Their order and direction follow from the edges alone, so the same
polygons, in any order, with rings begun anywhere, give the same bytes: an arc runs in the direction whose
first two vertices are the smaller pair, arcs are sorted by those two vertices, and a loop without a node
begins at its smallest vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gridmap.coverage.edges import (
    Edges,
    directed,
    edges_from_directed,
    edges_of,
    order_of_edges,
    pack,
    unpack,
    without_unused,
)
from gridmap.kernels import topology
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.types import Geometries, Int32Array, Int64Array


@dataclass(frozen=True)
class Coverage:
    """Arcs in canonical order, each with its left and right row, NOWHERE outside; `faces` counts the rows.

    The vertices `xs, ys` of arc i are offsets[i]:offsets[i + 1], both ends included.
    """

    xs: Int32Array
    ys: Int32Array
    offsets: Int64Array
    left: Int32Array
    right: Int32Array
    faces: int

    def __len__(self) -> int:
        return len(self.left)

    @cached_property
    def edges(self) -> Edges:
        """The edges of all arcs, unique and sorted."""
        return _edges_of_arcs(self)

    @cached_property
    def nodes(self) -> tuple[Int64Array, Int64Array]:
        """Node numbers of both ends of each arc; equal numbers are the same place."""
        ends = np.concatenate([self.offsets[:-1], self.offsets[1:] - 1])
        number = np.unique(pack(self.xs[ends], self.ys[ends]), return_inverse=True)[1].astype(np.int64)
        return number[: len(self)], number[len(self) :]


def coverage_of(polygons: Geometries) -> Coverage:
    """Make a coverage of polygons in lattice units; face i is polygon i. `edges_of` says what is accepted."""
    return coverage_from_edges(edges_of(polygons), len(polygons))


def coverage_from_edges(edges: Edges, faces: int) -> Coverage:
    """Chain edges into canonical arcs."""
    edges = without_unused(edges)
    around, incident = _incidence(edges)
    nodes = topology.find_nodes(edges.lows, edges.left, edges.right, around, incident)
    path, offsets, left, right = topology.walk_arcs(
        edges.lows, edges.highs, edges.left, edges.right, around, incident, nodes
    )
    order = np.lexsort((right, left, path[offsets[:-1] + 1], path[offsets[:-1]]))
    path, offsets = _reordered(path, offsets, order)
    points = edges.vertices[path].astype(np.int32)
    xs, ys = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    coverage = Coverage(xs, ys, offsets, left[order], right[order], faces)
    coverage.__dict__["edges"] = edges  # the cached property; they are at hand and sorted
    return coverage


def merged(coverage: Coverage, parents: Int32Array, count: int) -> Coverage:
    """The coverage of the level above: faces become their parents, borders inside one parent vanish."""
    lookup = np.append(parents, NOWHERE).astype(np.int32)  # row -1 stays nowhere
    edges = coverage.edges
    left, right = lookup[edges.left], lookup[edges.right]
    lifted = Edges(edges.vertices, edges.lows, edges.highs, left, right)
    kept = lifted.chosen(left != right)
    if kept.repeated.any():  # records of one edge were paired by grid; the parents may pair otherwise
        kept = edges_from_directed(*directed(kept))
    return coverage_from_edges(kept, count)


def lifted(coverage: Coverage, parents: Int32Array, count: int) -> tuple[Coverage, Int64Array]:
    """The coverage of the level above on the very arcs of this one, and the numbers of those arcs.

    As `merged`, but arcs are not chained into longer ones, so both levels share them. Edges must not be
    repeated: the parents would pair them otherwise.
    """
    lookup = np.append(parents, NOWHERE).astype(np.int32)
    left, right = lookup[coverage.left], lookup[coverage.right]
    arcs = np.flatnonzero(left != right)
    sizes = np.diff(coverage.offsets)
    points = np.repeat(left != right, sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes[arcs])]).astype(np.int64)
    return Coverage(coverage.xs[points], coverage.ys[points], offsets, left[arcs], right[arcs], count), arcs


def _incidence(edges: Edges) -> tuple[Int64Array, Int32Array]:
    """For each vertex the edges that meet there, as offsets and one flat array in edge order."""
    count = len(edges)
    ends = np.concatenate([edges.lows, edges.highs])
    number = np.tile(np.arange(count, dtype=np.int32), 2)
    order = np.argsort(ends, kind="stable")
    around = np.zeros(len(edges.vertices) + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=len(edges.vertices)), out=around[1:])
    return around, number[order]


def _reordered(path: Int32Array, offsets: Int64Array, order: Int64Array) -> tuple[Int32Array, Int64Array]:
    sizes = np.diff(offsets)[order]
    fresh = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    source = np.repeat(offsets[:-1][order] - fresh[:-1], sizes) + np.arange(fresh[-1])
    return path[source], fresh


def _edges_of_arcs(coverage: Coverage) -> Edges:
    """Arcs have both their faces already, so their edges need sorting only, no pairing."""
    keys, number = np.unique(pack(coverage.xs, coverage.ys), return_inverse=True)
    starts = np.ones(len(number), np.bool_)
    starts[coverage.offsets[1:] - 1] = False
    begin = np.flatnonzero(starts)
    tail, head = number[begin].astype(np.int32), number[begin + 1].astype(np.int32)
    arc = np.repeat(np.arange(len(coverage)), np.diff(coverage.offsets) - 1)
    forward = tail < head
    left = np.where(forward, coverage.left[arc], coverage.right[arc])
    right = np.where(forward, coverage.right[arc], coverage.left[arc])
    lows, highs = np.minimum(tail, head), np.maximum(tail, head)
    order = order_of_edges(lows, highs, np.zeros(1, np.int32), len(keys))
    edges = Edges(unpack(keys), lows[order], highs[order], left[order], right[order])
    if edges.repeated.any():
        return edges_from_directed(*directed(edges))
    return edges

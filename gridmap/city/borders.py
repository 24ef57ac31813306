"""Wiggly borders between seeds: the edges of a Voronoi diagram, each bent inside its own kite.

Theory of operation. The kite of a Voronoi edge has the edge's two ends and the two seeds beside it as
corners. The kites of a diagram do not overlap, so edges that are bent inside their kites cannot cross each
other, however wild the bend. The bend is noise that depends on where the two seeds are, never on the order of
the edges, so a border looks the same in every run. The edges are then clipped at the district's outline.
Left out: one diagram over all districts at once. Grids along an outline would then depend on seeds beyond it,
and a district built alone would not be the same as in the whole city.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import shapely

from gridmap.city.extras import need
from gridmap.city.metres import to_units

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Geometries, Int64Array, UInt64Array

WIDEST_BEND = 0.55
"""How far a bend may reach towards a seed, as a share of what its kite allows: the seed keeps some clear
ground."""
LARGEST_SWING = 0.22
"""How far a bend may reach as a share of the edge's length: beyond it borders look like saw blades."""
MOST_VERTICES = 11
TRIM_STEPS = 32
"""An edge is cut off outside the outline to one part in so many."""


@dataclass(frozen=True)
class Diagram:
    """The inner edges of a Voronoi diagram in flat metres.

    `ends` is float64[n, 2, 2], the end points of each edge; `pairs` int64[n, 2], the two seeds beside it;
    `middle` float64[n], where the line between the seeds crosses the line of the edge, as a share of its
    length; `height` float64[n], the distance from there to each of the seeds.
    """

    ends: FloatArray
    pairs: Int64Array
    middle: FloatArray
    height: FloatArray


_Trimmed: TypeAlias = "tuple[Diagram, FloatArray, FloatArray]"


def voronoi(seeds: FloatArray) -> Diagram:
    """The Voronoi diagram of seeds [n, 2] in flat metres; no edge between two of them runs to infinity."""
    low, high = seeds.min(axis=0), seeds.max(axis=0)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False) + 0.1
    far = (low + high) / 2 + 3 * np.hypot(*(high - low)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    diagram = need("scipy.spatial").Voronoi(np.concatenate([seeds, far]))
    vertices = np.asarray(diagram.ridge_vertices)
    pairs = np.asarray(diagram.ridge_points, dtype=np.int64)
    real = (pairs < len(seeds)).all(axis=1) & (vertices >= 0).all(axis=1)
    ends = diagram.vertices[vertices[real]]
    pairs = np.sort(pairs[real], axis=1)
    flip = (ends[:, 0, 0] > ends[:, 1, 0]) | (
        (ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1])
    )
    ends[flip] = ends[flip, ::-1]
    along = ends[:, 1] - ends[:, 0]
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    between = seeds[pairs].mean(axis=1)
    middle = ((between - ends[:, 0]) * along).sum(axis=1) / length2
    height = np.hypot(*(seeds[pairs[:, 1]] - seeds[pairs[:, 0]]).T) / 2
    return Diagram(ends, pairs, middle, height)


def bent_borders(
    seeds: FloatArray, diagram: Diagram, outline: shapely.Polygon | shapely.MultiPolygon, seed: int
) -> Geometries:
    """The bent edges inside an outline (lattice units), as LineStrings in lattice units."""
    shapely.prepare(outline)
    near, begin, end = _trim(diagram, outline)
    lines = _bend(seeds, near, begin, end, seed)
    inner = shapely.contains_properly(outline, lines)
    cut = shapely.intersection(lines[~inner & shapely.intersects(outline, lines)], outline)
    parts = shapely.get_parts(shapely.get_parts(cut))
    return np.concatenate([lines[inner], parts[shapely.get_dimensions(parts) == 1]])


def _trim(diagram: Diagram, outline: shapely.Polygon | shapely.MultiPolygon) -> _Trimmed:
    """Drop edges far from the outline; of the others say which part matters, as shares of their length.

    What runs far out of the outline is cut off, so that all bends of an edge are inside.
    """
    low, high = np.array(outline.bounds).reshape(2, 2)
    ends = to_units(diagram.ends)
    near = (ends.max(axis=1) >= low).all(axis=1) & (ends.min(axis=1) <= high).all(axis=1)
    share = np.linspace(0.0, 1.0, TRIM_STEPS + 1)
    along = ends[near, None, 1] - ends[near, None, 0]
    inside = shapely.contains_xy(outline, ends[near, None, 0] + share[:, None] * along)
    first = np.where(inside[:, 0], 0, np.maximum(inside.argmax(axis=1) - 1, 0))
    last = np.where(inside[:, -1], 0, np.maximum(inside[:, ::-1].argmax(axis=1) - 1, 0))
    kept = Diagram(diagram.ends[near], diagram.pairs[near], diagram.middle[near], diagram.height[near])
    return kept, share[first], 1.0 - share[last]


def _bend(seeds: FloatArray, diagram: Diagram, begin: FloatArray, end: FloatArray, seed: int) -> Geometries:
    """The edges, each from its share `begin` to its share `end`, as bent LineStrings in lattice units."""
    keys = _keys(seeds[diagram.pairs], seed)
    along = diagram.ends[:, 1] - diagram.ends[:, 0]
    whole = np.maximum(np.hypot(*along.T), 1e-9)
    length = whole * (end - begin)
    size = 16 * length / (length + 2 * diagram.height) * (0.7 + 0.6 * _noise(keys, 1))
    count = np.clip(np.rint(size), 1, MOST_VERTICES).astype(np.int64)
    edge = np.repeat(np.arange(len(keys)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + 1
    local = keys[edge] + step.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    part = (step + 0.5 * (_noise(local, 2) - 0.5)) / (count[edge] + 1)
    t = begin[edge] + part * (end - begin)[edge]
    room = _room(t, diagram.middle[edge], diagram.height[edge], length[edge])
    swing = np.sin(2 * np.pi * ((0.4 + 1.4 * _noise(keys, 3))[edge] * part + _noise(keys, 4)[edge]))
    offset = room * (0.65 * swing + 0.35 * (2 * _noise(local, 5) - 1))
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) / whole[:, None]
    inner = diagram.ends[edge, 0] + t[:, None] * along[edge] + offset[:, None] * aside[edge]
    head, tail = (diagram.ends[:, 0] + share[:, None] * along for share in (begin, end))
    every = np.arange(len(keys))
    order = np.lexsort(
        (
            np.concatenate([0 * every, step, 0 * every + MOST_VERTICES + 1]),
            np.concatenate([every, edge, every]),
        )
    )
    points = np.rint(to_units(np.concatenate([head, inner, tail])[order]))
    return np.asarray(shapely.linestrings(points, indices=np.repeat(every, count + 2)))


def _room(t: FloatArray, middle: FloatArray, height: FloatArray, length: FloatArray) -> FloatArray:
    """How far an edge may bend at share `t` of it: part of its kite's width there, and of its own length."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.where(middle > 0, t / middle, np.inf)
        falling = np.where(middle < 1, (1 - t) / (1 - middle), np.inf)
    width = height * np.minimum(np.minimum(rising, falling), 1.0)
    return np.minimum(WIDEST_BEND * width, LARGEST_SWING * length)


def _keys(pairs: FloatArray, seed: int) -> UInt64Array:
    """A number per edge that depends on the places of its two seeds alone, whichever comes first."""
    places = np.rint(pairs * 1000).astype(np.int64).view(np.uint64)
    mixed = _mix(places[..., 0] * np.uint64(0x9E3779B97F4A7C15) ^ _mix(places[..., 1]))
    return np.asarray(_mix(mixed[:, 0] + mixed[:, 1] + np.uint64(seed)))


def _noise(keys: UInt64Array, stream: int) -> FloatArray:
    """A number in [0, 1) per key, another one for each stream."""
    return np.asarray((_mix(keys ^ np.uint64(stream << 56)) >> np.uint64(11)) * 2.0**-53)


def _mix(keys: UInt64Array) -> UInt64Array:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the key moves all bits."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))

"""Repair: what is narrow gets one owner, and neighbours get the same corners.

Theory of operation. Only grids at fault are touched: beside a narrow gap, under a narrow overlap, or with a
corner that a neighbour lacks. All their edges are noded together on the lattice (snap rounding) and cut the
plane into pieces. A piece that one grid covers stays its own. Pieces that several cover, or none, get one
owner where they are nowhere wider than the tolerance: of several the smallest row, as in every lookup, so
no point changes its owner; of a gap the neighbour with the longest border along it. Wider ones stay as they
are and the proof names them. A grid is then the sum of its pieces, so the new borders cancel by
construction. Noding bends an edge by less than a unit where it passes a corner; the neighbour that shares
it then lacks that corner, is at fault in the next round, and gets it.

The outlines given for the levels above are evidence, not shapes of their own: where they differ from the
sum of their areas by no more than the tolerance, the sum is believed.

Left out: snapping corners to corners. It moves right borders to meet wrong ones, depends on the order in
which it goes, and can turn a narrow grid over. `shapely.coverage_clean` rewrites every polygon and took 34
s for 65,000 grids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.coverage.arcs import Coverage, coverage_from_edges, coverage_of, merged
from gridmap.coverage.edges import directed, edges_from_directed, edges_of, unpack
from gridmap.coverage.measures import area_m2
from gridmap.coverage.partition import same_edges
from gridmap.coverage.regions import Loose, corners_inside, regions_of, two_point_lines
from gridmap.coverage.rings import polygons_of
from gridmap.errors import InputError
from gridmap.lattice import SCALE, to_degrees
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.types import BoolArray, Geometries, Int32Array, Int64Array

METRES_PER_UNIT: Final = 40_007_863 / 360 / SCALE
"""A lattice unit along a meridian in metres: 1.1 cm."""

ROUNDS: Final = 6
"""Rounds after which what is left is left to the proof; two or three are usual."""


@dataclass(frozen=True)
class Mend:
    """A narrow place that got an owner: what it was (gap or overlap), whose, who has it now, and where.

    `shape` is in lattice units, `lon, lat` are degrees.
    """

    rule: str
    level: str
    codes: tuple[str, ...]
    owner: str
    lon: float
    lat: float
    size_m2: float
    shape: shapely.Geometry


def repair(partition: Partition, tolerance_m: float) -> tuple[Partition, list[Mend]]:
    """Mend what is nowhere wider than the tolerance in metres; gives the mended partition and what was done.

    Untouched polygons stay identical, but for corners put into a border that a mended neighbour shares.
    Raises InputError for a tolerance that is no positive number.
    """
    if not 0 < tolerance_m < float("inf"):
        raise InputError("repair", f"{tolerance_m} is no tolerance; give metres above 0, such as 0.5")
    mends: list[Mend] = []
    for _ in range(ROUNDS):
        faulty = _faulty(partition, tolerance_m)
        if len(faulty) == 0:
            break
        coverage, done = _mended(partition, faulty, tolerance_m)
        partition = replace(partition, coverage=coverage)
        mends += done
    return _believed(partition, tolerance_m), mends


def _faulty(partition: Partition, tolerance_m: float) -> Int64Array:
    """Rows of the grids beside or under something narrow, or with a corner that a neighbour lacks."""
    edges = partition.coverage.edges
    keys, to_keys, owners = directed(edges.chosen(edges.unmatched))
    outline = _outline(partition)
    ends = np.concatenate([np.stack([unpack(keys), unpack(to_keys)], axis=1), outline])
    faces = np.concatenate([owners, np.full(len(outline), NOWHERE, np.int32)])
    loose = Loose(ends, faces)
    regions = regions_of(loose, partition.polygons_at(len(partition.levels) - 1))
    wrong = [region for region in regions if len(region.covers) != 1]
    narrow = _is_narrow([region.polygon for region in wrong], tolerance_m)
    rows: set[int] = set()
    for region, small in zip(wrong, narrow, strict=True):
        if small:
            rows.update(region.covers, faces[region.edges].tolist())
    corner, inside = corners_inside(loose.ends)
    rows.update(faces[inside].tolist(), faces[corner // 2].tolist())
    return np.array(sorted(rows - {NOWHERE}), np.int64)


def _outline(partition: Partition) -> Int64Array:
    """The edges (n, 2, 2) of the outline given for the city where it differs: a gap is closed up to it."""
    given = partition.given.get(partition.levels[0].level)
    if given is None:
        return np.empty((0, 2, 2), np.int64)
    edges = given.edges.chosen(given.edges.unmatched)
    return np.stack([edges.vertices[edges.lows], edges.vertices[edges.highs]], axis=1)


def _is_narrow(polygons: Sequence[shapely.Geometry], tolerance_m: float) -> BoolArray:
    """Whether each shape is nowhere wider than the tolerance: shrunk by half of it, nothing is left."""
    if len(polygons) == 0:
        return np.zeros(0, np.bool_)
    return np.array([_shrunk_away(polygon, tolerance_m) for polygon in polygons], np.bool_)


def _shrunk_away(polygon: shapely.Geometry, tolerance_m: float) -> bool:
    if shapely.is_empty(polygon):
        return True
    west, south, _, north = shapely.bounds(polygon)
    squeeze = np.cos(np.radians((south + north) / 2 / SCALE))  # a unit of longitude is shorter
    metres = shapely.transform(polygon, lambda xy: (xy - (west, south)) * (squeeze, 1.0) * METRES_PER_UNIT)
    return bool(shapely.buffer(metres, -tolerance_m / 2, join_style="mitre").is_empty)


def _mended(partition: Partition, faulty: Int64Array, tolerance_m: float) -> tuple[Coverage, list[Mend]]:
    """The coverage with the faulty grids built anew from their pieces, and what got an owner."""
    edges = partition.coverage.edges
    at_fault = np.zeros(partition.coverage.faces + 1, np.bool_)
    at_fault[faulty] = True  # NOWHERE, the last one, never is
    ours = edges.chosen(at_fault[edges.left] | at_fault[edges.right])
    ends = np.stack([ours.vertices[ours.lows], ours.vertices[ours.highs]], axis=1)
    pieces = _pieces(np.concatenate([ends, _outline(partition)]))
    polygons = partition.polygons_at(len(partition.levels) - 1)
    covers = _covers(pieces, polygons)
    owners, mends = _owners(partition, pieces, covers, tolerance_m)
    claims = [(piece, row) for piece, rows in enumerate(owners) for row in rows if at_fault[row]]
    built = edges_of(pieces[[piece for piece, _ in claims]])
    new = directed(built)
    new_faces = np.array([row for _, row in claims], np.int32)[new[2]]
    kept = directed(edges)
    keep = ~at_fault[kept[2]]
    whole = edges_from_directed(
        np.concatenate([kept[0][keep], new[0]]),
        np.concatenate([kept[1][keep], new[1]]),
        np.concatenate([kept[2][keep], new_faces]).astype(np.int32),
    )
    return coverage_from_edges(whole, partition.coverage.faces), mends


def _pieces(ends: Int64Array) -> Geometries:
    """The pieces of the plane between edges (n, 2, 2) noded on the lattice."""
    noded = shapely.union_all(two_point_lines(ends), grid_size=1)
    return np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)


def _covers(pieces: Geometries, polygons: Geometries) -> list[tuple[int, ...]]:
    """The rows whose polygon lies under each piece."""
    which, rows = shapely.STRtree(polygons).query(shapely.point_on_surface(pieces), predicate="intersects")
    out: list[list[int]] = [[] for _ in pieces]
    for piece, row in zip(which.tolist(), rows.tolist(), strict=True):
        out[piece].append(row)
    return [tuple(sorted(found)) for found in out]


def _owners(
    partition: Partition, pieces: Geometries, covers: list[tuple[int, ...]], tolerance_m: float
) -> tuple[list[tuple[int, ...]], list[Mend]]:
    """Who has each piece: who covers it, but one alone where pieces of the same covers are narrow."""
    owners = list(covers)
    mends: list[Mend] = []
    borders = _Borders(pieces, covers)
    for members in _joined(pieces, covers):
        rows = covers[members[0]]
        shape = shapely.union_all(pieces[members])
        if len(rows) == 1 or not _shrunk_away(shape, tolerance_m):
            continue
        owner = rows[0] if rows else borders.longest(members)
        if owner is None:
            continue
        for piece in members:
            owners[piece] = (owner,)
        mends.append(_mend(partition, shape, rows or borders.around(members), owner, bool(rows)))
    return owners, mends


def _joined(pieces: Geometries, covers: list[tuple[int, ...]]) -> list[Int64Array]:
    """Groups of pieces that share a border and have the same covers."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for piece, rows in enumerate(covers):
        if len(rows) != 1:
            groups.setdefault(rows, []).append(piece)
    out = []
    for members in groups.values():
        parts = shapely.get_parts(shapely.union_all(pieces[members]))
        within = shapely.STRtree(parts).query(shapely.point_on_surface(pieces[members]), predicate="within")
        which = np.argsort(within[0])
        out += [np.array(members)[which][within[1][which] == part] for part in range(len(parts))]
    return [np.asarray(group, np.int64) for group in out if len(group)]


class _Borders:
    """How long a border each group of pieces shares with the grids beside it."""

    def __init__(self, pieces: Geometries, covers: list[tuple[int, ...]]) -> None:
        self.pieces, self.covers = pieces, covers
        self.tree = shapely.STRtree(pieces)

    def lengths(self, members: Int64Array) -> dict[int, float]:
        shape = shapely.union_all(self.pieces[members])
        out: dict[int, float] = {}
        for other in self.tree.query(shape, predicate="touches"):
            shared = shapely.length(shapely.intersection(shape, self.pieces[other]))
            for row in self.covers[other] if len(self.covers[other]) == 1 else ():
                out[row] = out.get(row, 0.0) + float(shared)
        return {row: length for row, length in out.items() if length > 0}

    def longest(self, members: Int64Array) -> int | None:
        """The grid with the longest border, of equals the smallest row; None where there is none."""
        lengths = self.lengths(members)
        return min(lengths, key=lambda row: (-lengths[row], row)) if lengths else None

    def around(self, members: Int64Array) -> tuple[int, ...]:
        return tuple(sorted(self.lengths(members)))


def _mend(
    partition: Partition, shape: shapely.Geometry, rows: Iterable[int], owner: int, overlap: bool
) -> Mend:
    table = partition.finest
    point = shapely.point_on_surface(shape)
    lons, lats = to_degrees([point.x], [point.y])
    codes = tuple(table.codes[row] for row in rows)
    rule = "overlap" if overlap else "gap"
    return Mend(
        rule, table.level, codes, table.codes[owner], float(lons[0]), float(lats[0]), area_m2(shape), shape
    )


def _believed(partition: Partition, tolerance_m: float) -> Partition:
    """Take given outlines for the sum of the grids that lie in them, where they differ from it narrowly only.

    An outline that differs more is kept as it was given. What is left of the evidence then differs from what
    the tables say by whole grids, and each of those is a finding worth reading.
    """
    given = {}
    polygons = partition.polygons_at(len(partition.levels) - 1)
    for level, evidence in partition.given.items():
        outlines = polygons_of(evidence)
        lies_in = _lies_in(polygons, outlines, tolerance_m)
        sums = merged(partition.coverage, lies_in, evidence.faces)
        shapes = polygons_of(sums)
        agree = _agree(shapes, outlines, tolerance_m)
        fresh = sums if agree.all() else coverage_of(np.where(agree, shapes, outlines))
        if not same_edges(fresh.edges, partition.coverage_at(partition.depth_of(level)).edges):
            given[level] = fresh
    return replace(partition, given=given)


def _lies_in(polygons: Geometries, outlines: Geometries, tolerance_m: float) -> Int32Array:
    """The row of the outline that each polygon lies in, by a point well inside it; NOWHERE in none."""
    core = shapely.buffer(polygons, -2 * tolerance_m / METRES_PER_UNIT, quad_segs=1)
    points = shapely.point_on_surface(np.where(shapely.is_empty(core), polygons, core))
    point, row = shapely.STRtree(outlines).query(points, predicate="intersects")
    out = np.full(len(polygons), NOWHERE, np.int32)
    out[point[::-1]] = row[::-1]  # where outlines overlap the first one stays
    return out


def _agree(sums: Geometries, outlines: Geometries, tolerance_m: float) -> BoolArray:
    """Whether each outline differs from the sum of its areas by narrow slivers only."""
    same = shapely.equals_exact(shapely.normalize(sums), shapely.normalize(outlines))
    differ = np.flatnonzero(~same)
    one, other = (shapely.make_valid(shapes[differ]) for shapes in (sums, outlines))
    slivers = shapely.symmetric_difference(one, other)
    out = same.copy()
    out[differ] = [_shrunk_away(sliver, tolerance_m) for sliver in slivers]
    return np.asarray(out, np.bool_)

"""The partition proof: that every point of the city is in exactly one area of every level.

Theory of operation.

1. Each face is a valid polygon, so its boundary chain (directed edges, interior on the left) is the boundary
   of its indicator function.
2. Add the chains of all faces. An edge used in both directions cancels. If what is left is the boundary
   chain of one valid polygon, the city, then the indicator functions add up to the city's: inside exactly
   one everywhere, outside none. No gap, no overlap, no missing grid. No corner of that border may lie
   inside another of its edges, for then parents would touch themselves where they have no vertex.
3. A void that the city encloses is a gap, unless one of the outlines given for the widest level encloses
   exactly this void itself (a lake left out of the city). A void between several of them is a gap.
4. Parents are sums of children by construction. An outline that a file gives for a parent must be that
   sum, edge for edge.

All of it compares integers, or asks GEOS on which side of a line a whole-numbered point lies, which it
answers exactly. Only when a step fails do regions.py and the three modules of findings say where, how
large, and whose; they work in floating point and cannot turn a failure into a proof: what they cannot
explain becomes a finding of its own.

Where no outline was given for the widest level nobody can tell the city's border from a defect there: it is
believed. `shapely.coverage_is_valid` was not enough as a proof (it misses thin gaps); the tests use it as a
second opinion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.codes import rule_for
from gridmap.coverage import defects, findings, nesting
from gridmap.coverage.arcs import merged
from gridmap.coverage.cover import border_of, unclosed
from gridmap.coverage.edges import directed, unpack
from gridmap.coverage.regions import Loose, corners_inside
from gridmap.coverage.voids import declared_voids, voids_of
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.codes import CodeRule
    from gridmap.coverage.arcs import Coverage
    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding
    from gridmap.types import Int32Array, Int64Array


@dataclass(frozen=True)
class Proof:
    """The outcome of an examination: proven means no finding. Notes are worth knowing and no defect."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether the areas are a partition at every level."""
        return not self.findings


def examine(partition: Partition) -> Proof:
    """Prove a partition, or say where it is none. Takes about 1.5 s for 65,000 grids."""
    rule = rule_for({table.level: table.codes for table in partition.levels})
    polygons = partition.polygons_at(len(partition.levels) - 1)
    unclosed_faces = unclosed(partition.coverage, polygons)
    out = [*_tables(partition, rule), *findings.of_shapes(partition, unclosed_faces)]
    lakes = declared_voids(partition.outlines_at(0)) if partition.outline_known else frozenset()
    bounded = _bounds_a_city(partition.coverage, lakes)
    outline = partition.given.get(partition.levels[0].level)
    places: list[shapely.Geometry] = []
    if outline or not bounded:
        loose = _loose(partition.coverage, outline)
        found, places = defects.of_finest(partition, loose, lakes, drawn=outline is not None)
        if not found and not bounded:  # the outline has the same void, and may not declare it
            loose = _loose(partition.coverage, None)
            found, places = defects.of_finest(partition, loose, lakes, drawn=False)
        out += found
        if not out and not bounded:
            out.append(findings.unexplained(partition, loose))
    for depth in range(len(partition.levels) - 2, -1, -1):
        if partition.levels[depth].level in partition.given:
            out += nesting.of_outlines(partition, depth, _disputed(partition, depth), places)
    return Proof(tuple(out), _notes(partition, rule))


def _bounds_a_city(coverage: Coverage, lakes: frozenset[bytes]) -> bool:
    """Whether the edges without a partner are the border of one valid polygon, lakes its only voids."""
    border = border_of(coverage.edges)
    if border is None:
        return False
    alone = border.edges
    ends = np.stack([alone.vertices[alone.lows], alone.vertices[alone.highs]], axis=1)
    return len(corners_inside(ends)[0]) == 0 and voids_of(border) <= lakes


def _loose(coverage: Coverage, outline: Coverage | None) -> Loose:
    """The finest level's edges without a partner, but for those of the outline, once each, where given.

    Edges of the outline that no face has are left over with the face NOWHERE.
    """
    edges = coverage.edges
    from_keys, to_keys, faces = directed(edges.chosen(edges.unmatched))
    if outline is None:
        return _as_loose(from_keys, to_keys, faces)
    alone = outline.edges.unmatched & ~outline.edges.repeated
    city = directed(outline.edges.chosen(alone))
    ours, theirs = _numbers((from_keys, to_keys), city[:2])
    first = np.zeros(len(ours), np.bool_)
    first[np.unique(ours, return_index=True)[1]] = True
    left_over = ~(first & np.isin(ours, theirs))
    missing = ~np.isin(theirs, ours)
    return _as_loose(
        np.concatenate([from_keys[left_over], city[0][missing]]),
        np.concatenate([to_keys[left_over], city[1][missing]]),
        np.concatenate([faces[left_over], np.full(int(missing.sum()), NOWHERE, np.int32)]),
    )


def _disputed(partition: Partition, depth: int) -> Loose:
    """Edges where the given outlines of a level are not the sum of the areas of the level below.

    Areas of which the file gives no outline at all are left out: that is a finding of its own.
    """
    level, below = partition.levels[depth].level, partition.levels[depth + 1].level
    given = partition.given[level]
    if below in partition.given:
        sums = merged(partition.given[below], partition.parent_rows(depth + 1), given.faces)
    else:
        sums = partition.coverage_at(depth)
    one, other = directed(sums.edges), directed(given.edges)
    numbers = _numbers(one[:2], other[:2])
    drawn = np.isin(np.arange(given.faces), np.concatenate([given.left, given.right]))
    ours, theirs = numbers[0] * given.faces + one[2], numbers[1] * given.faces + other[2]
    mine, its = ~np.isin(ours, theirs) & drawn[one[2]], ~np.isin(theirs, ours)
    return _as_loose(
        np.concatenate([one[0][mine], other[0][its]]),
        np.concatenate([one[1][mine], other[1][its]]),
        np.concatenate([one[2][mine], other[2][its]]),
    )


def _numbers(*pairs: tuple[Int64Array, Int64Array]) -> list[Int64Array]:
    """One number for each directed edge (packed from, packed to); equal edges have equal numbers."""
    keys, number = np.unique(np.concatenate([key for pair in pairs for key in pair]), return_inverse=True)
    out, at = [], 0
    for tail, _ in pairs:
        middle, end = at + len(tail), at + 2 * len(tail)
        out.append(number[at:middle] * len(keys) + number[middle:end])
        at = end
    return out


def _as_loose(from_keys: Int64Array, to_keys: Int64Array, faces: Int32Array) -> Loose:
    return Loose(np.stack([unpack(from_keys), unpack(to_keys)], axis=1), faces)


def _tables(partition: Partition, rule: CodeRule) -> list[Finding]:
    """What the tables show: codes against their rule, parents that do not exist, areas without children."""
    out: list[Finding] = []
    for depth, table in enumerate(partition.levels):
        parents = partition.parent_rows(depth)
        for row, (code, parent) in enumerate(zip(table.codes, table.parents, strict=True)):
            if depth and parents[row] == NOWHERE:
                out.append(findings.orphan(partition, depth, row))
                continue
            # A file may begin below the districts; what its widest areas lie in is then nobody's claim.
            stated = parent if depth or parent else rule.parent_of(code)
            problem = rule.problem(code, table.level, stated)
            if problem:
                out.append(findings.wrong_code(partition, depth, row, problem, rule.parent_of(code)))
        if depth:
            childless = np.ones(len(partition.levels[depth - 1]), np.bool_)
            childless[parents[parents != NOWHERE]] = False
            out += [findings.childless(partition, depth - 1, int(row)) for row in np.flatnonzero(childless)]
    return out


def _notes(partition: Partition, rule: CodeRule) -> tuple[str, ...]:
    polygons = partition.polygons_at(len(partition.levels) - 1)
    several = int((shapely.get_num_geometries(polygons) > 1).sum())
    holes = int(shapely.get_num_interior_rings(shapely.get_parts(polygons)).sum())
    level = partition.finest.level
    notes = [f"codes follow the {rule.name} rule"]
    if several:
        notes.append(f"{several:,} areas of level {level} have several parts (islands, enclaves)")
    if holes:
        notes.append(f"{holes:,} holes lie in areas of level {level}, each filled by others or outside")
    above = sorted({parent for parent in partition.levels[0].parents if parent})
    if above:
        widest, said = partition.levels[0].level, findings.listed(above)
        notes.append(f"no level lies above {widest}: the parents that its areas name ({said}) are not here")
    if not partition.outline_known:
        notes.append("no outlines were given for the widest level: the outer border is believed as it is")
    return tuple(notes)

"""Nesting: where the outlines that a file gives for a level are not the sum of the areas below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.coverage.defects import THIN, t_junctions
from gridmap.coverage.findings import distinct, finding, listed, named, somewhere_in
from gridmap.coverage.measures import area_m2
from gridmap.coverage.regions import NOISE, Cover, Loose, Region, regions_of
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding
    from gridmap.types import Int32Array, Int64Array


def of_outlines(
    partition: Partition, depth: int, disputed: Loose, places: Sequence[shapely.Geometry]
) -> list[Finding]:
    """Findings for a level whose given outlines are not the sum of the areas of the level below.

    `places` are the regions and points of the findings between grids: what they explain is not said twice.
    """
    if len(disputed) == 0:
        return []
    told = shapely.STRtree(places)
    children = _Children(partition, depth)
    out: list[Finding] = []
    explained = list(places)
    for region in regions_of(disputed, partition.outlines_at(depth)):
        said = [] if _is_told(region, told) else children.findings(region)
        explained += [region.polygon] * bool(said)
        out += said
    tree = shapely.STRtree(explained)
    for edge, inside in t_junctions(disputed):
        other, place = _other_corners(partition, depth, disputed, edge, inside)
        if not len(tree.query(place, predicate="dwithin", distance=THIN)):
            out.append(other)
    return out if out or explained else [_differs(partition, depth, disputed)]


def _is_told(region: Region, told: shapely.STRtree) -> bool:
    """Whether the region lies in the places of other findings."""
    near = told.geometries[told.query(region.polygon, predicate="intersects")]
    rest = shapely.difference(region.polygon, shapely.union_all(near))
    return bool(shapely.area(rest) <= NOISE * region.polygon.length)


def _other_corners(
    partition: Partition, depth: int, disputed: Loose, edge: int, corners: Int64Array
) -> tuple[Finding, shapely.Point]:
    """The finding for corners of the one that lie inside an edge of the other, and its place."""
    points = disputed.ends.reshape(-1, 2)[corners]
    place = shapely.Point(points[len(points) // 2])
    codes = _codes(partition, depth, disputed.faces[np.append(corners // 2, edge)])
    level = partition.levels[depth].level
    text = f"The outline given for {level} {listed(codes)} has other corners here than its areas have."
    return finding("t_junction", level, codes, place, 0.0, text), place


def _differs(partition: Partition, depth: int, disputed: Loose) -> Finding:
    """The finding of last resort: the edges differ, though no region shows why."""
    level, codes = partition.levels[depth].level, _codes(partition, depth, disputed.faces)[:10]
    text = f"The outline given for {level} {listed(codes)} differs here from its areas."
    return finding("outside_parent", level, codes, shapely.Point(disputed.ends[0].mean(axis=0)), 0.0, text)


def _codes(partition: Partition, depth: int, faces: Int32Array) -> tuple[str, ...]:
    return tuple(partition.levels[depth].codes[face] for face in np.unique(faces) if face != NOWHERE)


class _Children:
    """The areas below a level, and the outlines given for their parents."""

    def __init__(self, partition: Partition, depth: int) -> None:
        self.above, self.below = partition.levels[depth], partition.levels[depth + 1]
        self.parents = partition.parent_rows(depth + 1)
        self.cover = Cover(partition.outlines_at(depth + 1))

    def findings(self, region: Region) -> list[Finding]:
        """What is wrong in a region: areas of other parents, none at all, or several outlines."""
        if len(region.covers) > 1:
            return [self._overlap(region)]
        rows, shared = self.cover.members(region.polygon)
        out = [
            self._astray(int(row), part, region)
            for row, part in zip(rows, shared, strict=True)
            if region.covers != (self.parents[row],)
        ]
        rest = shapely.difference(region.polygon, shapely.union_all(shared))
        if region.covers and shapely.area(rest) > NOISE * region.polygon.length:
            out.append(self._empty(region, rest))
        return out

    def _overlap(self, region: Region) -> Finding:
        codes = tuple(self.above.codes[face] for face in region.covers)
        text = f"The outlines given for {self.above.level} {listed(codes)} overlap."
        size = area_m2(region.polygon)
        return finding("overlap", self.above.level, codes, region.point, size, text)

    def _empty(self, region: Region, rest: shapely.Geometry) -> Finding:
        codes = tuple(self.above.codes[face] for face in region.covers)
        text = f"The outline given for {named(self.above.level, codes[0])} covers this place, but no"
        text += f" {self.below.level} lies here."
        return finding("gap", self.above.level, codes, somewhere_in(rest), area_m2(rest), text)

    def _astray(self, row: int, part: shapely.Geometry, region: Region) -> Finding:
        code, parent = self.below.codes[row], self.below.parents[row]
        actual = tuple(self.above.codes[face] for face in region.covers)
        where = (
            f"in the outline of {listed(actual)}" if actual else f"in no outline of any {self.above.level}"
        )
        text = f"{named(self.below.level, code)} belongs to {parent} but lies {where}."
        pieces = shapely.get_parts(part)
        size = sum(area_m2(piece) for piece in pieces[shapely.area(pieces) > 0])
        codes = distinct([code, parent, *actual])
        return finding("outside_parent", self.below.level, codes, somewhere_in(part), size, text)

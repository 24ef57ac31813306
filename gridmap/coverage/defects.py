"""Defects between grids: a name, the codes and a sentence for each region that loose edges enclose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.coverage.findings import finding, listed, named
from gridmap.coverage.measures import area_m2
from gridmap.coverage.regions import Cover, Loose, Region, corners_inside, regions_of
from gridmap.coverage.voids import ring_key
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding
    from gridmap.types import Geometries, Int64Array

THIN: Final = 1.5
"""Lattice units from an edge at which a corner may lie that was on it before it was rounded."""

FAT: Final = 0.04
"""Compactness from which a void is taken for a missing grid (if it is large enough); as of a strip 1 : 80."""

GRID_SIZED: Final = 0.01
"""Share of the size of the grids around it from which a void is taken for a missing grid (a market)."""

FEW_CORNERS: Final = 4
"""A void with no more is what one corner drawn aside leaves, not a grid, unless it is GRID_LIKE in size."""

GRID_LIKE: Final = 0.2
"""Share of the size of the grids around it from which a void with few corners is a missing grid after all."""


def of_finest(
    partition: Partition, loose: Loose, lakes: frozenset[bytes], *, drawn: bool
) -> tuple[list[Finding], list[shapely.Geometry]]:
    """Findings for the finest level's edges without a partner, and the regions and points they are about.

    `lakes` are the voids that the outlines declare, see `voids.declared_voids`; `drawn` says that the edges
    were held against the outlines given for the widest level.
    """
    polygons = partition.polygons_at(len(partition.levels) - 1)
    describe = _Describer(partition, polygons, loose, lakes, drawn=drawn)
    regions = regions_of(loose, polygons)
    told = [(region, said) for region in regions if (said := describe.region(region))]
    out = [said for _, said in told]
    places: list[shapely.Geometry] = [region.polygon for region, _ in told]
    tree = shapely.STRtree(places)
    for edge, corners in t_junctions(loose):
        said, place = describe.corners(edge, corners)
        places += [shapely.Point(point) for point in loose.ends.reshape(-1, 2)[corners]]
        beside = (out[i].codes for i in tree.query(place, predicate="dwithin", distance=THIN))
        # The corners where a gap or an overlap begins are part of it, no defects of their own.
        if not any(set(said.codes) <= set(codes) for codes in beside):
            out.append(said)
    return out, places


def t_junctions(loose: Loose) -> list[tuple[int, Int64Array]]:
    """Each loose edge with corners of others inside it, and the numbers of those ends (2 i, 2 i + 1)."""
    corner, edge = corners_inside(loose.ends)
    return [(int(one), corner[edge == one]) for one in np.unique(edge)]


class _Describer:
    """Knows the partition and its loose edges, and puts a name to each region between them."""

    def __init__(
        self,
        partition: Partition,
        polygons: Geometries,
        loose: Loose,
        lakes: frozenset[bytes],
        *,
        drawn: bool,
    ) -> None:
        self.level = partition.finest.level
        self.codes = partition.finest.codes
        self.above = partition.finest.parents
        self.polygons = polygons
        self.cover = Cover(polygons)
        self.loose = loose
        self.lakes = lakes
        self.drawn = drawn
        self.parents = _Outlines(partition) if partition.outline_known or drawn else None

    def region(self, region: Region) -> Finding | None:
        """Name a region; None where exactly one grid lies and should, or none and none should."""
        inside = self.parents is None or not self.drawn or self.parents.widest_covers(region.point)
        if not region.covers:
            lake = ring_key(region.polygon.exterior) in self.lakes
            return self._void(region) if inside and not lake else None
        if len(region.covers) == 1:
            return None if inside else self._outside(region)
        return self._overlap(region)

    def corners(self, edge: int, corners: Int64Array) -> tuple[Finding, shapely.Point]:
        """Name corners inside an edge; gives the finding, and the middle corner as its place."""
        points = self.loose.ends.reshape(-1, 2)[corners]
        middle = shapely.Point(points[len(points) // 2])
        edges = np.unique(np.append(corners // 2, edge))
        codes = self._codes(self._around(edges))
        outline = " with the city's outline" if (self.loose.faces[edges] == NOWHERE).any() else ""
        if len(codes) == 1 and not outline:
            text = (
                f"{named(self.level, codes[0])} touches itself in the middle of a side: put a corner there."
            )
            return finding("self_touching_ring", self.level, codes, middle, 0.0, text), middle
        text = f"Along a straight border{outline} {listed(codes)} do not have the same corners"
        text += ": put in those that one lacks."
        return finding("t_junction", self.level, codes, middle, 0.0, text), middle

    def _void(self, region: Region) -> Finding:
        around = self._around(region.edges)
        codes = self._codes(around)
        size = area_m2(region.polygon)
        if self._is_t_junction(region):
            return self._t_junction(region, codes, size)
        outline = bool((self.loose.faces[region.edges] == NOWHERE).any())
        if len(around) == 1 and not outline:
            text = f"A hole of {named(self.level, codes[0])} is filled by nothing."
            return finding("hole_without_filler", self.level, codes, region.point, size, text)
        if self._is_grid_sized(region, around):
            parent = self.parents.finest_at(region.point) if self.parents else ()
            where = f" of {listed(parent)}" if parent else ""
            text = f"A {self.level}{where} is missing between {listed(codes)}: nobody owns this place."
            return finding("missing_grid", self.level, parent + codes, region.point, size, text)
        text = f"A gap between {listed(codes)}{' and the outline' if outline else ''}: nobody owns it."
        return finding("gap", self.level, codes, region.point, size, text)

    def _overlap(self, region: Region) -> Finding:
        size = area_m2(region.polygon)
        shapes = self.polygons[list(region.covers)]
        if shapely.equals(shapes[0], shapes[1:]).all():
            same = self._codes(region.covers)
            text = f"{listed(same)} have the same shape: all but one are duplicates."
            return finding("duplicate", self.level, same, region.point, size, text)
        stray = self._stray(region)
        if stray is not None:
            return self._stray_part(region, stray, size)
        codes = self._codes(self._members(region))
        if self._is_t_junction(region):
            return self._t_junction(region, codes, size)
        text = f"{listed(codes)} overlap: this place has {len(region.covers)} owners."
        return finding("overlap", self.level, codes, region.point, size, text)

    def _outside(self, region: Region) -> Finding:
        size = area_m2(region.polygon)
        stray = self._stray(region)
        if stray is not None:
            return self._stray_part(region, stray, size)
        if self._is_t_junction(region):
            return self._t_junction(region, self._codes(self._around(region.edges)), size)
        codes = self._codes(self._members(region))
        parent = self.above[region.covers[0]]
        text = f"{listed(codes)} reaches out of every outline given for the widest level."
        codes += (parent,) if parent else ()
        return finding("outside_parent", self.level, codes, region.point, size, text)

    def _stray_part(self, region: Region, stray: int, size: float) -> Finding:
        codes = self._codes([stray, *(face for face in self._members(region) if face != stray)])
        where = f"on {listed(codes[1:])}" if len(codes) > 1 else "outside the city"
        text = f"A detached part of {named(self.level, codes[0])} lies {where}."
        return finding("stray_part", self.level, codes, region.point, size, text)

    def _t_junction(self, region: Region, codes: tuple[str, ...], size: float) -> Finding:
        text = (
            f"Along their border {listed(codes)} do not have the same corners: put in those that one lacks."
        )
        return finding("t_junction", self.level, codes, region.point, size, text)

    def _stray(self, region: Region) -> int | None:
        """The multipart face of which the region is a whole part."""
        for face in region.covers:
            parts = shapely.get_parts(self.polygons[face])
            alike = np.abs(shapely.area(parts) - region.polygon.area) <= 1e-6 * region.polygon.area
            if len(parts) > 1 and shapely.equals(parts[alike], region.polygon).any():
                return face
        return None

    def _is_t_junction(self, region: Region) -> bool:
        """Whether the region is thin and one whole edge of a face goes straight along its length."""
        if 2 * region.polygon.area > THIN * region.polygon.length / 2:
            return False
        faces, count = np.unique(self.loose.faces[region.edges], return_counts=True)
        corners = set(map(tuple, shapely.get_coordinates(region.polygon).tolist()))
        for face in faces[count == 1] if len(faces) > 1 else ():
            edge = region.edges[self.loose.faces[region.edges] == face][0]
            if {tuple(end) for end in self.loose.ends[edge].astype(float).tolist()} <= corners:
                return True
        return False

    def _is_grid_sized(self, region: Region, around: Sequence[int]) -> bool:
        usual = float(np.median(shapely.area(self.polygons[list(around)]))) if around else 0.0
        compactness = 4 * np.pi * region.polygon.area / region.polygon.length**2
        corners = shapely.get_num_coordinates(region.polygon) - 1
        share = GRID_LIKE if corners <= FEW_CORNERS else GRID_SIZED
        return bool(compactness >= FAT and region.polygon.area >= share * usual)

    def _members(self, region: Region) -> list[int]:
        return sorted({*region.covers, *self.cover.members(region.polygon)[0].tolist()})

    def _around(self, edges: Int64Array) -> list[int]:
        return [int(face) for face in np.unique(self.loose.faces[edges]) if face != NOWHERE]

    def _codes(self, faces: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.codes[face] for face in faces)


class _Outlines:
    """The outlines of the parents: which of them covers a place."""

    def __init__(self, partition: Partition) -> None:
        self.widest = shapely.STRtree(partition.outlines_at(0))
        depth = len(partition.levels) - 2
        self.finest = shapely.STRtree(partition.outlines_at(depth))
        self.codes = partition.levels[depth].codes

    def widest_covers(self, point: shapely.Point) -> bool:
        """Whether any outline of the widest level covers a point."""
        return len(self.widest.query(point, predicate="intersects")) > 0

    def finest_at(self, point: shapely.Point) -> tuple[str, ...]:
        """The codes of the areas right above the grids whose outlines cover a point."""
        return tuple(self.codes[row] for row in self.finest.query(point, predicate="intersects"))

"""What lies in a polygon: which grids and how much of each, how many households, people and devices.

Theory of operation. Everything is asked in whole lattice units, where GEOS answers exactly; a border belongs
to the polygon. Buildings and devices are sorted by the row of their grid. A grid that the polygon covers
whole needs no look at its points, because its owner covers every one of them: its sums are added. Only the
points of grids that it cuts, and those in no grid, are tested one by one. So a whole district costs what its
border costs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap import lattice
from gridmap.coverage.measures import area_m2
from gridmap.errors import InputError
from gridmap.tallies import COUNTED

if TYPE_CHECKING:
    from gridmap.index.index import GridIndex
    from gridmap.inventory import Inventory
    from gridmap.types import BoolArray, FloatArray, Geometries, Int32Array, Int64Array


@dataclass(frozen=True)
class Within:
    """What lies in a polygon: the rows of the grids that it touches, sorted, and what it holds.

    `shares` is the part of each grid's area inside, from 0 (only the border is touched) to 1; `whole` says
    that the grid lies in it entirely. What the city's store does not know is None.
    """

    rows: Int64Array
    shares: FloatArray
    whole: BoolArray
    area_m2: float
    buildings: int | None
    households: int | None
    people: int | None
    devices: dict[str, int]


class Contents:
    """The grids of an edition and what stands in them, to be asked for polygons. Threads may share it."""

    def __init__(self, grids: Geometries, areas_m2: FloatArray, index: GridIndex, held: Inventory) -> None:
        """Sort two million buildings in half a second; `grids` are in lattice units, by row."""
        self._grids = grids
        self._areas_m2 = areas_m2
        self._tree = shapely.STRtree(grids)
        kinds = sorted({device.kind for device in held.devices})
        self._kinds = np.array([kinds.index(device.kind) for device in held.devices], np.int64)
        self._kind_names = kinds
        places = np.array([(each.x, each.y) for each in held.devices], np.int32).reshape(-1, 2)
        self._device_points = _Points(index, places[:, 0], places[:, 1])
        self._buildings = held.buildings
        self._building_points = None
        if held.buildings is not None:
            self._building_points = _Points(index, held.buildings.xs, held.buildings.ys)

    def within(self, shape: shapely.Geometry) -> Within:
        """What lies in a valid polygon or multipolygon in lattice units."""
        shapely.prepare(shape)
        touched = np.sort(self._tree.query(shape, predicate="intersects"))
        covered = np.sort(self._tree.query(shape, predicate="covers"))
        whole = np.isin(touched, covered, assume_unique=True)
        shares = np.ones(len(touched))
        shares[~whole] = [self._share(shape, row) for row in touched[~whole].tolist()]
        cut = touched[~whole]
        devices = self._kinds[self._device_points.inside(shape, covered, cut)]
        names = Counter(self._kind_names[kind] for kind in devices.tolist())
        size = area_m2(shape)
        counts = self._residents(shape, covered, cut)
        return Within(touched, shares, whole, size, *counts, dict(sorted(names.items())))

    def by_grid(self) -> dict[str, Int64Array | None]:
        """How much of each of `tallies.COUNTED` is in each grid, by row; None where nobody knows."""
        found: dict[str, Int64Array | None] = dict.fromkeys(COUNTED)
        found["devices"] = self._device_points.counts()
        if self._buildings is not None and self._building_points is not None:
            found["buildings"] = self._building_points.counts()
            for what, values in (
                ("households", self._buildings.households),
                ("people", self._buildings.people),
            ):
                found[what] = None if values is None else self._building_points.sums(values)
        return found

    def _residents(
        self, shape: shapely.Geometry, covered: Int64Array, cut: Int64Array
    ) -> tuple[int | None, int | None, int | None]:
        if self._buildings is None or self._building_points is None:
            return None, None, None
        rows = self._building_points.inside(shape, covered, cut)
        households, people = self._buildings.households, self._buildings.people
        if households is None or people is None:
            return len(rows), None, None
        return len(rows), int(households[rows].sum()), int(people[rows].sum())

    def _share(self, shape: shapely.Geometry, row: int) -> float:
        """The part of a grid's area on the ellipsoid that lies in a shape."""
        grid = self._grids[row]
        try:
            common = shapely.intersection(shape, grid)
        except shapely.GEOSException:  # a grid of an unproven edition may cross itself
            common = shapely.intersection(shape, shapely.make_valid(grid))
        common = [part for part in shapely.get_parts(common) if shapely.get_dimensions(part) == 2]
        inside = sum(area_m2(part) for part in common)
        return min(1.0, inside / float(self._areas_m2[row])) if self._areas_m2[row] > 0 else 0.0


class _Points:
    """Points sorted by the row of their grid; those in no grid come first."""

    def __init__(self, index: GridIndex, xs: Int32Array, ys: Int32Array) -> None:
        rows = index.at_many(xs, ys)
        self._order = np.argsort(rows, kind="stable")
        self._xs, self._ys = xs[self._order], ys[self._order]
        self._begins = np.searchsorted(rows[self._order], np.arange(-1, len(index) + 1))

    def inside(self, shape: shapely.Geometry, covered: Int64Array, cut: Int64Array) -> Int64Array:
        """The numbers of the points in a prepared shape that covers some grids and cuts others."""
        sure = self._of(covered)
        doubtful = self._of(np.concatenate([[-1], cut]).astype(np.int64))
        west, south, east, north = shapely.bounds(shape)
        xs, ys = self._xs[doubtful], self._ys[doubtful]
        near = doubtful[(xs >= west) & (xs <= east) & (ys >= south) & (ys <= north)]
        xs, ys = self._xs[near].astype(np.float64), self._ys[near].astype(np.float64)
        near = near[shapely.intersects_xy(shape, xs, ys)]
        return np.asarray(self._order[np.concatenate([sure, near])], np.int64)

    def counts(self) -> Int64Array:
        """How many points are in each grid."""
        return np.diff(self._begins)[1:]

    def sums(self, values: Int64Array) -> Int64Array:
        """The sums of a value of each point by grid."""
        running = np.concatenate([[0], np.cumsum(values[self._order])])
        return np.diff(running[self._begins])[1:]

    def _of(self, rows: Int64Array) -> Int64Array:
        """The positions of the points of some rows, -1 for those in no grid."""
        begins, ends = self._begins[rows + 1], self._begins[rows + 2]
        sizes = ends - begins
        starts = np.repeat(begins - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
        return np.asarray(starts + np.arange(sizes.sum()), np.int64)


def lattice_shape(shape: shapely.Geometry) -> shapely.Geometry:
    """A polygon in degrees, in lattice units. Raises InputError named "geometry" for one that is no polygon.

    That is: not within -180 to 180 and -90 to 90 degrees, empty, or with sides that cross or lie on each
    other, also when rounding to a centimetre made them so.
    """
    try:
        units = shapely.transform(shapely.force_2d(shape), _rounded)
    except InputError as error:
        name = "longitude" if error.name == "lons" else "latitude"
        raise InputError("geometry", f"{name} {error.reason}") from error
    if shapely.is_empty(units):
        raise InputError("geometry", "is empty: give a polygon")
    if not shapely.is_valid(units):
        raise InputError("geometry", f"is no valid polygon: {_why(units)}")
    return units


def _rounded(corners: FloatArray) -> FloatArray:
    return np.column_stack(lattice.to_lattice(corners[:, 0], corners[:, 1])).astype(np.float64)


def _why(units: shapely.Geometry) -> str:
    """What is wrong with a polygon, with the place in degrees."""
    said = str(shapely.is_valid_reason(units))
    reason, _, place = said.rstrip("]").partition("[")
    numbers = place.split()
    if len(numbers) < 2:
        return reason
    lons, lats = lattice.to_degrees([float(numbers[0])], [float(numbers[1])])
    return f"{reason} at {lons[0]} {lats[0]}"

"""The gazetteer: areas, buildings and devices of one edition, found by code, by name, by coordinates.

Better fits come first: what is called exactly that, then what begins with it, then what has it somewhere.
Among equals wider areas come before finer ones, areas before buildings, buildings before devices, and then it
is the order in which they are stored, that of their codes. Codes are found by their beginning, names by any
part (`gridmap.gazetteer.names`), buildings by their address too; large letters are as good as small ones, and
those of full width as those of half.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap import crs, lattice
from gridmap.errors import InputError
from gridmap.gazetteer.names import EXACT, PART, PREFIX, Names, plain
from gridmap.gazetteer.register import CodeList
from gridmap.gazetteer.spots import read_spot
from gridmap.model import NOWHERE
from gridmap.tallies import rows_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridmap.coverage.partition import Partition
    from gridmap.gazetteer.register import Register
    from gridmap.index.index import GridIndex
    from gridmap.types import BoolArray, Int32Array, Int64Array, UInt8Array

AREA, BUILDING, DEVICE = "area", "building", "device"
NEAR_DEGREES: Final = 2.0
"""How far from the city two bare numbers may lie that are taken for a place."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: how well it fits, its sort, and its row among those.

    Of an area the row is that of `Gazetteer.area`.
    """

    fit: int
    sort: str
    row: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place in degrees and the row of its grid, NOWHERE where there is none."""

    lon: float
    lat: float
    row: int


class Rows:
    """Things by the grid that each is in. Immutable."""

    def __init__(self, index: GridIndex, xs: Int32Array, ys: Int32Array) -> None:
        """Ask for the grid of each lattice point."""
        self.grid_of: Int32Array = index.at_many(xs, ys)
        self._order = np.argsort(self.grid_of, kind="stable").astype(np.int32)
        self._begins = np.searchsorted(self.grid_of[self._order], np.arange(len(index) + 1))

    def of(self, grids: Int32Array) -> Int32Array:
        """The rows of the things in some grids, those of a grid together, in the order of their rows."""
        parts = [self._order[self._begins[grid] : self._begins[grid + 1]] for grid in grids.tolist()]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)


class Gazetteer:
    """Finds what stands in an edition of the city. Threads may share it."""

    def __init__(self, partition: Partition, index: GridIndex, register: Register) -> None:
        """Sort what there is by name and by grid; a second for 65,000 grids and many buildings."""
        self.register = register
        self._partition = partition
        self._index = index
        self._starts = np.cumsum([0, *(len(table) for table in partition.levels)]).tolist()
        self._area_names = Names(name for table in partition.levels for name in table.names)
        self._area_codes = [CodeList(table.codes) for table in partition.levels]
        devices, buildings = register.devices, register.buildings
        self.devices = Rows(index, devices.xs, devices.ys)
        self.buildings = None if buildings is None else Rows(index, buildings.xs, buildings.ys)

    def area(self, row: int) -> tuple[int, int]:
        """The level and the row in it of an area's row here."""
        depth = int(np.searchsorted(self._starts, row, side="right")) - 1
        return depth, row - self._starts[depth]

    def grids(self, depth: int, row: int) -> Int32Array:
        """The grids of an area, by row."""
        return np.flatnonzero(self._partition.ancestors[depth] == row).astype(np.int32)

    def find(self, text: str, most: int, within: tuple[int, int] | None = None) -> list[Hit]:
        """At most so many things that a text names, the best first; only those in an area (level, row)."""
        chosen = None if within is None else _Chosen(self, *within)
        hits: dict[tuple[str, int], Hit] = {}
        for hit in self._all(text.strip(), most, chosen):
            known = hits.get((hit.sort, hit.row))
            if known is None or hit.fit > known.fit:
                hits[hit.sort, hit.row] = hit
        return sorted(hits.values(), key=self._rank)[:most]

    def place(self, text: str) -> Place | None:
        """The place that a text gives as coordinates, None where it gives none.

        Of two numbers without directions either may be the first: what is in the city counts, then what is
        nearer to it, then east before north. InputError named q: an unknown datum, or it has no such
        place.
        """
        spot = read_spot(text)
        if spot is None:
            return None
        found, trouble = [], None
        for easting, northing in spot.meanings:
            try:
                found.append(self._place(easting, northing, spot.datum))
            except InputError as error:
                trouble = trouble or InputError(
                    "q", f"{easting:g}, {northing:g} in {spot.datum}: {error.reason}"
                )
        found.sort(key=lambda place: (place.row == NOWHERE, self._away(place)))
        if found and (spot.is_sure or self._away(found[0]) <= NEAR_DEGREES):
            return found[0]
        if spot.is_sure and trouble is not None:
            raise trouble
        return None

    def _place(self, easting: float, northing: float, datum: str) -> Place:
        lons, lats = crs.to_lonlat([easting], [northing], datum)
        lon, lat = float(lons[0]), float(lats[0])
        return Place(lon, lat, self._index.at(*lattice.point_to_lattice(lon, lat)))

    def _away(self, place: Place) -> float:
        """How many degrees a place lies beyond the city's box."""
        west, south, east, north = self._box
        return max(west - place.lon, place.lon - east, south - place.lat, place.lat - north, 0.0)

    @cached_property
    def _box(self) -> tuple[float, float, float, float]:
        coverage = self._partition.coverage
        if not len(coverage.xs):
            return 0.0, 0.0, 0.0, 0.0
        ends = [int(each) for each in (coverage.xs.min(), coverage.xs.max())]
        sides = [int(each) for each in (coverage.ys.min(), coverage.ys.max())]
        lons, lats = lattice.to_degrees(ends, sides)
        return float(lons[0]), float(lats[0]), float(lons[1]), float(lats[1])

    def _rank(self, hit: Hit) -> tuple[int, int, int]:
        return -hit.fit, (AREA, BUILDING, DEVICE).index(hit.sort), hit.row

    def _all(self, text: str, most: int, chosen: _Chosen | None) -> Iterator[Hit]:
        wanted = plain(text)
        yield from self._by_code(text, most, chosen)
        areas = self._area_names.fits(wanted)
        yield from _best(AREA, areas, most, None if chosen is None else chosen.areas)
        buildings = self.register.buildings
        if buildings is None:
            return
        inside = None if chosen is None else chosen.buildings
        named = buildings.name_index.fits(wanted)
        if named.any():
            yield from _best(BUILDING, named.take(buildings.name_of), most, inside)
        placed = buildings.address_index.fits(wanted)
        if placed.any():
            placed[placed == PREFIX] = PART  # all addresses begin with their district
            yield from _best(BUILDING, placed.take(buildings.address_of), most, inside)

    def _by_code(self, text: str, most: int, chosen: _Chosen | None) -> Iterator[Hit]:
        if not text:
            return
        buildings = self.register.buildings
        for depth, codes in enumerate(self._area_codes):
            inside = None if chosen is None else chosen.areas[self._starts[depth] : self._starts[depth + 1]]
            yield from _coded(AREA, codes, text, most, inside, self._starts[depth])
        if buildings is not None:
            inside = None if chosen is None else chosen.buildings
            yield from _coded(BUILDING, buildings.codes, text, most, inside)
        inside = None if chosen is None else chosen.devices
        yield from _coded(DEVICE, self.register.devices.codes, text, most, inside)


class _Chosen:
    """What of everything lies in an area: a yes or no for each row."""

    def __init__(self, gazetteer: Gazetteer, depth: int, row: int) -> None:
        self._gazetteer = gazetteer
        self._depth, self._row = depth, row
        self._grids = gazetteer._partition.ancestors[depth] == row

    @cached_property
    def areas(self) -> BoolArray:
        partition = self._gazetteer._partition
        parts = [np.zeros(len(table), np.bool_) for table in partition.levels]
        for depth in range(self._depth, len(partition.levels)):
            parts[depth][rows_below(partition, self._depth, self._row, depth)] = True
        return np.concatenate(parts)

    @cached_property
    def buildings(self) -> BoolArray:
        rows = self._gazetteer.buildings
        return np.zeros(0, np.bool_) if rows is None else self._of(rows)

    @cached_property
    def devices(self) -> BoolArray:
        return self._of(self._gazetteer.devices)

    def _of(self, rows: Rows) -> BoolArray:
        return np.append(self._grids, False)[rows.grid_of]  # NOWHERE, -1, takes the last


def _best(sort: str, fits: UInt8Array, most: int, inside: BoolArray | None) -> Iterator[Hit]:
    """The first so many of each fit, the best fit first, until there are enough."""
    for fit in (EXACT, PREFIX, PART):
        is_so = fits == fit
        rows: Int64Array = np.flatnonzero(is_so if inside is None else is_so & inside)[:most]
        for row in rows.tolist():
            yield Hit(fit, sort, row)
        most -= len(rows)


def _coded(
    sort: str, codes: CodeList, text: str, most: int, inside: BoolArray | None, start: int = 0
) -> Iterator[Hit]:
    """The things of a code, and the first so many whose codes begin with it; rows count from `start`."""
    for fit, rows in ((EXACT, codes.alike(text)), (PREFIX, codes.beginning(text))):
        for row in (rows if inside is None else rows[inside[rows]])[:most].tolist():
            yield Hit(fit, sort, start + row)

"""The twin: the one place where the parts meet. It holds what this process serves now.

A Snapshot is an edition with everything made from it: the tables, the polygons, the index, the measures. It
is built once, slowly, and then answers without checking anything twice. A request takes `twin.current` once
and stays with it.
"""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass
from functools import cached_property
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import shapely

from gridmap import crs, lattice
from gridmap.coverage.measures import Measures, measures_of
from gridmap.coverage.rings import in_degrees
from gridmap.errors import GridmapError, InputError, NotFoundError
from gridmap.lookup import Lookup, lookup_of, verified
from gridmap.model import GOVERNANCE, NOWHERE, Area
from gridmap.store.address import address_of
from gridmap.store.watch import new_editions
from gridmap.surroundings import Source, Surroundings
from gridmap.within import Within, lattice_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from shapely import Geometry
    from shapely.geometry.base import BaseGeometry

    from gridmap.coverage.partition import Partition
    from gridmap.index.index import Explanation
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store
    from gridmap.types import FloatArray, Int32Array, Int64Array


LOG: Final = logging.getLogger(__name__)

RETRY_S: Final = 1.0
"""Seconds between two looks at a store that is away."""


@dataclass(frozen=True, slots=True)
class AreaMeasures:
    """Area in m2 on the ellipsoid, perimeter in m, and Polsby-Popper compactness from 0 to 1."""

    area_m2: float
    perimeter_m: float
    compactness: float


@dataclass(frozen=True, slots=True)
class Found:
    """A point in degrees and the row of its grid, NOWHERE where there is none."""

    lon: float
    lat: float
    row: int

    @property
    def is_nowhere(self) -> bool:
        """Whether the point is in no grid."""
        return self.row == NOWHERE


class Snapshot:
    """What a process serves: one edition, and all that is made from it; immutable, shared by threads."""

    def __init__(
        self,
        lookup: Lookup,
        notes: tuple[str, ...] = (),
        source: Source | None = None,
        schemes: Mapping[str, Twin] | None = None,
    ) -> None:
        """Build everything that answers need; takes some seconds for 65,000 grids.

        What needs the `source`, the city's store, is built when it is first asked for, or by `warm`.
        `schemes` are the other partitions of the same city, by name.
        """
        self.lookup = lookup
        self.schemes: Mapping[str, Twin] = schemes or {}
        self.edition = lookup.edition
        self.partition = partition = lookup.partition
        self.notes = notes
        self.counts = partition.counts
        crs.prepare()
        depths = range(len(partition.levels))
        self.index = lookup.index
        self._measures: list[Measures] = [measures_of(partition.coverage_at(depth)) for depth in depths]
        for depth in depths:
            partition.polygons_at(depth)
        self._place = {
            code: (depth, row)
            for depth, table in enumerate(partition.levels)
            for row, code in enumerate(table.codes)
        }
        self._children = _children(partition)
        self._trees: dict[int, shapely.STRtree] = {}
        self.source = source or Source(None)
        self._warming = Lock()
        self._surroundings: Surroundings | None = None

    @property
    def surroundings(self) -> Surroundings:
        """What stands in the city; read from the store the first time, which takes some seconds."""
        found = self._surroundings
        if found is None:
            with self._warming:
                found = self._surroundings
                if found is None:
                    found = Surroundings(self.partition, self.index, self._measures[-1], self.source)
                    self._surroundings = found
        return found

    @cached_property
    def numbers(self) -> tuple[Int64Array, ...]:
        """The number that each area keeps for ever, which is its id in tiles: for each level, by row.

        Read from the store the first time.
        """
        given = self.source.features()
        return tuple(
            np.array([given[code] for code in table.codes], np.int64) for table in self.partition.levels
        )

    def areas_m2(self, depth: int) -> FloatArray:
        """The areas of all areas of a level on the ellipsoid, by row."""
        return self._measures[depth].areas_m2

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the city in degrees."""
        west, south, east, north = shapely.total_bounds(self.partition.polygons_at(0))
        lons, lats = lattice.to_degrees([west, east], [south, north])
        return float(lons[0]), float(lats[0]), float(lons[1]), float(lats[1])

    def rows_touching(self, depth: int, shape: Geometry) -> Int64Array:
        """The rows of a level whose areas touch a valid shape in degrees, sorted."""
        tree = self._trees.get(depth)
        if tree is None:
            tree = self._trees[depth] = shapely.STRtree(self.partition.polygons_at(depth))
        units = shapely.transform(shape, lambda corners: corners * lattice.SCALE)
        return np.sort(tree.query(units, predicate="intersects"))

    def warm(self) -> None:
        """Read what stands in the city, so that the first question for it need not wait.

        Where that fails the log says why, and the question will try again.
        """
        try:
            _ = self.surroundings
        except GridmapError as error:
            LOG.warning("what stands in the city cannot be read yet: %s", error)

    def locate(self, lon: float, lat: float, datum: str) -> str | None:
        """The code of the grid at a point in a named datum, None where there is none.

        Raises InputError naming lon, lat or crs when one of them cannot be used.
        """
        row = self.row_at(lon, lat, datum)
        return None if row == NOWHERE else self.partition.finest.codes[row]

    def row_at(self, lon: float, lat: float, datum: str) -> int:
        """The row of the grid at a point in a named datum, or NOWHERE; raises as `locate`."""
        return self.index.at(*lattice.point_to_lattice(*_degrees(lon, lat, datum)))

    def find(self, lon: float, lat: float, datum: str) -> Found:
        """Where a point of a named datum is: its place in degrees and its row; raises as `locate`."""
        lon, lat = _degrees(lon, lat, datum)
        return Found(lon, lat, self.index.at(*lattice.point_to_lattice(lon, lat)))

    def rows_at(self, lons: FloatArray, lats: FloatArray, depth: int | None = None) -> Int32Array:
        """The rows of many points in degrees, NOWHERE where no area is, at a level or among the grids."""
        rows = self.index.locate_many(lons, lats)
        if depth is None or depth == len(self.partition.levels) - 1:
            return rows
        # NOWHERE, -1, takes the last.
        return np.append(self.partition.ancestors[depth], np.int32(NOWHERE))[rows]

    def within(self, shape: Geometry) -> Within:
        """What lies in a polygon given in degrees; raises InputError for one that is not valid."""
        return self.surroundings.within(lattice_shape(shape))

    def places(self, points: Sequence[tuple[int, int]], datum: str) -> tuple[list[float], list[float]]:
        """Lattice points in a named datum, east and north, with as many digits as the lattice has."""
        lons, lats = lattice.to_degrees([x for x, _ in points], [y for _, y in points])
        if crs.check_crs(datum) in crs.DEGREES:
            return lons.tolist(), lats.tolist()
        easts, norths = crs.from_lonlat(lons, lats, datum)
        return easts.tolist(), norths.tolist()

    def scheme(self, name: str | None) -> Snapshot:
        """What is served of a scheme: this snapshot for governance. InputError: there is none so named."""
        if name is None or name == GOVERNANCE:
            return self
        if name not in self.schemes:
            known = ", ".join((GOVERNANCE, *self.schemes))
            raise InputError("scheme", f"{name!r} is no scheme that is served here; give one of {known}")
        return self.schemes[name].current

    def memberships(self, found: Found) -> list[tuple[str, Area]]:
        """The finest area of every scheme that has one at a point: its own grid first."""
        served = {GOVERNANCE: self, **{name: twin.current for name, twin in self.schemes.items()}}
        x, y = lattice.point_to_lattice(found.lon, found.lat)
        areas = {name: snapshot.area_at(snapshot.index.at(x, y)) for name, snapshot in served.items()}
        return [(name, area) for name, area in areas.items() if area is not None]

    def explain(self, found: Found) -> Explanation:
        """Why a point is where it is: on a border or not, how far from one, between which grids."""
        return self.index.explain(found.lon, found.lat)

    def candidates(
        self, found: Found, accuracy_m: float, depth: int | None = None
    ) -> list[tuple[Area | None, float]]:
        """The areas that a point known to some metres may be in, with their shares of the circle.

        Largest first; None is outside the city. `depth` is a level, the grids without it.
        """
        shares: dict[str | None, float] = {}
        for row, share in self.index.candidates(found.lon, found.lat, accuracy_m):
            chain = self.chain_at(row, depth)
            code = chain[-1].code if chain else None
            shares[code] = shares.get(code, 0.0) + share
        ordered = sorted(shares.items(), key=lambda each: (-each[1], each[0] or ""))
        return [(None if code is None else self.area(code), share) for code, share in ordered]

    def area_at(self, row: int) -> Area | None:
        """The grid of a row, None for NOWHERE."""
        return None if row == NOWHERE else self.partition.finest.area(row)

    def chain_at(self, row: int, depth: int | None = None) -> list[Area]:
        """The areas from the widest level down to the one at `depth` that a grid's row is in.

        Down to the grid itself without a depth; empty for NOWHERE and where the grid has no area so high up.
        """
        if row == NOWHERE:
            return []
        if depth is not None:
            row = int(self.partition.ancestors[depth][row])
        table = self.partition.levels[-1 if depth is None else depth]
        return [] if row == NOWHERE else self.chain(table.codes[row])

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Where those of some codes stand that are buildings, in degrees."""
        return self.source.buildings_at(codes)

    def has(self, code: str) -> bool:
        """Whether this edition has an area of this code."""
        return code in self._place

    def area(self, code: str) -> Area:
        """The area of a code. Raises NotFoundError when this edition has none."""
        depth, row = self._at(code)
        return self.partition.levels[depth].area(row)

    def chain(self, code: str) -> list[Area]:
        """The areas from the widest level down to the area itself, which comes last."""
        out: list[Area] = []
        parent: str | None = code
        while parent is not None and (parent == code or parent in self._place):
            area = self.area(parent)
            out.append(area)
            parent = area.parent
        return out[::-1]

    def grids_of(self, code: str) -> frozenset[str]:
        """The grids of an area, itself where it is one. Raises NotFoundError when there is no such area."""
        depth, row = self._at(code)
        codes, inside = self.partition.finest.codes, self.partition.ancestors[depth] == row
        return frozenset(codes[each] for each in np.flatnonzero(inside))

    def children(self, code: str | None) -> list[Area]:
        """The areas directly below one, by code; below None are those of the widest level."""
        if code is None:
            table = self.partition.levels[0]
            return [table.area(row) for row in range(len(table))]
        depth, _ = self._at(code)
        return [self.partition.levels[depth + 1].area(row) for row in self._children.get(code, ())]

    def polygon(self, code: str) -> BaseGeometry:
        """The shape of an area in degrees, WGS84/CGCS2000; an empty polygon for one that owns nothing."""
        depth, row = self._at(code)
        shape: BaseGeometry = in_degrees(self.partition.polygons_at(depth)[row : row + 1])[0]
        return shape

    def measures(self, code: str) -> AreaMeasures:
        """The measures of an area. Raises NotFoundError when this edition has none of that code."""
        depth, row = self._at(code)
        found = self._measures[depth]
        return AreaMeasures(
            float(found.areas_m2[row]), float(found.perimeters_m[row]), float(found.compactness[row])
        )

    def _at(self, code: str) -> tuple[int, int]:
        place = self._place.get(code)
        if place is None:
            raise NotFoundError(f"There is no area {code!r} in edition {self.edition.number}.")
        return place


class Twin:
    """The running whole: it holds the snapshot that this process serves."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Serve a snapshot. `before_swap` is called with each later one before it is served."""
        self.current = snapshot
        self.before_swap: Callable[[Snapshot], None] = lambda _: None

    @classmethod
    def open(cls, place: CityAddress | Path, schemes: Mapping[str, CityAddress | Path] | None = None) -> Self:
        """Load the current edition of a home or a database, and those of other schemes of the same city.

        Raises HomeError when one has none, DamageError for broken files.
        """
        address = address_of(place)
        others = {name: Twin.open(where) for name, where in (schemes or {}).items()}
        with address.open() as store:
            return cls(_snapshot(store, address, Source(address), others))

    def close(self) -> None:
        """Close what this process keeps open of the store."""
        for twin in (self, *self.current.schemes.values()):
            twin.current.source.close()

    def follow(self, place: CityAddress | Path, stop: Event) -> None:
        """Take over each edition that anybody publishes there, until told to stop.

        Runs in a thread of its own, and has what stands in the city read, and the index verified, in another.
        While the store is away the old snapshot goes on serving and the log says why, once for each reason.
        """
        address = address_of(place)
        told = ""
        self._look_after(address)
        while not stop.is_set():
            try:
                with address.open() as store:
                    told = ""
                    for _ in new_editions(store, self.current.edition.number, stop):
                        before = self.current
                        fresh = _snapshot(store, address, before.source, before.schemes)
                        self.before_swap(fresh)
                        self.current = fresh
                        self._look_after(address)
            except GridmapError as error:
                if str(error) != told:
                    told = str(error)
                    LOG.warning("edition %d goes on serving: %s", self.current.edition.number, told)
                stop.wait(RETRY_S)

    def _look_after(self, address: CityAddress) -> None:
        """Warm and verify the current snapshot in a thread of its own: nobody must wait for it."""
        Thread(target=self._warm_and_verify, args=(address,), name="warm", daemon=True).start()

    def _warm_and_verify(self, address: CityAddress) -> None:
        snapshot = self.current
        sound = verified(address, snapshot.lookup)
        if sound is not snapshot.lookup:
            mended = Snapshot(sound, snapshot.notes, snapshot.source, snapshot.schemes)
            if self.current is snapshot:
                self.current = mended
        self.current.warm()
        # Else each full collection looks at half a million objects that stay: 0.15 s without any answer.
        gc.freeze()


def _snapshot(store: Store, address: CityAddress, source: Source, schemes: Mapping[str, Twin]) -> Snapshot:
    lookup = lookup_of(store, address)
    notes = tuple(store.proof(lookup.edition.number).get("notes", ()))
    return Snapshot(lookup, notes, source, schemes)


def _degrees(x: float, y: float, datum: str) -> tuple[float, float]:
    """One point of a named datum in degrees; an error calls the values lon and lat, as the caller does."""
    if crs.check_crs(datum) in crs.DEGREES:
        return x, y
    try:
        lons, lats = crs.to_lonlat([x], [y], datum)
    except InputError as error:
        raise InputError({"xs": "lon", "ys": "lat"}.get(error.name, error.name), error.reason) from error
    return float(lons[0]), float(lats[0])


def _children(partition: Partition) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for depth in range(1, len(partition.levels)):
        for row, parent in enumerate(partition.levels[depth].parents):
            if parent is not None:
                out.setdefault(parent, []).append(row)
    return out

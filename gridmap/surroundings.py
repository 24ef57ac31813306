"""Surroundings: what stands around a point and in a polygon, by the grids of an edition and the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.index.nearby import Near, Nearby, Thing
from gridmap.inventory import NOTHING, Inventory, read_inventory
from gridmap.lattice import to_degrees
from gridmap.model import DEVICE, STAFF
from gridmap.tallies import Tallies
from gridmap.within import Contents, Within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gridmap.coverage.measures import Measures
    from gridmap.coverage.partition import Partition
    from gridmap.index.index import GridIndex
    from gridmap.model import Edition, StaffPost
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store
    from gridmap.types import Geometries

MOST_GRIDS: Final = 1024
"""Grids whose rosters are looked through for one question."""


@dataclass(frozen=True, slots=True)
class Around:
    """A thing that is near: the thing, and the grid that it belongs to (None where it is in none)."""

    near: Near
    grid: str | None
    shift: str | None = None
    """Of a staff post only."""


class Source:
    """Reads a city's store for one process; opened when it is first needed, and shared by threads."""

    def __init__(self, address: CityAddress | None) -> None:
        """Read from an address; a source without one knows nothing."""
        self._address = address
        self._store: Store | None = None
        self._lock = Lock()

    def inventory(self) -> Inventory:
        """Everything that stands in the city now."""
        store = self._opened()
        return NOTHING if store is None else read_inventory(store)

    def posts(self, grid: str) -> Sequence[StaffPost]:
        """The duty roster of a grid, as it is at this moment."""
        store = self._opened()
        return () if store is None else store.staff(grid)

    def editions(self) -> Sequence[Edition]:
        """Every edition that was published, the first one first."""
        store = self._opened()
        return () if store is None else store.editions()

    def features(self) -> Mapping[str, int]:
        """The number of every code that an area ever had, which is its id in tiles."""
        store = self._opened()
        return {} if store is None else store.features()

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Where those of some codes stand that are buildings, in degrees."""
        store = self._opened()
        points = {} if store is None else store.buildings_at(codes)
        xs, ys = ([point[axis] for point in points.values()] for axis in (0, 1))
        lons, lats = (axis.tolist() for axis in to_degrees(xs, ys))
        return dict(zip(points, zip(lons, lats, strict=True), strict=True))

    def close(self) -> None:
        """Close the store; it is opened again when it is needed again."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def store(self) -> tuple[Store, Path] | None:
        """The city's store, and the folder of what can be made again; None where it reads none."""
        store = self._opened()
        return None if store is None or self._address is None else (store, self._address.cache)

    def _opened(self) -> Store | None:
        with self._lock:
            if self._store is None and self._address is not None:
                self._store = self._address.open()
            return self._store


class Surroundings:
    """What stands in the city, by one edition's grids. Threads may share it."""

    def __init__(self, partition: Partition, index: GridIndex, measures: Measures, source: Source) -> None:
        """Read the store and sort what it holds: some seconds for Chongqing."""
        held = source.inventory()
        grids = partition.polygons_at(len(partition.levels) - 1)
        self._codes = partition.finest.codes
        self._index = index
        self._source = source
        self._contents = Contents(grids, measures.areas_m2, index, held)
        self.tallies = Tallies(partition, self._contents.by_grid())
        # Resources belong here as soon as a store holds some.
        self.nearby = Nearby(_devices(held))
        self._posts = Nearby(_grids(self._codes, grids) if held.has_staff else ())

    def kinds(self) -> set[str]:
        """The kinds of devices and resources that there are."""
        return {kind for kinds in self.nearby.sorts().values() for kind in kinds}

    def within(self, shape: shapely.Geometry) -> Within:
        """What lies in a valid polygon in lattice units, its border included."""
        return self._contents.within(shape)

    def near(
        self, lon: float, lat: float, k: int, within_m: float = math.inf, sort: str = "", kind: str = ""
    ) -> list[Around]:
        """The k nearest things to a place in degrees, the nearest first, within a radius where one is given.

        A staff post stands at the point in its grid where a label would: staff move, their duty does not.
        Raises InputError naming lon or lat for what is no place.
        """
        found = [] if sort == STAFF else self.nearby.nearest(lon, lat, k, within_m, sort, kind)
        out = [Around(near, self._grid_of(near.thing)) for near in found]
        if sort in ("", STAFF) and not kind:
            out += self._staff(lon, lat, k, within_m)
        return sorted(out, key=lambda each: (each.near.distance_m, each.near.thing.code))[:k]

    def _staff(self, lon: float, lat: float, k: int, within_m: float) -> list[Around]:
        """The k nearest posts: the rosters of the nearest grids, more of them until k are found."""
        asked = k
        while True:
            grids = self._posts.nearest(lon, lat, asked, within_m)
            out: list[Around] = []
            for grid in grids:
                out += self._roster(grid)
                if len(out) >= k:
                    return out
            if len(grids) < asked or asked >= MOST_GRIDS:
                return out
            asked = min(4 * asked, MOST_GRIDS)

    def _roster(self, grid: Near) -> Iterator[Around]:
        for post in self._source.posts(grid.thing.code):
            thing = replace(grid.thing, code=post.code, kind=post.role)
            yield Around(replace(grid, thing=thing), post.grid, post.shift)

    def _grid_of(self, thing: Thing) -> str | None:
        row = self._index.at(thing.x, thing.y)
        return None if row < 0 else self._codes[row]


def _devices(held: Inventory) -> Iterator[Thing]:
    for device in held.devices:
        yield Thing(device.code, DEVICE, device.kind, device.x, device.y)


def _grids(codes: Sequence[str], grids: Geometries) -> Iterator[Thing]:
    """Every grid that has a shape, at a point inside it."""
    points = shapely.point_on_surface(grids)
    xs, ys = np.rint(shapely.get_x(points)), np.rint(shapely.get_y(points))
    for code, x, y in zip(codes, xs.tolist(), ys.tolist(), strict=True):
        if math.isfinite(x):
            yield Thing(code, STAFF, "grid", int(x), int(y))

"""The twin: the one place where the parts meet. It holds what this process serves now.

A Snapshot is an edition with everything made from it: the tables, the polygons, the index, the measures. It
is built once, slowly, and then answers without checking anything twice. A request takes `twin.current` once
and stays with it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from gridmap import crs, lattice
from gridmap.coverage.canonical import from_bytes
from gridmap.coverage.measures import Measures, measures_of
from gridmap.coverage.rings import in_degrees
from gridmap.errors import GridmapError, HomeError, InputError, NotFoundError
from gridmap.index.index import GridIndex
from gridmap.model import NOWHERE, Area, Edition
from gridmap.store.address import address_of
from gridmap.store.watch import new_editions

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from shapely.geometry.base import BaseGeometry

    from gridmap.coverage.partition import Partition
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store


LOG: Final = logging.getLogger(__name__)

RETRY_S: Final = 1.0
"""Seconds between two looks at a store that is away."""


@dataclass(frozen=True, slots=True)
class AreaMeasures:
    """Area in m2 on the ellipsoid, perimeter in m, and Polsby-Popper compactness from 0 to 1."""

    area_m2: float
    perimeter_m: float
    compactness: float


class Snapshot:
    """What a process serves: one edition, and all that is made from it; immutable, shared by threads."""

    def __init__(self, edition: Edition, partition: Partition, notes: tuple[str, ...] = ()) -> None:
        """Build everything that answers need; takes some seconds for 65,000 grids."""
        self.edition = edition
        self.partition = partition
        self.notes = notes
        self.counts = partition.counts
        crs.prepare()
        depths = range(len(partition.levels))
        self._index = GridIndex(partition.polygons_at(len(partition.levels) - 1))
        self._measures: list[Measures] = [measures_of(partition.coverage_at(depth)) for depth in depths]
        for depth in depths:
            partition.polygons_at(depth)
        self._place = {
            code: (depth, row)
            for depth, table in enumerate(partition.levels)
            for row, code in enumerate(table.codes)
        }
        self._children = _children(partition)

    def locate(self, lon: float, lat: float, datum: str) -> str | None:
        """The code of the grid at a point in a named datum, None where there is none.

        Raises InputError naming lon, lat or crs when one of them cannot be used.
        """
        x, y = lattice.point_to_lattice(*_degrees(lon, lat, datum))
        row = self._index.locate(x, y)
        return None if row == NOWHERE else self.partition.finest.codes[row]

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
        """Serve a snapshot."""
        self.current = snapshot

    @classmethod
    def open(cls, place: CityAddress | Path) -> Self:
        """Load the current edition of a home or a database.

        Raises HomeError when it has none, DamageError for broken files.
        """
        address = address_of(place)
        with address.open() as store:
            return cls(_snapshot(store, address))

    def follow(self, place: CityAddress | Path, stop: Event) -> None:
        """Take over each edition that anybody publishes there, until told to stop.

        Runs in a thread of its own. While the store is away the old snapshot goes on serving and the log says
        why, once for each reason.
        """
        address = address_of(place)
        told = ""
        while not stop.is_set():
            try:
                with address.open() as store:
                    told = ""
                    for _ in new_editions(store, self.current.edition.number, stop):
                        self.current = _snapshot(store, address)
            except GridmapError as error:
                if str(error) != told:
                    told = str(error)
                    LOG.warning("edition %d goes on serving: %s", self.current.edition.number, told)
                stop.wait(RETRY_S)


def _snapshot(store: Store, address: CityAddress) -> Snapshot:
    edition, partition = current_partition(store, address)
    return Snapshot(edition, partition, tuple(store.proof(edition.number).get("notes", ())))


def _degrees(x: float, y: float, datum: str) -> tuple[float, float]:
    """One point of a named datum in degrees; an error calls the values lon and lat, as the caller does."""
    if crs.check_crs(datum) in crs.DEGREES:
        return x, y
    try:
        lons, lats = crs.to_lonlat([x], [y], datum)
    except InputError as error:
        raise InputError({"xs": "lon", "ys": "lat"}.get(error.name, error.name), error.reason) from error
    return float(lons[0]), float(lats[0])


def current_partition(store: Store, place: CityAddress | Path) -> tuple[Edition, Partition]:
    """The current edition of a store and its partition. Raises HomeError when nothing was ever published."""
    edition = store.current()
    if edition is None:
        address = address_of(place)
        raise HomeError(
            f"{address}: holds no city yet. Build one with `gridmap city chongqing {address.option}`, "
            f"or load a file with `gridmap load FILE {address.option}`."
        )
    known = bool(store.proof(edition.number).get("outline_known"))
    return edition, from_bytes(store.body(edition.number), outline_known=known)


def _children(partition: Partition) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for depth in range(1, len(partition.levels)):
        for row, parent in enumerate(partition.levels[depth].parents):
            if parent is not None:
                out.setdefault(parent, []).append(row)
    return out

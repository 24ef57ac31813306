"""Households: a point for each, inside the building that it lives in.

Nobody knows where in a building a flat is, so those of a building stand on a small grid over its ground, in
the order of their doors: near enough to be seen as the building's, far enough apart to be clicked. Of
twelve million nothing is kept but the doors, in columns that are mapped; a tile takes those of the buildings
near it.

A point says its door and nothing of who lives behind it: no name, no phone, no number of people.

Its id is made from the number that its building keeps for ever and from the door, so it depends neither on
neighbours nor on the order in which a file lists them: `number * 2**20 + d`, where d is one of 2**19 numbers
that a door (unit, floor, room) is mixed into. Where two households of a building have the same d (one door,
or a coincidence, some 2 in 100 buildings of 150), the later one takes the next that is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tiles.encoder import Drawn, Window
from tiles.houses import at_zero, in_window
from tiles.messages import attributes, numbered, values
from tiles.spots import points_at

if TYPE_CHECKING:
    from gridmap.scenery import HouseholdColumns
    from gridmap.types import FloatArray, Int64Array
    from tiles.houses import Houses
    from tiles.kernels.parts import Attributes
    from tiles.planes import Plane

KEYS: Final = ("code", "unit", "floor", "room")

DOOR_BITS: Final = 20
"""Of an id, for the door; the building's number has the other 33."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Homes:
    """The households of a city, for tiles of any plane."""

    def __init__(self, houses: Houses, households: HouseholdColumns, extent: int) -> None:
        """Put households into their buildings; the columns stay where they are."""
        self._houses = houses
        self._columns = households
        self._extent = extent

    @property
    def counts(self) -> Int64Array:
        """How many live in each building, in the order of `middles`."""
        return np.diff(self._columns.offsets)[self._houses.order].astype(np.int64)

    def middles(self, plane: Plane) -> FloatArray:
        """Where the buildings are on a plane, (n, 2)."""
        return self._houses.middles(plane)

    def encode(self, plane: Plane, zoom: int, column: int, row: int, window: Window) -> bytes:
        """The layer of a square of a plane."""
        near = self._houses.near(plane, zoom, column, row, window)
        offsets = self._columns.offsets
        counts = (offsets[near + 1] - offsets[near]).astype(np.int64)
        total = int(counts.sum())
        if not total:
            return b""
        place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        building = np.repeat(near, counts)
        along, across = self._shares(building, place, np.repeat(counts, counts))
        lons, lats = self._houses.around(building, along, across, zoom, window)
        starts = np.stack(in_window(plane, lons, lats, zoom, window), axis=1)
        low, high = -window.buffer, window.extent + window.buffer
        inside = np.flatnonzero(((starts >= low) & (starts <= high)).all(axis=1))
        if not len(inside):
            return b""
        said = self._attributes(building, offsets[building] + place, inside)
        rung = points_at(np.arange(len(inside), dtype=np.int32), np.ascontiguousarray(starts[inside]))
        return Drawn(rung, said, points=True).encode(at_zero(window))

    def _shares(
        self, building: Int64Array, place: Int64Array, count: Int64Array
    ) -> tuple[FloatArray, FloatArray]:
        """Where each stands among those of its building: shares of width and depth, from -0.5 to 0.5."""
        columns = self._houses.columns
        widths, depths = columns.widths_m[building], columns.depths_m[building]
        long = np.where((widths > 0) & (depths > 0), widths / np.maximum(depths, 0.1), 1.0)
        wide = np.clip(np.ceil(np.sqrt(count * long)), 1, count).astype(np.int64)
        deep = -(-count // wide)
        return (place % wide + 0.5) / wide - 0.5, (place // wide + 0.5) / deep - 0.5

    def _attributes(self, building: Int64Array, rows: Int64Array, inside: Int64Array) -> Attributes:
        """What some of the households near a tile say; ids need all of a building."""
        units, floors, rooms = (
            column[rows].astype(np.int64)
            for column in (self._columns.units, self._columns.floors, self._columns.rooms)
        )
        doors = (units << 32) + ((floors + (1 << 15)) << 16) + rooms
        ids = ids_of(self._houses.columns.numbers[building], doors)[inside]
        copies = _copies(building, doors)[inside].tolist()
        codes = self._houses.columns.codes.take(building[inside]).to_pylist()
        told = [column[inside].tolist() for column in (units, floors, rooms)]
        own = [
            f"{code}-{unit}-{floor}-{room}" + (f"-{copy + 1}" if copy else "")
            for code, unit, floor, room, copy in zip(codes, *told, copies, strict=True)
        ]
        return attributes("household", KEYS, self._extent, ids, [values(own)], numbered(told))


def ids_of(numbers: Int64Array, doors: Int64Array) -> Int64Array:
    """The ids of households, by the number of their building and their door; all of a building together.

    The same households give the same ids in whatever order the buildings come.
    """
    mixed = ((doors.astype(np.uint64) * _MIX) >> np.uint64(64 - DOOR_BITS + 1)).astype(np.int64)
    wanted = (numbers << DOOR_BITS) + mixed
    order = np.lexsort((doors, wanted))
    steps = np.arange(len(order))
    # Ascending, and none twice: each is what it wants to be, or one more than the one before.
    given = np.maximum.accumulate(wanted[order] - steps) + steps
    out = np.empty_like(given)
    out[order] = given
    return out


def _copies(building: Int64Array, doors: Int64Array) -> Int64Array:
    """How many before each, in the order given, have the same door of the same building."""
    fresh = np.ones(len(doors), np.bool_)
    fresh[1:] = (building[1:] != building[:-1]) | (doors[1:] != doors[:-1])
    steps = np.arange(len(doors))
    return steps - np.maximum.accumulate(np.where(fresh, steps, 0))

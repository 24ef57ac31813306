"""The households: who lives behind which door, twelve million rows as five small columns.

Theory of operation. The rows run in the order of the building table, and inside a building by unit, floor and
room, so every column is a run of small numbers and the file stays small. A building of n households and C
flats has them in the flats floor((j * C + r) / n) for j = 0 .. n - 1 with some r below n: C >= n makes
them all different, and the empty flats lie evenly between them.

Sizes of households come from the census table of sizes, tilted exponentially so that its mean is the grid's
people per household; single people are then added or taken, evenly spread, until every grid has exactly its
people. What a grid cannot hold (more people than its households may have, fewer people than households) its
district makes good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.city.columns import table
from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.city.columns import Table
    from gridmap.city.housing import Stock
    from gridmap.types import AnyArray, FloatArray, Int32Array, Int64Array

SIZE_SHARES: Final = np.array([25.4, 29.7, 21.0, 13.2, 6.2, 3.1, 0.9, 0.5])
"""Share of households of 1, 2, ... 8 people (family households, China, census of 2020; six and more split by
us)."""
MEANS: Final = np.linspace(1.05, 7.0, 120)
"""The mean sizes that have a table of their own; a grid takes the nearest one."""
MOST_PEOPLE: Final = 20
"""The most people of one household, collective households included."""


def settle(stock: Stock, people: AnyArray, first_row: int) -> Table:
    """Give every household a flat of its own: columns building, unit, floor, room, people.

    Ordered by the first four. `building` is the row in `stock` plus `first_row` (the row of the building
    table), unit, floor and room count from 1; `people` are the sizes of the households in the same order.
    """
    building, unit, floor, room = _flats(stock)
    doors = {"unit": unit, "floor": floor, "room": room}
    return table(
        {
            "building": building + np.int32(first_row),
            **{name: column.astype(np.uint8) for name, column in doors.items()},
            "people": people,
        }
    )


def _flats(stock: Stock) -> tuple[Int32Array, Int32Array, Int32Array, Int32Array]:
    """Building, unit, floor, room of all households."""
    count = stock.households.astype(np.int32)
    rooms, floors = stock.rooms.astype(np.int32), stock.floors.astype(np.int32)
    flats = stock.units.astype(np.int32) * floors * rooms
    # The remainder r of the theory; one per building, taken from its row so that no random stream is needed.
    rows = np.arange(len(count), dtype=np.int64)
    remainder = (rows * 7919 % np.maximum(count, 1)).astype(np.int32)
    building = np.repeat(rows.astype(np.int32), count)
    start = np.cumsum(count) - count
    order = np.arange(len(building), dtype=np.int32) - np.repeat(start.astype(np.int32), count)
    flat = (order * np.repeat(flats, count) + np.repeat(remainder, count)) // np.repeat(count, count)
    rooms, floors = np.repeat(rooms, count), np.repeat(floors, count)
    storey, room = np.divmod(flat, rooms)
    unit, floor = np.divmod(storey, floors)
    return building, unit + 1, floor + 1, room + 1


def sizes(households: Int64Array, people: Int64Array, rng: np.random.Generator) -> AnyArray:
    """Say how many people live in every household (uint8), household by household in the order of the grids.

    `households` and `people` are the counts of a district's grids. Every grid gets its people where each of
    its households may have 1 to 20; the district gets its people in any case where that is possible,
    otherwise InputError.
    """
    drawn = _draw_sizes(households, people, rng)
    _adjust(drawn, households, people)
    total, living = (np.array([count.sum()], np.int64) for count in (households, people))
    if _adjust(drawn, total, living).any():
        raise InputError(
            "plan",
            f"a district has {living[0]} people in {total[0]} households; "
            f"a household has 1 to {MOST_PEOPLE} people, change the plan's people or households",
        )
    return drawn


def _draw_sizes(households: Int64Array, people: Int64Array, rng: np.random.Generator) -> AnyArray:
    mean = people / np.maximum(households, 1)
    nearest = np.searchsorted((MEANS[1:] + MEANS[:-1]) / 2, mean)
    table_of_sizes = _size_tables().ravel()
    draw = rng.integers(0, 256, int(households.sum()), dtype=np.uint8)
    sizes: AnyArray = table_of_sizes[np.repeat((nearest * 256).astype(np.int32), households) + draw]
    return sizes


def _size_tables() -> AnyArray:
    """For every mean of `MEANS`, the household sizes at 256 equal steps of probability: uint8[means, 256]."""
    sizes = np.arange(1, len(SIZE_SHARES) + 1)
    low, high = np.full(len(MEANS), -8.0), np.full(len(MEANS), 8.0)
    for _ in range(50):
        middle = (low + high) / 2
        shares = _tilted(middle, sizes)
        below = shares @ sizes < MEANS
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    steps = (np.arange(256) + 0.5) / 256
    until = np.cumsum(_tilted(low, sizes), axis=1)
    tables: AnyArray = 1 + (steps[None, :, None] >= until[:, None, :-1]).sum(axis=2)
    return tables.astype(np.uint8)


def _tilted(tilt: FloatArray, sizes: Int64Array) -> FloatArray:
    weight: FloatArray = SIZE_SHARES * np.exp(tilt[:, None] * (sizes - sizes.mean()))
    shares: FloatArray = weight / weight.sum(axis=1, keepdims=True)
    return shares


def _adjust(sizes: AnyArray, households: Int64Array, people: Int64Array) -> Int64Array:
    """Add or take single people in place, evenly over each group; give what could not be settled.

    `households` and `people` are per group; the groups follow each other in `sizes`. Positive: people without
    a home.
    """
    ends = np.cumsum(households)
    running = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    left: Int64Array = people - (running[ends] - running[ends - households])
    while True:
        group = np.flatnonzero(left)
        count = households[group]
        start = np.cumsum(count) - count
        rows = np.arange(count.sum()) + np.repeat((ends - households)[group] - start, count)
        open_to = np.repeat(left[group] > 0, count)
        able = np.where(open_to, sizes[rows] < MOST_PEOPLE, sizes[rows] > 1)
        tally = np.concatenate([[0], np.cumsum(able)])
        able_count = tally[start + count] - tally[start]
        moves = np.minimum(np.abs(left[group]), able_count)
        if not moves.any():
            return left
        # The k-th able household of n moves when floor((k + 1) m / n) is one more than floor(k m / n): m of
        # n, evenly.
        rank = tally[:-1] - np.repeat(tally[start], count)
        share, of = np.repeat(moves, count), np.repeat(np.maximum(able_count, 1), count)
        chosen = able & ((rank + 1) * share // of > rank * share // of)
        sizes[rows[chosen & open_to]] += 1
        sizes[rows[chosen & ~open_to]] -= 1
        left[group] -= np.sign(left[group]) * moves

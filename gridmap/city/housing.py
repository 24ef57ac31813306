"""What is built: for every grid the houses for exactly its households, and what else people need.

Theory of operation. Houses are drawn in rounds: each round draws about as many houses for a grid as its
remaining households would fill, keeps them until the grid is full, and builds the last one to size (the
largest form that suits what is left). Grids not yet full go into the next round; every round fills at least
one household, so the rounds end, and every grid ends with exactly its planned households. One house at a time
would be the obvious way; this is the same by the hundred thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridmap.types import AnyArray, BoolArray, FloatArray, Int64Array


SLAB = 3
"""The position of the slab in `forms.FORMS`: the tallest form that is drawn anew when a building is built to
size."""


@dataclass(frozen=True)
class Stock:
    """All buildings before they have a place, one entry per building: see `buildings` for the units.

    `use` is a position in `forms.USES`; `rooms` counts the flats per floor and unit; `households` the flats
    that are lived in.
    """

    grid: Int64Array
    use: Int64Array
    units: Int64Array
    floors: Int64Array
    rooms: Int64Array
    households: Int64Array
    width_m: FloatArray
    depth_m: FloatArray

    def picked(self, rows: Int64Array | BoolArray) -> Stock:
        """Give the same for some of the buildings, in the order of `rows`."""
        return Stock(*(getattr(self, field.name)[rows] for field in fields(self)))


def build(
    households: Int64Array, settings: Int64Array, exclusive_use: Int64Array, rng: np.random.Generator
) -> Stock:
    """Draw all buildings of all grids, ordered by grid, homes before other uses.

    `households` per grid are met exactly. `settings` are those of `forms`; `exclusive_use` is the use an
    exclusive grid is for (a position in `forms.USES`), -1 for basic grids.
    """
    parts = [*_homes(households, settings, rng), _others(households, settings, exclusive_use, rng)]
    whole = Stock(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Stock)))
    return whole.picked(np.argsort(whole.grid, kind="stable"))


def _homes(households: Int64Array, settings: Int64Array, rng: np.random.Generator) -> list[Stock]:
    rounds = []
    left = households.copy()
    means = forms.mean_households()
    while left.any():
        grid = np.flatnonzero(left)
        tries = np.ceil(left[grid] / means[settings[grid]]).astype(np.int64)
        stock = _fill(_draw_homes(np.repeat(grid, tries), settings, rng), left, rng)
        left = left - np.bincount(stock.grid, weights=stock.households, minlength=len(left)).astype(np.int64)
        rounds.append(stock)
    return rounds


def _draw_homes(grid: Int64Array, settings: Int64Array, rng: np.random.Generator) -> Stock:
    """Houses of forms that suit each grid's setting, as full as houses usually are."""
    shares = np.cumsum(forms.MIXES, axis=1)[settings[grid]]
    form = np.minimum((rng.random(len(grid))[:, None] >= shares).sum(axis=1), len(forms.FORMS) - 1)
    return _shaped(grid, form, forms.FORMS, np.zeros_like(grid), rng)


def _fill(stock: Stock, left: Int64Array, rng: np.random.Generator) -> Stock:
    """Keep houses until each grid's remaining households have one; build the last one to size."""
    until = np.cumsum(stock.households)
    firsts = np.flatnonzero(np.diff(stock.grid, prepend=-1))
    start = (until - stock.households)[firsts]
    before = until - stock.households - np.repeat(start, np.diff(firsts, append=len(stock.grid)))
    room = left[stock.grid] - before
    kept = stock.picked(room > 0)
    room = room[room > 0]
    cut = kept.households > room
    return _built_to_size(kept, cut, room[cut], rng)


def _built_to_size(stock: Stock, cut: BoolArray, room: Int64Array, rng: np.random.Generator) -> Stock:
    """Give the buildings in `cut` only `room` households, in the largest form that suits so few.

    Above the slab's limit the building drawn stays what it is, with fewer floors: it had more flats than
    `room`.
    """
    form = np.searchsorted(forms.FORM_LIMITS, room)
    last = _shaped(stock.grid[cut], np.minimum(form, SLAB), forms.FORMS, stock.use[cut], rng)
    values = {field.name: getattr(stock, field.name).copy() for field in fields(stock)}
    for name in ("units", "rooms", "width_m", "depth_m"):
        values[name][cut] = np.where(form <= SLAB, getattr(last, name), values[name][cut])
    values["floors"][cut] = -(-room // (values["units"] * values["rooms"])[cut])
    values["households"][cut] = room
    return Stock(**values)


def _others(
    households: Int64Array, settings: Int64Array, exclusive_use: Int64Array, rng: np.random.Generator
) -> Stock:
    """Shops, schools and the like by households and setting; in exclusive grids a few of the right kind."""
    rates = forms.OTHER_RATES[settings] * (households / 1000)[:, None]
    counts = rng.poisson(rates)
    exclusive = np.flatnonzero(exclusive_use > 0)
    counts[exclusive] = 0
    counts[exclusive, exclusive_use[exclusive] - 1] = rng.integers(1, 6, len(exclusive))
    grid = np.repeat(np.arange(len(households)), counts.sum(axis=1))
    kind = np.repeat(np.tile(np.arange(counts.shape[1]), len(households)), counts.ravel())
    stock = _shaped(grid, kind, forms.OTHER_FORMS, kind + 1, rng)
    stock.households[:] = 0
    return stock


def _shaped(
    grid: Int64Array, form: AnyArray, table: Sequence[forms.Form], use: Int64Array, rng: np.random.Generator
) -> Stock:
    """Draw the shape of one building for every entry of `form`, a position in `table`."""

    def ends(pick: Callable[[forms.Form], tuple[float, float]]) -> FloatArray:
        values: FloatArray = np.array([pick(entry) for entry in table], np.float64)[form].T
        return values

    def whole(pick: Callable[[forms.Form], tuple[float, float]]) -> Int64Array:
        low, high = ends(pick).astype(np.int64)
        drawn: Int64Array = rng.integers(low, high, endpoint=True)
        return drawn

    units, floors = whole(lambda entry: entry.units), whole(lambda entry: entry.floors)
    rooms = whole(lambda entry: entry.rooms)
    width = np.round(rng.uniform(*ends(lambda entry: entry.width_m)), 1) * units
    depth = np.round(rng.uniform(*ends(lambda entry: entry.depth_m)), 1)
    share = rng.uniform(*ends(lambda entry: entry.lived_in))
    lived_in = np.maximum(1, np.floor(units * floors * rooms * share + 0.5)).astype(np.int64)
    return Stock(grid, use, units, floors, rooms, lived_in, width, depth)

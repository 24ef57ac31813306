"""Things that report: alarms and doors in buildings, cameras and manholes along the street in front of them.

About 17 devices per 1,000 households, 200,000 in the whole city. A device inside stands at its building's
point and names the building. A device outside stands beside a building (in front of it, a street's width
away, or some way off for water gauges and slopes) and belongs to none; where that spot lies outside the city
it stands at the building's point after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.city.columns import category, choose, joined, padded, table, words
from gridmap.city.forms import DENSE, RURAL, TOWN, URBAN
from gridmap.city.ground import offset
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.city.buildings import Sited
    from gridmap.city.columns import Column, Table
    from gridmap.city.districts import Locate
    from gridmap.types import BoolArray, Int32Array, Int64Array

EVERYWHERE: Final = (RURAL, TOWN, URBAN, DENSE)
BUILT_UP: Final = (TOWN, URBAN, DENSE)


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device: how many, in which settings, how far from a building.

    `per_1000` counts them per 1,000 households of those settings. `away_m` (nearest, farthest) is counted
    from the building's front; None means inside. `floors` is the fewest floors of a building that has one;
    `homes` says whether it goes where people live (by household) or to any building.
    """

    name: str
    per_1000: float
    settings: tuple[int, ...] = EVERYWHERE
    away_m: tuple[float, float] | None = None
    floors: int = 1
    homes: bool = True


KINDS: Final = (
    DeviceKind("camera", 3.5, away_m=(4.0, 9.0), homes=False),
    DeviceKind("door", 2.8),
    DeviceKind("electric", 0.6, homes=False),
    DeviceKind("gas", 1.2, BUILT_UP),
    DeviceKind("lift", 1.2, BUILT_UP, floors=8),
    DeviceKind("manhole", 1.5, BUILT_UP, away_m=(5.0, 8.0), homes=False),
    DeviceKind("slope", 0.3, (RURAL, TOWN), away_m=(30.0, 150.0), homes=False),
    DeviceKind("smoke", 4.5),
    DeviceKind("sos", 1.7),
    DeviceKind("water", 0.4, away_m=(40.0, 250.0), homes=False),
)
OTHER_USE_WEIGHT: Final = 10
"""A school or a shop counts as this many households where a device does not need a home."""


def install(
    sited: Sited,
    district: str,
    codes: Column,
    settings: Int64Array,
    locate: Locate,
    rng: np.random.Generator,
) -> Table:
    """Make all devices of a district: columns code, kind, x, y (lattice units), building (code or null).

    `codes` are the building codes, `settings` those of the grids. Ordered by code: district,
    kind, serial number.
    """
    chosen = [_hosts(sited, settings, kind) for kind in KINDS]
    kind = np.repeat(np.arange(len(KINDS)), [len(rows) for rows in chosen])
    host = np.concatenate(chosen)
    x, y, inside = _spots(sited, host, kind, locate, rng)
    serial = np.arange(len(kind)) - np.searchsorted(kind, kind)
    kinds = [kind.name for kind in KINDS]
    code = joined(f"{district}-", words(kinds, kind), "-", padded(serial + 1, 6))
    building = choose(codes, np.where(inside, host, -1))
    return table({"code": code, "kind": category(kinds, kind), "x": x, "y": y, "building": building})


def _hosts(sited: Sited, settings: Int64Array, kind: DeviceKind) -> Int64Array:
    """The buildings (rows, ascending, repeated) where devices of a kind stand, evenly by households."""
    stock = sited.stock
    weight = stock.households if kind.homes else np.where(stock.use == 0, stock.households, OTHER_USE_WEIGHT)
    fits = np.isin(settings, kind.settings)[stock.grid] & (stock.floors >= kind.floors)
    until = np.cumsum(weight * fits)
    total = int(until[-1]) if len(until) else 0
    count = round(kind.per_1000 * total / 1000)
    at = ((np.arange(count) + 0.5) * total / max(count, 1)).astype(np.int64)
    hosts: Int64Array = np.searchsorted(until, at, side="right")
    return hosts


def _spots(
    sited: Sited, host: Int64Array, kind: Int64Array, locate: Locate, rng: np.random.Generator
) -> tuple[Int32Array, Int32Array, BoolArray]:
    """The lattice points of all devices, and which of them are inside their building."""
    ranges = np.array([entry.away_m or (np.nan, np.nan) for entry in KINDS])[kind]
    inside = np.isnan(ranges[:, 0])
    stock = sited.stock
    width, depth = stock.width_m[host], stock.depth_m[host]
    away = np.where(inside, 0.0, depth / 2 + rng.uniform(*np.nan_to_num(ranges).T))
    along = np.where(inside, 0.0, width * rng.uniform(-0.5, 0.5, len(host)))
    home_x, home_y = sited.x[host], sited.y[host]
    right, up = offset(home_y.astype(np.float64), sited.bearing_deg[host], along, away)
    x, y = np.rint(home_x + right).astype(np.int32), np.rint(home_y + up).astype(np.int32)
    lost = np.flatnonzero(~inside)
    lost = lost[locate(x[lost], y[lost]) == NOWHERE]
    x[lost], y[lost] = home_x[lost], home_y[lost]
    return x, y, inside

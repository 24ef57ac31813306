"""Things that move: the nearest devices, staff posts and resources around a place, by metres and direction.

Theory of operation. Things stand in R-trees (libspatialindex, by the package rtree), one for each sort, in
lattice units. There a degree east is as long as a degree north, on the ground it is not: so the tree's k
nearest are only a guess. The farthest of them, measured on the ellipsoid, is a radius that holds k things for
sure; a window around it, wide enough by the shortest degree in it, holds everything that may be nearer. All
in that window are measured, and the k nearest of them are the answer. It is exact, and costs two questions.

Locked, not swapped. libspatialindex is not safe for threads, not even for readers: a question moves nodes in
its pools. A question takes some 100 us for each kind of thing, so all of them take turns at one lock; each
sees every change before it whole, and nothing of later ones. A fresh tree swapped in for each change would
need no lock, and would cost seconds of building for one thing that moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rtree import index as rtree_index

from gridmap import crs, lattice
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.types import FloatArray

DIRECTIONS: Final = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
"""The eight directions, clockwise from north; each is the middle of 45 degrees."""

MARGIN: Final = 2
"""Lattice units that a window is wider: the rounding of its sides."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something with a place in lattice units: of a sort (device, staff ...), and of a kind of that sort."""

    code: str
    sort: str
    kind: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Near:
    """A thing and the way to it: metres on the ellipsoid, degrees clockwise from north, one of eight words.

    Bearing and direction are None for a thing at the very place.
    """

    thing: Thing
    distance_m: float
    bearing_deg: float | None
    direction: str | None


def direction_of(bearing_deg: float) -> str:
    """The word for a bearing; exactly between two directions it is the next one clockwise."""
    return DIRECTIONS[math.floor((bearing_deg + 22.5) / 45) % 8]


class Nearby:
    """Things that can be put, moved and removed while others ask what is near. Threads may share it."""

    def __init__(self, things: Iterable[Thing] = ()) -> None:
        """Hold these things; 200,000 take half a second. Of two with one code the later one stays."""
        self._lock = Lock()
        self._numbers = count()
        self._by_code: dict[str, int] = {}
        self._things: dict[int, Thing] = {}
        self._trees: dict[tuple[str, str], rtree_index.Index] = {}
        groups: dict[tuple[str, str], list[int]] = {}
        for thing in {each.code: each for each in things}.values():
            number = next(self._numbers)
            self._by_code[thing.code] = number
            self._things[number] = thing
            groups.setdefault((thing.sort, thing.kind), []).append(number)
        for group, numbers in groups.items():
            points = np.array([(self._things[each].x, self._things[each].y) for each in numbers], np.float64)
            self._trees[group] = rtree_index.Index((np.array(numbers, np.int64), points, points))

    def __len__(self) -> int:
        with self._lock:
            return len(self._things)

    def put(self, thing: Thing) -> None:
        """Add a thing, or move and change the one of its code."""
        with self._lock:
            self._forget(thing.code)
            number = next(self._numbers)
            self._by_code[thing.code] = number
            self._things[number] = thing
            tree = self._trees.setdefault((thing.sort, thing.kind), rtree_index.Index())
            tree.insert(number, _box(thing.x, thing.y))

    def remove(self, code: str) -> bool:
        """Remove a thing; False when there is none of this code."""
        with self._lock:
            return self._forget(code)

    def sorts(self) -> dict[str, set[str]]:
        """The kinds that there are of each sort."""
        out: dict[str, set[str]] = {}
        with self._lock:
            for sort, kind in self._trees:
                out.setdefault(sort, set()).add(kind)
        return out

    def nearest(
        self, lon: float, lat: float, k: int, within_m: float = math.inf, sort: str = "", kind: str = ""
    ) -> list[Near]:
        """The k nearest things to a place in degrees, the nearest first; of equal distance by code.

        Only those within a radius in metres, of a sort, and of a kind, where given. Raises InputError naming
        lon or lat for what is no place.
        """
        point = lattice.point_to_lattice(lon, lat)
        found: list[Near] = []
        with self._lock:
            for group, tree in self._trees.items():
                if sort in ("", group[0]) and kind in ("", group[1]):
                    farthest_m = found[-1].distance_m if len(found) >= k else within_m
                    found += self._nearest_in(tree, (lon, lat), point, k, farthest_m)
                    found = sorted(found, key=_order)[:k]
        return found

    def _nearest_in(
        self, tree: Any, place: tuple[float, float], point: tuple[int, int], k: int, farthest_m: float
    ) -> list[Near]:
        """The k nearest of one tree, not farther than a bound."""
        guess = [self._things[number] for number in tree.nearest(_box(*point), k)]
        if not guess:
            return []
        full = len(guess) >= k
        radius = min(farthest_m, float(_measured(place, guess)[0].max()) if full else math.inf)
        things = [self._things[number] for number in tree.intersection(window_of(*place, radius))]
        metres, bearings = _measured(place, things)
        near = [
            _near(thing, distance_m, bearing_deg)
            for thing, distance_m, bearing_deg in zip(things, metres.tolist(), bearings.tolist(), strict=True)
            if distance_m <= radius
        ]
        return sorted(near, key=_order)[:k]

    def _forget(self, code: str) -> bool:
        number = self._by_code.pop(code, None)
        if number is None:
            return False
        thing = self._things.pop(number)
        self._trees[thing.sort, thing.kind].delete(number, _box(thing.x, thing.y))
        return True


def window_of(lon: float, lat: float, radius_m: float) -> tuple[float, float, float, float]:
    """A box in lattice units that holds every place within some metres: west, south, east, north.

    A way of R metres climbs at most R over the shortest degree of latitude on it, and goes east at most R
    over the shortest degree of longitude. Where that reaches a pole or the 180th meridian the box is the
    globe.
    """
    globe = (-180.0 * SCALE, -90.0 * SCALE, 180.0 * SCALE, 90.0 * SCALE)
    # A degree of latitude is shortest at the equator (110,574 m).
    high = radius_m / lattice.metres_per_degree(0.0)[1]
    if not abs(lat) + high < 90:
        return globe
    wide = radius_m / lattice.metres_per_degree(abs(lat) + high)[0]
    if not abs(lon) + wide < 180:
        return globe
    west, south, east, north = lon - wide, lat - high, lon + wide, lat + high
    return (
        west * SCALE - MARGIN,
        south * SCALE - MARGIN,
        east * SCALE + MARGIN,
        north * SCALE + MARGIN,
    )


def _measured(place: tuple[float, float], things: Sequence[Thing]) -> tuple[FloatArray, FloatArray]:
    """Metres to each thing, and the bearing there."""
    lons, lats = lattice.to_degrees([thing.x for thing in things], [thing.y for thing in things])
    return crs.ways(*place, lons, lats)


def _near(thing: Thing, distance_m: float, bearing_deg: float) -> Near:
    if distance_m == 0:
        return Near(thing, 0.0, None, None)
    return Near(thing, distance_m, bearing_deg, direction_of(bearing_deg))


def _order(near: Near) -> tuple[float, str]:
    return near.distance_m, near.thing.code


def _box(x: int, y: int) -> tuple[int, int, int, int]:
    return x, y, x, y

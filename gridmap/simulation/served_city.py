"""The city of a running service, as a day must know it: asked level by level, only where something happens.

A share of the households is followed down: districts with their households, then the towns of one district,
and so on to a grid, whose border says which points are in it. Each step is asked once and remembered, so the
whole of Chongqing costs some requests an event in the first minutes, and few later.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import shapely

from gridmap.client import ServiceError
from gridmap.simulation.day import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.simulation.link import Link

REMEMBERED: Final = 20_000
"""Areas that are remembered; then all are forgotten and asked for again."""

TRIES: Final = 64
"""Points of the box that are tried before a point well inside is taken."""
_STEPS: Final = (0.7548776662466927, 0.5698402909980532)
"""Fills a square evenly (the R2 sequence of M. Roberts)."""


class _Branch(NamedTuple):
    """The areas one level below, and how much of the city lives in these and all before."""

    codes: Sequence[str]
    names: Sequence[str]
    upto: Sequence[float]


class ServedCity:
    """Finds places in the city that a service serves."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._branches: dict[str, _Branch] = {}
        self._borders: dict[str, shapely.Geometry] = {}

    def place(self, share: float, across: float, up: float) -> Place:
        """The place at a share of the households, twice 0 to 1 within its grid."""
        found = self._descend(share, across, up)
        if found is None:  # an edition was published meanwhile, and an area that was known is gone
            self._branches.clear()
            self._borders.clear()
            found = self._descend(share, across, up)
        if found is None:
            raise ServiceError(f"{self._link.address} names areas that it does not know; ask its log why")
        return found

    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the city in degrees."""
        said = self._link.get("/collections/grid")
        if said is None:
            raise ServiceError(f"{self._link.address} has no grids; say --into lon,lat")
        west, south, east, north = said["extent"]["spatial"]["bbox"][0]
        return west, south, east, north

    def _descend(self, share: float, across: float, up: float) -> Place | None:
        code = ""
        names: list[str] = []
        while (branch := self._branch(code)) is not None:
            if not branch.codes:
                border = self._border(code)
                if border is None:
                    return None
                lon, lat = point_in(border, across, up)
                return Place(lon, lat, code, "".join(names[1:] or names))
            wanted = share * branch.upto[-1]
            at = min(bisect_right(branch.upto, wanted), len(branch.codes) - 1)
            before = branch.upto[at - 1] if at else 0.0
            share = (wanted - before) / max(branch.upto[at] - before, 1e-12)
            code = branch.codes[at]
            names.append(branch.names[at])
        return None

    def _branch(self, code: str) -> _Branch | None:
        """The areas below one, or at the top; None where the area is gone."""
        found = self._branches.get(code)
        if found is None:
            found = self._asked(code)
            if found is None:
                return None
            if len(self._branches) >= REMEMBERED:
                self._branches.clear()
            self._branches[code] = found
        return found

    def _asked(self, code: str) -> _Branch | None:
        if not code:
            said = self._link.get("/areas")
            below = said["areas"] if said else []
        else:
            said = self._link.get(f"/areas/{code}")
            if said is None:
                return None
            below = said["children"]
        if not below:
            return _Branch((), (), ())
        weights = self._weights(below[0]["level"], code, len(below))
        codes, names = [each["code"] for each in below], [each["name"] for each in below]
        return _Branch(codes, names, [*accumulate(weights)])

    def _weights(self, level: str, code: str, count: int) -> Sequence[float]:
        """How many households live in each; where nobody knows, all count the same."""
        query = {"area": code} if code else {}
        said: dict[str, Any] | None = self._link.get(f"/values/{level}/households", query)
        values = said["values"] if said else []
        return values if len(values) == count and sum(values) > 0 else [1.0] * count

    def _border(self, code: str) -> shapely.Geometry | None:
        known = self._borders.get(code)
        if known is None:
            said = self._link.get(f"/areas/{code}", {"f": "geojson"})
            if said is None or said["geometry"] is None:
                return None
            border = shapely.geometry.shape(said["geometry"])
            shapely.prepare(border)
            if len(self._borders) >= REMEMBERED:
                self._borders.clear()
            known = self._borders[code] = border
        return known


def point_in(border: shapely.Geometry, across: float, up: float) -> tuple[float, float]:
    """A point in a polygon: the one so far across and up its box where that is inside, else one near or far.

    The same numbers always give the same point.
    """
    west, south, east, north = shapely.bounds(border).tolist()
    for nth in range(TRIES):
        lon = west + (east - west) * ((across + nth * _STEPS[0]) % 1.0)
        lat = south + (north - south) * ((up + nth * _STEPS[1]) % 1.0)
        if shapely.contains_xy(border, lon, lat):
            return lon, lat
    inside = shapely.point_on_surface(border)
    return shapely.get_x(inside), shapely.get_y(inside)

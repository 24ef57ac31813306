"""Which grid an event is in: many at once, each by its own datum, or by the code of a place.

An event that has no place, or one outside the city, is no error: it is kept with `code` null and the reason,
so that somebody can ask back. A datum that is unknown is an error, because then nobody knows what was meant.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

import numpy as np

from gridmap import crs, lattice
from gridmap.errors import InputError
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.events.document import EventIn
    from gridmap.model import Area, Edition
    from gridmap.types import FloatArray, Int32Array

NO_PLACE: Final = "no place was given"
OUTSIDE: Final = "outside the city"


class City(Protocol):
    """What events and orders ask of an edition; a `Snapshot` of the twin is one."""

    @property
    def edition(self) -> Edition:
        """The edition by which events are placed."""

    def rows_at(self, lons: FloatArray, lats: FloatArray) -> Int32Array:
        """The rows of the grids at points in degrees."""

    def area_at(self, row: int) -> Area | None:
        """The grid of a row."""

    def has(self, code: str) -> bool:
        """Whether there is an area of a code."""

    def area(self, code: str) -> Area:
        """The area of a code."""

    def chain(self, code: str) -> list[Area]:
        """The areas from the widest level down to that of a code."""

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Where those of some codes stand that are buildings, in degrees."""


class Placed(NamedTuple):
    """Where an event is: degrees on the lattice (None without a point), its grid, and why it has none."""

    at: tuple[float, float] | None
    code: str | None
    unplaced: str | None


def place_all(events: Sequence[EventIn], city: City) -> list[Placed | InputError]:
    """The place of each event, or the error of one whose datum or point cannot be used."""
    out: list[Placed | InputError] = [Placed(None, None, NO_PLACE)] * len(events)
    by_datum: dict[str, list[int]] = defaultdict(list)
    by_code: dict[str, list[int]] = defaultdict(list)
    for number, event in enumerate(events):
        if event.crs is not None:
            by_datum[event.crs].append(number)
        elif event.place is not None or event.qr is not None:
            by_code[event.place or read_qr(event.qr or "")].append(number)
    for code, placed in _by_codes(list(by_code), city).items():
        for number in by_code[code]:
            out[number] = placed
    for datum, numbers in by_datum.items():
        for number, found in zip(numbers, _by_points(events, numbers, datum, city), strict=True):
            out[number] = found
    return out


def read_qr(text: str) -> str:
    """The code that a place QR code holds: `gridmap:CODE`, an address with `?place=CODE`, or the code alone.

    An address without that parameter ends in the code; one that cannot be read is all there is.
    """
    said = text.strip()
    if said.lower().startswith("gridmap:"):
        return said[len("gridmap:") :].strip("/")
    if "://" not in said:
        return said
    try:
        parts = urlsplit(said)
    except ValueError:
        return said
    for name in ("place", "code"):
        if found := parse_qs(parts.query).get(name):
            return found[0]
    return parts.path.rstrip("/").rpartition("/")[2]


def _by_codes(codes: Sequence[str], city: City) -> dict[str, Placed]:
    out = {}
    others = [code for code in codes if not city.has(code)]
    for code in codes:
        if city.has(code):
            level = city.area(code).level
            is_grid = level == "grid"
            why = None if is_grid else f"{code} is a {level}, not a grid"
            out[code] = Placed(None, code if is_grid else None, why)
    found = city.buildings_at(others) if others else {}  # all at once: they are among two million
    if found:
        lons, lats = (np.array([place[axis] for place in found.values()], np.float64) for axis in (0, 1))
        out |= dict(zip(found, _at_rows(lons, lats, city), strict=True))
    for code in others:
        if code not in found:
            out[code] = Placed(None, None, f"no grid or building has the code {code[:60]}")
    return out


def _by_points(
    events: Sequence[EventIn], numbers: Sequence[int], datum: str, city: City
) -> list[Placed | InputError]:
    try:
        name = crs.check_crs(datum)
    except InputError as error:
        return [error] * len(numbers)
    easts = np.array([events[number].lon for number in numbers], np.float64)
    norths = np.array([events[number].lat for number in numbers], np.float64)
    lons, lats = crs.to_lonlat_or_nan(easts, norths, name, threads=1)
    good = np.isfinite(lons)
    if good.all():
        return [*_at_rows(lons, lats, city)]
    placed = iter(_at_rows(lons[good], lats[good], city))
    return [
        next(placed) if fine else InputError("lon", f"{east!r}, {north!r} is no place in {name}; correct it")
        for fine, east, north in zip(good, easts.tolist(), norths.tolist(), strict=True)
    ]


def _at_rows(lons: FloatArray, lats: FloatArray, city: City) -> list[Placed]:
    xs, ys = lattice.to_lattice(lons, lats)
    places = zip(*(axis.tolist() for axis in lattice.to_degrees(xs, ys)), strict=True)
    out = []
    for place, row in zip(places, city.rows_at(lons, lats).tolist(), strict=True):
        area = city.area_at(row) if row != NOWHERE else None
        out.append(Placed(place, area.code if area else None, None if area else OUTSIDE))
    return out

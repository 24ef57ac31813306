"""Places of things: columns of a named datum become lattice points, and places that are none are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap import crs, lattice
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.boundaries.values import Faults
    from gridmap.types import BoolArray, FloatArray, Int32Array

IN_DEGREES: Final = crs.DEGREES | {"gcj02", "bd09"}
MOST_ASTRAY: Final = 2000
"""Places of one file that a projection may refuse; where there are more the datum is another one."""


class Spots:
    """Turns the places of one file into lattice points; `datum` is canonical, empty for lattice units."""

    def __init__(self, name: str, datum: str) -> None:
        self._name = name
        self._datum = datum
        self._astray = 0

    def lattice(self, found: Mapping[str, Any], faults: Faults) -> tuple[Int32Array, Int32Array]:
        """The lattice points of a batch's `lon, lat` or `x, y`; refused rows are at 0, 0."""
        if not self._datum:
            return found["x"].astype(np.int32), found["y"].astype(np.int32)
        lons, lats = found["lon"], found["lat"]
        good = ~faults.bad
        if self._datum in IN_DEGREES:
            good &= on_globe(lons, lats, faults)
        xs, ys = np.zeros(len(lons), np.int32), np.zeros(len(lons), np.int32)
        rows = np.flatnonzero(good)
        there = self._convert(lons[rows], lats[rows])
        astray = np.zeros(len(lons), np.bool_)
        astray[rows] = np.isnan(there[0])
        if astray.any():
            import pyarrow as pa

            faults.add(
                astray, "lon, lat", pa.array(lons), "", f" and its latitude are no place in {self._datum}"
            )
        keep = rows[~astray[rows]]
        sure = ~np.isnan(there[0])
        xs[keep], ys[keep] = lattice.to_lattice(there[0][sure], there[1][sure])
        return xs, ys

    def _convert(self, lons: FloatArray, lats: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitudes and latitudes, NaN for what is no place in the datum."""
        there = crs.to_lonlat_or_nan(lons, lats, self._datum)
        astray = np.flatnonzero(np.isnan(there[0]))
        self._astray += len(astray)
        if self._astray > MOST_ASTRAY:
            some = f"as {lons[astray[0]]:.12g}, {lats[astray[0]]:.12g}"
            said = f"more than {MOST_ASTRAY:,} places are none in {self._datum}, {some}: name the"
            raise InputError(self._name, f"{said} datum that they are in with --crs")
        return there


def on_globe(lons: FloatArray, lats: FloatArray, faults: Faults) -> BoolArray:
    """Which places in degrees are on the globe; others are refused, and swapped axes are called so."""
    import pyarrow as pa

    east, north = np.abs(lons) <= 180, np.abs(lats) <= 90
    swapped = east & ~north & (np.abs(lats) <= 180) & (np.abs(lons) <= 90) & ~faults.bad
    said = "' is no latitude from -90 to 90; are lon and lat the wrong way round?"
    good = np.asarray(east & north)
    if not good.all():
        values = pa.array(lats)
        faults.add(~east & ~faults.bad, "lon", pa.array(lons), "'", "' is not from -180 to 180")
        faults.add(~north & ~swapped & east & ~faults.bad, "lat", values, "'", "' is not from -90 to 90")
        faults.add(swapped, "lat", values, "'", said)
    return good

"""Where the rows of a batch lie: longitudes and latitudes, and a reason for every row that has no place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from gridmap import crs
from gridmap.boundaries.fields import PLACE
from gridmap.boundaries.spots import IN_DEGREES, on_globe
from gridmap.boundaries.values import Faults, numbers
from gridmap.bulk.arrays import empty_batch, floats_of
from gridmap.bulk.question import Columns
from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.bulk.question import Points
    from gridmap.types import BoolArray, FloatArray

    Pair = tuple[FloatArray, FloatArray]

WKB_POINT: Final = b"\x01\x01\x00\x00\x00"
"""How a point begins in WKB, little-endian and without height; 16 bytes of coordinates follow."""


def places_of(batch: Any, spot: Columns | Points) -> tuple[FloatArray, FloatArray, Faults]:
    """Longitudes and latitudes in degrees (WGS84) of the rows of a batch, and what is wrong with the others.

    Rows without a place are NaN and have their reason among the faults: no number, empty, out of range, no
    point, no place in the datum. Raises InputError for a column that can hold no places at all.
    """
    faults = Faults(batch.num_rows)
    if isinstance(spot, Columns):
        xs, ys = _from_columns(batch, spot, faults)
    else:
        xs, ys = _from_points(batch.column(spot.column), spot, faults)
    if spot.crs in IN_DEGREES:
        on_globe(xs, ys, faults)
    bad = faults.bad
    if spot.crs in crs.DEGREES and not bad.any():
        return xs, ys, faults
    lons, lats = crs.to_lonlat_or_nan(_without(xs, bad), _without(ys, bad), spot.crs, threads=1)
    astray = np.isnan(lons) & ~bad
    if astray.any():
        faults.add(astray, ", ".join(spot.names), pa.array(xs), "", f" is no place in {spot.crs}")
    return lons, lats, faults


def _without(values: FloatArray, bad: BoolArray) -> FloatArray:
    return np.where(bad, np.nan, values) if bad.any() else values


def _from_columns(batch: Any, spot: Columns, faults: Faults) -> Pair:
    x, y = (
        _numbers(batch.column(name), replace(field, name=name), faults)
        for name, field in zip(spot.names, PLACE, strict=False)
    )
    return x, y


def _numbers(values: Any, field: Any, faults: Faults) -> FloatArray:
    if pa.types.is_float64(values.type) and not values.null_count:
        found = floats_of(values)
        if _all_within(found, field.high):
            return found
    return numbers(field, values, faults, field.name)


def _all_within(values: FloatArray, largest: float) -> bool:
    """Whether all are numbers from -largest to largest; NaN spreads through min and max and fails."""
    return not values.size or bool(values.min() >= -largest and values.max() <= largest)


def _from_points(values: Any, spot: Points, faults: Faults) -> Pair:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    empty = np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False))
    if spot.encoding == "point":
        found = _separated(values) if pa.types.is_struct(values.type) else _interleaved(values)
    else:
        found = _from_wkb(values, empty, spot.column, faults)
    faults.add(empty, spot.column, None, "is empty", "")
    nothing = ~(np.isfinite(found[0]) & np.isfinite(found[1])) & ~faults.bad
    faults.add(nothing, spot.column, None, "is an empty point", "")
    return found


def _separated(values: Any) -> Pair:
    x, y = (_floats(pc.struct_field(values, name)) for name in "xy")
    return x, y


def _interleaved(values: Any) -> Pair:
    both = [_floats(pc.list_element(values, position)) for position in (0, 1)]
    return both[0], both[1]


def _floats(values: Any) -> FloatArray:
    return np.asarray(pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _from_wkb(values: Any, empty: BoolArray, column: str, faults: Faults) -> Pair:
    """Coordinates of WKB points; what is none is NaN and refused, with its type where it has one."""
    values = pc.cast(values, pa.large_binary())
    fast = _plain_points(values)
    if fast is not None:
        return fast
    shapes = shapely.from_wkb(values.to_numpy(zero_copy_only=False), on_invalid="ignore")
    kinds = shapely.get_type_id(shapes)
    faults.add((kinds == -1) & ~empty, column, None, "is no geometry", "")
    faults.add((kinds != 0) & (kinds != -1), column, None, "is no point", "")
    shapes[shapely.is_empty(shapes)] = None  # GEOS has no coordinates for an empty point, not even NaN
    return shapely.get_x(shapes), shapely.get_y(shapes)


def _plain_points(values: Any) -> Pair | None:
    """The coordinates when all values are two-dimensional points in little-endian WKB; None otherwise."""
    _, offsets, data = values.buffers()
    rows, width = len(values), len(WKB_POINT) + 16
    if values.null_count or not rows:
        return None
    ends = np.frombuffer(offsets, np.int64)[values.offset : values.offset + rows + 1]
    if ends[-1] - ends[0] != rows * width or (np.diff(ends) != width).any():
        return None
    octets = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].reshape(rows, width)
    if (octets[:, : len(WKB_POINT)] != np.frombuffer(WKB_POINT, np.uint8)).any():
        return None
    pairs = octets[:, len(WKB_POINT) :].copy().view("<f8")
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def check_types(schema: Any, spot: Columns | Points, where: str) -> None:
    """Refuse columns whose type can hold no places. Raises InputError naming the file and the column."""
    try:
        places_of(empty_batch(schema), spot)
    except (InputError, pa.ArrowException) as error:
        raise InputError(where, str(error)) from error

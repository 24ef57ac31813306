"""Scenery: what stands in the city as columns, the way a map draws it, with the numbers that it keeps.

`gridmap.inventory` reads what is counted; this is what tiles are made of. Two million buildings stay columns
of NumPy and Arrow, none becomes a Python object.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridmap.store.store import Store
    from gridmap.types import Int32Array, Int64Array, UInt8Array

    Float32Array = NDArray[np.float32]
    Int16Array = NDArray[np.int16]

Scalar = TypeVar("Scalar", bound=np.generic)

Words: TypeAlias = Any
"""An Arrow array of texts in one piece; `uses` and `kinds` are dictionary arrays, each word stored once."""

_BUILDING_COLUMNS = ("code", "x", "y", "width_m", "depth_m", "bearing_deg", "floors", "use", "name")


@dataclass(frozen=True, eq=False)
class BuildingColumns:
    """The buildings, by row: their middles as lattice points, their size (0: unknown), and what they are.

    `bearings_deg` is the direction of the front, clockwise from north; `width_m` is along it.
    """

    codes: Words
    names: Words
    uses: Words
    xs: Int32Array
    ys: Int32Array
    widths_m: Float32Array
    depths_m: Float32Array
    bearings_deg: Int16Array
    floors: UInt8Array
    numbers: Int64Array


@dataclass(frozen=True, eq=False)
class DeviceColumns:
    """The devices, sorted by code, as lattice points."""

    codes: Words
    kinds: Words
    xs: Int32Array
    ys: Int32Array
    numbers: Int64Array


@dataclass(frozen=True, eq=False)
class Scenery:
    """What stands in a city; `buildings` is None where none were ever stored.

    `fingerprint` is a hex digest: where it is equal, all else is.
    """

    buildings: BuildingColumns | None
    devices: DeviceColumns
    fingerprint: str


def read_scenery(store: Store) -> Scenery:
    """Read what a store holds now: buildings of one moment, and devices of one moment."""
    seen = hashlib.sha256()
    buildings = None
    if "buildings" in store.counts():
        buildings = _buildings(store, seen)
    devices = _devices(store, seen)
    return Scenery(buildings, devices, seen.hexdigest())


def _buildings(store: Store, seen: Any) -> BuildingColumns:
    found, table, numbers = store.numbered_buildings(_BUILDING_COLUMNS)
    seen.update(found.blob.encode())  # the file's own digest; numbers are not in it
    seen.update(np.ascontiguousarray(numbers, "<i8"))
    return BuildingColumns(
        codes=_words(table["code"]),
        names=_words(table["name"]),
        uses=_words(table["use"].dictionary_encode()),
        xs=_values(table["x"], np.int32),
        ys=_values(table["y"], np.int32),
        widths_m=_values(table["width_m"], np.float32),
        depths_m=_values(table["depth_m"], np.float32),
        bearings_deg=_values(table["bearing_deg"], np.int16),
        floors=_values(table["floors"], np.uint8),
        numbers=numbers,
    )


def _devices(store: Store, seen: Any) -> DeviceColumns:
    table = store.numbered_devices()
    xs, ys = (_values(table[name], np.int32) for name in ("x", "y"))
    numbers = _values(table["number"], np.int64)
    for name in ("code", "kind"):
        seen.update("\0".join([name, *table[name].to_pylist(), ""]).encode())
    for values in (xs, ys, numbers):
        seen.update(np.ascontiguousarray(values, "<i8"))
    codes, kinds = _words(table["code"]), _words(table["kind"].dictionary_encode())
    return DeviceColumns(codes, kinds, xs, ys, numbers)


def _values(column: Any, dtype: type[Scalar]) -> NDArray[Scalar]:
    return np.ascontiguousarray(column.to_numpy(), dtype)


def _words(column: Any) -> Words:
    return column.unify_dictionaries().combine_chunks()

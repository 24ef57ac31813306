"""Scenery: what stands in the city as columns, the way a map draws it, with the numbers that it keeps.

`gridmap.inventory` reads what is counted; this is what tiles are made of. Two million buildings stay columns
of NumPy and Arrow, none becomes a Python object. The doors of twelve million households are sorted by
building once and kept in a file that is mapped, 5 bytes each: processes share them, and a start reads none.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np

from gridmap.arrayfile import Kind, open_arrays, save_arrays
from gridmap.durable import keep_newest
from gridmap.errors import ConflictError, DamageError, InputError, NotFoundError
from gridmap.store.numbers import BUILDING_NUMBERS, BUILDINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from gridmap.store.store import Store
    from gridmap.types import Int32Array, Int64Array, UInt8Array

    Float32Array = NDArray[np.float32]
    Int16Array = NDArray[np.int16]
    UInt16Array = NDArray[np.uint16]

LOG: Final = logging.getLogger(__name__)

Read = TypeVar("Read")
Scalar = TypeVar("Scalar", bound=np.generic)

Words: TypeAlias = Any
"""An Arrow array of texts in one piece; `uses` and `kinds` are dictionary arrays, each word stored once."""

HOUSEHOLDS: Final = "households"
HOMES: Final = "doors-"
"""How the names of the files that keep the doors of all households begin."""

HOMES_FILE: Final = Kind("file of doors", b"GRIDMAP-DOORS", 1)
KEPT: Final = 2
"""Such files that are kept in one place, the newest."""

_DOORS: Final = ("unit", "floor", "room")
_HOME_ARRAYS: Final = ("offsets", "units", "floors", "rooms")
_BUILDING_COLUMNS: Final = ("code", "x", "y", "width_m", "depth_m", "bearing_deg", "floors", "use", "name")


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
class HouseholdColumns:
    """The households: those of the building of row i are offsets[i]:offsets[i + 1], by unit, floor, room.

    What they are called and how many live in each is not read: no tile says it.
    """

    offsets: Int32Array
    units: UInt8Array
    floors: Int16Array
    rooms: UInt16Array


@dataclass(frozen=True, eq=False)
class Scenery:
    """What stands in a city. Buildings and households are read when they are first asked for.

    `fingerprint` is a hex digest: where it is equal, all else is.
    """

    fingerprint: str
    devices: DeviceColumns
    read_buildings: Callable[[], BuildingColumns | None]
    read_households: Callable[[], HouseholdColumns | None]

    @cached_property
    def buildings(self) -> BuildingColumns | None:
        """The buildings, None where none were ever stored.

        ConflictError: others were stored since the fingerprint was taken.
        """
        return self.read_buildings()

    @cached_property
    def households(self) -> HouseholdColumns | None:
        """The households, None where none were ever stored, or no buildings. ConflictError as above."""
        return self.read_households()


def read_scenery(store: Store, folder: Path | None = None, known: Scenery | None = None) -> Scenery:
    """Read all that a store holds now: buildings and households of one moment, devices of one moment.

    Columns of households are kept in a folder and mapped, where one is given: 5 bytes each. Where nothing has
    changed since another scenery was read, which is `known`, that one is given.
    """
    while True:
        found = scenery_of(store, lambda: nullcontext(store), folder)
        if known is not None and found.fingerprint == known.fingerprint:
            return known
        try:
            found.buildings, found.households  # noqa: B018 - it is the reading that is wanted
        except ConflictError:
            continue
        return found


def scenery_of(
    store: Store, again: Callable[[], AbstractContextManager[Store]], folder: Path | None = None
) -> Scenery:
    """As `read_scenery`, but buildings and households are read later, and only if somebody asks for them.

    `again` opens the store anew.
    """
    kinds, devices = _kinds(store), _devices(store)

    def later(read: Callable[[Store], Read]) -> Read:
        with again() as opened:
            out = read(opened)
            if _kinds(opened) != kinds:
                raise ConflictError("what stands in the city was changed meanwhile: give the command again")
        return out

    seen = hashlib.sha256(json.dumps(kinds).encode())
    _add_devices(seen, devices)
    return Scenery(
        seen.hexdigest(),
        devices,
        lambda: later(_buildings) if BUILDINGS in kinds else None,
        lambda: later(lambda opened: households_of(opened, folder)) if HOUSEHOLDS in kinds else None,
    )


def _kinds(store: Store) -> dict[str, str]:
    """The digest of the file of each kind of columns that is drawn, and of the numbers of buildings."""
    found = {}
    for kind in (BUILDINGS, BUILDING_NUMBERS, HOUSEHOLDS):
        with suppress(NotFoundError):
            found[kind] = store.column_set(kind).blob
    return found if BUILDINGS in found else {}


def _buildings(store: Store) -> BuildingColumns:
    _, table, numbers = store.numbered_buildings(_BUILDING_COLUMNS)
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


def households_of(store: Store, folder: Path | None) -> HouseholdColumns:
    """The households by building: from their file, or sorted and kept in one. There must be some."""
    buildings = store.column_set(BUILDINGS).rows
    key = hashlib.sha256(f"{store.column_set(HOUSEHOLDS).blob} {buildings}".encode()).hexdigest()[:32]
    path = None if folder is None else folder / f"{HOMES}{key}"
    kept = None if path is None else _kept(path, key)
    if kept is not None:
        return kept
    made = by_building(store.columns(HOUSEHOLDS, ["building", *_DOORS]), buildings)
    if path is None:
        return made
    try:
        save_arrays(path, HOMES_FILE, {"key": key}, {name: getattr(made, name) for name in _HOME_ARRAYS})
        keep_newest(path.parent, HOMES, KEPT)
    except OSError as error:
        LOG.warning("%s: the doors could not be kept (%s); they are read at each start", path, error)
        return made
    return _kept(path, key) or made


def by_building(table: Any, buildings: int) -> HouseholdColumns:
    """Households (Arrow columns building, unit, floor, room) sorted by their building, of so many, and door.

    InputError: a building that is not stored.
    """
    of = _values(table["building"], np.int32)
    if len(of) and not 0 <= int(of.min()) <= int(of.max()) < buildings:
        text = "some live in buildings that are not stored; store all buildings, then households again"
        raise InputError(HOUSEHOLDS, text)
    units, floors = _values(table["unit"], np.uint8), _values(table["floor"], np.int16)
    rooms = _values(table["room"], np.uint16)
    doors = (units.astype(np.int64) << 32) + ((floors.astype(np.int64) + (1 << 15)) << 16) + rooms
    steps = np.diff(of)
    if not ((steps > 0) | ((steps == 0) & (np.diff(doors) >= 0))).all():  # files are sorted, as a rule
        order = np.lexsort((doors, of))
        of, units, floors, rooms = of[order], units[order], floors[order], rooms[order]
    offsets = np.searchsorted(of, np.arange(buildings + 1)).astype(np.int32)
    return HouseholdColumns(offsets, units, floors, rooms)


def _kept(path: Path, key: str) -> HouseholdColumns | None:
    """The households from their file, None where none can be used."""
    try:
        facts, arrays = open_arrays(path, HOMES_FILE)
        if facts.get("key") == key:
            return HouseholdColumns(*(arrays[name] for name in _HOME_ARRAYS))
    except FileNotFoundError:
        pass
    except (DamageError, KeyError) as error:
        LOG.warning("%s", error)
    return None


def _add_devices(seen: Any, devices: DeviceColumns) -> None:
    """Add what devices are to a digest."""
    for name, words in (("code", devices.codes), ("kind", devices.kinds)):
        seen.update("\0".join([name, *words.to_pylist(), ""]).encode())
    for values in (devices.xs, devices.ys, devices.numbers):
        seen.update(np.ascontiguousarray(values, "<i8"))


def _devices(store: Store) -> DeviceColumns:
    table = store.numbered_devices()
    xs, ys = (_values(table[name], np.int32) for name in ("x", "y"))
    codes, kinds = _words(table["code"]), _words(table["kind"].dictionary_encode())
    return DeviceColumns(codes, kinds, xs, ys, _values(table["number"], np.int64))


def _values(column: Any, dtype: type[Scalar]) -> NDArray[Scalar]:
    return np.ascontiguousarray(column.to_numpy(), dtype)


def _words(column: Any) -> Words:
    return column.unify_dictionaries().combine_chunks()

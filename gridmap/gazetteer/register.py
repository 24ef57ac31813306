"""The register: what buildings, devices and households there are, as columns to be looked things up in.

Read from the store once, a few seconds for two million buildings, and never changed: 60 bytes a building.
The doors of households stay in the file that is mapped for the tiles (`gridmap.scenery`). Who lives behind a
door is not read, only how many live in each building.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.gazetteer.names import Names
from gridmap.inventory import read_inventory
from gridmap.scenery import HOUSEHOLDS, HouseholdColumns, scenery_of
from gridmap.store.numbers import BUILDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gridmap.inventory import Inventory
    from gridmap.model import Device
    from gridmap.store.store import Store
    from gridmap.types import Int32Array, Int64Array, UInt8Array

    Codes = NDArray[np.bytes_]

_COLUMNS: Final = ("code", "use", "name", "floors", "address")


class CodeList:
    """Codes by row, to be found by their beginning. Immutable."""

    def __init__(self, codes: Sequence[str]) -> None:
        """The codes in the order of their rows."""
        self._codes: Codes = np.array([code.encode() for code in codes], dtype=np.bytes_)
        order = np.argsort(self._codes, kind="stable").astype(np.int32)
        is_sorted = bool((np.diff(order) == 1).all())
        self._order: Int32Array | None = None if is_sorted else order
        self._sorted = self._codes if is_sorted else self._codes[order]

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, row: int) -> str:
        return bytes(self._codes[row]).decode()

    def row_of(self, code: str) -> int | None:
        """The row of a code, None where there is none."""
        place = int(np.searchsorted(self._sorted, np.bytes_(code.encode())))
        if place == len(self._sorted) or bytes(self._sorted[place]) != code.encode():
            return None
        return place if self._order is None else int(self._order[place])

    def beginning(self, text: str) -> Int32Array:
        """The rows whose codes begin with a text, in their order."""
        begin = text.encode()
        low = np.searchsorted(self._sorted, np.bytes_(begin))
        high = np.searchsorted(self._sorted, np.bytes_(begin + b"\xff"), side="left")
        rows = np.arange(low, high, dtype=np.int32)
        return rows if self._order is None else np.sort(self._order[rows])


@dataclass(frozen=True, eq=False)
class BuildingTable:
    """The buildings by row: what they are called, used for, how high, where; who lives there, counted.

    Of `names` and `addresses` each is kept once; `name_of` and `address_of` are their numbers. `households`
    and `people` are None where nobody knows.
    """

    codes: CodeList
    names: tuple[str, ...]
    name_of: Int32Array
    name_index: Names
    address_of: Int32Array
    address_index: Names
    uses: tuple[str, ...]
    use_of: Int32Array
    floors: UInt8Array
    xs: Int32Array
    ys: Int32Array
    households: Int64Array | None
    people: Int64Array | None

    def name(self, row: int) -> str:
        """What a building is called."""
        return self.names[int(self.name_of[row])]

    def use(self, row: int) -> str:
        """What a building is used for."""
        return self.uses[int(self.use_of[row])]


@dataclass(frozen=True, eq=False)
class DeviceTable:
    """The devices by row: codes, kinds (the number of a word), lattice points."""

    codes: CodeList
    kinds: tuple[str, ...]
    kind_of: Int32Array
    xs: Int32Array
    ys: Int32Array


@dataclass(frozen=True, eq=False)
class Register:
    """What stands in a city, as of one moment; `buildings` is None where none were ever stored.

    `posts` is how many posts the roster of each grid has. `digests` are those of the files of buildings and
    households.
    """

    buildings: BuildingTable | None
    devices: DeviceTable
    posts: Mapping[str, int]
    digests: Mapping[str, str]
    store: Store | None = None
    folder: Path | None = None

    @cached_property
    def homes(self) -> HouseholdColumns | None:
        """The doors of all households by building.

        None where none were ever stored, and where others were stored since: rows would be those of others.
        """
        store = self.store
        if store is None or self.buildings is None:
            return None
        found = scenery_of(store, lambda: nullcontext(store), self.folder).households
        return found if _digests(store) == self.digests else None


def read_register(store: Store, folder: Path | None = None, known: Register | None = None) -> Register:
    """Read what a store holds now; doors are kept in a folder, where one is given.

    Buildings and households that have not changed since `known` was read are taken from there.
    """
    devices = _devices(store.devices())
    posts = Counter(post.grid for post in store.staff())
    while True:
        digests = _digests(store)
        if known is not None and known.digests == digests:
            buildings = known.buildings
        else:
            buildings = _buildings(store, read_inventory(store)) if BUILDINGS in digests else None
        if _digests(store) == digests:  # nobody stored others meanwhile
            return Register(buildings, devices, posts, digests, store, folder)


def empty_register() -> Register:
    """Of a city of which nothing but its areas is known."""
    return Register(None, _devices(()), {}, {})


def _digests(store: Store) -> dict[str, str]:
    """The digest of the file of each kind of columns that is read."""
    there = store.counts()
    return {kind: store.column_set(kind).blob for kind in (BUILDINGS, HOUSEHOLDS) if kind in there}


def _buildings(store: Store, held: Inventory) -> BuildingTable:
    found = held.buildings
    assert found is not None
    table = store.columns(BUILDINGS, _COLUMNS)
    names, name_of = _words(table["name"])
    addresses, address_of = _words(table["address"])
    uses, use_of = _words(table["use"])
    return BuildingTable(
        codes=CodeList(table["code"].to_pylist()),
        names=names,
        name_of=name_of,
        name_index=Names(names),
        address_of=address_of,
        address_index=Names(addresses),
        uses=uses,
        use_of=use_of,
        floors=table["floors"].to_numpy().astype(np.uint8),
        xs=found.xs,
        ys=found.ys,
        households=found.households,
        people=found.people,
    )


def _devices(given: Iterable[Device]) -> DeviceTable:
    devices = sorted(given, key=lambda each: each.code)
    kinds = sorted({each.kind for each in devices})
    number = {kind: place for place, kind in enumerate(kinds)}
    return DeviceTable(
        CodeList([each.code for each in devices]),
        tuple(kinds),
        np.array([number[each.kind] for each in devices], np.int32),
        np.array([each.x for each in devices], np.int32),
        np.array([each.y for each in devices], np.int32),
    )


def _words(column: Any) -> tuple[tuple[str, ...], Int32Array]:
    """The different texts of an Arrow column, and for each row the number of its own; no text is empty."""
    coded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    words = tuple(word or "" for word in coded.dictionary.to_pylist())
    numbers = coded.indices.fill_null(len(words)).to_numpy().astype(np.int32)
    return (*words, ""), numbers

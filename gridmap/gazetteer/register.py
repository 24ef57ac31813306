"""The register: what buildings, devices and households there are, as columns to be looked things up in.

Read from the store once, a few seconds for two million buildings, and never changed: 60 bytes a building.
The doors of households stay in the file that is mapped for the tiles (`gridmap.scenery`). Who lives behind a
door is not read, only how many live in each building.

All of one register is of one moment, and stays so: who is told of the households of a building finds as many
doors. Whether the store holds other things by now is told by its `Marks`, which cost some sums; what has not
changed is not read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.errors import HomeError, InputError
from gridmap.gazetteer.names import Names, folded
from gridmap.inventory import read_inventory
from gridmap.scenery import HOUSEHOLDS, HouseholdColumns, households_of
from gridmap.store.columns import give_back
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
    """Codes by row, to be found as they are, or by their beginning in any form. Immutable.

    Codes of digits have one form; of others the form in which they are compared is kept beside them.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        """The codes in the order of their rows."""
        self._codes = _encoded(codes)
        self._exact = _Sorted(self._codes)
        alike = [folded(code) for code in codes]
        self._alike = self._exact if alike == list(codes) else _Sorted(_encoded(alike))

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, row: int) -> str:
        return bytes(self._codes[row]).decode()

    def row_of(self, code: str) -> int | None:
        """The row of a code, None where there is none; it must be written just so."""
        found = self._exact.all(code, whole=True)
        return int(found[0]) if len(found) else None

    def alike(self, text: str) -> Int32Array:
        """The rows of the codes that a text is, large or small, of full or half width; in their order."""
        return self._alike.all(folded(text), whole=True)

    def beginning(self, text: str) -> Int32Array:
        """The rows whose codes begin with a text, written in any of these ways, in their order."""
        return self._alike.all(folded(text), whole=False)


class _Sorted:
    """Texts by row, as bytes, in their order."""

    def __init__(self, texts: Codes) -> None:
        order = np.argsort(texts, kind="stable").astype(np.int32)
        is_sorted = bool((np.diff(order) == 1).all())
        self._order: Int32Array | None = None if is_sorted else order
        self._texts = texts if is_sorted else texts[order]

    def all(self, text: str, *, whole: bool) -> Int32Array:
        """The rows of all that a text is, or else of all that begin with it, in their order."""
        first, size = text.encode(errors="surrogatepass"), self._texts.dtype.itemsize
        if len(first) > size or b"\0" in first:
            return np.zeros(0, np.int32)  # to compare a longer one NumPy would widen a copy of all of them
        last = first if whole else first.ljust(size, b"\xff")  # which is in no text
        low = np.searchsorted(self._texts, np.bytes_(first))
        high = np.searchsorted(self._texts, np.bytes_(last), side="right")
        rows = np.arange(low, high, dtype=np.int32)
        return rows if self._order is None else np.sort(self._order[rows])


def _encoded(texts: Iterable[str]) -> Codes:
    return np.array([text.encode() for text in texts], dtype=np.bytes_)


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


@dataclass(frozen=True)
class Marks:
    """What a store says of what it holds: as long as they are equal it is the same.

    `digests` are those of the files of buildings and households; `devices` are sums over them, by kind;
    `posts` is how many posts the roster of each grid has.
    """

    digests: Mapping[str, str]
    devices: Mapping[str, tuple[int, ...]]
    posts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Register:
    """What stands in a city, as of one moment; `buildings` is None where none were ever stored.

    `homes` are the doors of all households by building, None where none were ever stored.
    """

    buildings: BuildingTable | None
    homes: HouseholdColumns | None
    devices: DeviceTable
    marks: Marks

    @property
    def posts(self) -> Mapping[str, int]:
        """How many posts the roster of each grid has."""
        return self.marks.posts


def read_register(store: Store, folder: Path | None = None, known: Register | None = None) -> Register:
    """Read what a store holds now; doors are kept in a folder, where one is given.

    What has not changed since `known` was read is taken from there: that very register, where nothing has.
    HomeError: households live in buildings that the store does not hold, or not yet.
    """
    while True:
        marks = _marks(store)
        if known is not None and known.marks == marks:
            return known
        try:
            found = _read(store, folder, marks, known)
        except InputError as error:  # some households are of other buildings
            if _marks(store) == marks:
                raise HomeError(f"what stands in the city cannot be read: {error}") from error
            continue
        give_back()  # of Chongqing 420 MB
        if _marks(store) == marks:  # nobody stored others meanwhile
            return found


def empty_register() -> Register:
    """Of a city of which nothing but its areas is known."""
    return Register(None, None, _devices(()), Marks({}, {}, {}))


def _marks(store: Store) -> Marks:
    there = store.counts()
    digests: dict[str, str] = {
        kind: store.column_set(kind).blob for kind in (BUILDINGS, HOUSEHOLDS) if kind in there
    }
    return Marks(digests, store.device_marks(), store.posts_by_grid())


def _read(store: Store, folder: Path | None, marks: Marks, known: Register | None) -> Register:
    if known is not None and known.marks.devices == marks.devices:
        devices = known.devices
    else:
        devices = _devices(store.devices())
    if known is not None and known.marks.digests == marks.digests:
        return Register(known.buildings, known.homes, devices, marks)
    if BUILDINGS not in marks.digests:
        return Register(None, None, devices, marks)
    homes = households_of(store, folder) if HOUSEHOLDS in marks.digests else None
    return Register(_buildings(store, read_inventory(store)), homes, devices, marks)


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

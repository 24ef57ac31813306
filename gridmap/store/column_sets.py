"""Which columnar file of each kind is the current one, and the numbers that buildings keep.

A set is a row that names a blob; the newest of a kind is current. Storing buildings also extends the set
`building-numbers` (`gridmap.store.numbers`), and both become current in one transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from gridmap.errors import DamageError, InputError, NotFoundError
from gridmap.model import ColumnSet
from gridmap.store import columns, numbers, schema
from gridmap.store.numbers import BUILDING_NUMBERS, BUILDINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from sqlalchemy import Connection

    from gridmap.store.blobs import BlobStore
    from gridmap.store.database import Database
    from gridmap.types import Int64Array

    Sets = Mapping[str, ColumnSet]


class ColumnSets:
    """The columnar files of a store, by kind."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def put(
        self, kind: str, source: Path | pa.Table, synthetic: bool, clock: Callable[[], datetime]
    ) -> ColumnSet:
        """Store a file or a table as the current set of a kind; buildings get their numbers with it."""
        if kind == BUILDING_NUMBERS:
            raise InputError("kind", f"{kind} are kept by the store itself: store buildings, they get theirs")
        blob, count = columns.store_columns(self._blobs, source)
        found = ColumnSet(kind, count, blob, synthetic, clock())
        if kind == BUILDINGS:
            self._put_buildings(found)
        else:
            with self._database.writing() as connection:
                _add(connection, found)
        return found

    def current(self) -> dict[str, ColumnSet]:
        """Return the newest set of each kind, also of those that the store keeps for itself."""
        with self._database.reading() as connection:
            return read_sets(connection)

    def named(self, kind: str) -> ColumnSet:
        """Return the current set of a kind. NotFoundError: none was ever stored."""
        return _named(self.current(), kind)

    def file(self, found: ColumnSet) -> Path:
        """Return the checked file of a set. DamageError: it is damaged or gone."""
        try:
            return self._blobs.path(found.blob)
        except NotFoundError as error:
            raise DamageError(f"{self._database.name} names a blob that is gone: {error}") from error

    def read(self, found: ColumnSet, names: Sequence[str] | None) -> pa.Table:
        """Return all or some columns of a set, read through a memory map."""
        return columns.read_columns(self.file(found), found.rows, names)

    def numbered_buildings(self, names: Sequence[str]) -> tuple[ColumnSet, pa.Table, Int64Array]:
        """Return the current buildings, some of their columns, code among them, and their numbers."""
        sets = self.current()
        found = _named(sets, BUILDINGS)
        table = self.read(found, names)
        return found, table, numbers.look_up(self._kept(sets), numbers.codes_of(table))

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the lattice points of those of some codes that the current buildings have."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = self.current().get(BUILDINGS)
        if found is None:
            return {}
        table = self.read(found, ["code", "x", "y"])
        there = table.filter(pc.is_in(numbers.codes_of(table), value_set=pa.array(codes, pa.string())))
        points = zip(there["x"].to_pylist(), there["y"].to_pylist(), strict=True)
        return dict(zip(numbers.codes_of(there).to_pylist(), points, strict=True))

    def _put_buildings(self, found: ColumnSet) -> None:
        """Make buildings current together with the numbers of all that ever were.

        Numbering two million takes a second or two, in which others may write: when somebody stored buildings
        meanwhile, it is done again, on top of those.
        """
        codes = numbers.codes_of(self.read(found, ["code"]))
        numbers.check_codes(codes)
        while True:
            before = self.current()
            kept, wanted = self._kept(before), [found]
            known = self._from_rows(before) if kept is None else kept
            more = numbers.extended(known, codes)
            if more is not kept:
                blob, count = columns.store_columns(self._blobs, more)
                wanted.append(replace(found, kind=BUILDING_NUMBERS, rows=count, blob=blob))
            with self._database.writing() as connection:
                now = read_sets(connection)
                if all(now.get(kind) == before.get(kind) for kind in (BUILDINGS, BUILDING_NUMBERS)):
                    for each in wanted:
                        _add(connection, each)
                    return

    def _from_rows(self, sets: Sets) -> pa.Table | None:
        """Return the numbers of buildings that were stored by an older gridmap, None where there are none."""
        if BUILDINGS not in sets:
            return None
        return numbers.extended(None, numbers.codes_of(self.read(sets[BUILDINGS], ["code"])))

    def _kept(self, sets: Sets) -> pa.Table | None:
        """Return the numbers that are written down."""
        kept = sets.get(BUILDING_NUMBERS)
        return None if kept is None else self.read(kept, ["code", "number"])


def read_sets(connection: Connection) -> dict[str, ColumnSet]:
    """Return the newest set of each kind."""
    table = schema.column_sets
    newest = select(func.max(table.c.id)).group_by(table.c.kind)
    query = select(*(table.c[name] for name in ColumnSet.__slots__)).where(table.c.id.in_(newest))
    return {row.kind: ColumnSet(*row) for row in connection.execute(query)}


def counted(sets: Sets) -> dict[str, int]:
    """Return how many rows each kind has that somebody stored."""
    return {kind: found.rows for kind, found in sets.items() if kind != BUILDING_NUMBERS}


def _named(sets: Sets, kind: str) -> ColumnSet:
    if kind not in sets:
        there = ", ".join(sorted(counted(sets))) or "none"
        raise NotFoundError(f"{kind}: no columns of this kind here; there are {there}")
    return sets[kind]


def _add(connection: Connection, found: ColumnSet) -> None:
    values = {name: getattr(found, name) for name in ColumnSet.__slots__}
    connection.execute(insert(schema.column_sets).values(**values))

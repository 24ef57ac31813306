"""The Store: everything that is true of one city, behind one object.

Theory of operation. Large immutable bytes (an edition's canonical areas, columnar files) are blobs; all else
is in one database. Whatever names a blob is stored after the blob is safe on disk, in one transaction: a kill
leaves what was before, or what comes after, whole, and at worst a blob that nobody names, which harms nobody.
Publishing compares its base with the current edition inside the writing transaction (compare-and-set), so of
two publishers on one base exactly one wins. The numbers of editions grow by one; an edition is never changed:
to undo is to publish the opposite.

Left out: one row per household (12 million rows belong in columns), areas' shapes as rows (the blob is the
truth, a database with geometry is a projection of it), an object per table (there is one city, so there is
one store).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import func, select

from gridmap.errors import DamageError, NotFoundError
from gridmap.model import DEVICE, Device, StaffPost
from gridmap.store import editions, log, numbers, projection, register, rows, schema
from gridmap.store.archives import Archives
from gridmap.store.attachments import AttachmentBook
from gridmap.store.column_sets import ColumnSets, counted, read_sets
from gridmap.store.database import Database
from gridmap.store.device_states import DeviceBook
from gridmap.store.logbook import LogBook
from gridmap.store.migrate import migrate
from gridmap.store.outbook import OutBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from sqlalchemy import URL, Table

    from gridmap.model import Area, ColumnSet, Edition
    from gridmap.store.blobs import BlobStore
    from gridmap.store.editions import EditionDraft
    from gridmap.store.projection import Projection
    from gridmap.types import Int64Array

Read = TypeVar("Read", bytes, None)


def utc_now() -> datetime:
    """Return the time of the machine, in UTC."""
    return datetime.now(UTC)


class Store:
    """Everything that is true of one city.

    Guards the database and the blobs; close it, or use it in a `with` statement.

    Threads may share a store; processes may not (open one in each, after forking). All times come back in
    UTC.
    """

    def __init__(self, database: Database, blobs: BlobStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._sets = ColumnSets(database, blobs)
        self.archives = Archives(database, blobs)
        self.log = LogBook(database, self.archives)
        self.attachments = AttachmentBook(database)
        self.device_book = DeviceBook(database)
        self.hooks = OutBook(database, self.archives)

    @classmethod
    def open(
        cls,
        url: str | URL,
        blobs: BlobStore,
        *,
        read_only: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Open the store at a database address; make or renew its tables when needed.

        HomeError: the database is newer than this gridmap, or cannot be opened; DamageError: it is no
        database any more.
        """
        return cls.over(Database(url, read_only=read_only), blobs, clock)

    @classmethod
    def over(cls, database: Database, blobs: BlobStore, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open the store of a database, which it closes in the end; otherwise as `open`."""
        try:
            migrate(database)
            projection.prepare(database)
        except BaseException:
            database.close()
            raise
        return cls(database, blobs, clock)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def verify(self) -> None:
        """Read everything that is stored and compare it with its checksums.

        DamageError: what is damaged, and where.
        """
        self._database.verify()
        with self._database.reading() as connection:
            keys = [
                *connection.scalars(select(schema.editions.c.blob)),
                *connection.scalars(select(schema.column_sets.c.blob)),
                *connection.scalars(select(schema.log_archives.c.blob)),
            ]
        for key in dict.fromkeys(keys):
            self._blob(key, self._blobs.check)
        for _ in self.log.verify():
            pass

    # Editions

    def current(self) -> Edition | None:
        """Return the newest edition, None before the first."""
        with self._database.reading() as connection:
            return editions.read_current(connection)

    def editions(self) -> list[Edition]:
        """Return all editions, the first one first."""
        with self._database.reading() as connection:
            return editions.read_editions(connection)

    def edition(self, number: int) -> Edition:
        """Return one edition. NotFoundError: there is none of that number."""
        with self._database.reading() as connection:
            found = editions.read_editions(connection, number)
        if not found:
            raise NotFoundError(
                f"edition {number}: there is none of this number, list the editions there are"
            )
        return found[0]

    def proof(self, number: int) -> dict[str, Any]:
        """Return what was stored as the proof of an edition. NotFoundError as `edition`."""
        self.edition(number)
        with self._database.reading() as connection:
            query = select(schema.editions.c.proof).where(schema.editions.c.number == number)
            found: dict[str, Any] = connection.execute(query).scalar_one()
        return found

    def body(self, number: int) -> bytes:
        """Return the canonical blob of an edition, compared with its checksum.

        NotFoundError as `edition`; DamageError.
        """
        return self._blob(self.edition(number).blob, self._blobs.get)

    def publish(self, draft: EditionDraft) -> Edition:
        """Make a draft the current edition, in one step that happens as a whole or not at all.

        ConflictError: the draft's base is not the current edition. InputError: a time without zone, a code
        twice.
        """
        self._database.check_writable()
        editions.check_draft(draft)
        with self._database.reading() as connection:
            editions.check_base(connection, draft.base)
            shapes = projection.shapes_of(connection, draft.body)
        blob = self._blobs.put(draft.body)
        with self._database.writing() as connection:
            editions.check_base(connection, draft.base)
            edition = editions.add_edition(connection, draft, blob, self._clock())
            features = register.advance(connection, edition.number, draft.base, draft.areas)
            said = json.dumps({"number": edition.number})
            log.append(connection, [log.Fact(log.EDITION, str(edition.number), said)])
            if shapes is not None:
                projection.write(connection, edition.number, draft.areas, features, shapes)
        return edition

    def projection(self) -> Projection:
        """Say what `current_areas`, the table for people with SQL, shows, or why there is none."""
        with self._database.reading() as connection:
            return projection.state(connection)

    def project(self) -> Projection:
        """Make `current_areas` show the current edition, where it does not yet (PostGIS came later)."""
        projection.prepare(self._database)
        found, current = self.projection(), self.current()
        if found.lack is not None or current is None or found.edition == current.number:
            return found
        body = self.body(current.number)
        with self._database.reading() as connection:
            shapes = projection.shapes_of(connection, body)
        with self._database.writing() as connection:
            if shapes is not None and editions.read_current(connection) == current:
                areas = register.read_areas(connection, current.number)
                features = register.read_features(connection)
                projection.write(connection, current.number, areas, features, shapes)
        return self.projection()

    # Areas

    def areas(self, number: int) -> list[Area]:
        """Return the areas of an edition, sorted by code. NotFoundError as `edition`."""
        self.edition(number)
        with self._database.reading() as connection:
            return register.read_areas(connection, number)

    def features(self) -> dict[str, int]:
        """Return every code ever used with the number it keeps for ever (1, 2, ... below 2**53)."""
        with self._database.reading() as connection:
            return register.read_features(connection)

    def codes_ever(self) -> frozenset[str]:
        """Return every code that any edition ever used; a new area must take another."""
        return frozenset(self.features())

    # Columns

    def put_columns(self, kind: str, source: Path | pa.Table, synthetic: bool) -> ColumnSet:
        """Store a Parquet file or an Arrow table as the current columns of a kind, such as `households`.

        New buildings get their numbers in the same step. InputError: the file cannot be read as Parquet, the
        store keeps this kind by itself, a building has no code or that of another.
        """
        self._database.check_writable()
        return self._sets.put(kind, source, synthetic, self._clock)

    def column_set(self, kind: str) -> ColumnSet:
        """Return what the current columns of a kind are. NotFoundError: none were ever stored."""
        return self._sets.named(kind)

    def column_file(self, kind: str) -> Path:
        """Return the checked Parquet file of the current columns of a kind, for reading it in pieces."""
        return self._sets.file(self._sets.named(kind))

    def columns(self, kind: str, names: Sequence[str] | None = None) -> pa.Table:
        """Return the current columns of a kind, all or those named, read through a memory map.

        NotFoundError: none were ever stored; InputError: no such column; DamageError: the file is not what
        was stored.
        """
        return self._sets.read(self._sets.named(kind), names)

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the lattice points of those of some codes that are buildings."""
        return self._sets.buildings_at(codes)

    def building_numbers(self) -> Int64Array:
        """Return the number that each building keeps for ever, in the order of the current rows.

        NotFoundError: no buildings were ever stored.
        """
        return self._sets.numbered_buildings(["code"])[2]

    def numbered_buildings(self, names: Sequence[str]) -> tuple[ColumnSet, pa.Table, Int64Array]:
        """Return what the current buildings are, some of their columns, code among them, and their numbers.

        All of one moment, whoever stores others meanwhile. Errors as `columns`.
        """
        return self._sets.numbered_buildings(names)

    # Devices and staff

    def put_devices(self, devices: Iterable[Device] | Mapping[str, Any] | pa.Table) -> int:
        """Make these all the devices there are; return how many.

        They come as columns by name (the fields of `Device`), as an Arrow table, or as objects. InputError: a
        field missing or of a wrong type, a code twice; then nothing is changed. New codes get their numbers.
        """
        return self._put_rows(schema.devices, devices, DEVICE)

    def devices(self) -> list[Device]:
        """Return all devices, sorted by code."""
        with self._database.reading() as connection:
            return rows.read_rows(connection, schema.devices, Device)

    def device_numbers(self) -> dict[str, int]:
        """Return every code that a device ever had with the number it keeps for ever (1, 2, ...)."""
        with self._database.reading() as connection:
            return numbers.read(connection, DEVICE)

    def device_marks(self) -> dict[str, tuple[int, ...]]:
        """Return sums over the devices of each kind, which are others as soon as devices are."""
        with self._database.reading() as connection:
            return rows.device_marks(connection)

    def numbered_devices(self) -> pa.Table:
        """Return all devices as an Arrow table sorted by code: code, kind, x, y and number."""
        there, kept = schema.devices.c, schema.numbers.c
        query = (
            select(there.code, there.kind, there.x, there.y, kept.id.label("number"))
            .join_from(schema.devices, schema.numbers, there.code == kept.code)
            .where(kept.sort == DEVICE)
        )
        with self._database.reading() as connection:
            return rows.read_table(connection, query)

    def put_staff(self, posts: Iterable[StaffPost] | Mapping[str, Any] | pa.Table) -> int:
        """Make these the whole duty roster; otherwise as `put_devices`."""
        return self._put_rows(schema.staff_posts, posts)

    def staff(self, grid: str | None = None) -> list[StaffPost]:
        """Return the posts of one grid, or all, sorted by code."""
        conditions = () if grid is None else (schema.staff_posts.c.grid == grid,)
        with self._database.reading() as connection:
            return rows.read_rows(connection, schema.staff_posts, StaffPost, *conditions)

    def posts_by_grid(self) -> dict[str, int]:
        """Return how many staff posts each grid has that has any."""
        with self._database.reading() as connection:
            return rows.posts_by_grid(connection)

    def counts(self) -> dict[str, int]:
        """Count editions, codes ever used, devices, staff posts, and the rows of each kind of columns."""
        tables = {
            "editions": schema.editions,
            "codes": schema.features,
            "devices": schema.devices,
            "staff": schema.staff_posts,
        }
        with self._database.reading() as connection:
            found = {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in tables.items()
            }
            return found | counted(read_sets(connection))

    def _put_rows(self, table: Table, source: object, numbered: str | None = None) -> int:
        checked = rows.checked_columns(table, source)
        with self._database.writing() as connection:
            rows.replace_rows(connection, table, checked)
            if numbered is not None:
                numbers.give(connection, numbered, map(str, checked[0]))
        return len(checked[0])

    def _blob(self, key: str, read: Callable[[str], Read]) -> Read:
        try:
            return read(key)
        except NotFoundError as error:
            raise DamageError(f"{self._database.name} names a blob that is gone: {error}") from error

"""One database: its transactions for reading and for writing, and its errors in words.

What a kind of database does in its own way stands in a module of its own, with the functions of `Dialect`:
`gridmap.store.sqlite` and `gridmap.store.postgresql`. The address says which is meant.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from gridmap.errors import DamageError, HomeError, InputError, MissingExtraError
from gridmap.store import sqlite
from gridmap.store.driver import run_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Table, Update

    from gridmap.errors import GridmapError

    Rows = Iterable[tuple[object, ...]]

BATCH: Final = 20_000
"""Rows handed to the database at a time: as fast as all at once, and the memory stays small."""


class Dialect(Protocol):
    """What a kind of database does in its own way; one module for each."""

    @property
    def WRITABLE_ADVICE(self) -> str:  # noqa: N802 # a constant of the module
        """What to do about a database that was opened for reading only."""

    def make_engine(self, url: URL, *, read_only: bool, **options: Any) -> Engine:
        """Return the engine of an address, with the settings of its connections."""

    def reader_of(self, engine: Engine) -> Engine:
        """Return the engine whose transactions see one moment of the data."""

    def writer_of(self, engine: Engine) -> Engine:
        """Return the engine whose transactions write, one at a time."""

    def logger_of(self, engine: Engine) -> Engine:
        """Return the engine whose transactions write the log; `take_log` keeps them apart."""

    def damage(self, connection: Connection) -> str | None:
        """Test the structure of the whole database; return what is wrong first."""

    def told(self, error: DBAPIError) -> tuple[type[GridmapError], str] | None:
        """Return which of our errors one of the driver is, and what to do; None when it is none of them."""

    def take_log(self, connection: Connection) -> None:
        """Have a writing transaction be the only one that writes the log, until it ends."""

    def insert_many(self, connection: Connection, table: Table, names: Sequence[str], rows: Rows) -> None:
        """Insert many rows, with the fields in the order of names."""

    def update_many(
        self, connection: Connection, statement: Update, names: Sequence[str], rows: Rows
    ) -> None:
        """Run an update for each row of values of its named parameters."""


def insert_many(connection: Connection, table: Table, names: Sequence[str], rows: Rows) -> None:
    """Insert rows of plain numbers and texts, two fields or more, in the order of names."""
    dialect = _dialect(connection.dialect.name)
    for batch in _batches(rows):
        dialect.insert_many(connection, table, names, batch)


def put_many(connection: Connection, table: Table, rows: Iterable[tuple[object, ...]]) -> None:
    """Store whole rows of plain numbers and texts, in place of those that have the same first column.

    No two of the rows have the same.
    """
    begin, end = _putting(table)
    run_rows(connection, begin, list(rows), end)


@lru_cache(maxsize=32)
def _putting(table: Table) -> tuple[str, str]:
    key, *others = (column.name for column in table.columns)
    new = ", ".join(f"{name} = excluded.{name}" for name in others)
    names = ", ".join([key, *others])
    return f"INSERT INTO {table.name} ({names})", f"ON CONFLICT ({key}) DO UPDATE SET {new}"


def take_log(connection: Connection) -> None:
    """Have a writing transaction be the only one that writes the log, until it ends; twice is once."""
    _dialect(connection.dialect.name).take_log(connection)


def update_many(connection: Connection, statement: Update, names: Sequence[str], rows: Rows) -> None:
    """Run an update for each row; its parameters are plain numbers and texts, two or more, named in order."""
    dialect = _dialect(connection.dialect.name)
    for batch in _batches(rows):
        dialect.update_many(connection, statement, names, batch)


class Database:
    """One database: transactions for reading and for writing, its errors told in words.

    Guards the connections.
    """

    def __init__(self, url: str | URL, *, read_only: bool = False) -> None:
        """Prepare; the first transaction connects.

        InputError: no address of a database that a store can be; MissingExtraError: its driver is missing.
        """
        address = parse_address(url)
        self._dialect = _dialect(address.get_backend_name())
        self.name = shown_name(address)
        self.read_only = read_only
        # Lists and dicts go in as JSON that any database takes: no NaN, and Chinese stays readable.
        serialise = partial(json.dumps, ensure_ascii=False, allow_nan=False)
        self._engine = self._dialect.make_engine(address, read_only=read_only, json_serializer=serialise)
        self._reader = self._dialect.reader_of(self._engine)
        self._writer = self._dialect.writer_of(self._engine)
        self._logger = self._dialect.logger_of(self._engine)
        self._turn = Lock() if self.kind == "sqlite" else nullcontext()

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the data."""
        with self._told(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is alone in writing: committed when the block ends, undone when it raises."""
        self.check_writable()
        with self._turn, self._told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def logging(self) -> Iterator[Connection]:
        """A transaction that is alone in writing the log and what is made of it; otherwise as `writing`.

        PostgreSQL lets it be beside one that writes other tables, so an event need not wait for an edition.
        """
        self.check_writable()
        with self._turn, self._told(), self._logger.begin() as connection:
            take_log(connection)
            yield connection

    def check_writable(self) -> None:
        """Refuse to write a database that was opened for reading, before anything else is written for it."""
        if self.read_only:
            raise HomeError(f"{self.name}: opened for reading only; {self._dialect.WRITABLE_ADVICE}")

    def verify(self) -> None:
        """Read the whole database and test its structure. DamageError: what is wrong first."""
        with self.reading() as connection:
            found = self._dialect.damage(connection)
        if found is not None:
            raise DamageError(f"{self.name}: the database is damaged ({found}): restore it from a backup")

    def close(self) -> None:
        """Close all connections; the last one to close folds SQLite's log into the database file."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            self._tell(error)

    def _tell(self, error: DBAPIError) -> NoReturn:
        """Turn an error of the database into one of ours; a broken promise of our own stays as it is."""
        found = self._dialect.told(error)
        if found is None:
            raise error
        kind, advice = found
        said = str(error.orig).strip().split("\n")[0]
        raise kind(f"{self.name}: {said}; {advice}") from error


def parse_address(url: str | URL) -> URL:
    """Return the parts of an address. InputError: no address of a database that a store can be in."""
    try:
        address = make_url(url)
        known = address.drivername in ("sqlite", "postgresql", "postgres")
    except (ArgumentError, ValueError):
        known = False
    if not known:
        # What was given is not repeated: it may hold a password.
        raise InputError(
            "store", "no address of a store: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        )
    return address.set(drivername="postgresql") if address.drivername == "postgres" else address


def shown_name(url: URL) -> str:
    """Return what messages call a database: the path of a file, an address without password and options."""
    if url.get_backend_name() == "sqlite":
        path = url.database or ""
        return unquote(path.removeprefix("file:")) if "uri" in url.query else path
    shown = URL.create("postgresql", url.username, host=url.host, port=url.port, database=url.database)
    return shown.render_as_string()


def _dialect(name: str) -> Dialect:
    if name == "sqlite":
        return sqlite
    try:
        from gridmap.store import postgresql
    except ImportError as error:
        raise MissingExtraError(
            "A store in PostgreSQL needs the library psycopg, which is not installed. "
            "Type: pip install 'gridmap[postgres]'"
        ) from error
    return postgresql


def _batches(rows: Rows) -> Iterator[list[tuple[object, ...]]]:
    rest = iter(rows)
    while batch := list(islice(rest, BATCH)):
        yield batch

"""One database: how it is opened, how its transactions begin, and its errors in words.

All that is SQLite's own is here.

How SQLite is used. The journal is a write-ahead log: readers never wait for the writer and see one moment of
the data for the whole of their transaction. `synchronous=FULL` syncs the log at each commit: what is
acknowledged survives a power cut. Left to itself, Python's driver begins a transaction only before the first
change, so two reads in one "transaction" may see two moments, and a read that turns into a write may fail at
once, whatever the timeout. So the driver's own transaction control is switched off and SQLAlchemy's `begin`
event says BEGIN for readers and BEGIN IMMEDIATE for writers, who therefore queue at the door and are never
thrown out half-way.

A store belongs to the process that opened it: SQLite's locks do not survive a fork. Open it after forking.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from gridmap.errors import DamageError, GridmapError, HomeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Insert, Update
    from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT_S: Final = 60.0
"""How long a writer waits for another: the longest transaction (600,000 posts) takes seconds."""

WAL_LIMIT_BYTES: Final = 64 << 20
"""What is kept of the write-ahead log once it was copied into the database."""

CACHE_KIB: Final = 64 << 10
"""Pages a connection may keep: a publish touches about 30 MB, which should not be written twice."""

BATCH: Final = 20_000
"""Rows handed to the database at a time: as fast as all at once, and the memory stays small."""

_BEGIN: Final = "gridmap_begin"


def sqlite_url(path: Path, *, read_only: bool = False) -> URL:
    """Return the address of a SQLite file; a read-only one is opened without making or changing any file.

    A reader who may not write cannot tell a later writer that he is there: keep such a home still, or give
    its readers the right to write in its folder.
    """
    if not read_only:
        return URL.create("sqlite", database=str(path))
    query = {"uri": "true", "mode": "ro"}
    if not any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm")):
        # No log, so no writer; told so, SQLite does not insist on making the two files it would look into.
        query["immutable"] = "1"
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query=query)


def execute_many(
    connection: Connection,
    statement: Insert | Update,
    names: Sequence[str],
    rows: Iterable[tuple[object, ...]],
) -> None:
    """Run a statement for each row of plain numbers and texts (two fields or more, in the order of names).

    No rows, no statement. A driver that takes fields by place gets tuples: SQLAlchemy's own road, a dict and
    a round of type conversions per row, takes 5.3 s of CPU for 585,000 posts where this takes 2.4 s.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
    placed = compiled.positiontup and itemgetter(*(names.index(name) for name in compiled.positiontup))
    rest = iter(rows)
    while batch := list(islice(rest, BATCH)):
        if placed:
            connection.exec_driver_sql(compiled.string, list(map(placed, batch)))
        else:
            connection.execute(statement, [dict(zip(names, row, strict=True)) for row in batch])


class Database:
    """One database: transactions for reading and for writing, its errors told in words.

    Guards the connections.
    """

    def __init__(self, url: str | URL, *, read_only: bool = False) -> None:
        self.name = _name(make_url(url))
        self.read_only = read_only
        # Lists and dicts go in as JSON that any database takes: no NaN, and Chinese stays readable.
        serialise = partial(json.dumps, ensure_ascii=False, allow_nan=False)
        self._engine = create_engine(url, json_serializer=serialise)
        if self._engine.dialect.name == "sqlite":
            _teach_sqlite(self._engine, read_only=read_only)
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the data."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is alone in writing: committed when the block ends, undone when it raises."""
        self.check_writable()
        with self._told(), self._writer.begin() as connection:
            yield connection

    def check_writable(self) -> None:
        """Refuse to write a database that was opened for reading, before anything else is written for it."""
        if self.read_only:
            raise HomeError(
                f"{self.name}: opened for reading only; make the folder writable, or work on a copy of it"
            )

    def verify(self) -> None:
        """Read the whole database and test its structure. DamageError: what is wrong first."""
        if self._engine.dialect.name != "sqlite":
            return  # a database server keeps checksums of its own
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if found != "ok":
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
        # SQLite's low byte is the kind of error, the rest its details; other drivers have no such number.
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code not in _TOLD:
            raise error
        kind, advice = _TOLD[code]
        raise kind(f"{self.name}: {error.orig}; {advice}") from error


_TOLD: Final[dict[int, tuple[type[GridmapError], str]]] = {
    5: (
        HomeError,
        f"another program has been writing for {BUSY_TIMEOUT_S:.0f} s: wait for it, or end it, and try again",
    ),
    8: (HomeError, "it may not be written: make the file and its folder writable, or work on a copy"),
    10: (HomeError, "the disk does not read or write: look at its health and space, then try again"),
    11: (DamageError, "the database is damaged: restore it from a backup"),
    13: (HomeError, "the disk is full: make room and try again, nothing was changed"),
    14: (HomeError, "it cannot be opened: look at the rights of the file and its folder"),
    26: (DamageError, "this is no database any more: restore it from a backup"),
}
"""SQLite's primary result codes: BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB."""


def _name(url: URL) -> str:
    """What messages call a database: the path of a file, the address of a server without its password."""
    if url.get_backend_name() != "sqlite":
        return url.render_as_string(hide_password=True)
    return unquote((url.database or "").removeprefix("file:")) if "uri" in url.query else url.database or ""


def _teach_sqlite(engine: Engine, *, read_only: bool) -> None:
    """Give every connection its settings and every transaction its BEGIN (see the top of the module)."""
    pragmas = ["foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}", f"cache_size=-{CACHE_KIB}"]
    if not read_only:
        pragmas += ["journal_mode=WAL", "synchronous=FULL", f"journal_size_limit={WAL_LIMIT_BYTES}"]

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

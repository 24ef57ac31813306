"""All that is SQLite's own.

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

import sqlite3
import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from gridmap.errors import DamageError, GridmapError, HomeError
from gridmap.store.driver import run, run_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Table, Update
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_S: Final = 60.0
"""How long a writer waits for another: the longest transaction (600,000 posts) takes seconds."""

WAL_LIMIT_BYTES: Final = 64 << 20
"""What is kept of the write-ahead log once it was copied into the database."""

CACHE_KIB: Final = 64 << 10
"""Pages a connection may keep: a publish touches about 30 MB, which should not be written twice."""

WRITABLE_ADVICE: Final = "make the folder writable, or work on a copy of it"
"""What to do about a database that was opened for reading only."""

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


def _patiently(cursor: Any, statement: str) -> None:
    """Execute a statement that SQLite may refuse at once when another process opens the same new file.

    The change of a file to WAL does not wait for busy_timeout where waiting could be a deadlock.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def make_engine(url: URL, *, read_only: bool, **options: Any) -> Engine:
    """Return the engine of a file: it gives every connection its settings, every transaction its BEGIN."""
    engine = create_engine(url, **options)
    pragmas = ["foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}", f"cache_size=-{CACHE_KIB}"]
    if not read_only:
        pragmas += ["journal_mode=WAL", "synchronous=FULL", f"journal_size_limit={WAL_LIMIT_BYTES}"]

    @event.listens_for(engine, "connect")
    def _connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            _patiently(cursor, f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        run(connection, connection.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine


def reader_of(engine: Engine) -> Engine:
    """Return the engine whose transactions see one moment: any of a write-ahead log."""
    return engine


def writer_of(engine: Engine) -> Engine:
    """Return the engine whose transactions write, one at a time."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def logger_of(engine: Engine) -> Engine:
    """Return the engine whose transactions write the log: a file has one writer for everything."""
    return writer_of(engine)


def take_log(connection: Connection) -> None:
    """Nothing to do: BEGIN IMMEDIATE has kept all others out."""


def damage(connection: Connection) -> str | None:
    """Read the whole file and test its structure; return what is wrong first."""
    found: str = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    return None if found == "ok" else found


def told(error: DBAPIError) -> tuple[type[GridmapError], str] | None:
    """Return which of our errors one of the driver is, and what to do; None when it is none of them."""
    if "decode" in str(error.orig):  # the driver's words for a text that is none any more
        return _TOLD[11]
    # The low byte is the kind of error, the rest its details.
    return _TOLD.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)


def insert_many(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Insert many rows, with the fields in the order of names."""
    run_rows(connection, f"INSERT INTO {table.name} ({', '.join(names)})", list(rows))


def update_many(
    connection: Connection, statement: Update, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Run an update for each row of values of its named parameters."""
    _execute_many(connection, statement, names, rows)


def _execute_many(
    connection: Connection, statement: Any, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Hand the driver tuples.

    SQLAlchemy's own road, a dict and a round of type conversions per row, takes 5.3 s of CPU for 585,000
    posts where this takes 2.4 s.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
    placed = itemgetter(*(names.index(name) for name in compiled.positiontup))
    connection.exec_driver_sql(compiled.string, list(map(placed, rows)))


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

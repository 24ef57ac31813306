"""All that is PostgreSQL's own.

How PostgreSQL is used. Readers are REPEATABLE READ, READ ONLY: they see one moment for the whole of their
transaction and wait for nobody. A writer first takes an advisory lock that lasts as long as his transaction,
so writers are alone, as they are in a SQLite file. He is READ COMMITTED: the statement that waits for the
lock would fix the moment that a REPEATABLE READ transaction sees, and he would read what was before the other
writer. Alone, he sees what is true now, and nobody changes it under his hands. The lock also keeps apart
processes that open an empty database at once. Left out: SERIALIZABLE (every writer would need a loop that
tries again), table locks (readers of other programs would wait for them).

A commit returns when it is on disk, also where the server was told to be careless (`synchronous_commit`).
Connections that died in the pool (a restarted server) are found before they are used and replaced.

Rows go in by COPY: 586,478 posts take 2-3 s, where INSERT takes 16.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError

from gridmap.errors import DamageError, GridmapError, HomeError
from gridmap.store.driver import driver_of, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Table, Update
    from sqlalchemy.exc import DBAPIError

LOCK_TIMEOUT_S: Final = 60
"""How long a writer waits for another: the longest transaction (a city's shapes and posts) takes seconds."""

CONNECT_TIMEOUT_S: Final = 10
"""A server that does not answer by then is not there."""

WRITABLE_ADVICE: Final = "open it for writing to do this"
"""What to do about a database that was opened for reading only."""

_ALONE: Final = "gridmap_alone"

_WRITER_LOCK: Final = int.from_bytes(b"gridmap\0", "big")
"""The number of the advisory lock; it is the database's own, other databases have theirs."""

_LOG_LOCK: Final = _WRITER_LOCK + 1
"""The log has a lock of its own: an event does not wait until an edition is written. Whoever needs both
takes the writer's first."""


def make_engine(url: URL, *, read_only: bool, **options: Any) -> Engine:  # noqa: ARG001 # a reader is READ ONLY
    """Return the engine of a database, with the settings of each connection.

    HomeError: a database that cannot hold every text.
    """
    settings: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "gridmap"}
    settings = {name: value for name, value in settings.items() if name not in url.query}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        max_overflow=-1,  # as many connections as there are threads that ask; a thread holds one at most
        connect_args=settings | {"client_encoding": "utf8"},
        **options,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        _refuse_narrow(connection)
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_ALONE):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    return engine


def reader_of(engine: Engine) -> Engine:
    """Return the engine whose transactions see one moment and cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writer_of(engine: Engine) -> Engine:
    """Return the engine whose transactions write, one at a time."""
    return engine.execution_options(isolation_level="READ COMMITTED", **{_ALONE: True})


def logger_of(engine: Engine) -> Engine:
    """Return the engine whose transactions write the log; `take_log` keeps them apart."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def take_log(connection: Connection) -> None:
    """Take the lock of the log for the rest of a transaction; who has it already gets it again."""
    run(connection, f"SELECT pg_advisory_xact_lock({_LOG_LOCK})")


def damage(_connection: Connection) -> str | None:
    """Nothing to say: a database server watches over its own files (`initdb --data-checksums`)."""
    return None


def told(error: DBAPIError) -> tuple[type[GridmapError], str] | None:
    """Return which of our errors one of the driver is, and what to do; None when it is none of them."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state:
        return _TOLD.get(state) or _TOLD.get(state[:2])
    if isinstance(error, DataError):
        return _TOLD["22"]
    if not isinstance(error.orig, psycopg.OperationalError):
        return None
    # Before a connection stands, the server's words are all there is, and they may be in its own language.
    said = str(error.orig)
    return HomeError, next((advice for words, advice in _UNREACHED if re.search(words, said)), _NOT_THERE)


def insert_many(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Insert many rows, with the fields in the order of names."""
    copy_rows(connection, table.name, names, rows)


def copy_rows(
    connection: Connection,
    table: str,
    names: Sequence[str],
    rows: Iterable[tuple[object, ...]],
    types: Sequence[str] | None = None,
) -> None:
    """Insert rows by COPY, in text, or, when their PostgreSQL types are named, in binary."""
    quote = connection.dialect.identifier_preparer.quote
    form = " (FORMAT BINARY)" if types else ""
    statement = f"COPY {quote(table)} ({', '.join(map(quote, names))}) FROM STDIN{form}"
    with (
        driver_of(connection, statement) as driver,
        driver.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
    ):
        if types:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def update_many(
    connection: Connection, statement: Update, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Run an update for each row of values of its named parameters."""
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _refuse_narrow(connection: Any) -> None:
    """Refuse a database that cannot hold the names of a city."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise HomeError(
            f"{connection.info.dbname}: the encoding of this database is {encoding}, which cannot hold every "
            "name: make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and name that"
        )


_LOST: Final = "the connection to the server was lost: look whether it runs, then look what was stored"

_TOLD: Final[dict[str, tuple[type[GridmapError], str]]] = {
    "08": (HomeError, _LOST),
    "22": (HomeError, "PostgreSQL cannot hold this value: correct it and try again, nothing was changed"),
    "25006": (HomeError, "this server takes no changes (it is a standby, or was set so): name the primary"),
    "40": (HomeError, "other programs were in the way: try again, nothing was changed"),
    "42501": (HomeError, "this user lacks a right: GRANT it, or name another user; nothing was changed"),
    "53100": (HomeError, "the disk of the server is full: make room and try again, nothing was changed"),
    "53200": (HomeError, "the server has not enough memory: try again later, nothing was changed"),
    "53300": (HomeError, "the server has no connection left: close some, or raise max_connections"),
    "53": (HomeError, "the server lacks something: look into its log; nothing was changed"),
    "55P03": (
        HomeError,
        f"another program has been writing for {LOCK_TIMEOUT_S} s: wait for it, or end it, and try again",
    ),
    "57": (HomeError, "the server ended this (it stops, or somebody cancelled it): try again"),
    "58": (HomeError, "the server cannot read or write its files: look at its disk and its log"),
    "XX001": (DamageError, "the database is damaged: restore it from a backup"),
    "XX002": (DamageError, "an index of the database is damaged: REINDEX it, or restore a backup"),
}
"""SQLSTATE codes, and the classes that are their first two letters (PostgreSQL's appendix A)."""

_UNREACHED: Final = (
    ("Connection refused|No such file", "no server listens there: start it, or correct host and port"),
    ("password authentication failed", "the password or the user is wrong: correct the address"),
    ("no password supplied", "the server asks for a password: write it into the address, or set PGPASSWORD"),
    ("no pg_hba.conf entry", "the server does not let this user in from here: see its pg_hba.conf"),
    ("role .* does not exist", "the server has no such user: correct the address, or CREATE ROLE"),
    (
        "database .* does not exist",
        "there is no such database: correct the address, or CREATE DATABASE",
    ),
    ("permission denied for database", "this user may not enter this database: GRANT CONNECT"),
    (
        "too many (clients|connections)",
        "the server has no connection left: close some, or raise max_connections",
    ),
    ("starting up|recovery mode|not yet accepting", "the server is just starting: try again"),
    ("shutting down", "the server is just stopping: try again later"),
    ("could not translate|resolve", "there is no host of this name: correct the address"),
    ("closed the connection|connection is (closed|lost)", _LOST),
)
"""What the client says when no connection comes about or one is lost, and what to do."""

_NOT_THERE: Final = (
    "the server cannot be reached: look whether it runs, and at host, port, user, password and database "
    "of the address"
)

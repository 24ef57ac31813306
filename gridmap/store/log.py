"""The log: what was said and done, row by row, in the order in which everybody sees it.

Theory of operation. Rows are numbered 1, 2, 3 ... without a gap. The number is given in the transaction that
stores the row, by one writer at a time, so numbers become visible in their order and a reader who has seen
number 17 will never be shown a 16 that he missed. A row says what sort of fact it is, and carries the key by
which the fact is known; no fact of a sort can be there twice, whoever writes it and how often: that is what
makes repeated events, two workers and restarts harmless.

Each row carries a checksum over all of it, tested whenever it is read. Because the numbers have no gap, a
row that a torn page has lost is missed as well. Damage is reported (DamageError), never served or skipped.

The oldest rows may stand in archives (`gridmap.store.archives`), by their numbers, with their checksums. Who
reads here is given a shelf that knows them, and need not know which rows those are.

Left out: numbers from a sequence of the database. PostgreSQL hands them out before the commit, so 18 can be
seen before 17, and a rolled-back one is a gap that looks like damage.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sqlalchemy import func, select

from gridmap.errors import DamageError
from gridmap.store.database import insert_many, take_log
from gridmap.store.driver import run, run_among
from gridmap.store.schema import log, log_archives

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

EVENT: Final = "event"
ORDER: Final = "order"
NOTICE: Final = "notice"
EDITION: Final = "edition"

_HEAD: Final = "SELECT max(seq) FROM log"
_READ: Final = "SELECT seq, kind, key, body, checksum FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
_FIND: Final = "SELECT seq, kind, key, body, checksum FROM log WHERE kind = ? AND key"

ASKED: Final = 5_000
"""Keys asked for at a time: far below what a statement may hold in either database."""


class Entry(NamedTuple):
    """One row of the log; `body` is JSON."""

    seq: int
    kind: str
    key: str
    body: str


class Fact(NamedTuple):
    """What is to become a row: all of it but its number."""

    kind: str
    key: str
    body: str


class Shelf(Protocol):
    """Where the rows are that stand in the table no more. What it gives was tested like any other row."""

    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:
        """Return at most `limit` archived rows behind number `after`, from the next one on without a gap."""

    def find(self, connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Return those archived facts of a sort that there are, by key."""


class _NoShelf:
    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:  # noqa: ARG002 # empty
        return []

    def find(self, connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, Entry]:  # noqa: ARG002
        return {}


NO_SHELF: Final[Shelf] = _NoShelf()
"""For a log of which nothing was archived: a row that is not in the table is gone."""


def append(connection: Connection, facts: Sequence[Fact]) -> int:
    """Write facts one behind the other and return the number of the last; they are nowhere in the log yet.

    In a writing transaction. From here to its end nobody else can write the log.
    """
    take_log(connection)
    last = head(connection)
    numbered = [(seq, *fact, row_checksum(seq, *fact)) for seq, fact in enumerate(facts, last + 1)]
    insert_many(connection, log, ("seq", "kind", "key", "body", "checksum"), numbered)
    return last + len(numbered)


def head(connection: Connection) -> int:
    """The number of the newest row, 0 of an empty log. The newest row is never archived."""
    newest: int | None = run(connection, _HEAD)[0][0]
    if newest is None:  # nothing was ever said; or the table was lost, and its numbers must not come again
        newest = connection.execute(select(func.max(log_archives.c.last))).scalar()
    return newest or 0


def reaches_beyond(connection: Connection, seq: int) -> bool:
    """Whether there are rows behind one that somebody has seen. DamageError: not even that one is there."""
    last = head(connection)
    if last < seq:
        raise DamageError(lost(last + 1))
    return last > seq


def read(connection: Connection, after: int, limit: int, shelf: Shelf) -> list[Entry]:
    """Return at most `limit` rows behind number `after`. DamageError: a row is not what was written."""
    rows = run(connection, _READ, (after, limit))
    # The table is asked first: rows that are archived meanwhile are in one of the two, or in both.
    older = shelf.read(connection, after, limit) if rows and rows[0][0] > after + 1 else []
    entries = older + [tested(row) for row in rows[: limit - len(older)]]
    for expected, entry in enumerate(entries, after + 1):
        if entry.seq != expected:
            raise DamageError(lost(expected))
    return entries


def find(connection: Connection, kind: str, keys: Sequence[str], shelf: Shelf) -> dict[str, Entry]:
    """Return those facts of a sort that are there, by key. DamageError as `read`."""
    found: dict[str, Entry] = {}
    for place in range(0, len(keys), ASKED):
        asked = keys[place : place + ASKED]
        found |= {entry.key: entry for entry in map(tested, run_among(connection, _FIND, asked, (kind,)))}
    missing = [key for key in keys if key not in found]
    return found | shelf.find(connection, kind, missing) if missing else found


def row_checksum(seq: int, kind: str, key: str, body: str) -> int:
    """What the checksum of a row must be: 63 bits over all of it."""
    said = f"{seq}\n{kind}\n{key}\n{body}"
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big") >> 1


def tested(row: Sequence[Any]) -> Entry:
    """Return a row (its fields and its checksum) that is what was written. DamageError: it is not."""
    seq, kind, key, body, checksum = row
    try:
        sound = row_checksum(seq, kind, key, body) == checksum
    except (TypeError, AttributeError, UnicodeError):  # a flipped bit may make a text something else
        sound = False
    if not sound:
        raise DamageError(f"row {seq} of the log is not what was written: restore the database from a backup")
    return Entry(seq, kind, key, body)


def lost(seq: int) -> str:
    """What is said of a row that is missing."""
    return f"row {seq} of the log is gone: restore the database from a backup"

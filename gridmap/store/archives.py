"""Archives of the log: its oldest rows as Parquet blobs, read as if they still stood in the table.

Theory of operation. A database that answers in a millisecond should not hold ten years of events, and
nothing that was said may ever be lost. So the oldest rows, always the whole beginning of the table, go into a
blob (`gridmap.store.blobs`), and one transaction writes down which rows that blob holds and takes them out of
the table. The blob is on disk, and was read back and compared, before that transaction begins: a kill at any
moment leaves the rows in the table, or in the archive, and at worst a blob that nobody names.

- A row may go when all who make something of each row (FOLLOWERS) have seen it, and it is older than the
  limit or one too many. The newest row always stays: the number behind it is the next.
- Numbers, bodies and checksums stay what they were. Whoever reads the log below the table's first row gets
  the archived ones, each tested as it is in the table.
- What a fact is known by is known for ever: `archived_keys` holds 8 bytes of a hash of each key beside the
  row's number. A hash that fits names a row to look at, and the row itself says whether it is the one; two
  keys with one hash harm nobody. Left out: the keys themselves in a table, four times as large as this, and
  filters beside each blob, of which a new event would have to ask them all.
- An archive has at most AT_ONCE rows, so that nobody who writes waits longer for an archive than for a batch
  of events (0.1 s), and so that one damaged file is little.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, func, insert, select

from gridmap.errors import DamageError, NotFoundError
from gridmap.settings import LOG_DAYS, LOG_ROWS
from gridmap.store import log
from gridmap.store.archive_files import GROUP, Archive, rows_of, stored, table_of, unpacked
from gridmap.store.database import insert_many
from gridmap.store.driver import run
from gridmap.store.log import ASKED, EVENT, Entry
from gridmap.store.schema import archived_keys, checkpoints, hooks, log_archives
from gridmap.store.schema import log as log_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import Connection

    from gridmap.store.blobs import BlobStore
    from gridmap.store.database import Database

AT_ONCE: Final = 10_000
"""Rows of an archive: the transaction that takes them out of the table lasts a tenth of a second."""

KEPT: Final = 16
"""Unpacked groups that are kept in memory, a megabyte each: who reads on comes for the rest of one."""

READ_AT_ONCE: Final = 1_000
"""Rows that are looked at together while the last one that is old enough is sought."""

FOLLOWERS: Final = ("keeper", "outbox")
"""Who makes something of each row of the log; a row that one of them has not seen stays. The outbox counts
while there is a hook to be told."""

DAY_MS: Final = 86_400_000

NIGHT: Final = timedelta(hours=3)
"""When a server looks for rows to archive: cities sleep at three."""

ZONE: Final = timezone(timedelta(hours=8))
"""The time of all of China."""


class Keep(NamedTuple):
    """What stays in the database: rows of so many days, and at most so many rows; 0 is no limit."""

    days: int
    rows: int

    @classmethod
    def from_settings(cls) -> Keep:
        """What the operator has set. InputError: no number."""
        return cls(LOG_DAYS.number(0), LOG_ROWS.number(0))


class Archives:
    """The archives of one database's log: makes them, and reads them. Threads may share it."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs
        self._lock = Lock()
        self._groups: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._due = datetime.min.replace(tzinfo=UTC)

    def all(self) -> list[Archive]:
        """The archives there are, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(log_archives).order_by(log_archives.c.first))
            return [Archive(*row) for row in rows]

    # Reading

    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:
        """Return at most `limit` archived rows behind a number. DamageError: one is not what was written."""
        out: list[Entry] = []
        while len(out) < limit:
            begin = after + len(out) + 1
            archive = _archive_of(connection, begin)
            if archive is None:
                break
            out += self._rows(archive, begin, min(archive.last, after + limit))
        return out

    def find(self, connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Return those archived facts of a sort that there are, by key. DamageError as `read`."""
        if not run(connection, "SELECT 1 FROM archived_keys LIMIT 1"):
            return {}
        wanted = set(keys)
        numbers = sorted(seq for _, seq in _known(connection, {hash_of(kind, key) for key in wanted}))
        found = self._numbered(connection, numbers)
        return {entry.key: entry for entry in found if entry.kind == kind and entry.key in wanted}

    def check(self) -> Iterator[int]:
        """Test each blob where it is kept, and that its rows are known; say after each how far that is so.

        DamageError: a blob is not what was stored, or a row is not found by its key, so that the same event
        could be taken again.
        """
        for archive in self.all():
            try:
                self._blobs.check(archive.blob)
            except NotFoundError as error:
                raise DamageError(f"{archive}, which is gone: {error}") from error
            keys = {_key_of(entry) for entry in self._rows(archive, archive.first, archive.last)}
            with self._database.reading() as connection:
                missing = keys - _known(connection, {hash_ for hash_, _ in keys})
            if missing:
                seq = min(seq for _, seq in missing)
                raise DamageError(
                    f"the key of row {seq} of the log, which is archived, is known no more: "
                    "restore the database from a backup"
                )
            yield archive.last

    # Making

    def archive(self, keep: Keep, now: datetime) -> int:
        """Move the oldest rows that need not stay into an archive, at most AT_ONCE; how many that were.

        0 also where another process was faster. HomeError: no room for the blob, nothing has changed.
        """
        with self._database.reading() as connection:
            entries = self._old(connection, keep, now)
        if not entries:
            return 0
        blob, size = stored(self._blobs, table_of(entries))
        made = Archive(entries[0].seq, entries[-1].seq, len(entries), blob, size, *_times(entries), _ms(now))
        if self._rows(made, made.first, made.last) != entries:
            raise DamageError(
                f"{blob}: the archive does not read back as it was written, nothing was moved: "
                "look at the health of the disk and the memory"
            )
        return made.rows if self._move(made, entries) else 0

    def tend(self, now: datetime) -> int:
        """Archive what is due, as the settings say; how many rows that were.

        For a server that has nothing else to do at the moment, and asks again in the next: it works through
        what is due after the start, and each night at three, one archive a call. An error is raised once
        a night.
        """
        if now < self._due or self._database.read_only:
            return 0
        self._due = next_night(now)
        moved = self.archive(Keep.from_settings(), now)
        if moved == AT_ONCE:
            self._due = now
        return moved

    def _old(self, connection: Connection, keep: Keep, now: datetime) -> list[Entry]:
        """The oldest rows of the table that need not stay, at most AT_ONCE."""
        first = _first(connection)
        if first is None:
            return []
        head = log.head(connection)
        end = min(_passed(connection), head - 1, first + AT_ONCE - 1)
        too_many = head - keep.rows if keep.rows else 0
        before_ms = _ms(now) - keep.days * DAY_MS if keep.days else None
        out: list[Entry] = []
        old = 0
        for entry in _from(connection, first, end):
            out.append(entry)
            if entry.seq <= too_many:
                old = len(out)
            elif before_ms is None:
                break
            elif (said := said_ms(entry)) is not None:  # else it is as old as the next that says so
                if said >= before_ms:
                    break
                old = len(out)
        return out[:old]

    def _move(self, made: Archive, entries: Sequence[Entry]) -> bool:
        """Name the archive and take its rows out of the table; False where they are there no more."""
        keys = sorted(map(_key_of, entries))
        with self._database.logging() as connection:
            if _first(connection) != made.first:
                return False
            connection.execute(insert(log_archives).values(made._asdict()))
            insert_many(connection, archived_keys, ("hash", "seq"), keys)
            theirs = log_rows.c.seq.between(made.first, made.last)
            gone = connection.execute(delete(log_rows).where(theirs)).rowcount
            if gone != made.rows:
                raise DamageError(f"{gone} rows of the log where {made.rows} were read: nothing was moved")
        return True

    # Blobs

    def _numbered(self, connection: Connection, numbers: Sequence[int]) -> list[Entry]:
        """The rows of some numbers, which are in order; each group of rows is unpacked once."""
        places: dict[tuple[Archive, int], list[int]] = {}
        archive: Archive | None = None
        for seq in numbers:
            if archive is None or seq > archive.last:
                archive = _archive_of(connection, seq)
                if archive is None:
                    raise DamageError(log.lost(seq))
            group, place = divmod(seq - archive.first, GROUP)
            places.setdefault((archive, group), []).append(place)
        found = (rows_of(self._group(*group), among) for group, among in places.items())
        return [entry for entries in found for entry in entries]

    def _rows(self, archive: Archive, first: int, last: int) -> list[Entry]:
        """Rows of an archive from one number to another."""
        out: list[Entry] = []
        while first <= last:
            group, begin = divmod(first - archive.first, GROUP)
            end = min(begin + last - first + 1, GROUP)
            out += rows_of(self._group(archive, group), range(begin, end))
            first += end - begin
        return out

    def _group(self, archive: Archive, group: int) -> pa.Table:
        """Some rows of an archive, unpacked; the last ones that were asked for are kept."""
        name = (archive.blob, group)
        with self._lock:
            if name in self._groups:
                self._groups.move_to_end(name)
                return self._groups[name]
        table = unpacked(self._blobs, archive, group)
        with self._lock:
            self._groups[name] = table
            while len(self._groups) > KEPT:
                self._groups.popitem(last=False)
        return table


def hash_of(kind: str, key: str) -> int:
    """63 bits of what a fact is known by."""
    return int.from_bytes(blake2b(f"{kind}\n{key}".encode(), digest_size=8).digest(), "big") >> 1


def next_night(now: datetime) -> datetime:
    """The next time that it is three o'clock at night."""
    midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    tonight = midnight + NIGHT
    return tonight if tonight > now else tonight + timedelta(days=1)


def said_ms(entry: Entry) -> int | None:
    """When a row was written, in ms since 1970; None where it does not say."""
    try:
        said = json.loads(entry.body)["received_at" if entry.kind == EVENT else "at"]
        return _ms(datetime.fromisoformat(said))
    except (ValueError, KeyError, TypeError):  # an edition says its number only
        return None


def _from(connection: Connection, first: int, last: int) -> Iterator[Entry]:
    """Rows of the table from one number to another, read as they are wanted."""
    for after in range(first - 1, last, READ_AT_ONCE):
        yield from log.read(connection, after, min(READ_AT_ONCE, last - after), log.NO_SHELF)


def _key_of(entry: Entry) -> tuple[int, int]:
    """A row of `archived_keys`."""
    return hash_of(entry.kind, entry.key), entry.seq


def _known(connection: Connection, hashes: Iterable[int]) -> set[tuple[int, int]]:
    """Those rows of `archived_keys` that have some hashes."""
    wanted, out = sorted(hashes), set[tuple[int, int]]()
    for place in range(0, len(wanted), ASKED):
        # Every event asks this; written out, numbers take half the time of as many parameters.
        among = ",".join(map(str, wanted[place : place + ASKED]))
        found = run(connection, f"SELECT hash, seq FROM archived_keys WHERE hash IN ({among})")
        out |= {(row[0], row[1]) for row in found}
    return out


def _archive_of(connection: Connection, seq: int) -> Archive | None:
    """The archive that holds a row; None where none does."""
    query = select(log_archives).where(log_archives.c.first <= seq).order_by(log_archives.c.first.desc())
    found = connection.execute(query.limit(1)).first()
    return Archive(*found) if found is not None and found.last >= seq else None


def _times(entries: Sequence[Entry]) -> tuple[int | None, int | None]:
    begin = next((said for entry in entries if (said := said_ms(entry)) is not None), None)
    end = next((said for entry in reversed(entries) if (said := said_ms(entry)) is not None), None)
    return begin, end


def _first(connection: Connection) -> int | None:
    """The first row of the table. DamageError: rows between it and the archives are gone."""
    first = connection.execute(select(func.min(log_rows.c.seq))).scalar()
    last = connection.execute(select(func.max(log_archives.c.last))).scalar() or 0
    if first is not None and first != last + 1:
        raise DamageError(log.lost(last + 1))
    return first


def _passed(connection: Connection) -> int:
    """How far all who follow the log have come."""
    known = {row.name: row.seq for row in connection.execute(select(checkpoints))}
    told = connection.execute(select(hooks.c.id).where(hooks.c.ended_ms.is_(None)).limit(1)).first()
    passed: int = min(known.get(name, 0) for name in FOLLOWERS if name != "outbox" or told is not None)
    return passed


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

"""The device book: the last that each device said, as rows of the table `device_states`.

Theory of operation. A row holds one device: `body` is its state as JSON, `changed` a number that grows with
each change that can be seen, so that others follow by asking for what is above the number they know. Numbers
are given inside the one transaction that may write, so nobody is shown a lower one later. The column that the
schema calls `due_ms` holds when a device must be looked at next, in the time of the feed: a sweep reads
only the rows that are due, however many there are.

The row whose device is the empty text is the feed's own. Its `changed` is the highest number given, its body
what the feed is known by: its clock, and the events that are decided and not yet told. Because it changes in
the same transaction as the states, an event can neither be lost nor be decided twice.

These transactions are those of the log (`Database.logging`): short ones among short ones. An edition that is
being written does not hold them up.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from sqlalchemy import delete, func, insert, select, update

from gridmap.store.database import insert_many
from gridmap.store.log import ASKED
from gridmap.store.schema import device_states, devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from gridmap.store.database import Database

NEVER: Final = 2**62
"""When a device is due that nothing is expected of."""

FEED: Final = ""
"""The device of the feed's own row; no device has an empty code."""

_due = device_states.c.due_ms

Done = TypeVar("Done")


class Known(NamedTuple):
    """A device as the register has it: its kind, its place as a lattice point, its building."""

    code: str
    kind: str
    x: int
    y: int
    building: str | None


class StateRow(NamedTuple):
    """What is kept of one device."""

    device: str
    changed: int
    due: int
    body: str


class Standing(NamedTuple):
    """A device as the register has it, with its state; None where nothing was ever heard of it."""

    code: str
    kind: str
    x: int
    y: int
    body: str | None


class DeviceTable:
    """The states inside one transaction that is alone in writing them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        query = select(device_states.c.changed, device_states.c.body).where(device_states.c.device == FEED)
        row = connection.execute(query).one_or_none()
        self.changed: int = 0 if row is None else row.changed
        """The highest number that a change has."""
        self.feed: str | None = None if row is None else row.body
        """What is kept of the feed, None before the first time."""

    def states(self, codes: Iterable[str]) -> dict[str, StateRow]:
        """The rows of some devices, by code."""
        rows = _found(self._connection, codes, device_states.c.device, *_STATE)
        return {row[0]: StateRow(*row) for row in rows}

    def known(self, codes: Iterable[str]) -> dict[str, Known]:
        """Those of some devices that the register has, by code."""
        rows = _found(self._connection, codes, devices.c.code, *_KNOWN)
        return {row[0]: Known(*row) for row in rows}

    def due(self, moment: int, limit: int) -> list[StateRow]:
        """At most so many devices that are due by a moment, the longest due first."""
        query = select(*_STATE).where(moment >= _due).order_by(_due).limit(limit)
        return [StateRow(*row) for row in self._connection.execute(query)]

    def put(self, rows: Iterable[StateRow]) -> None:
        """Store states as they are now."""
        changed = list(rows)
        self.drop(row.device for row in changed)
        insert_many(self._connection, device_states, ("device", "changed", "due_ms", "body"), changed)

    def drop(self, codes: Iterable[str]) -> None:
        """Forget some devices."""
        for some in _parts(codes):
            self._connection.execute(delete(device_states).where(device_states.c.device.in_(some)))

    def put_feed(self, changed: int, body: str) -> None:
        """Store what is kept of the feed, and the highest number given."""
        self._connection.execute(delete(device_states).where(device_states.c.device == FEED))
        values = {"device": FEED, "changed": changed, "due_ms": NEVER, "body": body}
        self._connection.execute(insert(device_states).values(values))

    def call_all(self) -> None:
        """Have every device due at 0, which is before any moment: what they are judged by has changed."""
        query = update(device_states).where(device_states.c.device != FEED).values(due_ms=0)
        self._connection.execute(query)

    def count_due(self, moment: int) -> int:
        """How many devices are due by a moment, but for those that are due at 0."""
        return _counted(self._connection, (moment >= _due) & (_due > 0))

    def count_expected(self) -> int:
        """Of how many devices something is expected: those that are heard, with few others."""
        return _counted(self._connection, _due < NEVER)


class DeviceBook:
    """Reads and writes the device states of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, work: Callable[[DeviceTable], Done]) -> Done:
        """Let somebody change states in one transaction; it is on disk when this returns."""
        with self._database.logging() as connection:
            return work(DeviceTable(connection))

    def look(self, work: Callable[[DeviceTable], Done]) -> Done:
        """Let somebody read states in one transaction."""
        with self._database.reading() as connection:
            return work(DeviceTable(connection))

    def changed_since(self, changed: int, limit: int) -> list[StateRow]:
        """At most so many states that changed after a number, in the order of their changes."""
        is_newer = (device_states.c.changed > changed) & (device_states.c.device != FEED)
        query = select(*_STATE).where(is_newer).order_by(device_states.c.changed).limit(limit)
        with self._database.reading() as connection:
            return [StateRow(*row) for row in connection.execute(query)]

    def standing(
        self, box: tuple[int, int, int, int], limit: int, kind: str | None = None, after: str = ""
    ) -> tuple[list[Standing], int]:
        """Devices in a box of lattice units with their states, by code, and the highest number of a change.

        The box is west, south, east, north, its border included; `after` leaves out codes up to that one.
        """
        west, south, east, north = box
        there = devices.c.x.between(west, east) & devices.c.y.between(south, north)
        if after:
            there &= devices.c.code > after
        if kind is not None:
            there &= devices.c.kind == kind
        query = _STANDING.where(there)
        with self._database.reading() as connection:
            # Asked for an order, SQLite goes through the whole register in that of the codes: twice as slow.
            rows = connection.execute(query.limit(limit + 1)).all()
            if len(rows) > limit:
                rows = connection.execute(query.order_by(devices.c.code).limit(limit)).all()
            changed = DeviceTable(connection).changed
        return [Standing(*row) for row in sorted(rows, key=itemgetter(0))], changed

    def changed(self) -> int:
        """The highest number that a change has."""
        return self.look(lambda table: table.changed)

    def standing_among(self, codes: Sequence[str]) -> list[Standing]:
        """Devices of some codes with their states."""
        with self._database.reading() as connection:
            parts = [connection.execute(_STANDING.where(devices.c.code.in_(some))) for some in _parts(codes)]
            return [Standing(*row) for rows in parts for row in rows]

    def standing_of(self, code: str) -> Standing | None:
        """A device with its state; None where the register has none of that code."""
        with self._database.reading() as connection:
            row = connection.execute(_STANDING.where(devices.c.code == code)).one_or_none()
        return None if row is None else Standing(*row)


_STATE: Final = (device_states.c.device, device_states.c.changed, _due, device_states.c.body)
_KNOWN: Final = (devices.c.code, devices.c.kind, devices.c.x, devices.c.y, devices.c.building)
_STANDING: Final = select(*_KNOWN[:4], device_states.c.body).select_from(
    devices.outerjoin(device_states, devices.c.code == device_states.c.device)
)


def _found(
    connection: Connection, codes: Iterable[str], key: ColumnElement[str], *columns: ColumnElement[Any]
) -> list[Any]:
    out: list[Any] = []
    for some in _parts(codes):
        out += connection.execute(select(*columns).where(key.in_(some))).all()
    return out


def _counted(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(device_states).where(condition)).scalar_one()


def _parts(codes: Iterable[str]) -> Iterable[Sequence[str]]:
    wanted = list(dict.fromkeys(codes))
    return (wanted[place : place + ASKED] for place in range(0, len(wanted), ASKED))

"""The desk: what a follower of the log has at hand inside its transaction.

What is open and which orders there are stands in tables beside the log, made of it row by row. They can be
made again from the log at any time; they are there so that a start is short however long the log is.
"""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from gridmap.model import StaffPost
from gridmap.store import log
from gridmap.store.database import put_many
from gridmap.store.driver import run, run_among
from gridmap.store.log import EVENT
from gridmap.store.schema import checkpoints, orders, situations, staff_posts
from gridmap.store.schema import log as rows_of_log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy import Connection, Select, Table

    from gridmap.store.log import Entry, Fact, Shelf


class Situation(NamedTuple):
    """What the events about one thing add up to; `seq` is the event that last changed it."""

    thing: str
    seq: int
    is_open: bool
    body: str


class OrderRow(NamedTuple):
    """A work order as its table keeps it: `body` is the whole order as JSON, the rest is for finding it."""

    id: str
    number: int
    thing: str
    is_live: bool
    state: str
    code: str | None
    person: str | None
    due_ms: int | None
    version: int
    body: str


class Desk:
    """Reads and writes inside one transaction that is alone in writing the log."""

    def __init__(self, connection: Connection, shelf: Shelf) -> None:
        self._connection = connection
        self._shelf = shelf

    def checkpoint(self, name: str) -> int:
        """How far a follower is: the number of the last row that it has seen."""
        found = run(self._connection, "SELECT seq FROM checkpoints WHERE name = ?", (name,))
        return found[0][0] if found else 0

    def remember(self, name: str, seq: int) -> None:
        """Set how far a follower is."""
        put_many(self._connection, checkpoints, [(name, seq, "")])

    def append(self, facts: Sequence[Fact]) -> None:
        """Write facts that are new into the log."""
        log.append(self._connection, facts)

    def read(self, after: int, limit: int) -> list[Entry]:
        """Rows of the log behind a number, in order."""
        return log.read(self._connection, after, limit, self._shelf)

    def find(self, kind: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Facts that stand in the log, by key."""
        return log.find(self._connection, kind, keys, self._shelf)

    def keys(self, kind: str, begins: str, limit: int) -> list[str]:
        """The keys of a kind that begin with a text, in the order of the log; the newest so many."""
        rows = rows_of_log.c
        key = rows.key if self._connection.dialect.name == "sqlite" else rows.key.collate("C")
        beyond = begins[:-1] + chr(ord(begins[-1]) + 1)
        query = select(rows.key).where(rows.kind == kind, key >= begins, key < beyond)
        return [*self._connection.scalars(query.order_by(rows.seq.desc()).limit(limit))][::-1]

    def was_done_since(self, seq: int) -> bool:
        """Whether anything but events stands in the log behind a number."""
        statement = "SELECT 1 FROM log WHERE seq > ? AND kind <> ? LIMIT 1"
        return bool(run(self._connection, statement, (seq, EVENT)))

    def situations(self, things: Iterable[str]) -> dict[str, Situation]:
        """The situations of some things, by thing."""
        found = self._rows(situations, "thing", things)
        return {thing: Situation(thing, seq, bool(is_open), body) for thing, seq, is_open, body in found}

    def open_situations(self, after: int, limit: int) -> list[Situation]:
        """What is open and was last changed behind a number of the log, in that order."""
        query = select(situations).where(situations.c.is_open, situations.c.seq > after)
        found = self._connection.execute(query.order_by(situations.c.seq).limit(limit))
        return [Situation(*row) for row in found]

    def changed_situations(self, after: int, limit: int) -> list[Situation]:
        """What was last changed behind a number of the log, open or not, in that order."""
        query = select(situations).where(situations.c.seq > after).order_by(situations.c.seq).limit(limit)
        return [Situation(*row) for row in self._connection.execute(query)]

    def put_situations(self, changed: Iterable[Situation]) -> None:
        """Store situations as they are now."""
        put_many(self._connection, situations, changed)

    def orders(self, ids: Iterable[str]) -> dict[str, OrderRow]:
        """Orders by their id."""
        return {row[0]: _order_row(row) for row in self._rows(orders, "id", ids)}

    def orders_about(self, things: Iterable[str], *, live: bool = True) -> dict[str, list[OrderRow]]:
        """Live orders about some things, the oldest first; all there ever were, where not only those live."""
        out: dict[str, list[OrderRow]] = {}
        for row in sorted(self._rows(orders, "thing", things), key=itemgetter(1)):
            order = _order_row(row)
            if order.is_live or not live:
                out.setdefault(order.thing, []).append(order)
        return out

    def find_orders(
        self,
        after: int,
        limit: int,
        *,
        live: bool = False,
        codes: Collection[str] | None = None,
        state: str | None = None,
        person: str | None = None,
    ) -> list[OrderRow]:
        """Orders behind a number, the oldest first: all, or those of some grids, a state, a person."""
        query = select(orders).order_by(orders.c.number)
        query = query.where(orders.c.is_live) if live else query
        query = query if state is None else query.where(orders.c.state == state)
        query = query if person is None else query.where(orders.c.person == person)
        if codes is None or len(codes) <= log.ASKED:
            query = query if codes is None else query.where(orders.c.code.in_(codes))
            return self._orders(query.where(orders.c.number > after).limit(limit))
        found: list[OrderRow] = []
        while rows := self._orders(query.where(orders.c.number > after).limit(log.ASKED)):
            found += [row for row in rows if row.code in codes]
            after = rows[-1].number
            if len(found) >= limit:
                break
        return found[:limit]

    def live_orders(self, after: int, limit: int) -> list[OrderRow]:
        """Live orders behind a number, the oldest first."""
        query = select(orders).where(orders.c.is_live, orders.c.number > after)
        return self._orders(query.order_by(orders.c.number).limit(limit))

    def due_orders(self, until_ms: int, limit: int) -> list[OrderRow]:
        """Orders with a clock of which something is to be said up to a moment (ms since 1970)."""
        query = select(orders).where(orders.c.due_ms <= until_ms)
        return self._orders(query.order_by(orders.c.due_ms, orders.c.number).limit(limit))

    def loads(self, persons: Iterable[str]) -> dict[str, int]:
        """How many live orders each of some persons has; who has none is left out."""
        statement = "SELECT person, count(*) FROM orders WHERE is_live AND person"
        return dict(self._among(statement, persons, "GROUP BY person"))

    def staff(self, grids: Iterable[str]) -> dict[str, list[StaffPost]]:
        """The rosters of some grids, each post sorted by code."""
        out: dict[str, list[StaffPost]] = {}
        for row in sorted(self._rows(staff_posts, "grid", grids)):
            post = StaffPost(*row)
            out.setdefault(post.grid, []).append(post)
        return out

    def put_orders(self, changed: Iterable[OrderRow]) -> None:
        """Store orders as they are now."""
        put_many(self._connection, orders, changed)

    def _orders(self, query: Select[Any]) -> list[OrderRow]:
        return [OrderRow(*row) for row in self._connection.execute(query)]

    def _rows(self, table: Table, key: str, wanted: Iterable[str]) -> list[tuple[Any, ...]]:
        return self._among(f"SELECT {_columns(table)} FROM {table.name} WHERE {key}", wanted)

    def _among(self, begin: str, wanted: Iterable[str], end: str = "") -> list[tuple[Any, ...]]:
        keys = list(dict.fromkeys(wanted))
        out: list[tuple[Any, ...]] = []
        for place in range(0, len(keys), log.ASKED):
            out += run_among(self._connection, begin, keys[place : place + log.ASKED], end=end)
        return out


class Draft(Desk):
    """A desk of one moment that is past when anything is written: what is to be written is kept until then.

    What was put there is not read back.
    """

    def __init__(self, connection: Connection, shelf: Shelf) -> None:
        super().__init__(connection, shelf)
        self._last = log.head(connection)
        self._read: dict[str, int] = {}
        self._writes: list[Callable[[Desk], None]] = []

    def checkpoint(self, name: str) -> int:
        """How far a follower is; it may not move before all this is written."""
        self._read[name] = super().checkpoint(name)
        return self._read[name]

    def remember(self, name: str, seq: int) -> None:
        """Set how far a follower is."""
        self._writes.append(lambda desk: desk.remember(name, seq))

    def append(self, facts: Sequence[Fact]) -> None:
        """Write facts that are new into the log."""
        self._writes.append(lambda desk: desk.append(facts))

    def put_situations(self, changed: Iterable[Situation]) -> None:
        """Store situations as they are now."""
        found = list(changed)
        self._writes.append(lambda desk: desk.put_situations(found))

    def put_orders(self, changed: Iterable[OrderRow]) -> None:
        """Store orders as they are now."""
        found = list(changed)
        self._writes.append(lambda desk: desk.put_orders(found))

    def write(self, desk: Desk) -> bool:
        """Write everything, unless it might be other by now; False, and nothing done, where it might.

        Events may have come, nothing else may have happened: what was done to orders stands in the log.
        """
        if desk.was_done_since(self._last) or any(
            desk.checkpoint(name) != seq for name, seq in self._read.items()
        ):
            return False
        for write in self._writes:
            write(desk)
        return True


@cache
def _columns(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _order_row(row: tuple[Any, ...]) -> OrderRow:
    order = OrderRow(*row)
    return order._replace(is_live=bool(order.is_live))  # SQLite has no truth, only numbers

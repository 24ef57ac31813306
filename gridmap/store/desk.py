"""The desk: what a follower of the log has at hand inside its transaction.

What is open and which orders there are stands in tables beside the log, made of it row by row. They can be
made again from the log at any time; they are there so that a start is short however long the log is.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, select

from gridmap.store import log
from gridmap.store.database import insert_many
from gridmap.store.schema import checkpoints, orders, situations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table

    from gridmap.store.log import Entry, Fact


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
    due_ms: int | None
    version: int
    body: str


class Desk:
    """Reads and writes inside one transaction that is alone in writing the log."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def checkpoint(self, name: str) -> int:
        """How far a follower is: the number of the last row that it has seen."""
        query = select(checkpoints.c.seq).where(checkpoints.c.name == name)
        return self._connection.execute(query).scalar() or 0

    def remember(self, name: str, seq: int) -> None:
        """Set how far a follower is."""
        self._replace(checkpoints, "name", [(name, seq, "")])

    def append(self, facts: Sequence[Fact]) -> int:
        """Write facts that are new into the log; return the number of the last."""
        return log.append(self._connection, facts)

    def find(self, kind: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Facts that stand in the log, by key."""
        return log.find(self._connection, kind, keys)

    def situations(self, things: Iterable[str]) -> dict[str, Situation]:
        """The situations of some things, by thing."""
        found = self._rows(situations, "thing", things)
        return {row[0]: Situation(*row) for row in found}

    def put_situations(self, changed: Iterable[Situation]) -> None:
        """Store situations as they are now."""
        self._replace(situations, "thing", changed)

    def orders(self, ids: Iterable[str]) -> dict[str, OrderRow]:
        """Orders by their id."""
        return {row[0]: OrderRow(*row) for row in self._rows(orders, "id", ids)}

    def orders_about(self, things: Iterable[str]) -> dict[str, list[OrderRow]]:
        """Live orders about some things, the oldest first."""
        out: dict[str, list[OrderRow]] = {}
        for row in sorted(self._rows(orders, "thing", things), key=itemgetter(1)):
            order = OrderRow(*row)
            if order.is_live:
                out.setdefault(order.thing, []).append(order)
        return out

    def live_orders(self, due_before_ms: int | None = None) -> list[OrderRow]:
        """All live orders, or those that are due up to a moment (ms since 1970); the oldest first."""
        query = select(orders).where(orders.c.is_live).order_by(orders.c.number)
        if due_before_ms is not None:
            query = query.where(orders.c.due_ms <= due_before_ms)
        return [OrderRow(*row) for row in self._connection.execute(query)]

    def put_orders(self, changed: Iterable[OrderRow]) -> None:
        """Store orders as they are now."""
        self._replace(orders, "id", changed)

    def _rows(self, table: Table, key: str, wanted: Iterable[str]) -> list[Any]:
        keys = list(dict.fromkeys(wanted))
        out: list[Any] = []
        for place in range(0, len(keys), log.ASKED):
            query = select(table).where(table.c[key].in_(keys[place : place + log.ASKED]))
            out += self._connection.execute(query).all()
        return out

    def _replace(self, table: Table, key: str, rows: Iterable[tuple[object, ...]]) -> None:
        changed = list(rows)
        keys = [str(row[0]) for row in changed]
        for place in range(0, len(keys), log.ASKED):
            self._connection.execute(delete(table).where(table.c[key].in_(keys[place : place + log.ASKED])))
        insert_many(self._connection, table, [column.name for column in table.columns], changed)

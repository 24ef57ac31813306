"""The outbook: who wants to be told of what in the log, and what is still to be told.

A hook is an address with the kinds of rows that it wants. Each row of the log that a hook wants becomes one
delivery, written in the transaction that takes the row, so none is forgotten and none is there twice. A
delivery that was made is removed; one that cannot be made stays as a dead letter until somebody replays it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from gridmap.store import log
from gridmap.store.database import insert_many
from gridmap.store.desk import Desk
from gridmap.store.schema import deliveries, hooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from gridmap.store.database import Database
    from gridmap.store.log import Entry, Shelf

FOLLOWER: Final = "outbox"
"""The checkpoint of what was looked at for hooks."""

WAITS: Final = "waits"
DEAD: Final = "dead"


class Hook(NamedTuple):
    """Who wants to be told: `kinds` of rows (none: of all) behind number `since`."""

    id: str
    address: str
    secret: str
    kinds: tuple[str, ...]
    since: int
    ended_ms: int | None

    def wants(self, entry: Entry) -> bool:
        """Whether it is to be told of a row."""
        return entry.seq > self.since and (not self.kinds or entry.kind in self.kinds)


class Delivery(NamedTuple):
    """One row of the log for one hook; `tries` were made in vain, the last for this `problem`."""

    hook: str
    seq: int
    state: str
    tries: int
    next_ms: int
    problem: str | None


class OutBook:
    """Reads and writes hooks and their deliveries. Threads may share it."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf

    def hooks(self, *, ended: bool = False) -> list[Hook]:
        """The hooks that are live, or all; by id."""
        query = select(hooks).order_by(hooks.c.id)
        query = query if ended else query.where(hooks.c.ended_ms.is_(None))
        with self._database.reading() as connection:
            return [_hook(row) for row in connection.execute(query)]

    def add(self, hook: Hook) -> None:
        """Store a hook."""
        with self._database.logging() as connection:
            if not _any_live(connection):  # what came before the first hook concerns none
                Desk(connection, self._shelf).remember(FOLLOWER, log.head(connection))
            row = hook._replace(kinds=json.dumps(hook.kinds))._asdict()  # type: ignore[arg-type] # as stored
            connection.execute(insert(hooks).values(row))

    def end(self, id_: str, now_ms: int) -> bool:
        """Tell a hook no more; whether there was a live one. What waited for it is dead."""
        with self._database.writing() as connection:
            live = hooks.c.ended_ms.is_(None) & (hooks.c.id == id_)
            found = connection.execute(update(hooks).where(live).values(ended_ms=now_ms)).rowcount > 0
            waiting = (deliveries.c.hook == id_) & (deliveries.c.state == WAITS)
            connection.execute(update(deliveries).where(waiting).values(state=DEAD, problem="hook ended"))
            return found

    def gather(self, limit: int, now_ms: int) -> int:
        """Make deliveries of the next rows of the log; how many rows there were."""
        with self._database.reading() as connection:
            desk = Desk(connection, self._shelf)
            if not _any_live(connection) or log.head(connection) <= desk.checkpoint(FOLLOWER):
                return 0
        with self._database.logging() as connection:
            desk = Desk(connection, self._shelf)
            entries = desk.read(desk.checkpoint(FOLLOWER), limit)
            if not entries:
                return 0
            live = [_hook(row) for row in connection.execute(_LIVE)]
            _put(
                connection,
                [(hook.id, each.seq) for each in entries for hook in live if hook.wants(each)],
                now_ms,
            )
            desk.remember(FOLLOWER, entries[-1].seq)
            return len(entries)

    def claim(self, hook: str, now_ms: int, until_ms: int, limit: int) -> list[tuple[Delivery, Entry]]:
        """Take deliveries that are due, in the log's order; nobody else gets them until a moment."""
        due = (deliveries.c.hook == hook) & (deliveries.c.state == WAITS) & (deliveries.c.next_ms <= now_ms)
        query = select(deliveries).where(due).order_by(deliveries.c.seq).limit(limit)
        with self._database.reading() as connection:
            if not connection.execute(query.limit(1)).all():
                return []
        with self._database.writing() as connection:
            found = [Delivery(*row) for row in connection.execute(query)]
            mine = (deliveries.c.hook == hook) & deliveries.c.seq.in_([each.seq for each in found])
            connection.execute(update(deliveries).where(mine).values(next_ms=until_ms))
            return [(each, log.read(connection, each.seq - 1, 1, self._shelf)[0]) for each in found]

    def done(self, delivery: Delivery) -> None:
        """A delivery was made."""
        with self._database.writing() as connection:
            connection.execute(delete(deliveries).where(_this(delivery)))

    def failed(self, delivery: Delivery, problem: str, next_ms: int | None) -> None:
        """A delivery could not be made: it waits until a moment, or is dead (None)."""
        values = {
            "tries": delivery.tries + 1,
            "problem": problem[:200],
            "state": WAITS if next_ms is not None else DEAD,
            "next_ms": next_ms or 0,
        }
        with self._database.writing() as connection:
            connection.execute(update(deliveries).where(_this(delivery)).values(values))

    def letters(self, hook: str, state: str, limit: int) -> list[Delivery]:
        """Deliveries of a hook that wait, or are dead, in the log's order."""
        query = select(deliveries).where(deliveries.c.hook == hook, deliveries.c.state == state)
        with self._database.reading() as connection:
            return [
                Delivery(*row) for row in connection.execute(query.order_by(deliveries.c.seq).limit(limit))
            ]

    def counts(self, hook: str) -> dict[str, int]:
        """How many deliveries of a hook there are in each state."""
        query = select(deliveries.c.state, func.count()).where(deliveries.c.hook == hook)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(deliveries.c.state))}

    def replay(self, hook: Hook, since: int | None, now_ms: int) -> int:
        """Have dead letters told anew, or all rows behind a number that the hook wants; how many."""
        with self._database.logging() as connection:
            if since is None:
                dead = (deliveries.c.hook == hook.id) & (deliveries.c.state == DEAD)
                again = update(deliveries).where(dead).values(state=WAITS, tries=0, next_ms=now_ms)
                return connection.execute(again).rowcount
            known = select(deliveries.c.seq).where(deliveries.c.hook == hook.id)
            there = set(connection.scalars(known))
            wanted = hook._replace(since=since)
            count, after, last = 0, since, Desk(connection, self._shelf).checkpoint(FOLLOWER)
            while entries := log.read(connection, after, log.ASKED, self._shelf):
                after = entries[-1].seq
                fresh = [each.seq for each in entries if each.seq <= last and wanted.wants(each)]
                rows = [(hook.id, seq) for seq in fresh if seq not in there]
                _put(connection, rows, now_ms)
                count += len(rows)
            return count


def _put(connection: Connection, rows: Sequence[tuple[str, int]], now_ms: int) -> None:
    names = ("hook", "seq", "state", "tries", "next_ms")
    insert_many(connection, deliveries, names, [(hook, seq, WAITS, 0, now_ms) for hook, seq in rows])


_LIVE: Final = select(hooks).where(hooks.c.ended_ms.is_(None))


def _hook(row: Row[Any]) -> Hook:
    return Hook(row.id, row.address, row.secret, tuple(json.loads(row.kinds)), row.since, row.ended_ms)


def _any_live(connection: Connection) -> bool:
    return (
        connection.execute(select(hooks.c.id).where(hooks.c.ended_ms.is_(None)).limit(1)).first() is not None
    )


def _this(delivery: Delivery) -> ColumnElement[bool]:
    return (deliveries.c.hook == delivery.hook) & (deliveries.c.seq == delivery.seq)

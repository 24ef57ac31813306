"""The logbook: how others write and read the log, each time in one transaction of its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sqlalchemy import delete, insert, select

from gridmap.errors import DamageError
from gridmap.store import log
from gridmap.store.database import insert_many
from gridmap.store.desk import Desk, Draft
from gridmap.store.schema import personal, secrets_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gridmap.store.database import Database
    from gridmap.store.log import Entry, Fact, Shelf

SECRET_BYTES = 32

Result = TypeVar("Result")


class Written(NamedTuple):
    """What became of a fact: its number, and, where it was there before, what stands there."""

    seq: int
    before: str | None


class LogBook:
    """Reads and writes the log of one database. Threads may share it."""

    def __init__(self, database: Database, shelf: Shelf = log.NO_SHELF) -> None:
        self._database = database
        self._shelf = shelf

    def add(self, facts: Sequence[Fact], people: Mapping[str, str] | None = None) -> list[Written]:
        """Write those facts that are not there yet; say of each which number it has. All are of one kind.

        They are on disk when this returns. Of a key that comes twice the first is written. `people` holds, by
        key, what is kept apart of a fact that is new.
        """
        kind = facts[0].kind if facts else log.EVENT
        with self._database.logging() as connection:
            known = log.find(connection, kind, [fact.key for fact in facts], self._shelf)
            fresh: dict[str, Fact] = {}
            for fact in facts:
                if fact.key not in known:
                    fresh.setdefault(fact.key, fact)
            numbers: dict[str, int] = {}
            if fresh:
                last = log.append(connection, list(fresh.values()))
                numbers = dict(zip(fresh, range(last - len(fresh) + 1, last + 1), strict=True))
            apart = [(key, said) for key, said in (people or {}).items() if key in fresh]
            if apart:
                insert_many(connection, personal, ("event", "body"), apart)
        out = []
        for fact in facts:
            entry = known.get(fact.key)
            if entry is not None:
                out.append(Written(entry.seq, entry.body))
            elif fresh[fact.key] is fact:
                out.append(Written(numbers[fact.key], None))
            else:
                out.append(Written(numbers[fact.key], fresh[fact.key].body))
        return out

    def head(self) -> int:
        """The number of the newest row, 0 of an empty log."""
        with self._database.reading() as connection:
            return log.head(connection)

    def read(self, after: int, limit: int) -> list[Entry]:
        """Return at most `limit` rows behind number `after`. DamageError: a row is not what was written."""
        with self._database.reading() as connection:
            return log.read(connection, after, limit, self._shelf)

    def find(self, kind: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Return those facts of a kind that are there, by key. DamageError as `read`."""
        with self._database.reading() as connection:
            return log.find(connection, kind, keys, self._shelf)

    def check_structure(self) -> None:
        """Test the structure of the database, indexes too. DamageError: what is wrong first."""
        self._database.verify()

    def verify(self, page: int = 20_000) -> Iterator[int]:
        """Read the whole log page by page, archives too; say after each how far it is sound.

        DamageError as `read`. A page is one transaction, so others may write meanwhile.
        """
        last, after = self.head(), 0
        while after < last and (entries := self.read(after, min(page, last - after))):
            after = entries[-1].seq
            yield after
        if after != last:
            raise DamageError(log.lost(after + 1))

    def personal(self, key: str) -> str | None:
        """Return what is kept apart of an event, None where nothing is, or nothing is any more."""
        with self._database.reading() as connection:
            return connection.execute(select(personal.c.body).where(personal.c.event == key)).scalar()

    def erase(self, key: str) -> bool:
        """Erase what is kept apart of an event for ever; say whether there was any."""
        with self._database.writing() as connection:
            return connection.execute(delete(personal).where(personal.c.event == key)).rowcount > 0

    def secret(self, name: str) -> bytes:
        """Return a key that this city made for itself; it is made when it is first asked for."""
        query = select(secrets_.c.value).where(secrets_.c.name == name)
        with self._database.reading() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            with self._database.writing() as connection:
                found = connection.execute(query).scalar()  # another process may have been faster
                if found is None:
                    found = secrets.token_hex(SECRET_BYTES)
                    connection.execute(insert(secrets_).values(name=name, value=found))
        return bytes.fromhex(found)

    def at_desk(self, work: Callable[[Desk], Result]) -> Result:
        """Do something at the desk, in one transaction that is alone in writing the log."""
        with self._database.logging() as connection:
            return work(Desk(connection, self._shelf))

    def looking(self, work: Callable[[Desk], Result]) -> Result:
        """Look something up at the desk, all of one moment; nothing can be written."""
        with self._database.reading() as connection:
            return work(Desk(connection, self._shelf))

    def advance(self, name: str, limit: int, step: Callable[[Sequence[Entry], Desk], int]) -> int:
        """Let a follower make something of the next rows, and remember how far it is, in one transaction.

        Whoever calls this, in however many processes: each row is handed out once for each name of a
        follower, in order. `step` reads and writes through the desk, and says how many of the rows it took;
        the others come again. Rows that it writes itself are not handed out to it where they come next: most
        of a follower's transactions would be about its own. Returns how many were taken.

        `step` works out what is to be written while others write (`Draft`); only when one of them did more
        than add events it is called a second time, in the transaction that writes.
        """
        with self._database.reading() as connection:  # here nobody waits for the follower
            draft = Draft(connection, self._shelf)
            known = draft.checkpoint(name)
            if not log.reaches_beyond(connection, known):
                return 0
            entries = log.read(connection, known, limit, self._shelf)
            taken = step(entries, draft)
        if not taken:
            return 0
        with self._database.logging() as connection:
            desk = Desk(connection, self._shelf)
            last = log.head(connection)
            if not draft.write(desk):  # more was done meanwhile than events that came
                entries = log.read(connection, desk.checkpoint(name), limit, self._shelf)
                taken = step(entries, desk) if entries else 0
            if taken:
                seq = entries[taken - 1].seq
                # Nobody else writes the log meanwhile: what stands behind the last row is the follower's own.
                desk.remember(name, log.head(connection) if seq == last else seq)
            return taken

"""The attachment book: photos of events, kept apart from the log so that they can be erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from gridmap.store import log
from gridmap.store.schema import attachments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.store.database import Database


class Attachment(NamedTuple):
    """A stored photo; of one that was erased the data are None. Times are ms since 1970."""

    id: str
    media_type: str
    size: int
    data: bytes | None
    stored_ms: int
    erased_ms: int | None = None


class AttachmentBook:
    """Reads and writes the photos of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, id_: str, media_type: str, data: bytes, stored_ms: int) -> None:
        """Store a photo under an id that no other has. It is on disk when this returns."""
        row = Attachment(id_, media_type, len(data), data, stored_ms)
        with self._database.writing() as connection:
            connection.execute(insert(attachments).values(row._asdict()))

    def get(self, id_: str) -> Attachment | None:
        """Return a photo, None where there never was one of this id."""
        with self._database.reading() as connection:
            found = connection.execute(select(attachments).where(attachments.c.id == id_)).first()
        return None if found is None else Attachment(*found)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return those ids under which there is a photo, or was one before it was erased."""
        out: set[str] = set()
        with self._database.reading() as connection:
            for place in range(0, len(ids), log.ASKED):
                asked = attachments.c.id.in_(ids[place : place + log.ASKED])
                out |= set(connection.scalars(select(attachments.c.id).where(asked)))
        return out

    def erase(self, ids: Sequence[str], erased_ms: int) -> list[str]:
        """Erase the data of photos for ever; return the ids of those that had any, in the given order."""
        gone = []
        with self._database.writing() as connection:
            for id_ in dict.fromkeys(ids):
                there = (attachments.c.id == id_) & attachments.c.data.is_not(None)
                done = update(attachments).where(there).values(data=None, erased_ms=erased_ms)
                if connection.execute(done).rowcount:
                    gone.append(id_)
        return gone

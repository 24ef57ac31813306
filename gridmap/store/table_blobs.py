"""Blobs in the database itself: whoever can ask the database has all of the city, from any machine.

A blob is a row in `blobs` and its bytes in pieces of one megabyte in `blob_chunks`: ordinary tables, so that
dumps, replicas and rights include them. PostgreSQL's large objects were refused: dumps can leave them out,
and what nobody names any more must be swept with another tool.

A reader that maps a file gets one from the cache, a folder of blobs that is filled from the database, checked
whenever it is used, and may be emptied at any time.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from gridmap.errors import DamageError, NotFoundError
from gridmap.store.blobs import CHUNK, KEY, open_source
from gridmap.store.schema import blob_chunks, blobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gridmap.store.blobs import BlobWriter, FolderBlobs
    from gridmap.store.database import Database


class TableBlobs:
    """Blobs in two tables of a database, with a folder for those that are mapped as files."""

    def __init__(self, database: Database, cache: FolderBlobs) -> None:
        self._database = database
        self._cache = cache

    def put(self, data: bytes | memoryview) -> str:
        """Store bytes durably and return their key."""
        whole = memoryview(data).cast("B")
        key = hashlib.sha256(whole).hexdigest()
        pieces = (bytes(whole[start : start + CHUNK]) for start in range(0, len(whole), CHUNK))
        self._insert(key, len(whole), pieces)
        return key

    def put_file(self, path: Path) -> str:
        """Store a file's bytes durably, a piece at a time, and return their key.

        InputError: the file cannot be read.
        """
        with open_source(path) as source:
            key = hashlib.file_digest(source, "sha256").hexdigest()
            size = source.tell()
            source.seek(0)
            self._insert(key, size, iter(lambda: source.read(CHUNK), b""))
        return key

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """Store what is written inside the `with` block; an exception inside it stores nothing.

        It is written into the cache first: its key, which its rows need, is known at the end.
        """
        with self._cache.writer() as sink:
            yield sink
        self.put_file(self._cache.path(sink.key))

    def get(self, key: str) -> bytes:
        """Return the bytes of a blob, read once and compared with its key."""
        return b"".join(self._checked_pieces(key))

    def path(self, key: str) -> Path:
        """Return a file of the cache that holds a blob, fetched when it is not there or not whole."""
        with suppress(NotFoundError, DamageError):
            return self._cache.path(key)
        with self._cache.writer() as sink:
            for piece in self._checked_pieces(key):
                sink.write(piece)
        return self._cache.path(key)

    def check(self, key: str) -> None:
        """Read a blob in the database and compare it with its key."""
        for _piece in self._checked_pieces(key):
            pass

    def _insert(self, key: str, size: int, pieces: Iterator[bytes]) -> None:
        """Store a blob; one that is there is replaced: by the same bytes, or, if it is damaged, by good ones.

        Alone, as every writer (20 MB take 0.1 s): two who replaced one blob at once would block each other.
        """
        with self._database.writing() as connection:
            for table in (blob_chunks, blobs):
                connection.execute(delete(table).where(table.c.key == key))
            connection.execute(insert(blobs).values(key=key, size=size))
            for place, piece in enumerate(pieces):
                connection.execute(insert(blob_chunks).values(key=key, place=place, data=piece))

    def _checked_pieces(self, key: str) -> Iterator[bytes]:
        """Give the pieces of a blob; after the last one it is known whether they are what was stored."""
        size = self._size(key)
        found = hashlib.sha256()
        for place in range(-(-size // CHUNK)):
            piece = self._piece(key, place)
            found.update(piece)
            yield piece
        if found.hexdigest() != key:
            raise DamageError(
                f"{self._database.name}: blob {key} is damaged, its bytes have the SHA-256 "
                f"{found.hexdigest()[:12]}...: restore the table blob_chunks from a backup"
            )

    def _size(self, key: str) -> int:
        query = select(blobs.c.size).where(blobs.c.key == key)
        size: int | None = None
        if KEY.fullmatch(key):
            with self._database.reading() as connection:
                size = connection.execute(query).scalar_one_or_none()
        if size is None:
            raise NotFoundError(
                f"{self._database.name}: blob {key} is not here; restore the table blobs from a backup, or, "
                "if this store keeps its blobs in a folder, name that folder"
            )
        return size

    def _piece(self, key: str, place: int) -> bytes:
        query = select(blob_chunks.c.data).where(blob_chunks.c.key == key, blob_chunks.c.place == place)
        with self._database.reading() as connection:
            found: bytes | None = connection.execute(query).scalar_one_or_none()
        return found or b""

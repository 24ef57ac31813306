"""The one door for large immutable bytes: canonical areas of editions, columnar files.

A blob's key is the SHA-256 of its bytes, so a blob never changes, storing it twice is storing it once, and
whoever reads it can tell whether it is still what was stored. `FolderBlobs` keeps them as files
`ab/abcdef...` below one folder; `gridmap.store.table_blobs` keeps them in the database.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from gridmap.durable import make_folder, part_file, settle
from gridmap.errors import DamageError, HomeError, InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

CHUNK: Final = 1 << 20
"""Bytes copied at a time: large enough for the disk, small enough for the memory."""

KEY: Final = re.compile(r"[0-9a-f]{64}")
"""The shape of a key; anything else is none."""


class BlobWriter:
    """Takes bytes piece by piece, as a file does; `key` is final when the `with` block has ended."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self.closed = False

    @property
    def key(self) -> str:
        """The SHA-256 of what was written, in hexadecimal."""
        return self._sum.hexdigest()

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes (or anything with a buffer)."""
        self._sum.update(data)
        with _told(Path(self._file.name)):
            return self._file.write(data)

    def tell(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is promised before the block ends; libraries that write files call this."""

    def close(self) -> None:
        """End the writing; what is written after this is an error of the caller."""
        self.closed = True


class BlobStore(Protocol):
    """Where large immutable bytes are kept, by the SHA-256 of what they are."""

    def put(self, data: bytes | memoryview) -> str:
        """Store bytes durably and return their key."""

    def put_file(self, path: Path) -> str:
        """Store a file's bytes durably, without holding them in memory, and return their key."""

    def writer(self) -> AbstractContextManager[BlobWriter]:
        """Store what is written inside the `with` block; the blob exists, durably, when the block ends."""

    def get(self, key: str) -> bytes:
        """Return the bytes of a blob.

        NotFoundError: no such blob; DamageError: not the bytes that were stored.
        """

    def path(self, key: str) -> Path:
        """Return a file that holds a blob, checked, for readers that map it. Errors as `get`."""

    def check(self, key: str) -> None:
        """Read a blob where it is kept, not from a copy, and compare it with its key. Errors as `get`."""


class FolderBlobs:
    """Blobs as files below one folder, which may be moved or copied as it is."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes | memoryview) -> str:
        """Store bytes durably and return their key."""
        with self.writer() as sink:
            sink.write(data)
        return sink.key

    def put_file(self, path: Path) -> str:
        """Store a file's bytes durably, a piece at a time, and return their key.

        InputError: the file cannot be read.
        """
        with open_source(path) as source, self.writer() as sink:
            while piece := source.read(CHUNK):
                sink.write(piece)
        return sink.key

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """Store what is written inside the `with` block; an exception inside it stores nothing.

        HomeError: the disk is full, or the folder may not be written.
        """
        with ExitStack() as stack:
            with _told(self.root):
                make_folder(self.root)
                file, part = stack.enter_context(part_file(self.root))
            sink = BlobWriter(file)
            yield sink
            sink.close()
            target = self._target(sink.key)
            with _told(target):
                make_folder(target.parent)
                # One that is there is replaced: by the same bytes, or, if it is damaged, by good ones.
                settle(file, part, target)

    def get(self, key: str) -> bytes:
        """Return the bytes of a blob, read once and compared with its key."""
        path = self._existing(key)
        data = path.read_bytes()
        _compare(path, key, hashlib.sha256(data).hexdigest())
        return data

    def path(self, key: str) -> Path:
        """Return the file of a blob after reading it once (about 1.6 GB/s) and comparing it with its key."""
        path = self._existing(key)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        _compare(path, key, found)
        return path

    def check(self, key: str) -> None:
        """Read a blob and compare it with its key."""
        self.path(key)

    def holds_any(self) -> bool:
        """Whether at least one blob was ever stored here."""
        return any(self.root.glob("[0-9a-f][0-9a-f]/*"))

    def _target(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _existing(self, key: str) -> Path:
        # The shape is tested first: a key from outside must not become a path of the caller's choice.
        path = self._target(key)
        if not KEY.fullmatch(key) or not path.is_file():
            raise NotFoundError(
                f"{path}: this blob is not here; restore the file from a backup of the folder"
            )
        return path


def open_source(path: Path) -> BufferedReader:
    """Open a file that is to be stored. InputError: it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError("file", f"{path} cannot be read ({error.strerror}): give a readable file") from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Put in words that a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise HomeError(
            f"{path}: cannot be written ({error.strerror}), nothing was stored: "
            "make room on the disk, or look at the rights of the folder, and try again"
        ) from error


def _compare(path: Path, key: str, found: str) -> None:
    if found != key:
        raise DamageError(
            f"{path}: damaged, its bytes have the SHA-256 {found[:12]}... where {key[:12]}... was stored; "
            "restore this file from a backup of the folder (any copy of it with the same name will do)"
        )

"""A folder of tiles that outlives the process: what was dear to make is not made again after a restart.

A file is named by what it holds, `{token}/{layers}/{scheme}/{z}/{x}/{y}.{coding}.tile`, and because the token
names every input of the tile, no file ever has to be replaced: any number of processes may share a folder,
and it may be emptied at any time. A file begins with a magic word and the digest of what follows. It is
written under another name and renamed, without waiting for the disk (that would cost more than the tile):
a file that a power cut left short is told by its digest, taken away, and made anew.

The folder stays below its limit: when it is passed, the files that were not read for the longest go, until
four fifths are left. Files that are not named like ours are never touched. A folder that cannot be written,
or is full, makes the service no worse than having none; the log says it once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG: Final = logging.getLogger(__name__)

MAGIC: Final = b"gridmap tile 1\n"
DIGEST_BYTES: Final = 16
SUFFIX: Final = ".tile"

LEFT: Final = 0.8
"""What is left of the limit after clearing, so that not every new file clears."""

TOUCHED_S: Final = 3600
"""A file's time says when it was last read, to this many seconds: one write an hour instead of one a read."""

_PART: Final = re.compile(r"\.part-[0-9a-f]{16}")
_NAME: Final = re.compile(r"-?[0-9]+\.[a-z]+\.tile")

_STALE_S: Final = 24 * 3600
"""A part file that is older has lost its writer."""


class TileFolder:
    """Keeps encoded tiles by name; threads and processes may share it."""

    def __init__(self, root: Path, limit: int) -> None:
        """Use a folder, which is made when it is not there, for at most `limit` bytes of tiles."""
        self._root = root
        self._limit = limit
        self._lock = Lock()
        self._held: int | None = None
        """Bytes of tiles there, as far as this process knows; None before it has looked."""
        self._told = False

    def get(self, name: str) -> bytes | None:
        """The bytes kept under a name, None where there are none that are whole."""
        path = self._path(name)
        try:
            found = path.read_bytes()
            if time.time() - path.stat().st_mtime > TOUCHED_S:
                os.utime(path)
        except OSError:
            return None
        begin = len(MAGIC) + DIGEST_BYTES
        body = found[begin:]
        if found[:begin] == MAGIC + _digest(body):
            return body
        LOG.warning("%s is damaged; it is made anew", path)
        with suppress(OSError):
            path.unlink()
        return None

    def put(self, name: str, body: bytes) -> None:
        """Keep bytes under a name, a path of relative parts."""
        whole = MAGIC + _digest(body) + body
        try:
            try:
                self._write(self._path(name), whole)
            except FileNotFoundError:  # somebody cleared the empty folder at this very moment
                self._write(self._path(name), whole)
            self._count(len(whole))
        except OSError as error:
            if not self._told:
                self._told = True
                LOG.warning("%s: tiles cannot be kept there (%s)", self._root, error)

    def _write(self, path: Path, whole: bytes) -> None:
        part = path.with_name(f".part-{secrets.token_hex(8)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(whole)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _path(self, name: str) -> Path:
        return self._root / f"{name}{SUFFIX}"

    def _count(self, size: int) -> None:
        """Count a new file in, and clear the folder when it holds too much."""
        with self._lock:
            if self._held is None:
                self._held = sum(each for _, each, _ in self._files())  # the new one is among them
            else:
                self._held += size
            if self._held > self._limit:
                self._held = self._clear()

    def _clear(self) -> int:
        """Remove the files that were not read for the longest; gives what is left."""
        files = sorted(self._files(), reverse=True)
        held = sum(size for _, size, _ in files)
        while files and held > self._limit * LEFT:
            _, size, path = files.pop()
            with suppress(OSError):
                path.unlink()
                held -= size
        for folder, _, _ in os.walk(self._root, topdown=False):
            if Path(folder) != self._root:
                with suppress(OSError):  # not empty, most of them
                    Path(folder).rmdir()
        return held

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Every tile: when it was last read, its size, its path. Part files without a writer go."""
        now = time.time()
        for folder, _, names in os.walk(self._root):
            for name in names:
                ours, part = _NAME.fullmatch(name), _PART.fullmatch(name)
                if not (ours or part):
                    continue
                path = Path(folder) / name
                with suppress(OSError):
                    stat = path.stat()
                    if ours:
                        yield stat.st_mtime, stat.st_size, path
                    elif now - stat.st_mtime > _STALE_S:
                        path.unlink()


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()

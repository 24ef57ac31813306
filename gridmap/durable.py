"""Files that are whole or absent, also after a power cut.

A file is written under a temporary name in its own folder, flushed, synced, renamed, and the folder is
synced: the rename is atomic, and without the last step it may be forgotten. A kill leaves at most a part file
(its name begins with PART), which nobody reads and the next writer of that folder sweeps away once it is a
day old.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PART: Final = ".part-"
"""How the name of an unfinished file begins."""

STALE_S: Final = 24 * 3600
"""No writer works on one file for a day; an older part file has lost its owner."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create a folder (and those above it) durably; an existing one is left as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


@contextmanager
def part_file(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a part file in a folder; it is removed at the end unless `settle` gave it its name."""
    sweep(folder)
    path = folder / f"{PART}{secrets.token_hex(8)}"
    file = path.open("xb")
    try:
        yield file, path
    finally:
        # What counts was synced by `settle`; on a full disk closing fails again and would hide the reason.
        with suppress(OSError):
            file.close()
        with suppress(FileNotFoundError):
            path.unlink()


def settle(file: BinaryIO, part: Path, target: Path) -> None:
    """Sync a part file and give it its name, in place of what had the name before."""
    file.flush()
    os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


def write_file(target: Path, data: bytes) -> None:
    """Write a small file durably: readers see the old bytes or the new, never a mixture."""
    with part_file(target.parent) as (file, part):
        file.write(data)
        settle(file, part, target)


def sweep(folder: Path) -> None:
    """Remove the part files that killed writers left in a folder long ago."""
    limit = time.time() - STALE_S
    for path in folder.glob(f"{PART}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < limit:
                path.unlink()


def keep_newest(folder: Path, prefix: str, count: int) -> None:
    """Remove all files of a prefix but the newest; whoever has one mapped goes on with it."""
    dated = []
    for path in folder.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):  # another process removes them too
            dated.append((path.stat().st_mtime, path))
    for _, old in sorted(dated)[:-count]:
        old.unlink(missing_ok=True)

"""A home: one folder that holds one city. It may be moved and copied; nothing inside knows where it is.

    gridmap-home.json   says that this is a home, and of which format
    gridmap.sqlite      the database (with -wal and -shm beside it while it is in use)
    blobs/              large immutable files, named by their SHA-256
    cache/              what can be made again from the rest

The marker is written first: a home whose making was killed is an empty home, and making it again goes on
where it stopped. Other files in the folder are left alone. Copying a home that is being written may catch a
half-written state: copy it while nobody publishes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gridmap.durable import PART, make_folder, write_file
from gridmap.errors import DamageError, HomeError
from gridmap.store.blobs import FolderBlobs
from gridmap.store.sqlite import sqlite_url
from gridmap.store.store import Store, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MARKER: Final = "gridmap-home.json"
MAGIC: Final = "gridmap home"
FORMAT: Final = 1
"""The format of the folder; the tables inside have their own steps."""


@dataclass(frozen=True, slots=True)
class Home:
    """One folder that holds one city; `read_only` when this user may not write in it."""

    root: Path
    read_only: bool = False

    @classmethod
    def create(cls, folder: Path | str) -> Self:
        """Make a home in a new or empty folder; one that is a home already is opened.

        HomeError: the folder holds something else, or cannot be made; else as `open`.
        """
        root = Path(folder).absolute()
        if not (root / MARKER).is_file():
            _refuse_strangers(root)
            try:
                make_folder(root)
                write_file(root / MARKER, _marker())
            except OSError as error:
                raise HomeError(
                    f"{root}: no home can be made here ({error.strerror}): choose another folder"
                ) from error
        return cls.open(root)

    @classmethod
    def open(cls, folder: Path | str) -> Self:
        """Open a home, renewing its tables when they are of an older gridmap.

        A home that this user may not write in is opened for reading. HomeError: the folder is missing, is no
        home, or is of a newer gridmap; DamageError: its database is damaged or gone.
        """
        root = Path(folder).absolute()
        _check_marker(root)
        home = cls(root, read_only=not _writable(root))
        home._check_database()
        try:
            if not home.read_only:
                make_folder(home.cache)  # an empty folder may be lost on the way of a copy
            with home.store() as store:
                store.current()
        except OSError as error:
            raise HomeError(
                f"{root}: this home cannot be used ({error}): look at the rights of its files"
            ) from error
        return home

    @property
    def database(self) -> Path:
        """The database file."""
        return self.root / "gridmap.sqlite"

    @property
    def blobs(self) -> FolderBlobs:
        """The large immutable files."""
        return FolderBlobs(self.root / "blobs")

    @property
    def cache(self) -> Path:
        """The folder of what can be made again; it is there, unless the home is for reading only."""
        return self.root / "cache"

    def store(self, clock: Callable[[], datetime] = utc_now) -> Store:
        """Open the store of this home; close it when done. Each process, and each fork, opens its own."""
        url = sqlite_url(self.database, read_only=self.read_only)
        return Store.open(url, self.blobs, read_only=self.read_only, clock=clock)

    def _check_database(self) -> None:
        """Refuse a home that has lost its database: an empty one would look like an empty city."""
        if self.database.is_file() and self.database.stat().st_size:
            return
        if self.blobs.holds_any():
            raise DamageError(f"{self.database}: the database of this home is gone: restore it from a backup")
        if self.read_only:
            raise HomeError(
                f"{self.root}: this home is empty and may not be written: make the folder writable"
            )


def _marker() -> bytes:
    return (json.dumps({"magic": MAGIC, "format": FORMAT}) + "\n").encode()


def _check_marker(root: Path) -> None:
    """Refuse a folder that is no home of a format that we know."""
    marker = root / MARKER
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        lack = (
            f"this folder is no gridmap home, it has no {MARKER}"
            if root.is_dir()
            else "there is no such folder"
        )
        raise HomeError(f"{root}: {lack}: name a home, or make one") from error
    except OSError as error:
        raise HomeError(f"{marker}: cannot be read ({error.strerror}): look at its rights") from error
    except ValueError as error:
        raise HomeError(f"{marker}: is no JSON any more: restore it from a backup") from error
    if not isinstance(found, dict) or found.get("magic") != MAGIC or not isinstance(found.get("format"), int):
        raise HomeError(f"{marker}: does not say that this is a gridmap home: name another folder")
    if found["format"] > FORMAT:
        raise HomeError(
            f"{root}: this home has format {found['format']}, this gridmap knows up to {FORMAT}: "
            "install a newer gridmap"
        )


def _refuse_strangers(root: Path) -> None:
    """Refuse to make a home among other files; part files of a home whose making was killed are ours."""
    if not root.exists():
        return
    if not root.is_dir():
        raise HomeError(f"{root}: is a file: name a folder")
    others = sorted(path.name for path in root.iterdir() if not path.name.startswith(PART))
    if others and not (root / MARKER).is_file():  # another process may have made the home just now
        raise HomeError(
            f"{root}: holds other files ({others[0]} ...) and is no home: name a new or an empty folder"
        )


def _writable(root: Path) -> bool:
    """Whether this user may write the folder and the database in it, and the disk takes writes at all."""
    return os.access(root, os.W_OK | os.X_OK) and (
        not (root / "gridmap.sqlite").exists() or os.access(root / "gridmap.sqlite", os.W_OK)
    )

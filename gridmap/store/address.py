"""Which store is meant: a home folder, or a database named by its address.

`postgresql://USER:PASSWORD@HOST:PORT/DATABASE` keeps the blobs in the database too; with a second address,
`file:///srv/gridmap/blobs`, they are in a folder that all machines see.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gridmap.errors import InputError
from gridmap.store.blobs import FolderBlobs
from gridmap.store.database import Database, parse_address, shown_name
from gridmap.store.home import Home
from gridmap.store.store import Store, utc_now
from gridmap.store.table_blobs import TableBlobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gridmap.store.blobs import BlobStore

_ABOVE_CACHE: Final = Path("gridmap", "blobs")


@dataclass(frozen=True, slots=True)
class CityAddress:
    """Where a city is kept: in a home folder, or, when `url` says so, in a database.

    `str()` is what messages call it, without any password.
    """

    home: Path
    url: str | None = None
    blobs_url: str | None = None

    def open(self, *, create: bool = False) -> Store:
        """Open its store; `create` may make the home. Close it when done.

        Raises what `Home.open`, `Home.create` and `open_store` raise.
        """
        if self.url is not None:
            return open_store(self.url, self.blobs_url)
        if self.blobs_url is not None:
            raise InputError("blobs", "a home keeps its blobs itself: name a store too, or leave this out")
        return (Home.create(self.home) if create else Home.open(self.home)).store()

    @property
    def cache(self) -> Path:
        """The folder of what can be made again: that of the home, or this user's for databases."""
        return Home(self.home).cache if self.url is None else _user_cache().with_name("indexes")

    @property
    def option(self) -> str:
        """How the command line names it; a password must be added."""
        return f"--home {self.home}" if self.url is None else f"--store {self}"

    def __str__(self) -> str:
        return str(self.home) if self.url is None else shown_name(parse_address(self.url))


def address_of(place: CityAddress | Path) -> CityAddress:
    """The address of a place: a path is a home folder."""
    return place if isinstance(place, CityAddress) else CityAddress(place)


def open_store(
    url: str,
    blobs_url: str | None = None,
    *,
    cache: Path | None = None,
    read_only: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> Store:
    """Open the store in a PostgreSQL database; its tables are made when it is empty.

    Blobs are in the database, or in the folder of a `file:///` address. `cache` is where files of the
    database are kept for reading (default: the user's cache folder); it may be emptied at any time.
    InputError: an address that cannot be one; HomeError: the database cannot be used, and why;
    MissingExtraError: the driver is not installed.
    """
    database = Database(url, read_only=read_only)
    if database.kind == "sqlite":
        raise InputError("store", "a SQLite file lives in a home: name its folder as the home instead")
    blobs: BlobStore
    if blobs_url is None:
        blobs = TableBlobs(database, FolderBlobs(cache or _user_cache()))
    else:
        blobs = FolderBlobs(blob_folder(blobs_url))
    return Store.over(database, blobs, clock)


def blob_folder(url: str) -> Path:
    """Return the folder that a `file:///` address names. InputError: it names none."""
    parts = urlsplit(url)
    folder = Path(url2pathname(parts.path))
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or len(folder.parts) < 2:
        raise InputError("blobs", f"{url!r} names no folder: write file:///srv/gridmap/blobs")
    return folder


def _user_cache() -> Path:
    """The folder for what can be fetched again; blobs are known by what they are, so all stores share it."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / _ABOVE_CACHE

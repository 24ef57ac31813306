"""Toytown with what goes on in it: a store, an intake, a keeper, and a client that checks every reply."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from checked import Checked
from webtown import make_twin

from gridmap.affairs import KEEPER, Affairs
from gridmap.store.blobs import FolderBlobs
from gridmap.store.sqlite import sqlite_url
from gridmap.store.store import Store

PATIENCE_S = 30
MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)


toytown_twin = cache(make_twin)
"""One for all towns: nobody changes it."""


@cache
def empty_database() -> bytes:
    """A database with all its tables and nothing in them: to make them takes longer than most tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "city.sqlite"
        Store.open(sqlite_url(file), FolderBlobs(Path(folder) / "blobs")).close()
        return file.read_bytes()


class Town(Checked):
    """Toytown with what goes on in it; its clock stands still until it is told to go on. Close it."""

    def __init__(self, folder: Path) -> None:
        self.now = MAY_DAY
        self.twin = toytown_twin()
        file = folder / "city.sqlite"
        file.write_bytes(empty_database())
        self.store = Store.open(sqlite_url(file), FolderBlobs(folder / "blobs"))
        self.affairs = Affairs(self.twin, self.store, lambda: self.now)
        super().__init__(self.twin, self.affairs)

    def close(self) -> None:
        self.affairs.close()
        self.store.close()

    def wait(self, **time: float) -> None:
        """Let some time go by."""
        self.now += timedelta(**time)

    def settle(self) -> None:
        """Wait until the keeper has taken all that is in the log now."""
        book, until = self.affairs.book, time.monotonic() + PATIENCE_S
        head = book.head()
        while book.looking(lambda desk: desk.checkpoint(KEEPER)) < head:
            assert time.monotonic() < until, "the keeper does not follow the log"
            time.sleep(0.002)

    def post(self, address: str, value: Any, status: int = 200, **options: Any) -> Any:
        """Send a value as JSON."""
        body = json.dumps(value)
        return self.json(
            address, status, method="POST", data=body, content_type="application/json", **options
        )

    def send(self, data: bytes, media_type: str = "image/jpeg", status: int = 201) -> Any:
        """Send a photo."""
        return self.json("/attachments", status, method="POST", data=data, content_type=media_type)

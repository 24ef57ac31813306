"""MBTiles 1.3: a pyramid of tiles as one SQLite file, in which equal tiles are stored once.

Rows count from the south there (TMS), whatever they do in the scheme: who asks a server of such a file for
z, x, y gets the tile of that address. A stored tile has the number of the first place that it stands at.
"""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tiles.archive.pmtiles import Contents
    from tiles.archive.pyramid import Numbered

_SCHEMA: Final = """
PRAGMA application_id = 0x4d504258;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE metadata (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (tile_id INTEGER PRIMARY KEY, tile_data BLOB NOT NULL);
CREATE TABLE map (
    zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL,
    tile_id INTEGER NOT NULL, PRIMARY KEY (zoom_level, tile_column, tile_row)
) WITHOUT ROWID;
CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (tile_id);
"""
"""Without a journal: a file that is not whole never gets its name. The id says MBTiles (`MPBX`)."""


class Mbtiles:
    """Collects tiles in a SQLite file; use it in a `with`."""

    def __init__(self, path: Path) -> None:
        """`path` is an empty file, or none."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_SCHEMA)
        self._connection.execute("BEGIN")
        self._known: dict[bytes, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def put(self, tile: Numbered, data: bytes) -> None:
        """Add a tile, compressed by gzip."""
        digest = sha256(data).digest()
        first = self._known.get(digest)
        if first is None:
            first = self._known[digest] = tile.number
            self._connection.execute("INSERT INTO images VALUES (?, ?)", (first, data))
        place = (tile.z, tile.x, 2**tile.z - 1 - tile.y, first)
        self._connection.execute("INSERT INTO map VALUES (?, ?, ?, ?)", place)

    def finish(self, contents: Contents) -> None:
        """Write what the archive says of itself."""
        self._connection.executemany("INSERT INTO metadata VALUES (?, ?)", _metadata(contents).items())
        self._connection.execute("COMMIT")


def _metadata(contents: Contents) -> Mapping[str, str]:
    west, south, east, north = contents.bounds
    plain = {name: each for name, each in contents.metadata.items() if isinstance(each, str)}
    return {
        **plain,
        "format": "pbf",
        "bounds": f"{west},{south},{east},{north}",
        "center": f"{(west + east) / 2},{(south + north) / 2},{contents.lowest}",
        "minzoom": str(contents.lowest),
        "maxzoom": str(contents.deepest),
        "json": json.dumps(
            {name: each for name, each in contents.metadata.items() if name not in plain},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
    }

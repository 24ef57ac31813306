"""Settings as data: name, default, purpose.

`gridmap/README.md` documents each of them in the same words; a test compares.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from gridmap.errors import InputError


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an operator may set, by an environment variable."""

    name: str
    default: str
    help: str

    def value(self) -> str:
        """What is set in the environment, else the default."""
        return os.environ.get(self.name) or self.default

    def number(self, least: int = 1) -> int:
        """The value as a whole number, `least` or more; InputError naming the setting for anything else."""
        text = self.value()
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise InputError(
                self.name, f"{text!r} is no whole number from {least} on: correct the environment"
            )
        return int(text)


HOME: Final = Setting(
    "GRIDMAP_HOME", "home", "The folder that holds the city, where --home does not say another."
)
DATA: Final = Setting(
    "GRIDMAP_DATA",
    "",
    "The folder with chongqing/ and toytown/; empty means the data folder beside the package.",
)
STORE: Final = Setting(
    "GRIDMAP_STORE",
    "",
    "The address of a PostgreSQL database that holds the city, where --store does not say another; "
    "empty means the home folder.",
)
BLOBS: Final = Setting(
    "GRIDMAP_BLOBS",
    "",
    "The folder of large files beside that database, as a file:/// address; empty means in the database.",
)
BATCH_BYTES: Final = Setting(
    "GRIDMAP_BATCH_BYTES", "67108864", "The largest body in bytes that POST /locate takes."
)
BATCH_ROWS: Final = Setting(
    "GRIDMAP_BATCH_ROWS", "2000000", "The most points that one POST /locate may ask for."
)
WITHIN_BYTES: Final = Setting(
    "GRIDMAP_WITHIN_BYTES", "8388608", "The largest body in bytes that POST /within takes."
)
WITHIN_VERTICES: Final = Setting(
    "GRIDMAP_WITHIN_VERTICES", "100000", "The most vertices that the polygon of a POST /within may have."
)
EVENTS_BYTES: Final = Setting(
    "GRIDMAP_EVENTS_BYTES",
    "67108864",
    "The largest body in bytes that POST /events and POST /devices/readings take.",
)
ACTION_BYTES: Final = Setting(
    "GRIDMAP_ACTION_BYTES", "65536", "The largest body in bytes that POST /orders/{id}/actions takes."
)
PHOTO_BYTES: Final = Setting(
    "GRIDMAP_PHOTO_BYTES", "10485760", "The largest photo in bytes that POST /attachments takes."
)
LOG_DAYS: Final = Setting(
    "GRIDMAP_LOG_DAYS",
    "400",
    "Days for which events and orders stay in the database before a server archives them; 0 keeps all there.",
)
LOG_ROWS: Final = Setting(
    "GRIDMAP_LOG_ROWS",
    "20000000",
    "The most rows of the log that stay in the database, whatever their age; 0 sets no limit.",
)
MQTT: Final = Setting(
    "GRIDMAP_MQTT",
    "",
    "The broker whose devices gridmap serve listens to, where --mqtt does not say another; empty is none.",
)
TILE_CACHE_MB: Final = Setting(
    "GRIDMAP_TILE_CACHE_MB",
    "256",
    "Megabytes of tiles kept in memory, where --tile-cache-mb does not say another number; 0 keeps none.",
)
TILE_FOLDER_MB: Final = Setting(
    "GRIDMAP_TILE_FOLDER_MB", "1024", "Megabytes of tiles kept in the folder that --tile-cache-dir names."
)
TILE_EXTENT: Final = Setting(
    "GRIDMAP_TILE_EXTENT",
    "4096",
    "Units of a tile's side: 512, 1024, 2048, 4096 or 8192. Another number means other ladders and tokens.",
)
TILE_BUFFER: Final = Setting(
    "GRIDMAP_TILE_BUFFER", "64", "Units that a tile draws beyond its square on every side, 0 to 1024."
)
TRUST_PROXY: Final = Setting(
    "GRIDMAP_TRUST_PROXY",
    "",
    "1 where a proxy stands in front that sets X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix: "
    "absolute addresses are then made of them; otherwise they are ignored.",
)
TITLE: Final = Setting("GRIDMAP_TITLE", "全息网格地图", "What the page calls the city.")
BASE_MAP: Final = Setting(
    "GRIDMAP_BASE_MAP",
    "",
    "The address of a map that the page draws under the grids: tiles by {z}/{x}/{y}, a WMTS by {TileMatrix}, "
    "{TileRow} and {TileCol} (Web Mercator, WGS84), or a .pmtiles file; empty is none.",
)
BASE_MAP_CREDIT: Final = Setting(
    "GRIDMAP_BASE_MAP_CREDIT", "", "Whom the page names for that map, and its approval number."
)
EMBED_ORIGINS: Final = Setting(
    "GRIDMAP_EMBED_ORIGINS",
    "",
    "Whose pages may show ours in a frame, by blanks, such as https://city.example; this machine's own "
    "always may.",
)
SETTINGS: Final = (
    HOME,
    DATA,
    STORE,
    BLOBS,
    BATCH_BYTES,
    BATCH_ROWS,
    WITHIN_BYTES,
    WITHIN_VERTICES,
    EVENTS_BYTES,
    MQTT,
    ACTION_BYTES,
    PHOTO_BYTES,
    LOG_DAYS,
    LOG_ROWS,
    TILE_CACHE_MB,
    TILE_FOLDER_MB,
    TILE_EXTENT,
    TILE_BUFFER,
    TRUST_PROXY,
    TITLE,
    BASE_MAP,
    BASE_MAP_CREDIT,
    EMBED_ORIGINS,
)

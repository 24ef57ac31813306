"""`gridmap serve`: the service of a city."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridmap.cli_options import place_option, read_schemes
from gridmap.settings import MQTT

if TYPE_CHECKING:
    from gridmap.store.address import CityAddress


@click.command()
@place_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@click.option(
    "--scheme",
    "pairs",
    multiple=True,
    metavar="NAME=PLACE",
    help="Another partition of the same city, such as police=/srv/police (a home) or police=postgresql://...",
)
@click.option(
    "--tile-cache-mb",
    type=click.IntRange(0),
    metavar="N",
    show_default="$GRIDMAP_TILE_CACHE_MB, else 256",
    help="Megabytes of tiles kept in memory; 0 keeps none.",
)
@click.option(
    "--tile-cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also keep tiles that take long to make in this folder, up to $GRIDMAP_TILE_FOLDER_MB.",
)
@click.option(
    "--mqtt",
    metavar="URL",
    default=lambda: MQTT.value() or None,
    help="Listen to devices at this broker: mqtt://USER:PASSWORD@HOST:1883/PREFIX, mqtts:// with TLS. "
    "Several servers of one city: add ?share=workers&client=w1 (w2 ...).",
)
def serve(
    place: CityAddress,
    host: str,
    port: int,
    pairs: tuple[str, ...],
    tile_cache_mb: int | None,
    tile_cache_dir: Path | None,
    mqtt: str | None,
) -> None:
    """Serve the current edition, and each one published later. The port opens when the city is loaded."""
    from tiles.web.server import leave
    from tiles.web.server import serve as run
    from tiles.web.tiling import Upkeep

    with contextlib.suppress(SystemExit):  # told to end while the city was loaded
        upkeep = Upkeep(tile_cache_mb, tile_cache_dir)
        run(place, host, port, schemes=read_schemes(pairs), upkeep=upkeep, mqtt=mqtt)
    leave()

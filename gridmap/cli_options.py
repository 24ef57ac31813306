"""Options that several commands share."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridmap.settings import BLOBS, HOME, STORE

if TYPE_CHECKING:
    from collections.abc import Callable


def place_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where the city is kept; the command gets one CityAddress."""

    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: Path(HOME.value()),
        show_default="$GRIDMAP_HOME, else ./home",
        help="The folder that holds the city.",
    )
    @click.option(
        "--store",
        "url",
        default=lambda: STORE.value() or None,
        metavar="URL",
        help="postgresql://USER:PASSWORD@HOST:PORT/DATABASE, instead of a home.",
    )
    @click.option(
        "--blobs",
        "blobs_url",
        default=lambda: BLOBS.value() or None,
        metavar="URL",
        help="file:///FOLDER for the large files beside --store; without it they are in the database.",
    )
    @functools.wraps(command)
    def run(home: Path, url: str | None, blobs_url: str | None, **rest: Any) -> Any:
        from gridmap.store.address import CityAddress

        # GRIDMAP_BLOBS without a store means nothing.
        return command(place=CityAddress(home, url, blobs_url if url else None), **rest)

    return run

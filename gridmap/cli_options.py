"""Options that several commands share."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridmap.errors import InputError
from gridmap.model import GOVERNANCE
from gridmap.settings import BLOBS, HOME, STORE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridmap.store.address import CityAddress


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


def read_schemes(pairs: Sequence[str]) -> dict[str, CityAddress]:
    """Places of further schemes from NAME=PLACE. InputError: one that is none, or a name that is taken."""
    from gridmap.store.address import CityAddress

    found: dict[str, CityAddress] = {}
    for pair in pairs:
        name, _, where = pair.partition("=")
        if not name or not where or name in (GOVERNANCE, *found):
            text = f"{pair!r} names no further scheme; write NAME=PLACE, such as police=/srv/police"
            raise InputError("scheme", text)
        url = where if where.startswith("postgresql") else None
        found[name] = CityAddress(Path(where), url)
    return found

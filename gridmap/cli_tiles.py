"""`gridmap tiles`: what the map shows, as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridmap.cli_options import place_option
from gridmap.cli_output import Progress
from gridmap.errors import HomeError, InputError

if TYPE_CHECKING:
    from gridmap.model import Edition
    from gridmap.store.address import CityAddress


@click.group()
def tiles() -> None:
    """Vector tiles of the city as files."""


@tiles.command()
@place_option
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--layers",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="Which layers, such as district,grid. Default: all but devices and resources; households never.",
)
@click.option("--scheme", default="xyz", show_default=True, help="xyz, gcj02, gcj02-tms, bd09, tianditu-c.")
@click.option("--zooms", default="0-14", show_default=True, metavar="LOW-HIGH", help="Which zooms, or one.")
@click.option("--edition", type=click.IntRange(1), help="Of this edition; default: the current one.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="At most so many processes; default: one for each core.",
)
def archive(
    place: CityAddress,
    out: Path,
    layers: tuple[str, ...],
    scheme: str,
    zooms: str,
    edition: int | None,
    processes: int | None,
) -> None:
    """Write all tiles to one file, OUT.pmtiles or OUT.mbtiles.

    A .pmtiles file is served by any file host that knows range requests: no server of ours is needed. Each
    layer begins at the zoom from which on the server shows it. Devices and resources are left out unless they
    are named: who has the file sees all that is in it. Households are never written.

    \b
    gridmap tiles archive city.pmtiles --home H
    gridmap tiles archive amap.pmtiles --home H --scheme gcj02 --layers district,town,community,grid
    """  # noqa: D301 - click wants a real backspace before a block that it must not wrap
    from gridmap.kernels.jit import usable_cores
    from tiles.archive.archive import CitySource, write_archive
    from tiles.archive.slices import Asked

    found = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", zooms)
    if not found or int(found[1]) > int(found[2] or found[1]):
        raise InputError("zooms", f"{zooms!r} is no range; write it as 0-14, or one zoom as 12")
    named = tuple(name for part in layers for name in part.replace(",", " ").split())
    asked = Asked(named, scheme, int(found[1]), int(found[2] or found[1]))
    known = _edition(place, edition)
    with Progress() as progress:
        summary = write_archive(
            out,
            CitySource(place, known.number),
            known,
            asked,
            processes=processes or usable_cores(),
            progress=progress,
        )
    click.echo(
        f"{out}: {summary.tiles:,} tiles of edition {known.number}, zooms {summary.lowest} to "
        f"{summary.deepest}, {summary.size:,} bytes; the largest tile has {summary.largest:,}"
    )


def _edition(place: CityAddress, number: int | None) -> Edition:
    with place.open() as store:
        found = store.current() if number is None else store.edition(number)
        if found is None:
            raise HomeError(f"{place}: holds no city yet")
        return found

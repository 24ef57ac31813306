"""`gridmap assign`: codes of areas for whole files of places."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridmap.cli_options import place_option
from gridmap.cli_output import SHOWN, Progress
from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.bulk.job import Engine, Summary
    from gridmap.bulk.question import Asked
    from gridmap.store.address import CityAddress


@click.command()
@place_option
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--lon", metavar="COL", help="The column of longitudes, or eastings.")
@click.option("--lat", metavar="COL", help="The column of latitudes, or northings.")
@click.option(
    "--crs", "datum", metavar="NAME", help="Their datum: wgs84, cgcs2000, gcj02, bd09, EPSG:4524 ..."
)
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="LEVEL[=COL]",
    help="Add the codes of this level as column COL, or LEVEL_code. Repeat it. Default: the finest level.",
)
@click.option("--edition", type=click.IntRange(1), help="By this edition; default: the current one.")
@click.option(
    "--engine",
    type=click.Choice(["pool", "dask", "spark"]),
    default="pool",
    show_default=True,
    help="Who works.",
)
@click.option(
    "--scheduler", metavar="URL", help="tcp://HOST:8786 for dask; spark://HOST:7077 or local[2] for spark."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="At most so many processes in the pool; default: one for each core.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was done.")
def assign(
    place: CityAddress,
    source: Path,
    out: Path,
    lon: str | None,
    lat: str | None,
    datum: str | None,
    levels: tuple[str, ...],
    edition: int | None,
    engine: str,
    scheduler: str | None,
    processes: int | None,
    as_json: bool,
) -> None:
    """Write IN to OUT with the code of the grid that each row lies in.

    IN is a Parquet, GeoParquet or CSV file (also .tsv, .csv.gz), or a folder of them; OUT becomes the same.
    What is in the file stays as it is, byte for byte; columns of codes are added, empty where no area is.
    GeoParquet with points needs neither columns nor --crs: the file states them. Elsewhere the datum must be
    named, it is never guessed.

    \b
    gridmap assign people.parquet out.parquet --home H --lon lon --lat lat --crs gcj02
    gridmap assign people.csv out.csv --home H --lon X --lat Y --crs EPSG:4524 --level grid --level town=T
    gridmap assign points.parquet out.parquet --home H

    Rows without a usable place stay in OUT without a code and are listed in OUT.rejected.csv with their line
    (CSV, the header is line 1) or row (Parquet, from 1). A job that was killed goes on when the same command
    is given again; OUT appears when it is whole. Exit code 1 when no row has a usable place.

    --engine dask has the workers of a Dask cluster do it; they must see the home (or --store) and the files
    under the same names. --engine spark reads and writes Parquet in Spark's own way: OUT is a folder of parts
    in no order, and reasons stand in their column gridmap_reason.
    """  # noqa: D301 - click wants a real backspace before a block that it must not wrap
    if engine != "pool" and not scheduler:
        raise InputError("scheduler", f"--engine {engine} needs to know where: --scheduler URL")
    if (lon is None) != (lat is None):
        raise InputError("lon, lat", "name both columns, --lon and --lat, or none")
    asked = _asked(levels, lon, lat, datum)
    with Progress() as progress:
        if engine == "spark":
            from gridmap.bulk.spark import assign_in_spark

            progress("in Spark", 0.0)
            summary = assign_in_spark(
                source, out, place, asked, scheduler or "", edition=edition, shown=SHOWN
            )
        else:
            from gridmap.bulk.job import assign as run

            work = _engine(engine, scheduler, processes)
            summary = run(source, out, place, asked, work, edition=edition, shown=SHOWN, progress=progress)
    _print(summary, out, as_json)
    if summary.counts.rows and summary.counts.rejected == summary.counts.rows:
        raise SystemExit(1)


def _asked(levels: tuple[str, ...], lon: str | None, lat: str | None, datum: str | None) -> Asked:
    from gridmap.bulk.question import Added, Asked

    pairs = [(level, column) for level, _, column in (each.partition("=") for each in levels)]
    added = tuple(Added(level, column or f"{level}_code") for level, column in pairs)
    columns = [each.column for each in added]
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise InputError("level", f"{twice!r} would be added twice; name each once, as LEVEL or LEVEL=COL")
    return Asked(lon, lat, datum, added)


def _engine(name: str, scheduler: str | None, processes: int | None) -> Engine:
    from gridmap.bulk.dask import on_dask
    from gridmap.bulk.pool import in_pool
    from gridmap.kernels.jit import usable_cores

    if name == "dask":
        return partial(on_dask, scheduler=scheduler or "")
    return partial(in_pool, processes=processes or usable_cores())


def _print(summary: Summary, out: Path, as_json: bool) -> None:
    """Say what was done: the refused rows first, the counts last."""
    if summary.anew:
        changed = ", ".join(summary.anew)
        text = f"an unfinished job under this name was another one (its {changed} differed): dropped"
        click.echo(f"note: {text}", err=True)
    if summary.kept:
        click.echo(f"note: {summary.kept:,} parts were done already by a run before", err=True)
    if as_json:
        click.echo(json.dumps(summary.document(), ensure_ascii=False, indent=1))
        return
    for each in summary.refused:
        place = "" if each.number is None else f"{each.file}, {each.unit} {each.number}: "
        click.echo(f"{place}{each.reason}", err=True)
    counts = summary.counts
    if counts.rejected:
        click.echo(f"all {counts.rejected:,} of these are in {summary.refused_file or out}", err=True)
    rate = counts.rows / max(summary.seconds, 1e-9)
    click.echo(
        f"{out}: {counts.rows:,} rows by edition {summary.edition} ({', '.join(summary.columns)}), "
        f"{counts.located:,} located, {counts.nowhere:,} nowhere, {counts.rejected:,} rejected, "
        f"{summary.seconds:.1f} s, {rate:,.0f} rows/s"
    )

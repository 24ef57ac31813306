"""The command line: thin, one verb each; errors become a sentence and an exit code, in one table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridmap import errors
from gridmap.cli_assign import assign
from gridmap.cli_hooks import hooks
from gridmap.cli_ingest import ingest
from gridmap.cli_log import log
from gridmap.cli_options import place_option as _place_option
from gridmap.cli_output import SHOWN, Progress, mend_lines, print_check, print_findings, write_found
from gridmap.cli_serve import serve
from gridmap.cli_simulate import simulate
from gridmap.cli_tiles import tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.boundaries.repair import Mend
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store

EXIT_CODES: Final[tuple[tuple[type[errors.GridmapError], int], ...]] = (
    (errors.RefusedError, 1),
    (errors.InputError, 2),
    (errors.NotFoundError, 2),
    (errors.HomeError, 3),
    (errors.ConflictError, 4),
    (errors.BusyError, 4),
    (errors.DamageError, 5),
    (errors.MissingExtraError, 6),
)
"""0 is success, 1 a partition that is not proven, 2 wrong input, 3 no usable home, 4 a conflict, 5 damage,
6 a missing extra."""

_OUT: Final = click.Path(path_type=Path, dir_okay=False)


class _Group(click.Group):
    """Turns our errors into a sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except errors.GridmapError as error:
            if isinstance(error, errors.RefusedError):
                print_findings(error.findings, err=True)
            click.echo(f"gridmap: {error}", err=True)
            code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
            raise SystemExit(code) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gridmap")
def main() -> None:
    """The grid map server: proven boundaries, and which grid a point is in. 网格地图服务.

    \b
    gridmap city chongqing --home DIR     build the synthetic city (two minutes)
    gridmap serve --home DIR              serve it on 127.0.0.1:8000
    gridmap check --home DIR              prove it, or say where it is no partition
    gridmap export --home DIR OUT.parquet
    gridmap load OUT.parquet --home NEW
    gridmap assign IN.csv OUT.csv --home DIR --lon COL --lat COL --crs NAME
    gridmap tiles archive OUT.pmtiles --home DIR
    gridmap ingest EVENTS.ndjson --home DIR
    gridmap simulate                      post a made-up day to a running server
    gridmap hooks add URL --home DIR      tell another system what happens
    gridmap log verify --home DIR         read the whole log and test it
    """  # noqa: D301 - click wants a real backspace before a block that it must not wrap


@main.group()
def city() -> None:
    """Build a synthetic city on real outlines, codes and names."""


@city.command()
@_place_option
@click.option(
    "--districts",
    multiple=True,
    metavar="CODE[,CODE...]",
    help="Build only these districts, e.g. 500103 (Yuzhong). Repeat it, or separate codes by commas.",
)
@click.option("--seed", type=int, default=None, help="Another seed gives another city on the same outlines.")
def chongqing(place: CityAddress, districts: tuple[str, ...], seed: int | None) -> None:
    """Build Chongqing: real districts, codes and names; synthetic grids, buildings, households.

    A place that already holds this very city is left as it is.
    """
    from gridmap.founding import SEED, found_chongqing

    codes = [code for part in districts for code in part.replace(",", " ").split()]
    with Progress() as progress:
        edition, built = found_chongqing(place, codes or None, SEED if seed is None else seed, progress)
    what = "built" if built else "is there already"
    click.echo(f"{place}: {what}, edition {edition.number}, checksum {edition.checksum}")


@main.command()
@_place_option
def status(place: CityAddress) -> None:
    """Say what a home or a database holds. Exit code 3 when there is no city in it."""
    with place.open() as store:
        edition = store.current()
        if edition is None:
            raise errors.HomeError(f"{place}: holds no city yet")
        state = "proven" if edition.proven else "NOT PROVEN"
        click.echo(f"edition {edition.number}, {state}, {edition.reason}")
        for name, count in store.counts().items():
            click.echo(f"  {count:>12,}  {name}")
        if place.url is not None:
            shown = store.projection()
            click.echo(shown.lack or f"current_areas shows edition {shown.edition}, {shown.rows:,} areas")


@main.command()
@_place_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with every finding.")
@click.option("--png", type=_OUT, help="Draw the city and its findings as a picture.")
@click.option("--geojson", type=_OUT, help="Write the findings as points, to open in QGIS.")
def check(place: CityAddress, as_json: bool, png: Path | None, geojson: Path | None) -> None:
    """Prove the current edition anew from its arcs, and compare every stored file with its checksum.

    Exit code 1 when it is not a proven partition, 5 when something stored is damaged.
    """
    from gridmap.coverage.proof import examine
    from gridmap.lookup import read_edition

    with place.open() as store:
        edition, partition = read_edition(store, place)
        store.verify()
        stored = store.proof(edition.number).get("notes", ())
    proof = examine(partition)
    document = {
        "edition": edition.number,
        "checksum": edition.checksum,
        "proven": proof.proven,
        "counts": partition.counts,
        "findings": [asdict(finding) for finding in proof.findings],
        "notes": [*stored, *proof.notes],
    }
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print_check(document, proof.findings)
    write_found(partition, proof.findings, edition, png, geojson)
    raise SystemExit(0 if proof.proven else 1)


@main.command()
@_place_option
@click.option("--level", help="Only the areas of this level, such as grid.")
@click.option("--households", type=_OUT, metavar="OUT.parquet", help="Write all households, with places.")
@click.argument("out", type=_OUT, required=False)
def export(place: CityAddress, out: Path | None, level: str | None, households: Path | None) -> None:
    """Write the areas, sorted by code, to load them elsewhere, or all households, or both.

    The suffix names the format: .parquet (GeoParquet), .gpkg, .geojson, .fgb, .shp, .topojson (levels on
    shared arcs; it can state no datum, so load it with --crs EPSG:4490).

    \b
    gridmap export --home H city.gpkg
    gridmap export --home H --households households.parquet
    """  # noqa: D301 - as above
    if out is None and (households is None or level is not None):
        raise click.UsageError(
            "Name the file to write: OUT for areas (of a --level), or --households OUT.parquet."
        )
    with place.open() as store:
        if out is not None:
            click.echo(_export_areas(store, place, out, level))
        if households is not None:
            from gridmap.boundaries.households import write_households

            with Progress() as progress:
                count = write_households(store, households, progress)
            click.echo(f"{households}: {count:,} households")


def _export_areas(store: Store, place: CityAddress, out: Path, level: str | None) -> str:
    """Write the areas of the current edition; gives the line that says so."""
    from gridmap.boundaries.areas import write_areas
    from gridmap.lookup import read_edition

    with Progress() as progress:
        progress("reading the edition", 0.0)
        edition, partition = read_edition(store, place)
        count = write_areas(
            partition,
            out,
            notes=store.proof(edition.number).get("notes", ()),
            synthetic=edition.synthetic,
            level=level,
            checksum=edition.checksum,
            progress=progress,
        )
    return f"{out}: {count:,} areas of edition {edition.number}, checksum {edition.checksum}"


@main.command()
@_place_option
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--crs", "datum", help="The datum of the coordinates where the file states none: EPSG:4490, gcj02 ..."
)
@click.option(
    "--code", "codes", multiple=True, metavar="COL", help="The column of codes. Several for one file: nested."
)
@click.option("--name", "names", multiple=True, metavar="COL", help="The column of names.")
@click.option("--parent", "parents", multiple=True, metavar="COL", help="The column of the parents' codes.")
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="NAME",
    help="What the level of each file, or code, is called.",
)
@click.option(
    "--repair", "tolerance_m", type=float, metavar="METRES", help="Mend gaps and overlaps up to this width."
)
@click.option(
    "--keep", is_flag=True, help="Load it though it is no proven partition, as an unproven edition."
)
@click.option("--over", is_flag=True, help="Load it over a later edition, or over another city.")
@click.option("--author", default="gridmap load", help="Who publishes; kept with the edition.")
@click.option("--png", type=_OUT, help="Draw the city and its findings as a picture.")
@click.option("--geojson", type=_OUT, help="Write the findings as points, to open in QGIS.")
def load(
    place: CityAddress,
    files: tuple[Path, ...],
    datum: str | None,
    codes: tuple[str, ...],
    names: tuple[str, ...],
    parents: tuple[str, ...],
    levels: tuple[str, ...],
    tolerance_m: float | None,
    keep: bool,
    over: bool,
    author: str,
    png: Path | None,
    geojson: Path | None,
) -> None:
    """Load areas and publish them: GeoParquet, GeoPackage, GeoJSON, FlatGeobuf, Shapefile, TopoJSON.

    What is no proven partition is refused with its findings, and the exit code is 1. A file that gridmap
    wrote needs no options. For others say which columns hold what, once for all files or once for each;
    "-" is none:

    \b
    gridmap load blocks.gpkg --home H --code block --level block
    gridmap load tracts.shp blocks.shp --home H --code tract --code block --parent - --parent tract
    gridmap load blocks.gpkg --home H --code borough --code tract --code block    (nested codes)
    """  # noqa: D301 - as above
    from gridmap.boundaries.rows import Columns
    from gridmap.publishing import RefusedFileError, load_areas

    columns = Columns(codes, names, parents, levels)
    try:
        with Progress() as progress:
            loaded = load_areas(
                files,
                place,
                keep=keep,
                author=author,
                columns=columns,
                datum=datum,
                tolerance_m=tolerance_m,
                over=over,
                progress=progress,
            )
    except RefusedFileError as refused:
        write_found(refused.partition, refused.findings, None, png, geojson)
        raise
    for line in mend_lines(loaded.mends, _residents(place, loaded.mends)):
        click.echo(line, err=True)
    for note in loaded.proof.notes:
        click.echo(f"note: {note}", err=True)
    if not loaded.proof.proven:
        print_findings(loaded.proof.findings, err=True)
    edition, count = loaded.edition, len(loaded.proof.findings)
    state = "proven" if loaded.proof.proven else f"NOT PROVEN, {count} findings"
    click.echo(f"{place}: edition {edition.number}, {state}, checksum {edition.checksum}")
    if png or geojson:
        with place.open() as store:
            from gridmap.lookup import read_edition

            write_found(read_edition(store, place)[1], loaded.proof.findings, edition, png, geojson)


def _residents(place: CityAddress, mends: Sequence[Mend]) -> list[int] | None:
    """The households in each mended place; None where no households are stored."""
    import numpy as np

    from gridmap.boundaries.residents import households_in

    with place.open() as store:
        if not mends or not {"buildings", "households"} <= store.counts().keys():
            return None
        shapes = np.array([mend.shape for mend in mends], dtype=object)
        return [found.households for found in households_in(store, shapes)]


@main.command()
@_place_option
@click.argument("kind", type=click.Choice(["buildings", "households", "devices", "staff"]))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--column", "pairs", multiple=True, metavar="FIELD=COL", help="Which column holds a field.")
@click.option("--crs", "datum", help="The datum of the columns lon and lat.")
@click.option("--refused", type=_OUT, help="Write the refused rows, with the reasons, as CSV.")
@click.option("--synthetic", is_flag=True, help="Mark them as made up.")
def things(
    place: CityAddress,
    kind: str,
    file: Path,
    pairs: tuple[str, ...],
    datum: str | None,
    refused: Path | None,
    synthetic: bool,
) -> None:
    """Store all buildings, households, devices or staff posts from a CSV or Parquet file.

    Bad rows are listed with their reasons and left out. Exit code 1 when no row is good; then nothing is
    stored.
    """
    from gridmap.furnishing import put_things

    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise errors.InputError("column", f"{wrong!r} names no field; write FIELD=COL, such as lon=X")
    columns = dict(pair.split("=", 1) for pair in pairs)
    with Progress() as progress:
        found = put_things(
            kind, file, place, columns=columns, datum=datum, synthetic=synthetic, progress=progress
        )
    for rejection in found.rejections(SHOWN):
        click.echo(f"{found.unit} {rejection.line}: {rejection.reason}", err=True)
    if refused:
        found.write_refused(refused)
    click.echo(f"{place}: {found.table.num_rows:,} {kind} stored, {found.refused.num_rows:,} rows refused")
    raise SystemExit(0 if found.table.num_rows else 1)


main.add_command(assign)
main.add_command(hooks)
main.add_command(ingest)
main.add_command(log)
main.add_command(serve)
main.add_command(simulate)
main.add_command(tiles)

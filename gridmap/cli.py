"""The command line: thin, one verb each; errors become a sentence and an exit code, in one table."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridmap import errors
from gridmap.settings import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gridmap.model import Finding

EXIT_CODES: Final[tuple[tuple[type[errors.GridmapError], int], ...]] = (
    (errors.RefusedError, 1),
    (errors.InputError, 2),
    (errors.NotFoundError, 2),
    (errors.HomeError, 3),
    (errors.ConflictError, 4),
    (errors.DamageError, 5),
    (errors.MissingExtraError, 6),
)
"""0 is success, 1 a partition that is not proven, 2 wrong input, 3 no usable home, 4 a conflict, 5 damage,
6 a missing extra."""

SHOWN: Final = 20
"""Findings printed for a person; --json prints all."""


class _Group(click.Group):
    """Turns our errors into a sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except errors.GridmapError as error:
            if isinstance(error, errors.RefusedError):
                _print_findings(error.findings, err=True)
            click.echo(f"gridmap: {error}", err=True)
            code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
            raise SystemExit(code) from error


def _home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: Path(HOME.value()),
        show_default="$GRIDMAP_HOME, else ./home",
        help="The folder that holds the city.",
    )(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gridmap")
def main() -> None:
    r"""The grid map server: proven boundaries, and which grid a point is in. 网格地图服务.

    \b
    gridmap city chongqing --home DIR     build the synthetic city (two minutes)
    gridmap serve --home DIR              serve it on 127.0.0.1:8000
    gridmap check --home DIR              prove it, or say where it is no partition
    gridmap export --home DIR OUT.parquet
    gridmap load OUT.parquet --home NEW
    """


@main.group()
def city() -> None:
    """Build a synthetic city on real outlines, codes and names."""


@city.command()
@_home_option
@click.option(
    "--districts",
    multiple=True,
    metavar="CODE[,CODE...]",
    help="Build only these districts, e.g. 500103 (Yuzhong). Repeat it, or separate codes by commas.",
)
@click.option("--seed", type=int, default=None, help="Another seed gives another city on the same outlines.")
def chongqing(home: Path, districts: tuple[str, ...], seed: int | None) -> None:
    """Build Chongqing: real districts, codes and names; synthetic grids, buildings, households.

    A home that already holds this very city is left as it is.
    """
    from gridmap.founding import SEED, found_chongqing

    codes = [code for part in districts for code in part.replace(",", " ").split()]
    with _Progress() as progress:
        edition, built = found_chongqing(home, codes or None, SEED if seed is None else seed, progress)
    what = "built" if built else "is there already"
    click.echo(f"{home}: {what}, edition {edition.number}, checksum {edition.checksum}")


@main.command()
@_home_option
def status(home: Path) -> None:
    """Say what a home holds. Exit code 3 when there is no city in it."""
    from gridmap.store.home import Home

    with Home.open(home).store() as store:
        edition = store.current()
        if edition is None:
            raise errors.HomeError(f"{home}: holds no city yet")
        click.echo(
            f"edition {edition.number}, {'proven' if edition.proven else 'NOT PROVEN'}, {edition.reason}"
        )
        for name, count in store.counts().items():
            click.echo(f"  {count:>12,}  {name}")


@main.command()
@_home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with every finding.")
def check(home: Path, as_json: bool) -> None:
    """Prove the current edition anew from its arcs, and compare every stored file with its checksum.

    Exit code 1 when it is not a proven partition, 5 when something stored is damaged.
    """
    from gridmap.coverage.proof import examine
    from gridmap.store.home import Home
    from gridmap.twin import current_partition

    with Home.open(home).store() as store:
        edition, partition = current_partition(store, home)
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
        _print_check(document, proof.findings)
    raise SystemExit(0 if proof.proven else 1)


@main.command()
@_home_option
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def export(home: Path, out: Path) -> None:
    """Write the areas of all levels as GeoParquet, sorted by code, to load them elsewhere."""
    from gridmap.boundaries.files import write_areas
    from gridmap.store.home import Home
    from gridmap.twin import current_partition

    with Home.open(home).store() as store:
        edition, partition = current_partition(store, home)
        notes = store.proof(edition.number).get("notes", ())
    count = write_areas(partition, out, notes=notes, synthetic=edition.synthetic)
    click.echo(f"{out}: {count:,} areas of edition {edition.number}, checksum {edition.checksum}")


@main.command()
@_home_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keep", is_flag=True, help="Load it though it is no proven partition, as an unproven edition."
)
@click.option("--author", default="gridmap load", help="Who publishes; kept with the edition.")
def load(home: Path, file: Path, keep: bool, author: str) -> None:
    """Load areas from a file and publish them.

    What is no proven partition is refused with its findings, and the exit code is 1.
    """
    from gridmap.publishing import load_areas

    edition, proof = load_areas(file, home, keep=keep, author=author)
    if not proof.proven:
        _print_findings(proof.findings, err=True)
    state = "proven" if proof.proven else f"NOT PROVEN, {len(proof.findings)} findings"
    click.echo(f"{home}: edition {edition.number}, {state}, checksum {edition.checksum}")


@main.command()
@_home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
def serve(home: Path, host: str, port: int) -> None:
    """Serve the current edition. The port opens when the city is loaded."""
    from tiles.web.server import serve as run

    run(home, host, port)


class _Progress:
    """Shows how far long work is: a bar for a person, a line per step for a log."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._live = sys.stderr.isatty()
        self._step = ""
        form = "{percentage:3.0f} % |{bar}| {elapsed} {desc}"
        self._bar = tqdm(total=100, bar_format=form, leave=False, disable=not self._live)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()

    def __call__(self, step: str, share: float) -> None:
        if step != self._step and not self._live:
            click.echo(f"{share:4.0%}  {step}", err=True)
        self._step = step
        self._bar.set_description_str(step, refresh=False)
        self._bar.n = round(share * 100)
        self._bar.refresh()


def _print_check(document: dict[str, Any], findings: Sequence[Finding]) -> None:
    counts = ", ".join(f"{count:,} {level}" for level, count in document["counts"].items())
    click.echo(f"edition {document['edition']}, checksum {document['checksum']}")
    click.echo(counts)
    for note in document["notes"]:
        click.echo(f"note: {note}")
    _print_findings(findings, err=False)
    click.echo(
        "proven: every point of the city is in exactly one grid" if document["proven"] else "NOT PROVEN"
    )


def _print_findings(findings: Sequence[Finding], *, err: bool) -> None:
    for line in _finding_lines(findings):
        click.echo(line, err=err)


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:SHOWN]:
        place = (
            ""
            if finding.lon is None
            else f" at {finding.lon:.7f}, {finding.lat:.7f} ({finding.size_m2:,.4g} m2)"
        )
        yield f"{finding.rule}{place}: {finding.text}"
    if len(findings) > SHOWN:
        yield f"... and {len(findings) - SHOWN:,} more; `gridmap check --json` lists them all"

"""`gridmap log`: what was said and done: its archives, whether it is sound, a copy of it in a file."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from gridmap.cli_options import place_option
from gridmap.cli_output import Progress
from gridmap.durable import part_file, settle
from gridmap.errors import HomeError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridmap.store.address import CityAddress
    from gridmap.store.archive_files import Archive
    from gridmap.store.log import Entry
    from gridmap.store.logbook import LogBook

PAGE: Final = 10_000
"""Rows read at a time."""

MOST_DAYS: Final = 36_500


@click.group("log")
def log() -> None:
    """The log of events, orders, notices and editions: archives, damage, copies.

    A running server archives by itself, each night.
    """


@log.command()
@place_option
@click.option(
    "--days",
    type=click.IntRange(0, MOST_DAYS),
    default=None,
    help="Days that stay in the database; 0: no limit.  [default: $GRIDMAP_LOG_DAYS, else 400]",
)
@click.option(
    "--rows",
    type=click.IntRange(0),
    default=None,
    help="Most rows that stay there; 0: no limit.  [default: $GRIDMAP_LOG_ROWS, else 20000000]",
)
def archive(place: CityAddress, days: int | None, rows: int | None) -> None:
    """Move the oldest rows out of the database into Parquet files, where they can be read as before.

    Rows that a server has not worked through yet stay. Servers may run meanwhile.
    """
    from gridmap.store.archives import Keep
    from gridmap.store.store import utc_now

    keep = Keep.from_settings()
    keep = Keep(keep.days if days is None else days, keep.rows if rows is None else rows)
    with place.open() as store, Progress() as progress:
        before, head, now = len(store.archives.all()), store.log.head(), utc_now()
        while store.archives.archive(keep, now):
            last = store.archives.all()[-1].last
            progress("archiving", last / head)
        made = store.archives.all()[before:]
    moved, size = sum(each.rows for each in made), sum(each.size for each in made)
    files = f"{len(made):,} archive{'' if len(made) == 1 else 's'}"
    click.echo(f"{place}: {moved:,} rows moved into {files}, {_megabytes(size)}" if made else _nothing(place))


@log.command("list")
@place_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line each.")
def list_(place: CityAddress, *, as_json: bool) -> None:
    """List the archives: which rows of the log they hold, of when, how large they are."""
    with place.open() as store:
        found, head = store.archives.all(), store.log.head()
    for each in found:
        click.echo(json.dumps(_said(each)) if as_json else _in_words(each))
    if not as_json:
        last = found[-1].last if found else 0
        size = _megabytes(sum(each.size for each in found))
        click.echo(f"{last:,} rows in {len(found):,} archives, {size}; {head - last:,} in the database")


@log.command()
@place_option
def verify(place: CityAddress) -> None:
    """Read the whole log, archives too, and compare each row with its checksum. Exit code 5 on damage."""
    with place.open() as store, Progress() as progress:
        head, found = store.log.head(), store.archives.all()
        for sound in store.log.verify():
            progress("reading the log", 0.5 * sound / head if found else sound / head)
        for sound in store.archives.check():
            progress("comparing the archives", 0.5 + 0.5 * sound / found[-1].last)
    said = f", {found[-1].last:,} of them in {len(found):,} archives" if found else ""
    click.echo(f"{place}: the log is sound, {head:,} rows{said}")


@log.command()
@place_option
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", type=click.IntRange(0), default=0, help="Only rows behind this number.")
@click.option("--until", type=click.IntRange(0), default=None, help="Only rows up to this number.")
def export(place: CityAddress, out: Path, since: int, until: int | None) -> None:
    """Write the log, archives too, to OUT.parquet or OUT.ndjson.

    Columns are seq, kind, key, body (JSON) and checksum; a line of NDJSON has seq, kind, key and body.
    """
    writers = {".parquet": _write_parquet, ".ndjson": _write_lines}
    if out.suffix not in writers:
        raise InputError("OUT", f"{out} ends in neither .parquet nor .ndjson; give it one of these endings")
    with place.open() as store, Progress() as progress:
        head = store.log.head()
        last = head if until is None else min(until, head)
        with _file(out) as file:
            writers[out.suffix](file, lambda: _pages(store.log, since, last, progress))
    click.echo(f"{out}: {max(0, last - since):,} rows")


def _pages(book: LogBook, since: int, last: int, progress: Progress) -> Iterator[list[Entry]]:
    """Rows behind a number up to another, some thousand at a time."""
    after = since
    while after < last and (entries := book.read(after, min(PAGE, last - after))):
        yield entries
        after = entries[-1].seq
        progress("writing", (after - since) / (last - since))


def _write_lines(file: BinaryIO, pages: Callable[[], Iterator[list[Entry]]]) -> None:
    for entries in pages():
        for entry in entries:
            said = json.dumps({"seq": entry.seq, "kind": entry.kind, "key": entry.key}, ensure_ascii=False)
            file.write(f'{said[:-1]}, "body": {entry.body}}}\n'.encode())


def _write_parquet(file: BinaryIO, pages: Callable[[], Iterator[list[Entry]]]) -> None:
    from gridmap.store.archive_files import table_of, write_parquet

    write_parquet(file, map(table_of, pages()))


@contextmanager
def _file(out: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when it is whole."""
    try:
        with part_file(out.parent) as (file, part):
            yield file
            settle(file, part, out)
    except OSError as error:
        raise HomeError(
            f"{out}: cannot be written ({error.strerror}): make room, or name another folder"
        ) from error


def _said(found: Archive) -> dict[str, object]:
    """An archive as JSON."""
    times = {"begin": found.begin_ms, "end": found.end_ms, "archived": found.archived_ms}
    said: dict[str, object] = {
        "first": found.first,
        "last": found.last,
        "rows": found.rows,
        "bytes": found.size,
    }
    return said | {name: _when(ms) for name, ms in times.items()} | {"blob": found.blob}


def _in_words(found: Archive) -> str:
    times = " to ".join(_when(ms) or "?" for ms in (found.begin_ms, found.end_ms))
    return f"{found.first:>12,} to {found.last:>12,}  {times}  {_megabytes(found.size):>9}  {found.blob}"


def _when(ms: int | None) -> str | None:
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _nothing(place: CityAddress) -> str:
    return f"{place}: nothing to archive"

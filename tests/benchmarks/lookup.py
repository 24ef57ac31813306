"""Point to grid beside its peers and beside the machine itself, in one run: read the ratios.

`scripts/bench lookup [POINTS]` (4,000,000). The compact city is a wiggly mesh of 65,025 single-part grids of
41 vertices; the wide one is 41 such meshes of other widths in a box of 5 by 4 degrees. Points are uniform in
the box, or around 200,000 buildings of different weights. The yardstick is what the machine can do at all:
4 million random int64 indexes into a 64 MB int32 array that was written before. CPU seconds of one thread
and the best of some rounds, but for what says "2 threads" (wall). Every peer's answer is compared with ours.
"""

from __future__ import annotations

import sys
import tempfile
import time
import timeit
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from mesh import mesh, province

from gridmap.index.index import GridIndex
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.types import FloatArray, Geometries, Int32Array

Points = tuple["FloatArray", "FloatArray"]

ROUNDS = 5
PEER_POINTS = 200_000
"""Peers answer only so many."""

BUILDINGS = 200_000
AROUND = 1_000
"""Lattice units around a building, about 10 m."""


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def best(
    work: Callable[[], object], clock: Callable[[], float] = time.process_time, rounds: int = ROUNDS
) -> float:
    """The fewest seconds of some rounds."""
    seconds = []
    for _ in range(rounds):
        begin = clock()
        work()
        seconds.append(clock() - begin)
    return min(seconds)


def yardstick(random: np.random.Generator) -> float:
    """Random reads a second from a written array of 64 MB."""
    array = np.empty(16 << 20, np.int32)
    array[:] = 1
    indexes = random.integers(0, len(array), 4_000_000)
    return len(indexes) / best(lambda: array[indexes])


def uniform(random: np.random.Generator, grids: Geometries, count: int) -> Points:
    """Points anywhere in the box of the city."""
    bounds = shapely.bounds(grids)
    low, high = bounds[:, :2].min(axis=0).astype(np.int64), bounds[:, 2:].max(axis=0).astype(np.int64)
    xs, ys = (random.integers(low[i], high[i] + 1, count) for i in (0, 1))
    return xs / SCALE, ys / SCALE


def clustered(random: np.random.Generator, grids: Geometries, count: int) -> Points:
    """Points around buildings of different weights, each in a random grid."""
    chosen = random.integers(0, len(grids), BUILDINGS)
    low, high = np.split(shapely.bounds(grids)[chosen].astype(np.int64), 2, axis=1)
    places = random.integers(low, high + 1)
    weights = random.exponential(1, BUILDINGS)
    at = places[random.choice(BUILDINGS, count, p=weights / weights.sum())]
    at = at + random.integers(-AROUND, AROUND + 1, at.shape)
    return at[:, 0] / SCALE, at[:, 1] / SCALE


def smallest(which: Int32Array, rows: Int32Array, count: int) -> Int32Array:
    """The smallest row of each point from pairs (point, row)."""
    out = np.full(count, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(out, which, rows.astype(np.int32))
    out[out == np.iinfo(np.int32).max] = NOWHERE
    return out


def by_shapely(grids: Geometries) -> Callable[[Points], Int32Array]:
    """Ask shapely's STRtree; it prepares the polygons itself."""
    tree = shapely.STRtree(grids)

    def answer(points: Points) -> Int32Array:
        which, rows = tree.query(shapely.points(*points), predicate="intersects")
        return smallest(which, rows, len(points[0]))

    return answer


def by_geopandas(grids: Geometries) -> Callable[[Points], Int32Array]:
    """Ask geopandas.sjoin, indexes built and frames made before."""
    import geopandas as gpd

    frame = gpd.GeoDataFrame(geometry=grids)
    _ = frame.sindex

    def answer(points: Points) -> Int32Array:
        places = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points))
        joined = gpd.sjoin(places, frame, predicate="intersects")
        return smallest(joined.index.to_numpy(), joined["index_right"].to_numpy(), len(points[0]))

    return answer


def by_duckdb(grids: Geometries) -> Callable[[Points], Int32Array]:
    """Ask duckdb's spatial join on one thread."""
    import duckdb
    import duckdb_extension_spatial
    import pyarrow as pa

    connection = duckdb.connect(config={"threads": 1, "allow_unsigned_extensions": True})
    extension = next(Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    table = pa.table({"row": np.arange(len(grids), dtype=np.int32), "wkb": shapely.to_wkb(grids)})
    connection.register("given", table)
    connection.execute("CREATE TABLE grids AS SELECT row, ST_GeomFromWKB(wkb) AS shape FROM given")

    def answer(points: Points) -> Int32Array:
        number = np.arange(len(points[0]), dtype=np.int64)
        connection.register("asked", pa.table({"number": number, "lon": points[0], "lat": points[1]}))
        found = connection.execute(
            "SELECT p.number, g.row FROM (SELECT number, ST_Point(lon, lat) AS place FROM asked) p "
            "JOIN grids g ON ST_Intersects(g.shape, p.place)"
        ).fetchnumpy()
        return smallest(found["number"], found["row"], len(number))

    return answer


PEERS = {
    "geopandas.sjoin": by_geopandas,
    "shapely STRtree, prepared": by_shapely,
    "duckdb spatial join": by_duckdb,
}


def rate_of(index: GridIndex, places: Points, threads: int, clock: Callable[[], float]) -> float:
    """Points a second."""
    return len(places[0]) / best(lambda: index.locate_many(places[0], places[1], threads), clock)


def table_of(name: str, grids: Geometries, index: GridIndex, points: dict[str, Points], reads: float) -> None:
    """Print how fast a city is answered, and how fast that is for the machine."""
    say(f"\n{name}: {len(grids):,} grids, {index.nbytes / 1e6:.0f} MB")
    for kind, places in points.items():
        rate = rate_of(index, places, 1, time.process_time)
        one, two = (rate_of(index, places, threads, time.perf_counter) for threads in (1, 2))
        say(
            f"  {kind:12}{rate / 1e6:8.1f} M/s   {rate / reads:5.2f} of the yardstick"
            f"   2 threads {two / 1e6:8.1f} M/s ({two / one:.2f} x)"
        )


def peers(grids: Geometries, index: GridIndex, points: dict[str, Points]) -> None:
    """Print how fast others answer the same points, and compare the answers."""
    say(f"\nPeers on the compact city, {PEER_POINTS:,} points, one thread")
    degrees = np.asarray(shapely.transform(grids, lambda xy: xy / SCALE), dtype=object)
    fastest = dict.fromkeys(points, 0.0)
    ours = {}
    for kind, (lons, lats) in points.items():
        some = lons[:PEER_POINTS].copy(), lats[:PEER_POINTS].copy()
        rate = rate_of(index, (lons, lats), 1, time.process_time)
        ours[kind] = some, index.locate_many(*some), rate
    for name, make in PEERS.items():
        try:
            answer = make(degrees)
        except ImportError as error:
            say(f"  {name:28} is not installed ({error})")
            continue
        for kind, (some, rows, rate) in ours.items():
            answer((some[0][:1000], some[1][:1000]))
            theirs = PEER_POINTS / best(partial(answer, some), rounds=3)
            differ = int((answer(some) != rows).sum())
            fastest[kind] = max(fastest[kind], theirs)
            times = f"ours is {rate / theirs:7.0f} x"
            say(f"  {name:28}{kind:12}{theirs / 1e6:8.3f} M/s   {times}   differing (in degrees): {differ}")
    for kind, theirs in fastest.items():
        if theirs:
            ratio = ours[kind][2] / theirs
            say(f"  the best of them, {kind:10} {theirs / 1e6:.3f} M/s: ours is {ratio:.0f} x")


def once(grids: Geometries) -> GridIndex:
    """Build, save and open, and say how long each took and how large it is."""
    degrees = np.asarray(shapely.transform(grids, lambda xy: xy / SCALE), dtype=object)
    GridIndex.build(degrees[:2_000])  # loads every kernel
    begin, cpu = time.perf_counter(), time.process_time()
    index = GridIndex.build(degrees, [str(row) for row in range(len(grids))])
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    say(f"  build   {seconds:8.2f} s on two threads ({cpu:.2f} s of CPU)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        begin = time.perf_counter()
        index.save(path)
        saved = time.perf_counter() - begin
        opened = best(lambda: GridIndex.open(path), time.perf_counter)
        verified = best(GridIndex.open(path).verify, time.perf_counter, 2)
        sizes = f"{path.stat().st_size / 1e6:.0f} MB, of which {index.nbytes / 1e6:.0f} to serve"
        say(f"  save    {saved:8.2f} s, {sizes}")
        say(f"  open    {opened * 1e3:8.2f} ms; verify {verified:.2f} s")
    return index


def single(index: GridIndex, points: Points) -> None:
    """Print how long one call from Python takes."""
    some = list(zip(points[0][:10_000].tolist(), points[1][:10_000].tolist(), strict=True))
    locate = index.locate

    def every() -> None:
        for lon, lat in some:
            locate(lon, lat)

    seconds = sorted(timeit.repeat(every, number=1, repeat=9))[4] / len(some)
    say(f"  locate  {seconds * 1e6:8.2f} us for one point, called from Python (median)")


def households(index: GridIndex, random: np.random.Generator, grids: Geometries) -> None:
    """Print how long all households of Chongqing take from arrays."""
    lons, lats = clustered(random, grids, 12_040_234)
    seconds = best(lambda: index.locate_many(lons, lats, threads=2), time.perf_counter)
    say(f"  12,040,234 households on 2 threads: {seconds:.3f} s")


def main(count: int) -> None:
    """Print the table."""
    random = np.random.default_rng(7)
    compact, wide = mesh(255), province()
    say(f"Compact city: {len(compact):,} grids, {int(shapely.get_num_coordinates(compact).sum()):,} vertices")
    index = once(compact)
    reads = yardstick(random)
    say(f"  yardstick {reads / 1e6:.0f} M random reads a second")
    points = {"uniform": uniform(random, compact, count), "clustered": clustered(random, compact, count)}
    single(index, points["uniform"])
    table_of("Compact city", compact, index, points, reads)
    households(index, random, compact)
    wide_index = GridIndex.build(shapely.transform(wide, lambda xy: xy / SCALE))
    wide_points = {"uniform": uniform(random, wide, count), "clustered": clustered(random, wide, count)}
    table_of("Wide and contrasted", wide, wide_index, wide_points, reads)
    peers(compact, index, points)


if __name__ == "__main__":
    main(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 4_000_000)

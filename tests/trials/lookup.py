"""Millions of points against shapely on whole-numbered coordinates: no answer may differ.

`scripts/trial_lookup [FILE ...]`. Made cities (a compact mesh, a province of contrasts, a stack of
overlapping boxes, damaged cities) and the polygons of any files given (GeoParquet, GeoPackage ...;
transformed to degrees, kept by the even-odd rule). For each: a million points uniform in the box, a million
around corners, 150,000 corners, edge points and their neighbours; in bulk on one and two threads, and one by
one. shapely compares polygons in lattice units, where it is exact; near invalid ones, of which it makes what
it likes, whole-number ray casting is asked instead, on fewer points.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from damage import damaged_city
from mesh import mesh, province
from oracles import owner_of

from gridmap import lattice
from gridmap.index.index import GridIndex
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE
from gridmap.types import Geometries, Int32Array, Int64Array

MANY = 1_000_000
ODD = 50_000
ONE_BY_ONE = 50_000
SLOW = 2_000
"""Points for the plain oracle, which takes a second for a few of them in a large city."""


def in_degrees(units: Geometries) -> Geometries:
    """Lattice units to degrees."""
    return np.asarray(shapely.transform(units, lambda xy: xy / SCALE), dtype=object)


def in_units(degrees: Geometries) -> Geometries:
    """Degrees to lattice units, as the lattice rounds."""
    return np.asarray(
        shapely.transform(degrees, lambda xy: np.stack(lattice.to_lattice(*xy.T), axis=1).astype(float)),
        object,
    )


def points_of(random: np.random.Generator, units: Geometries) -> Int64Array:
    """Uniform, clustered and odd points, (n, 2) in lattice units."""
    corners = shapely.get_coordinates(units)
    low, high = corners.min(axis=0) - 1_000, corners.max(axis=0) + 1_000
    anywhere = random.integers(low, high + 1, (MANY, 2))
    around = corners[random.integers(0, len(corners), MANY)] + np.rint(random.normal(0, 3_000, (MANY, 2)))
    some = random.integers(0, len(corners) - 1, ODD)
    ends = corners[some], corners[some + 1]
    near = np.abs(ends[0] - ends[1]).max(axis=1) < 10_000_000
    share = random.integers(0, 5, (ODD, 1)) / 4
    between = np.rint(ends[0] + (ends[1] - ends[0]) * share)[near]
    beside = between + random.integers(-1, 2, between.shape)
    return np.concatenate([anywhere, around, corners[some], between, beside]).astype(np.int64)


def boxes_of(units: Geometries) -> Geometries:
    """The box around each polygon."""
    return np.asarray(shapely.box(*shapely.bounds(units).T), dtype=object)


def by_shapely(units: Geometries, points: Int64Array) -> Int32Array:
    """The smallest covering row of each point, on whole-numbered coordinates."""
    which, rows = shapely.STRtree(units).query(shapely.points(points), predicate="intersects")
    out = np.full(len(points), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(out, which, rows.astype(np.int32))
    out[out == np.iinfo(np.int32).max] = NOWHERE
    return out


def differing(name: str, degrees: Geometries, seed: int = 1) -> int:
    """Compare every way to ask with shapely; gives the number of differing answers, and says it."""
    random = np.random.default_rng(seed)
    units = in_units(degrees)
    index = GridIndex.build(degrees, invalid="evenodd")
    points = points_of(random, units)
    points = points[(np.abs(points) <= (180 * SCALE, 90 * SCALE)).all(axis=1)]
    lons, lats = lattice.to_degrees(*points.T)
    rows = index.locate_many(lons, lats)
    wild = index.parts.wild_rows
    tame = units.copy()
    tame[wild] = None
    begin = time.perf_counter()
    expected = by_shapely(tame, points)
    seconds = time.perf_counter() - begin
    if len(wild):  # shapely cannot be asked: only points far from them are compared here
        boxes = shapely.STRtree(boxes_of(units[wild]))
        touched = np.unique(boxes.query(shapely.points(points), predicate="intersects")[0])
        some = random.permutation(touched)[:SLOW]
        near = shapely.STRtree(boxes_of(units))
        for i in some:
            rows_there = np.sort(near.query(shapely.Point(points[i]), predicate="intersects"))
            found = owner_of(int(points[i, 0]), int(points[i, 1]), units[rows_there])
            expected[i] = rows_there[found] if found != NOWHERE else NOWHERE
        left_out = np.setdiff1d(touched, some)
        expected[left_out] = rows[left_out]
    wrong = int((rows != expected).sum())
    wrong += int((index.locate_many(lons, lats, threads=2) != rows).sum())
    wrong += int((index.at_many(*points.astype(np.int32).T) != rows).sum())
    some = random.integers(0, len(points), ONE_BY_ONE)
    one = [index.locate(lon, lat) for lon, lat in zip(lons[some].tolist(), lats[some].tolist(), strict=True)]
    wrong += int((np.array(one) != rows[some]).sum())
    parts = f"{len(wild):,} invalid, " * bool(len(wild)) + (
        "no overlaps" if index.parts.single else "overlapping"
    )
    sys.stdout.write(
        f"{name:34}{len(degrees):>9,} polygons ({parts})  {len(points):,} points, "
        f"{(rows != NOWHERE).mean():.0%} inside: {wrong} differ   (shapely {seconds:.0f} s)\n"
    )
    sys.stdout.flush()
    return wrong


def boxes_on_boxes(seed: int) -> Geometries:
    """Boxes that overlap a lot."""
    random = np.random.default_rng(seed)
    low = random.uniform((106, 29), (107, 30), (3_000, 2))
    high = low + random.exponential(0.01, (3_000, 2))
    return np.asarray(shapely.box(*low.T, *high.T), dtype=object)


def main(files: list[Path]) -> int:
    """Try all; gives the exit code."""
    wrong = differing("compact mesh", in_degrees(mesh(255)))
    wrong += differing("province of contrasts", in_degrees(province()))
    wrong += differing("boxes on boxes", boxes_on_boxes(1))
    for seed in range(5):
        wrong += differing(f"damaged city {seed}", in_degrees(damaged_city(seed).grids), seed)
    for file in files:
        read = gpd.read_parquet if file.suffix == ".parquet" else gpd.read_file
        frame = read(file).to_crs(4326)
        wrong += differing(file.name, np.asarray(shapely.force_2d(frame.geometry.to_numpy()), dtype=object))
    sys.stdout.write(f"{wrong} answers differ\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))

"""Thousands of random tiles of a city, of every layer and scheme, held against the specification and shapely.

`scripts/trial_tiles HOME`. Every tile is read by `mapbox_vector_tile` and by the JavaScript reference decoder
and checked byte for byte; of areas, what must be in it and what may is found by cutting the true polygons.
Households of buildings that lie well within a square must all be there. The city is then built a second time
in another process, from nothing that was kept, and must give the same bytes for every tile that was asked
for, and so the same ids. Last, every grid of four square units or more is looked for at each zoom, and
borders are measured: gaps and overlaps between grids, levels against each other, tiles against their
neighbours.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import javascript
import numpy as np
import shapely
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from tile_oracle import Feature, Seams, Truth, crack, decode, differences, disagreement, seams
from tile_spec import Verdict, check_tile

from gridmap.coverage.rings import in_degrees
from gridmap.lattice import SCALE
from gridmap.lookup import read_edition
from gridmap.scenery import read_scenery
from gridmap.store.address import CityAddress
from tiles.address import SCHEMES, Tile
from tiles.engine import Engine
from tiles.gallery import open_engine
from tiles.houses import UNKNOWN_M
from tiles.measure import read_measure
from tiles.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.scenery import Scenery
    from gridmap.types import FloatArray
    from tiles.address import Scheme

    Address = tuple[int, int, int]
    Digests = dict[tuple[str, str, int, int, int], bytes]

TILES: Final = 500
"""Random addresses for each layer and scheme."""

HEAVY: Final = 3_000
"""Polygons near a square beyond which they are not cut one by one: that takes seconds for each such tile."""

LEAST: Final = 4.0
"""Square units from which on no area may be lost."""

ROUND_M: Final = 30_000_000
"""Metres that one of the plane is wide, at least, anywhere in China."""

SQUARES: Final = 30
"""Tiles of a zoom whose borders are measured."""

MOST_INVALID: Final = 0.001
MOST_SEAMS: Final = 0.00001
"""Shares: of decoded polygons that are not valid, and of gaps and overlaps in the area."""

SHOWN: Final = 5
"""Lines that are printed of a kind."""


@dataclass
class Tally:
    """What was seen in the tiles of one layer and scheme."""

    tiles: int = 0
    empty: int = 0
    largest: int = 0
    features: int = 0
    polygons: int = 0
    invalid: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Breaches of the specification, decoders that differ, areas lost, areas that are not there."""


class City:
    """An edition's areas: the truth of every level on every plane."""

    def __init__(self, partition: Partition, numbers: dict[str, int]) -> None:
        self.partition = partition
        self.numbers = numbers
        self._truths: dict[tuple[str, str], Truth] = {}

    def levels(self) -> tuple[str, ...]:
        """The levels, widest first."""
        return tuple(self.partition.counts)

    def truth(self, level: str, scheme: str = "xyz") -> Truth:
        """The polygons of a level on the plane of a scheme; schemes of one plane share it."""
        plane = SCHEMES[scheme].plane
        if (level, plane.name) not in self._truths:
            depth = self.partition.depth_of(level)
            mine = [self.numbers[code] for code in self.partition.levels[depth].codes]
            self._truths[level, plane.name] = Truth.of(
                mine, in_degrees(self.partition.polygons_at(depth)), plane
            )
        return self._truths[level, plane.name]

    def parents(self, level: str) -> dict[int, int]:
        """The id of the parent of every area of a level, by its id."""
        table = self.partition.levels[self.partition.depth_of(level)]
        return {
            self.numbers[code]: self.numbers[parent]
            for code, parent in zip(table.codes, table.parents, strict=True)
            if parent is not None
        }


def say(line: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def random_addresses(
    truth: Truth,
    scheme: Scheme,
    zooms: tuple[int, int],
    random: np.random.Generator,
    count: int,
    middles: FloatArray | None = None,
) -> list[Address]:
    """Addresses of random zooms: half of them anywhere in the box of the city, half at a random polygon.

    Or at one of the `middles`, on the plane, where some are given.
    """
    west, north, east, south = shapely.total_bounds(truth.shapes)
    out: list[Address] = []
    for number in range(count):
        z = int(random.integers(zooms[0], zooms[1] + 1))
        if middles is not None and number % 8:
            x, y = middles[random.integers(0, len(middles))]
        elif number % 2:
            x, y = random.uniform(west, east), random.uniform(north, south)
        else:
            shape = truth.shapes[random.integers(0, len(truth.shapes))]
            x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
        tile = scheme.tile(z, int(x * 2**z // 1), int(y * 2**z // 1))
        out.append((tile.z, tile.x, tile.y))
    return out


def judge(
    data: bytes, decoder: javascript.ReferenceDecoder, where: str, tally: Tally
) -> dict[str, list[Feature]]:
    """Hold a tile against the specification and the two decoders against each other; gives what is in it."""
    verdict: Verdict = check_tile(data)
    layers = decode(data)
    tally.tiles += 1
    tally.empty += not data
    tally.largest = max(tally.largest, len(data))
    tally.features += sum(len(features) for features in layers.values())
    tally.polygons += verdict.polygons
    tally.invalid += [f"{where}: {text}" for text in verdict.invalid]
    tally.wrong += [f"{where}: {text}" for text in verdict.breaches]
    tally.wrong += [f"{where}: decoders differ: {text}" for text in differences(layers, decoder.decode(data))]
    return layers


def hold_against(
    truth: Truth, square: Address, features: Sequence[Feature], where: str, tally: Tally
) -> None:
    """Note areas that must be in a tile and are not, and areas that are and have no business there."""
    found = {each.number for each in features}
    if len(truth.near(square)) > HEAVY:
        return
    lost, strange = truth.needed(square) - found, found - truth.allowed(square)
    tally.wrong += [f"{where}: {number} is lost" for number in sorted(lost)]
    tally.wrong += [f"{where}: {number} is not there" for number in sorted(strange)]


class Doors:
    """How many households each building has, by its code, and where the buildings are on each plane."""

    def __init__(self, scenery: Scenery) -> None:
        self._buildings, self._households = scenery.buildings, scenery.households
        self._middles: dict[str, FloatArray] = {}

    def middles(self, scheme: Scheme) -> FloatArray | None:
        """Where the buildings are, (n, 2); None where there are none."""
        if self._buildings is None:
            return None
        if scheme.plane.name not in self._middles:
            degrees = self._buildings.xs / SCALE, self._buildings.ys / SCALE
            self._middles[scheme.plane.name] = np.stack(scheme.plane.project(*degrees), axis=1)
        return self._middles[scheme.plane.name]

    def hold_against(
        self, scheme: Scheme, square: Address, features: Sequence[Feature], where: str, tally: Tally
    ) -> None:
        """Note buildings well within a square whose households are not all there."""
        middles = self.middles(scheme)
        if middles is None or self._buildings is None or self._households is None:
            return
        shares = middles * 2.0 ** square[0] - square[1:]
        sizes_m = np.hypot(self._buildings.widths_m, self._buildings.depths_m)[:, None] + UNKNOWN_M
        sizes = sizes_m / ROUND_M * 2.0 ** square[0]
        mine = np.flatnonzero(((shares > sizes) & (shares < 1 - sizes)).all(axis=1))
        found = Counter(str(each.properties["code"]).split("-")[0] for each in features)
        for code, row in zip(self._buildings.codes.take(mine).to_pylist(), mine.tolist(), strict=True):
            expected = int(self._households.offsets[row + 1] - self._households.offsets[row])
            if found[code] != expected:
                tally.wrong.append(f"{where}: building {code} has {found[code]} of {expected} households")


def try_layers(
    engine: Engine, city: City, doors: Doors, decoder: javascript.ReferenceDecoder, given: argparse.Namespace
) -> tuple[int, Digests]:
    """Try random tiles of each layer and scheme; gives how many things were wrong, and what the tiles are."""
    random = np.random.default_rng(8)
    wrong = 0
    seen: Digests = {}
    say("layer       scheme        zooms  tiles  empty  features  largest  invalid polygons")
    for name in given.layers or engine.layers:
        for scheme in SCHEMES.values():
            tally, zooms = Tally(), engine.zooms(name, scheme.name)
            level = name if name in city.levels() else city.levels()[-1]
            truth = city.truth(level, scheme.name)
            middles = doors.middles(scheme) if name in ("building", "household") else None
            for z, x, y in random_addresses(truth, scheme, zooms, random, given.tiles, middles):
                where = f"{name}/{scheme.name}/{z}/{x}/{y}"
                data = engine.tile((name,), scheme.name, z, x, y)
                seen[name, scheme.name, z, x, y] = hashlib.blake2b(data).digest()
                layers = judge(data, decoder, where, tally)
                square = (z, *scheme.square(Tile(z, x, y)))
                if name == "household":
                    doors.hold_against(scheme, square, layers.get(name, ()), where, tally)
                if name == level:
                    hold_against(truth, square, layers.get(name, ()), where, tally)
            share = len(tally.invalid) / max(tally.polygons, 1)
            say(
                f"{name:12}{scheme.name:12}{zooms[0]:>4}-{zooms[1]:<2}{tally.tiles:>7}{tally.empty:>7}"
                f"{tally.features:>10,}{tally.largest:>9,}"
                f"  {len(tally.invalid)} of {tally.polygons:,} ({share:.3%})"
            )
            for line in [*tally.wrong, *tally.invalid][:SHOWN]:
                say(f"    {line}")
            wrong += len(tally.wrong) + (share > MOST_INVALID)
    return wrong, seen


def build_again(home: Path, asked: list[tuple[str, str, int, int, int]]) -> tuple[str, Digests]:
    """The same tiles of an engine that is built from what the store holds and from nothing that was kept."""
    place = CityAddress(home)
    with place.open() as store:
        edition, partition = read_edition(store, place)
        known = store.features()
        scenery = read_scenery(store)
    numbers = tuple(np.array([known[code] for code in table.codes], np.int64) for table in partition.levels)
    engine = Engine(Subject(edition, partition, numbers, scenery, read_measure()))
    return engine.token, {each: hashlib.blake2b(engine.tile(each[:1], *each[1:])).digest() for each in asked}


def compare_builds(home: Path, token: str, seen: Digests) -> int:
    """Build the city once more, in another process; gives how many tiles differ."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        other, again = pool.apply(build_again, (home, list(seen)))
    differing = [each for each, digest in seen.items() if again[each] != digest]
    same = "the same token" if other == token else f"another token, {other}"
    say(f"  {len(seen):,} tiles, {len(differing)} of them differ; {same}")
    for each in differing[:SHOWN]:
        say(f"    {'/'.join(map(str, each))}")
    return len(differing) + (other != token)


def numbers_in(data: bytes, layer: str) -> set[int]:
    """The ids in a layer of a tile."""
    tile = vector_tile_pb2.tile()
    tile.ParseFromString(data)
    return {feature.id for each in tile.layers if each.name == layer for feature in each.features}


def look_for_lost(engine: Engine, city: City, deepest: int) -> int:
    """Ask for every tile of each zoom: which grids of four square units or more are in none of them."""
    level = city.levels()[-1]
    truth, lost_ever = city.truth(level), 0
    for z in range(deepest + 1):
        found: set[int] = set()
        west, north, east, south = np.floor(shapely.total_bounds(truth.shapes) * 2**z).astype(int).tolist()
        for x in range(west, east + 1):
            for y in range(north, south + 1):
                found |= numbers_in(engine.tile((level,), "xyz", z, x, y), level)
        areas = truth.areas(z)
        large = {number for number, area in areas.items() if area >= LEAST}
        lost = large - found
        lost_ever += len(lost)
        small = len(areas) - len(large)
        say(
            f"  z{z:<3} {len(large):>7,} of {LEAST} square units or more, {len(lost)} of them lost; "
            f"{small:,} smaller, {len(set(areas) - large - found):,} of them given to neighbours"
        )
        for number in sorted(lost)[:SHOWN]:
            say(f"    {number}: {areas[number]:.1f} square units")
    return lost_ever


def measure_borders(engine: Engine, city: City, random: np.random.Generator) -> int:
    """Gaps and overlaps between grids, levels against each other, tiles against their neighbours."""
    worse = 0
    levels = city.levels()
    truth = city.truth(levels[-1])
    for z in range(6, 13):
        squares = sampled(truth, z, random)
        total, differing, cracked = Seams(), 0.0, 0.0
        for square in squares:
            layers = decode(engine.tile(levels, "xyz", *square))
            shapes = [each.shape for each in layers.get(levels[-1], ())]
            total += seams(shapes, truth, square)
            for upper, lower in pairwise(levels):
                differing += between(layers.get(upper, ()), layers.get(lower, ()), city.parents(lower))
            for step in ((1, 0), (0, 1)):
                beside = decode(engine.tile(levels[-1:], "xyz", z, square[1] + step[0], square[2] + step[1]))
                cracked += crack(layers.get(levels[-1], ()), beside.get(levels[-1], ()), step)
        worse += total.share > MOST_SEAMS or differing > 0 or cracked > 0
        say(
            f"  z{z:<3} {len(squares):>4} tiles: gaps {total.gap:.1f} and overlaps {total.overlap:.1f} of "
            f"{total.area:,.0f} square units ({total.share:.5%}); levels differ in {differing:.1f}, "
            f"tiles from their neighbours in {cracked:.1f}"
        )
    return worse


def sampled(truth: Truth, z: int, random: np.random.Generator) -> list[Address]:
    """All squares of a zoom with ground in them, or some where there are many."""
    west, north, east, south = np.floor(shapely.total_bounds(truth.shapes) * 2**z).astype(int).tolist()
    every = [(z, x, y) for x in range(west, east + 1) for y in range(north, south + 1)]
    chosen = random.permutation(len(every))
    found: list[Address] = []
    for place in chosen:
        if len(found) == SQUARES:
            break
        if truth.touches(every[place]):
            found.append(every[place])
    return found


def between(upper: Sequence[Feature], lower: Sequence[Feature], parents: dict[int, int]) -> float:
    """Square units in which areas of a tile differ from what their children make."""
    children: dict[int, list[shapely.Geometry]] = {}
    for each in lower:
        children.setdefault(parents[each.number], []).append(each.shape)
    return disagreement(children, {each.number: each.shape for each in upper})


def main() -> int:
    """Try everything; gives the exit code, 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/trial_tiles", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--tiles", type=int, default=TILES, help="Random tiles for each layer and scheme.")
    parser.add_argument("--layers", nargs="+", help="Random tiles of these layers only; default: all.")
    parser.add_argument("--deepest", type=int, default=12, help="The last zoom all of whose tiles are made.")
    given = parser.parse_args()
    begin, place = time.perf_counter(), CityAddress(given.home)
    engine = open_engine(place)
    with place.open() as store:
        _, partition = read_edition(store, place)
        city = City(partition, store.features())
        doors = Doors(read_scenery(store, place.cache))
    counts = ", ".join(f"{count:,} {level}" for level, count in partition.counts.items())
    say(f"{engine.token}: {counts}\n")
    with javascript.ReferenceDecoder() as decoder:
        wrong, seen = try_layers(engine, city, doors, decoder, given)
    say("\nThe same tiles of a second build, in another process, from nothing that was kept")
    wrong += compare_builds(given.home, engine.token, seen)
    say("\nEvery tile of each zoom: which areas are in none")
    wrong += look_for_lost(engine, city, given.deepest)
    say("\nBorders, in tiles of all levels")
    wrong += measure_borders(engine, city, np.random.default_rng(9))
    say(f"\n{wrong} wrong; {time.perf_counter() - begin:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

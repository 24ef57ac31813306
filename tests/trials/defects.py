"""Twelve kinds of defects, each planted at 200 places of Chongqing: all are found, with codes and place.

`scripts/trial_defects [PLACES]`. All the places of a kind are planted at once, one in a town, and the whole
city, with the outlines of its districts, towns and communities, is examined once. Found is a defect that one
finding tells with its rule, codes, place and size; elsewhere are findings where nothing was planted.
Then cities without a defect: Chongqing itself, twenty districts with other seeds, twenty random cities;
every finding there is a false alarm. Exit code 1 for anything missed and any false alarm.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import planted
import shapely
from random_city import City, random_city

from gridmap.boundaries.areas import AreaFile
from gridmap.city.chongqing import plan_chongqing
from gridmap.city.registry import read_registry
from gridmap.coverage.partition import level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.founding import SEED, partition_of_plan
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planted import Plant, Planter

    from gridmap.coverage.partition import LevelTable, Partition
    from gridmap.model import Finding
    from gridmap.types import Int64Array

PLACES: Final = 200
"""At how many places a kind is planted."""

SEEDS: Final = 20
"""How many cities of each sort have to be clean."""

TRIES: Final = 50
"""How often a place at the outer border is looked for in one grid, which has some forty corners."""

NEAR: Final = 20
"""Lattice units from a grid at which a finding may lie that is about its border."""

KINDS: Final[dict[str, Planter]] = {
    "gap": planted.gap,
    "missing_grid": planted.missing_grid,
    "hole_without_filler": planted.hole_without_filler,
    "overlap": planted.overlap,
    "duplicate": planted.duplicate,
    "stray_part": planted.stray_part,
    "t_junction": planted.rounded_t_junction,
    "outside_parent": planted.beyond_the_city,
    "wrong_parent": planted.swapped_parents,
    "self_touching_ring": planted.self_touching_ring,
    "invalid_polygon": planted.invalid_polygon,
    "no_shape": planted.no_shape,
}
"""A planter for each rule that a finding can have."""


@dataclass(frozen=True)
class Plot:
    """A part of the city with a defect: the rows of its grids, and what was made of them."""

    grids: Int64Array
    plant: Plant


class Whole:
    """The whole city, to be cut into parts for the planters and put together again."""

    def __init__(self, partition: Partition) -> None:
        shapes = {table.level: partition.polygons_at(depth) for depth, table in enumerate(partition.levels)}
        grids = shapes.pop("grid")
        self.city = City(partition.levels, grids, shapes)
        self.tree = shapely.STRtree(grids)
        self._ancestors = partition.ancestors
        left, right = partition.coverage.left, partition.coverage.right
        self._border = np.unique(np.concatenate([left[right == NOWHERE], right[left == NOWHERE]]))

    def parts(self, *, outside: bool) -> list[Int64Array]:
        """Rows of grids that a planter gets at a time: a town, or, for the outer border, a grid at it."""
        if outside:
            return np.split(self._border, len(self._border))
        towns = self._ancestors[1]
        return np.split(np.argsort(towns, kind="stable"), np.cumsum(np.bincount(towns))[:-1])

    def part(self, grids: Int64Array) -> City:
        """Some grids with the areas above them as a city of their own."""
        above = [np.unique(rows[grids]).tolist() for rows in self._ancestors]
        tables = [
            level_table(table.level, *zip(*(_row(table, row) for row in rows), strict=True))
            for table, rows in zip(self.city.tables, above, strict=True)
        ]
        return City(tuple(tables), self.city.grids[np.sort(grids)], {})

    def planted(self, plots: Sequence[Plot]) -> AreaFile:
        """The whole city as a file with outlines of all levels, and with the defects of all plots."""
        table, shapes = self.city.tables[-1], self.city.grids
        kept = np.delete(np.arange(len(table)), np.concatenate([plot.grids for plot in plots]))
        rows = [_row(table, row) for row in kept.tolist()]
        polygons = [shapes[kept]]
        for plot in plots:
            theirs = plot.plant.areas.tables[-1]
            rows += [_row(theirs, row) for row in range(len(theirs))]
            polygons.append(plot.plant.areas.polygons["grid"])
        tables = (*self.city.tables[:-1], level_table("grid", *zip(*rows, strict=True)))
        return AreaFile(tables, {**self.city.outlines, "grid": np.concatenate(polygons)})

    def covers_some(self, place: shapely.Geometry) -> bool:
        """Whether grids of the city share more than a border with a place."""
        near = self.city.grids[self.tree.query(place)]
        return bool(shapely.area(shapely.intersection(near, place)).any())

    def elsewhere(self, plots: Sequence[Plot], findings: Sequence[Finding]) -> int:
        """How many findings name no grid of any plot and lie in none."""
        rows = np.concatenate([plot.grids for plot in plots])
        codes = {self.city.tables[-1].codes[row] for row in rows}
        codes |= {code for plot in plots for code in plot.plant.codes}
        near = shapely.STRtree(self.city.grids[rows])
        lost = [finding for finding in findings if codes.isdisjoint(finding.codes)]
        places = [shapely.Point((each.lon or 0) * SCALE, (each.lat or 0) * SCALE) for each in lost]
        return sum(not len(near.query(place, predicate="dwithin", distance=NEAR)) for place in places)


def _row(table: LevelTable, row: int) -> tuple[str, str, str, str | None]:
    return table.codes[row], table.names[row], table.kinds[row], table.parents[row]


def plots_of(whole: Whole, kind: str, places: int) -> list[Plot]:
    """A defect in each of as many parts as were asked for, where there are so many with a place for it."""
    random = np.random.default_rng([SEED, list(KINDS).index(kind)])
    outside = KINDS[kind] in planted.OUTSIDE
    parts = whole.parts(outside=outside)
    out: list[Plot] = []
    for number in random.permutation(len(parts)):
        city = whole.part(parts[number])
        for _ in range(TRIES if outside else 1):
            plant = KINDS[kind](city, random, False)
            # Most corners of a grid at the outer border are pushed into a neighbour: that is an overlap.
            if plant is not None and not (outside and whole.covers_some(plant.place)):
                out.append(Plot(parts[number], plant))
                break
        if len(out) == places:
            break
    return out


def trial(whole: Whole, kind: str, places: int) -> bool:
    """Plant a kind everywhere, examine the city once, print a line; gives whether all went well."""
    plots = plots_of(whole, kind, places)
    areas = whole.planted(plots)
    begin = time.perf_counter()
    findings = planted.findings_of(areas)
    seconds = time.perf_counter() - begin
    missed = [
        plot.plant for plot in plots if not any(planted.tells(finding, plot.plant) for finding in findings)
    ]
    lost = whole.elsewhere(plots, findings)
    found = len(plots) - len(missed)
    say(f"{kind:20} {len(plots):8} {found:6} {len(findings):9} {lost:10} {seconds:8.1f}")
    for plant in missed[:3]:
        say(f"    missed: {', '.join(sorted(plant.rules))} of {', '.join(sorted(plant.codes))}")
    return not missed and not lost and len(plots) == places


def clean_cities(chongqing: Partition) -> Iterator[tuple[str, Partition]]:
    """Cities without a defect: Chongqing, some of its districts with other seeds, and random ones."""
    yield "Chongqing", _with_outlines(chongqing)
    for seed, code in zip(range(SEEDS), read_registry(), strict=False):
        plan = plan_chongqing([code], SEED + 1 + seed)
        yield f"district {code} with seed {SEED + 1 + seed}", _with_outlines(partition_of_plan(plan))
        yield f"random city {seed}", random_city(seed).partition(given=True)


def _with_outlines(partition: Partition) -> Partition:
    """A partition as it comes from a file that gives the outlines of all levels."""
    shapes = {table.level: partition.polygons_at(depth) for depth, table in enumerate(partition.levels)}
    return partition_of(partition.levels, shapes)


def false_alarms(chongqing: Partition) -> int:
    """Examine cities without a defect, print a line; gives the number of findings."""
    begin, cities, grids, alarms = time.perf_counter(), 0, 0, 0
    for name, partition in clean_cities(chongqing):
        findings = examine(partition).findings
        cities, grids, alarms = cities + 1, grids + len(partition.finest), alarms + len(findings)
        for finding in findings[:3]:
            say(f"    false alarm in {name}: {finding.rule}: {finding.text}")
    seconds = time.perf_counter() - begin
    say(f"{cities} clean cities, {grids:,} grids: {alarms} false alarms in {seconds:.0f} s")
    return alarms


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(places: int) -> int:
    """Print the table; gives the exit code."""
    begin = time.perf_counter()
    say("planning Chongqing")
    chongqing = partition_of_plan(plan_chongqing(None, SEED))
    whole = Whole(chongqing)
    say(f"{'kind':20} {'planted':>8} {'found':>6} {'findings':>9} {'elsewhere':>10} {'seconds':>8}")
    good = [trial(whole, kind, places) for kind in KINDS]
    alarms = false_alarms(chongqing)
    passed = all(good) and not alarms
    minutes = (time.perf_counter() - begin) / 60
    say(f"{'passed' if passed else 'FAILED'}: {sum(good)} of {len(KINDS)} kinds, {minutes:.1f} minutes")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PLACES))

"""Founding a city: from a plan to a home that can be served.

The edition is published last, so a founding that was killed leaves no city behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.chongqing import check_districts, plan_chongqing
from gridmap.city.population import populate
from gridmap.coverage.partition import level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.errors import HomeError, RefusedError
from gridmap.index.index import GridIndex
from gridmap.lookup import keep_index
from gridmap.publishing import publish
from gridmap.store.address import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gridmap.city.plan import CityPlan
    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store

    Progress = Callable[[str, float], None]

SEED = 2026
"""The seed of the city that everybody gets; another gives another city with the same codes and people."""

PLANNED, PROVEN, POPULATED = 0.45, 0.6, 0.9
"""Shares of the whole work after which planning, proving and populating are done, as measured on two
cores."""


def found_chongqing(
    place: CityAddress | Path, districts: Sequence[str] | None, seed: int, progress: Progress
) -> tuple[Edition, bool]:
    """Build Chongqing, or some of its districts; gives the edition, and whether it was built now.

    A place that holds exactly this city is left as it is. Raises HomeError when it holds another one.
    """
    origin = {"city": "chongqing", "districts": sorted(set(districts)) if districts else None, "seed": seed}
    address = address_of(place)
    check_districts(districts)  # before a home is made for a city that there is none of
    with address.open(create=True) as store:
        current = store.current()
        if current is not None:
            _refuse_other(store, address, origin)
            return current, False
        plan = plan_chongqing(districts, seed, _part(progress, 0.0, PLANNED))
        partition = _proven(plan, _part(progress, PLANNED, PROVEN))
        index = GridIndex.from_coverage(partition.coverage, partition.finest.codes, proven=True)
        _populate(store, plan, index, seed, _part(progress, PROVEN, 1.0))
        edition = publish(
            store,
            partition,
            examine(partition),
            author="gridmap",
            reason="the founding of the synthetic city",
            notes=plan.notes,
            synthetic=True,
            origin=origin,
        )
    keep_index(address, edition, index)
    progress("done", 1.0)
    return edition, True


def partition_of_plan(plan: CityPlan) -> Partition:
    """The partition that a plan's grids make."""
    tables = [level_table(p.level, p.codes, p.names, p.kinds, p.parents) for p in plan.levels]
    return partition_of(tables, {tables[-1].level: plan.grids})


def _proven(plan: CityPlan, progress: Progress) -> Partition:
    progress("proving the partition", 0.0)
    partition = partition_of_plan(plan)
    proof = examine(partition)
    if not proof.proven:
        raise RefusedError("The planned city is no partition; this is a fault of gridmap.", proof.findings)
    return partition


def _populate(store: Store, plan: CityPlan, index: GridIndex, seed: int, progress: Progress) -> None:
    people = populate(plan, index.at_many, seed, _part(progress, 0.0, 0.7))
    progress("storing buildings and households", 0.7)
    store.put_columns("buildings", people.buildings, synthetic=True)
    store.put_columns("households", people.households, synthetic=True)
    progress("storing devices and staff", 0.85)
    store.put_devices(people.devices)
    store.put_staff(people.staff)


def _refuse_other(store: Store, address: CityAddress, origin: Mapping[str, object]) -> None:
    found = store.proof(1).get("origin", {})  # what the place began as; planners may have published since
    if found == origin:
        return
    if found.get("city"):
        there = "Chongqing" + (
            f", districts {', '.join(found['districts'])}" if found["districts"] else ", whole"
        )
        there += f", seed {found['seed']}"
    else:
        there = "areas that were loaded from a file"
    raise HomeError(
        f"{address}: holds another city already ({there}). Name another folder, or remove this one."
    )


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """A progress that fills only a part of the whole."""
    return lambda step, share: progress(step, begin + (end - begin) * float(np.clip(share, 0, 1)))

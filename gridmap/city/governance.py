"""Who governs which grid of a district: real towns and communities for seeds and rings.

Owners are numbered as in the mosaic of one district: the seeds, then the rings. Which real community a group
of grids becomes is decided by density: the densest groups of a town are its residents' committees, the
others its villages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridmap.city.extras import need
from gridmap.city.hierarchy import Graph, group_communities, group_towns
from gridmap.city.rings import ENCLAVE, EXCLUSIVE

if TYPE_CHECKING:
    from gridmap.city.layout import Layout
    from gridmap.city.registry import Town
    from gridmap.types import AnyArray, FloatArray, Int64Array


@dataclass(frozen=True)
class Governance:
    """Who governs each owner of a district.

    `community` has the code of the community of each owner. `keeper` int64 is who holds an owner's ground:
    a seed or an exclusive ring itself; for an enclave or an island it is a seed nearby.
    """

    community: AnyArray
    keeper: Int64Array


def govern(
    layout: Layout, zones: Int64Array, neighbours: tuple[Int64Array, Int64Array], seed: int
) -> Governance:
    """Group the grids of a district into its real towns and communities, at least one grid for each.

    `zones` has the zone of each seed, `neighbours` the pairs of owners that share a border, both ways.
    """
    rng = np.random.default_rng([seed, int(layout.district.code), 1])
    count = len(layout.sites.seeds)
    community = _communities(layout, zones[:count], neighbours, rng)
    keeper = np.arange(count + len(layout.rings.kinds))
    for ring in np.flatnonzero(layout.rings.kinds != EXCLUSIVE).tolist():
        avoid = community[layout.rings.hosts[ring]] if layout.rings.kinds[ring] == ENCLAVE else ""
        keeper[count + ring] = _keeper(count + ring, community, avoid, neighbours, rng)
    whose = np.where(keeper[count:] < count, keeper[count:], layout.rings.hosts)
    return Governance(np.concatenate([community, community[whose]]), keeper)


def _communities(
    layout: Layout, zone: Int64Array, neighbours: tuple[Int64Array, Int64Array], rng: np.random.Generator
) -> AnyArray:
    """The code of the community of each seed's grid."""
    seeds, towns = layout.sites.seeds, layout.district.towns
    graph = _graph(seeds, zone, neighbours)
    middles = _distinct_nearest(layout.sites.centres, seeds)
    least = np.array([len(town.communities) for town in towns])
    town_of = group_towns(graph, middles, layout.sites.targets, least)
    code = np.empty(len(seeds), dtype="<U12")
    for position, town in enumerate(towns):
        members = np.flatnonzero(town_of == position)
        middle = int(np.searchsorted(members, middles[position]))
        group = group_communities(graph.within(members), len(town.communities), middle, rng)
        away = np.hypot(*(seeds[members] - seeds[middles[position]]).T)
        code[members] = _real_codes(town, group, layout.room_km2[members], away)
    return code


def _graph(seeds: FloatArray, zone: Int64Array, neighbours: tuple[Int64Array, Int64Array]) -> Graph:
    one, other = neighbours
    once = (one < other) & (other < len(seeds))
    one, other = one[once], other[once]
    metres = np.rint(np.hypot(*(seeds[one] - seeds[other]).T)).astype(np.int64)
    return Graph(len(seeds), one, other, metres, zone[one] != zone[other])


def _distinct_nearest(centres: FloatArray, seeds: FloatArray) -> Int64Array:
    """For each centre a seed near it, no seed twice, with the smallest sum of distances."""
    away = np.hypot(*(centres[:, None, :] - seeds[None, :, :]).transpose(2, 0, 1))
    rows, columns = need("scipy.optimize").linear_sum_assignment(away)
    return np.asarray(columns[np.argsort(rows)], dtype=np.int64)


def _real_codes(town: Town, group: Int64Array, room: FloatArray, away: FloatArray) -> AnyArray:
    """The community code of each grid of a town; in each kind the lower codes lie nearer to the middle."""
    count = len(town.communities)
    size = np.bincount(group, minlength=count)
    spacious = np.bincount(group, weights=np.log(room), minlength=count) / size
    far = np.bincount(group, weights=away, minlength=count) / size
    dense_first = np.argsort(spacious, kind="stable")
    kinds = dense_first[: town.residents], dense_first[town.residents :]
    order = np.concatenate([part[np.argsort(far[part], kind="stable")] for part in kinds])
    codes = np.empty(count, dtype="<U12")
    codes[order] = [community.code for community in town.communities]
    return codes[group]


def _keeper(
    ring: int,
    community: AnyArray,
    avoid: str,
    neighbours: tuple[Int64Array, Int64Array],
    rng: np.random.Generator,
) -> int:
    """A seed whose grid lies near a ring without touching it, and outside the community to avoid."""
    one, other = neighbours
    far = np.unique(other[one == ring])
    touching = far
    while True:
        around = np.unique(other[np.isin(one, far)])
        seeds = np.setdiff1d(around[around < len(community)], touching)
        wanted = seeds[community[seeds] != avoid]
        if len(wanted):
            return int(rng.choice(wanted))
        if len(around) == len(far):
            raise RuntimeError("A district has no second community: nobody can keep an enclave there.")
        far = around

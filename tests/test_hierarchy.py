"""Groups of neighbouring grids: connected, none empty, and as many as asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.city.apportion import apportion
from gridmap.city.hierarchy import Graph, group_communities, group_towns
from gridmap.types import Int64Array


def lattice(width: int, height: int, rng: np.random.Generator) -> Graph:
    """Grids in rows and columns, a river after the third row, some borders missing but all connected."""
    number = np.arange(width * height).reshape(height, width)
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.stack([number[:-1].ravel(), number[1:].ravel()])
    down = down[:, (rng.random(down.shape[1]) < 0.6) | (down[0] % width == 0)]
    one, other = np.concatenate([across, down], axis=1)
    metres = rng.integers(0, 900, len(one))
    return Graph(width * height, one, other, metres, (one // width == 2) & (other // width == 3))


def connected(graph: Graph, members: Int64Array) -> bool:
    """Whether one can walk between all members without leaving them: a flood, step by step."""
    inside, reached = set(members.tolist()), {int(members[0])}
    pairs = list(zip(graph.one.tolist(), graph.other.tolist(), strict=True))
    while True:
        more = {b for a, b in pairs if a in reached and b in inside}
        more |= {a for a, b in pairs if b in reached and a in inside}
        if more <= reached:
            return reached == inside
        reached |= more


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 12), st.integers(2, 9), st.integers(0, 2**32), st.data())
def test_communities_are_connected_and_none_is_empty(
    width: int, height: int, seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(width, height, rng)
    count = data.draw(st.integers(1, min(12, graph.count)))
    middle = data.draw(st.integers(0, graph.count - 1))
    group = group_communities(graph, count, middle, rng)
    assert set(group.tolist()) == set(range(count))
    assert all(connected(graph, np.flatnonzero(group == one)) for one in range(count))


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 12), st.integers(4, 9), st.integers(1, 4), st.integers(0, 2**32))
def test_towns_are_connected_and_have_room_for_their_communities(
    width: int, height: int, towns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(width, height, rng)
    middles = rng.choice(graph.count, towns, replace=False)
    targets = apportion(graph.count, rng.uniform(1.0, 3.0, towns), 2)
    group = group_towns(graph, middles, targets, np.ones(towns, dtype=np.int64))
    assert (group[middles] == np.arange(towns)).all()
    assert all(connected(graph, np.flatnonzero(group == one)) for one in range(towns))


@given(
    st.lists(st.tuples(st.floats(0.0, 1e6), st.integers(0, 50)), min_size=1, max_size=30),
    st.integers(0, 100_000),
)
def test_shares_sum_exactly_and_none_falls_short(entries: list[tuple[float, int]], extra: int) -> None:
    weights = np.array([weight for weight, _ in entries]) + 0.001
    least = np.array([low for _, low in entries])
    total = int(least.sum()) + extra
    shares = apportion(total, weights, least)
    assert shares.sum() == total
    assert (shares >= least).all()


def test_shares_follow_the_weights() -> None:
    assert apportion(10, np.array([3.0, 1.0, 1.0])).tolist() == [6, 2, 2]
    assert apportion(7, np.array([1.0, 1.0, 1.0])).tolist() == [3, 2, 2]

"""A ladder made from the one before is, byte for byte, the one that is built from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from drawn import governed, squares, subject

from tiles.address import SCHEMES
from tiles.engine import Engine
from tiles.kernels.parts import Rung
from tiles.ladder import ladder as ladders
from tiles.ladder.borders import faces_of
from tiles.ladder.changes import NONE, changes_between
from tiles.ladder.ladder import Outlines, Succession, build_ladder, renew_ladder
from tiles.measure import Measure
from tiles.planes import PLANES

if TYPE_CHECKING:
    from gridmap.coverage.partition import Partition
    from gridmap.types import Geometries
    from tiles.ladder.changes import Changes
    from tiles.ladder.ladder import Ladder

SIDE = 16


def outlines(partition: Partition) -> Outlines:
    return Outlines(partition, faces_of(partition))


def same(one: Ladder, other: Ladder) -> None:
    for zoom, (mine, theirs) in enumerate(zip(one.rungs, other.rungs, strict=True)):
        for depth in range(len(mine)):
            for name in Rung._fields:
                left, right = getattr(mine[depth], name), getattr(theirs[depth], name)
                assert np.array_equal(left, right), (zoom, depth, name)
                assert left.dtype == right.dtype
        for name in ("arcs", "offsets", "xs", "ys"):
            assert np.array_equal(getattr(one.edits[zoom], name), getattr(other.edits[zoom], name)), (
                zoom,
                name,
            )


def moved(shapes: Geometries, random: np.random.Generator) -> Geometries:
    """One vertex moved a little, in all the grids that have it."""
    x, y = shapely.get_coordinates(shapes[random.integers(len(shapes))])[3]
    dx, dy = random.integers(-300, 300, 2)

    def move(
        xy: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        hit = (xy[:, 0] == x) & (xy[:, 1] == y)
        xy[hit] += (dx, dy)
        return xy

    return np.asarray(shapely.transform(shapes, move), dtype=object)


def merged(shapes: Geometries, random: np.random.Generator) -> Geometries:
    """A grid and the one east of it made one."""
    row, column = random.integers(0, SIDE), random.integers(0, SIDE - 1)
    at = row * SIDE + column
    out = shapes.copy()
    out[at] = shapely.union(shapes[at], shapes[at + 1])
    out[at + 1] = None
    return out


def split(shapes: Geometries, random: np.random.Generator) -> Geometries:
    """A grid cut in two through two of its vertices; the second half gets a new code behind all others."""
    at = int(random.integers(len(shapes)))
    ring = shapely.get_coordinates(shapes[at])[:-1]
    half = len(ring) // 2
    for shift in range(half):
        turned = np.roll(ring, shift, axis=0)
        pieces = [
            shapely.Polygon(turned[: half + 1]),
            shapely.Polygon(np.vstack([turned[half:], turned[:1]])),
        ]
        if all(piece.is_valid for piece in pieces) and shapely.area(pieces).sum() == shapely.area(shapes[at]):
            out = np.append(shapes, np.full(at + SIDE * SIDE - len(shapes), None))
            out[at] = pieces[0]
            return np.append(out, np.array([pieces[1]], dtype=object))
    return shapes


@pytest.mark.parametrize("change", [moved, merged, split])
@pytest.mark.parametrize(("seed", "flatten"), [(1, 1.0), (2, 0.03), (3, 0.2)])
@pytest.mark.parametrize("plane", ["mercator", "bd09"])
def test_a_change_gives_what_a_full_build_gives(
    change: object, seed: int, flatten: float, plane: str
) -> None:
    random = np.random.default_rng(seed)
    shapes = squares(SIDE, seed, flatten=flatten)
    old = outlines(governed(shapes, SIDE))
    new = outlines(governed(change(shapes, random), SIDE))  # type: ignore[operator]
    built = build_ladder(old, PLANES[plane])
    renewed = renew_ladder(built, Succession(old, new), PLANES[plane])
    assert renewed is not None
    same(renewed, build_ladder(new, PLANES[plane]))


@pytest.mark.parametrize("extent", [512, 8192])
def test_so_it_is_for_tiles_of_another_measure(extent: int) -> None:
    random, plane, measure = np.random.default_rng(4), PLANES["mercator"], Measure(extent)
    shapes = squares(SIDE, 4, flatten=0.2)
    old, new = outlines(governed(shapes, SIDE)), outlines(governed(moved(shapes, random), SIDE))
    renewed = renew_ladder(build_ladder(old, plane, measure), Succession(old, new), plane, measure)
    assert renewed is not None
    assert len(renewed.rungs) == measure.deepest_rung + 1
    same(renewed, build_ladder(new, plane, measure))


def test_an_engine_finds_once_for_all_planes_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    random, found = np.random.default_rng(6), []
    shapes = squares(SIDE, 6)
    after = governed(moved(shapes, random), SIDE)

    def counted(*arguments: Any) -> Changes:
        found.append(changes_between(*arguments))
        return found[-1]

    monkeypatch.setattr("tiles.ladder.ladder.changes_between", counted)
    before = Engine(subject(governed(shapes, SIDE)))
    engine, alone = Engine(subject(after, number=8), before=before), Engine(subject(after, number=8))
    for scheme in SCHEMES.values():
        for each in (before, engine, alone):
            each.make_ladder(scheme.name)
        same(engine._ladders[scheme.plane.name], alone._ladders[scheme.plane.name])
    assert len(found) == 1
    engine.forget_before()
    assert engine.token == alone.token


def test_many_changes_one_after_the_other() -> None:
    random = np.random.default_rng(5)
    plane = PLANES["mercator"]
    shapes = squares(SIDE, 9, flatten=0.1)
    old = outlines(governed(shapes, SIDE))
    ladder = build_ladder(old, plane)
    for _ in range(6):
        shapes = moved(shapes, random)
        new = outlines(governed(shapes, SIDE))
        renewed = renew_ladder(ladder, Succession(old, new), plane)
        assert renewed is not None
        same(renewed, build_ladder(new, plane))
        old, ladder = new, renewed


def test_only_what_changed_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = squares(SIDE, 1)
    old = outlines(governed(shapes, SIDE))
    new = outlines(governed(moved(shapes, np.random.default_rng(1)), SIDE))
    plane = PLANES["mercator"]
    built = build_ladder(old, plane)
    traced: list[int] = []
    from tiles.ladder import rungs

    real = rungs.traced_of

    def count(lines: object, faces: object, areas: object) -> object:
        traced.append(len(faces))  # type: ignore[arg-type]
        return real(lines, faces, areas)  # type: ignore[arg-type]

    monkeypatch.setattr(rungs, "traced_of", count)
    renew_ladder(built, Succession(old, new), plane)
    assert 0 < max(traced) < 8


def test_the_same_borders_need_nothing_new() -> None:
    one = outlines(governed(squares(SIDE, 1), SIDE))
    other = outlines(governed(squares(SIDE, 1), SIDE))
    changes = changes_between(one.partition, one.levels, other.partition, other.levels)
    assert (changes.old_arcs == np.arange(len(changes.old_arcs))).all()
    assert all((rows == np.arange(len(rows))).all() for rows in changes.old_rows)


def test_another_city_is_built_from_nothing() -> None:
    one, other = (outlines(governed(squares(SIDE, seed), SIDE)) for seed in (1, 2))
    changes = changes_between(one.partition, one.levels, other.partition, other.levels)
    assert (changes.old_arcs == NONE).mean() > ladders.FEW
    built = build_ladder(one, PLANES["degrees"])
    assert renew_ladder(built, Succession(one, other), PLANES["degrees"]) is None

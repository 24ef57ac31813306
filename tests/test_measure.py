"""The measure of tiles: what may be set, and that tiles of any extent and buffer are what they say."""

from __future__ import annotations

import math
from typing import Any

import javascript
import pytest
from drawn import decoded, scenery, subject
from tile_oracle import decode, differences
from tile_spec import check_tile
from town import toytown
from webtown import place

from gridmap.errors import InputError
from tiles.address import SCHEMES
from tiles.engine import Engine
from tiles.ladder.ladder import ladder_key
from tiles.measure import DEEPEST_BITS, EXTENTS, STANDARD, Measure, read_measure

SPOT = place(1, 1)
MEASURES = [STANDARD, *(Measure(extent, buffer) for extent, buffer in ((512, 0), (1024, 16), (8192, 1024)))]


def engine_of(measure: Measure) -> Engine:
    return Engine(subject(toytown(), scenery([SPOT, place(7, 3)]), measure=measure))


ENGINES = {measure: engine_of(measure) for measure in MEASURES}


def test_what_is_set_is_what_is_standard() -> None:
    assert read_measure() == STANDARD == Measure(4096, 64)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EXTENT", "1000", "none of 512, 1024, 2048, 4096, 8192"),
        ("EXTENT", "16384", "none of"),
        ("EXTENT", "-1", "no whole number"),
        ("BUFFER", "1025", "more than 1024"),
        ("BUFFER", "wide", "no whole number"),
    ],
)
def test_other_numbers_are_refused_by_name(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"GRIDMAP_TILE_{name}", value)
    with pytest.raises(InputError, match=rf"GRIDMAP_TILE_{name}: .*{said}"):
        read_measure()


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_TILE_EXTENT", "512")
    monkeypatch.setenv("GRIDMAP_TILE_BUFFER", "0")
    assert read_measure() == Measure(512, 0)


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_deepest_rung_is_as_fine_on_the_ground_whatever_the_extent(extent: int) -> None:
    measure = Measure(extent)
    assert extent == 1 << measure.bits
    assert extent << measure.deepest_rung == 1 << min(DEEPEST_BITS, measure.bits + 18)


def test_every_measure_has_a_token_of_its_own_and_every_extent_ladders() -> None:
    assert len({engine.token for engine in ENGINES.values()}) == len(MEASURES)
    keys = {ladder_key("x", "mercator", Measure(extent)) for extent in EXTENTS}
    assert len(keys) == len(EXTENTS)
    assert ladder_key("x", "mercator", Measure(4096, 0)) == ladder_key("x", "mercator")


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_both_decoders_read_them_and_no_rule_is_broken(measure: Measure) -> None:
    javascript.need()
    engine, seen = ENGINES[measure], set()
    with javascript.ReferenceDecoder() as decoder:
        for scheme in SCHEMES:
            for zoom in (5, 11, 14, 16, 17, 18):
                tile = SCHEMES[scheme].tile_at(*SPOT, zoom)
                data = engine.tile(engine.layers, scheme, *tile)
                verdict = check_tile(data, measure.extent, measure.buffer)
                assert (verdict.breaches, verdict.invalid) == ([], [])
                assert differences(decode(data), decoder.decode(data)) == []
                seen |= set(decode(data))
    assert seen == set(engine.layers) - {"resource"}


@pytest.mark.parametrize("measure", MEASURES, ids=str)
@pytest.mark.parametrize("layer", ["grid", "label", "building", "household", "device"])
def test_things_lie_where_they_lie_in_the_standard_tile(measure: Measure, layer: str) -> None:
    zoom, ratio = 17, measure.extent / STANDARD.extent
    tile = SCHEMES["xyz"].tile_at(*SPOT, zoom)
    usual = {each["id"]: each["shape"] for each in around(ENGINES[STANDARD], layer, *tile)}
    mine = {each["id"]: each["shape"] for each in around(ENGINES[measure], layer, *tile)}
    common = usual.keys() & mine.keys()
    assert common or layer == "label"
    for number in common:
        if layer != "grid":  # which is cut at another place
            one, other = usual[number].centroid, mine[number].centroid
            apart = math.hypot(one.x * ratio - other.x, one.y * ratio - other.y)
            assert apart < 2 * max(ratio, 1) + 1, number
    if measure.buffer > 64 * ratio:
        assert mine.keys() >= usual.keys()


def around(engine: Engine, layer: str, z: int, x: int, y: int) -> list[dict[str, Any]]:
    return decoded(engine.tile([layer], "xyz", z, x, y)).get(layer, [])


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_the_buffer_is_as_wide_as_it_says(measure: Measure) -> None:
    """The grid reaches across this tile, so it is cut at the end of the buffer, and not before."""
    tile = SCHEMES["xyz"].tile_at(*place(1.5, 0.5), 18)
    bounds = [each["shape"].bounds for each in around(ENGINES[measure], "district", *tile)]
    west, north, east, south = (
        pick(each[side] for each in bounds) for side, pick in enumerate((min, min, max, max))
    )
    low, high = -measure.buffer, measure.extent + measure.buffer
    assert low <= west
    assert east <= high
    assert (west, east) == (low, high) or north == low or south == high

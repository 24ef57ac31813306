"""Live tiles: every pin is in one tile, clusters count what is in them, wherever tiles meet."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest

from tiles.address import SCHEMES
from tiles.overlay import CLUSTERED, EXTENT, URGENCIES, Overlay, Pins

RNG = np.random.default_rng(6)
COUNT = 400


def pins() -> Pins:
    lons, lats = RNG.uniform(106.4, 106.7, COUNT), RNG.uniform(29.4, 29.7, COUNT)
    ranks = RNG.integers(0, 4, COUNT).tolist()
    said = [{"urgency": URGENCIES[rank], "title": None} for rank in ranks]
    return Pins(lons, lats, list(range(1, COUNT + 1)), ranks, said)


PINS = pins()


def features(overlay: Overlay, scheme: str, z: int, x: int, y: int) -> list[dict[str, Any]]:
    body = overlay.draw(scheme, SCHEMES[scheme].tile_at(106.5, 29.5, z)._replace(x=x, y=y))
    if not body:
        return []
    found: list[dict[str, Any]] = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})[
        "event"
    ]["features"]
    return found


def all_tiles(scheme: str, z: int) -> set[tuple[int, int]]:
    return {SCHEMES[scheme].tile_at(lon, lat, z)[1:] for lon, lat in zip(PINS.lons, PINS.lats, strict=True)}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("z", [8, 11, CLUSTERED])
def test_no_pin_is_lost_or_counted_twice_in_clusters(scheme: str, z: int) -> None:
    overlay = Overlay("event", PINS)
    found = [each for x, y in all_tiles(scheme, z) for each in features(overlay, scheme, z, x, y)]
    counts = [each["properties"]["count"] for each in found]
    assert sum(counts) == COUNT
    for name in URGENCIES:
        clustered = sum(each["properties"].get(f"count_{name}", 0) for each in found)
        single = sum(
            each["properties"]["count"] == 1 and each["properties"]["urgency"] == name for each in found
        )
        assert clustered + single == sum(said["urgency"] == name for said in PINS.sayings)
    if z == 8:
        assert max(counts) > 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_close_by_each_pin_stands_where_it_is(scheme: str) -> None:
    overlay, z = Overlay("event", PINS), CLUSTERED + 1
    seen: dict[int, int] = {}
    for x, y in all_tiles(scheme, z):
        for each in features(overlay, scheme, z, x, y):
            across, down = each["geometry"]["coordinates"]
            if 0 <= across < EXTENT and 0 <= down < EXTENT:
                seen[each["id"]] = seen.get(each["id"], 0) + 1
    assert set(seen) == set(PINS.ids)


def test_a_cluster_says_how_urgent_its_most_urgent_is() -> None:
    same = Pins(np.full(3, 106.5), np.full(3, 29.5), [7, 5, 9], [3, 1, 2], [{"urgency": "x"}] * 3)
    overlay = Overlay("event", same)
    tile = SCHEMES["xyz"].tile_at(106.5, 29.5, 10)
    (found,) = features(overlay, "xyz", *tile)
    assert (found["id"], found["properties"]["count"]) == (5, 3)
    assert found["properties"]["urgency"] == "orange"
    assert (found["properties"]["count_orange"], found["properties"]["count_red"]) == (1, 0)


def test_nothing_open_is_an_empty_tile() -> None:
    none = Pins(np.empty(0), np.empty(0), [], [], [])
    assert Overlay("event", none).draw("xyz", SCHEMES["xyz"].tile_at(106.5, 29.5, 3)) == b""

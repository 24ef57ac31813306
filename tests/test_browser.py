"""The styles and tiles in real map libraries and a real browser: MapLibre and OpenLayers draw the grids."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser import chromium, elsewhere, need, shown
from PIL import Image
from served import get_json

from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser import Seen
    from playwright.sync_api import Browser, Page

LIBERATION_MONUMENT = (106.5770, 29.5590)
AREAS = "district,town,community,grid,label,building"
"""What a page of another origin may read."""


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    need()
    with chromium() as running:
        yield running


@pytest.fixture(name="other", scope="module")
def _other() -> Iterator[str]:
    """An origin that is not the service's."""
    with elsewhere() as origin:
        yield origin


@pytest.fixture(name="here", scope="module")
def _here(service: str) -> str:
    """The grid that the lookup says the monument is in."""
    lon, lat = LIBERATION_MONUMENT
    return str(get_json(f"{service}/locate?lon={lon}&lat={lat}&crs=wgs84")["code"])


def check(seen: Seen, service: str, origin: str = "") -> None:
    """Nothing went wrong, and nobody but the service and the page's own origin was asked for anything."""
    assert seen.faults == []
    assert seen.console == []
    assert seen.hosts <= {urlsplit(service).netloc, urlsplit(origin).netloc}


def colours(page: Page) -> Any:
    """The pixels of a page, (height, width, 3)."""
    return np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB")).astype(int)


def near(pixels: Any, colour: str, reach: int = 40) -> int:
    """How many pixels have about a colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((abs(pixels - wanted).max(axis=-1) <= reach).sum())


def rendered(page: Page, *layers: str) -> list[dict[str, Any]]:
    """The features that MapLibre drew in some layers of the style: id and properties."""
    found: list[dict[str, Any]] = page.evaluate(
        "(layers) => window.map.queryRenderedFeatures({layers})"
        ".map(({id, properties, layer}) => ({id, ...properties, layer: layer.id}))",
        list(layers),
    )
    return found


def change(page: Page, what: str, given: object = None) -> None:
    """Change the map, and wait until it is drawn."""
    drawn = "window.drawn = false; window.map.once('idle').then(() => { window.drawn = true })"
    page.evaluate(f"(given) => {{ {drawn}; ({what})(window.map, given) }}", given)
    page.wait_for_function("window.drawn")


# --- MapLibre


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_maplibre_draws_the_grids(browser: Browser, service: str, theme: str) -> None:
    place = {"center": "106.574,29.5585", "zoom": 15.2}
    with shown(browser, service, "maplibre.html", {"theme": theme, **place}) as (page, seen):
        check(seen, service)
        grids = rendered(page, "grid-fill")
        assert len({grid["code"] for grid in grids}) > 100
        assert all(isinstance(grid["id"], int) and grid["name"] for grid in grids)
        assert rendered(page, "grid-line", "community-line", "town-line")
        line = {"dark": "#19d7ff", "light": "#5d8fc4"}[theme]
        assert near(colours(page), line, 60) > 3_000


def test_a_page_of_another_origin_draws_them_too(browser: Browser, service: str, other: str) -> None:
    place = {"center": "106.574,29.5585", "zoom": 16, "layers": AREAS}
    with shown(browser, service, "maplibre.html", place, origin=other) as (page, seen):
        check(seen, service, other)
        assert urlsplit(page.url).netloc == urlsplit(other).netloc
        assert len(rendered(page, "grid-fill")) > 50
        assert len(rendered(page, "building")) > 50


def test_things_are_not_for_a_page_of_another_origin(browser: Browser, service: str, other: str) -> None:
    """The check itself finds what went wrong: the browser refuses, and says so."""
    place = {"center": "106.574,29.5585", "zoom": 16.5, "layers": "grid,device"}
    with shown(browser, service, "maplibre.html", place, origin=other) as (page, seen):
        assert seen.console
        assert seen.faults
        assert all("device" in fault and "ERR_FAILED" in fault for fault in seen.faults)
        assert rendered(page, "grid-fill")
        assert not rendered(page, "device")


def test_buildings_stand_and_devices_are_told_by_kind(browser: Browser, service: str) -> None:
    place = {"center": "106.5768,29.5588", "zoom": 17.6, "pitch": 50}
    with shown(browser, service, "maplibre.html", place) as (page, seen):
        check(seen, service)
        buildings = rendered(page, "building")
        assert len({building["height"] for building in buildings}) > 3
        devices = rendered(page, "device")
        assert {"camera", "smoke"} <= {device["kind"] for device in devices}
        assert {sign["kind"] for sign in rendered(page, "device-sign")} >= {"camera", "smoke"}


def test_names_are_drawn_in_chinese_without_a_glyphs_address(browser: Browser, service: str) -> None:
    place = {"center": "106.55,29.555", "zoom": 12.6}
    with shown(browser, service, "maplibre.html", place) as (page, seen):
        check(seen, service)
        assert not any("glyph" in address or ".pbf" in address for address in seen.asked)
        names = {label["name"] for label in rendered(page, "town-label", "community-label")}
        assert "解放碑街道" in names
        before = near(colours(page), "#cfe8ff", 30)
        change(page, "(map) => map.setLayoutProperty('town-label', 'visibility', 'none')")
        assert before - near(colours(page), "#cfe8ff", 30) > 500


def test_a_place_is_in_the_grid_that_the_lookup_says(browser: Browser, service: str, here: str) -> None:
    lon, lat = LIBERATION_MONUMENT
    place = {"center": f"{lon},{lat}", "zoom": 18.5}
    with shown(browser, service, "maplibre.html", place) as (page, _):
        codes = page.evaluate(
            "(place) => window.map.queryRenderedFeatures(window.map.project(place), {layers: ['grid-fill']})"
            ".map((each) => each.properties.code)",
            [lon, lat],
        )
        assert set(codes) == {here}  # once for each tile that draws it


def test_feature_state_colours_what_the_tiles_hold(browser: Browser, service: str) -> None:
    place = {"center": "106.553,29.556", "zoom": 13}
    with shown(browser, service, "maplibre.html", place) as (page, seen):
        plain = near(colours(page), "#ffd166", 60)
        values = get_json(f"{service}/values/grid/people")
        change(
            page,
            "(map, ids) => ids.forEach((id) =>"
            " map.setFeatureState({source: 'areas', sourceLayer: 'grid', id}, {value: 1}))",
            values["ids"],
        )
        check(seen, service)
        assert near(colours(page), "#c3ab69", 40) - plain > 50_000


def test_what_is_chosen_shines(browser: Browser, service: str) -> None:
    place = {"center": "106.577,29.559", "zoom": 16}
    with shown(browser, service, "maplibre.html", place) as (page, _):
        before = near(colours(page), "#ffd166", 50)
    with shown(browser, service, "maplibre.html", place | {"chosen": "106.577,29.559"}) as (page, seen):
        check(seen, service)
        assert near(colours(page), "#ffd166", 50) - before > 200


# --- OpenLayers


def places(*names: str) -> dict[str, str]:
    """The monument on the planes of some schemes, as the page wants it."""
    found = {}
    for name in names:
        (x,), (y,) = SCHEMES[name].plane.project([LIBERATION_MONUMENT[0]], [LIBERATION_MONUMENT[1]])
        found[name] = f"{float(x)!r},{float(y)!r}"
    return found


@pytest.mark.parametrize("apart", [False, True])
def test_openlayers_draws_the_grids_of_every_scheme(
    browser: Browser, service: str, here: str, other: str, apart: bool
) -> None:
    origin, query = (other if apart else service), {"zoom": 16, **places(*SCHEMES)}
    with shown(browser, service, "openlayers.html", query, origin=origin) as (page, seen):
        check(seen, service, origin)
        drawn = page.evaluate("window.maps.map(({scheme, code, features}) => [scheme, code, features])")
        assert [scheme for scheme, _, _ in drawn] == list(SCHEMES)
        assert {code for _, code, _ in drawn} == {here}
        assert all(features > 50 for _, _, features in drawn)
        pixels = colours(page)
        assert near(pixels, "#19d7ff", 60) > 3_000
        assert near(pixels, "#ffd166", 40) > 500


def test_openlayers_asks_for_the_published_addresses(browser: Browser, service: str) -> None:
    query = {"zoom": 16, **places(*SCHEMES)}
    with shown(browser, service, "openlayers.html", query) as (_, seen):
        asked = {urlsplit(address).path.split("/", 4)[-1] for address in seen.asked if ".mvt" in address}
    assert asked >= {
        "xyz/16/52169/27131.mvt",
        "bd09/16/11587/3345.mvt",
        "gcj02/16/52170/27131.mvt",
        f"gcj02-tms/16/52170/{2**16 - 1 - 27131}.mvt",
        "tianditu-c/16/52169/11002.mvt",
    }

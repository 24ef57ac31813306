"""Map styles: valid by the official validator, nothing from outside, sources and zooms of the engine."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import javascript
import pytest
from checked import Checked
from tiletown import TownEngine
from webtown import Held, make_twin

from tiles.layers import LAYERS
from tiles.palettes import PALETTES
from tiles.styles import SOURCES, style
from tiles.web.gate import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridmap.twin import Twin

BASE = "http://map.example:8000/city"
ALL = tuple(name for names in SOURCES.values() for name in names)
AREAS = ("district", "town", "community", "grid")
THEMES = list(PALETTES)
LOWEST = {
    "district": 0,
    "town": 6,
    "community": 8,
    "grid": 10,
    "label": 5,
    "building": 14,
    "household": 17,
    "device": 13,
    "resource": 13,
}


@dataclass
class Shown:
    """An engine that only says what it has."""

    layers: tuple[str, ...] = ALL
    deepest: dict[str, int] = field(default_factory=dict)
    edition: int = 7
    token: str = "7-0123456789"
    bounds: tuple[float, float, float, float] = (105.3, 28.1, 110.2, 32.2)

    def zooms(self, layer: str, _scheme: str) -> tuple[int, int]:
        return LOWEST[layer], self.deepest.get(layer, 16)

    def tile(self, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        raise AssertionError(f"a style asks for no tile, not for {layers} {scheme} {z}/{x}/{y}")


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def made(
    theme: str = "dark", engine: Shown | None = None, layers: tuple[str, ...] | None = None
) -> dict[str, Any]:
    engine = engine or Shown()
    return style(engine, make_twin().current.edition, theme, BASE, layers or engine.layers)


def faults(text: str) -> list[str]:
    """What the official validator says of a style."""
    javascript.need()
    program = (javascript.PROGRAM.parent / "validate.mjs").read_text(encoding="utf-8")
    command = [str(javascript.NODE / "bin" / "node"), "--input-type=module", "--eval", program]
    done = subprocess.run(
        command, cwd=javascript.NODE, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of members included."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


# --- the style itself


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("layers", [ALL, AREAS, ("grid",), ("label",), ("device",), ("building", "label")])
def test_a_style_is_valid(theme: str, layers: tuple[str, ...]) -> None:
    assert faults(json.dumps(made(theme, Shown(layers)))) == []


def test_the_validator_itself_finds_a_fault() -> None:
    wrong = made()
    wrong["layers"][1]["paint"]["fill-colour"] = "#fff"
    assert len(faults(json.dumps(wrong))) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_comes_from_outside(theme: str) -> None:
    found = made(theme)
    assert not {"glyphs", "sprite", "font-faces"} & found.keys()
    addresses = [text for text in strings(found) if "//" in text]
    assert addresses
    assert all(address.startswith(f"{BASE}/tiles/") for address in addresses)
    assert not any("icon-image" in layer.get("layout", {}) for layer in found["layers"])


def test_every_layer_of_the_engine_is_drawn_and_no_other() -> None:
    for layers in (ALL, AREAS, ("grid", "label"), ("building",)):
        found = made(engine=Shown(layers))
        drawn = {each["source-layer"] for each in found["layers"] if "source" in each}
        assert drawn == set(layers)
        for each in found["layers"]:
            if "source" in each:
                assert each["source-layer"] in SOURCES[each["source"]]
        named = [source["url"].rpartition("/")[2].split(".")[0] for source in found["sources"].values()]
        assert sorted(name for names in named for name in names.split(",")) == sorted(layers)


def test_a_style_draws_the_layers_that_are_asked_for() -> None:
    found = made(layers=("label", "grid"))
    assert found["sources"]["areas"]["url"] == f"{BASE}/tiles/grid,label.json"
    assert list(found["sources"]) == ["areas"]
    assert {each.get("source-layer") for each in found["layers"]} == {None, "grid", "label"}


def test_layers_are_drawn_only_where_the_tiles_have_them() -> None:
    engine = Shown(deepest={"label": 14, "building": 17})
    found = made(engine=engine)
    assert {name: each["maxzoom"] for name, each in found["sources"].items()} == {
        "areas": 14,
        "buildings": 17,
        "households": 16,
        "things": 16,
    }
    for each in found["layers"]:
        if "source" in each:
            lowest, deepest = engine.zooms(each["source-layer"], "xyz")
            assert each["minzoom"] >= lowest
            assert found["sources"][each["source"]]["maxzoom"] <= deepest
            assert each.get("maxzoom", 30) > each["minzoom"]


def test_things_that_other_origins_may_not_read_are_in_a_source_of_their_own() -> None:
    for names in SOURCES.values():
        assert len({LAYERS[name].gate in OPEN for name in names}) == 1
    assert sorted(ALL) == sorted(LAYERS)


@pytest.mark.parametrize("theme", THEMES)
def test_state_colours_areas_and_buildings(theme: str) -> None:
    layers = {each["id"]: each for each in made(theme)["layers"]}
    for name in (*(f"{level}-fill" for level in AREAS), "building"):
        paint = json.dumps(layers[name]["paint"])
        for state in ("hover", "chosen", "value"):
            assert f'["feature-state", "{state}"]' in paint, (name, state)


def test_names_of_wider_areas_are_placed_first() -> None:
    labels = [each for each in made()["layers"] if each["id"].endswith("-label")]
    # The last layer is placed first.
    assert [each["id"].removesuffix("-label") for each in labels] == ["grid", "community", "town", "district"]
    assert not any("text-allow-overlap" in each["layout"] for each in labels)


def test_the_map_begins_with_the_whole_city() -> None:
    found = made()
    assert found["center"] == pytest.approx([107.75, 30.15])
    assert 5 <= found["zoom"] <= 8


# --- the route


@pytest.mark.parametrize("theme", THEMES)
def test_a_style_over_http_is_valid_and_its_sources_answer(web: Checked, theme: str) -> None:
    reply = web.ask(f"/styles/{theme}.json")
    assert faults(reply.get_data(as_text=True)) == []
    found = json.loads(reply.get_data())
    for source in found["sources"].values():
        assert source["url"].startswith("http://localhost/tiles/")
        told = web.json(source["url"].removeprefix("http://localhost"))
        assert told["token"] == found["metadata"]["gridmap:token"]
    assert found["metadata"]["gridmap:synthetic"] is True
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cache-Control"] == "no-cache"
    web.ask(f"/styles/{theme}.json", 304, headers={"If-None-Match": reply.headers["ETag"]})


def test_addresses_follow_the_host(web: Checked) -> None:
    found = web.json("/styles/dark.json", headers={"Host": "map.example:8443"})
    assert found["sources"]["areas"]["url"].startswith("http://map.example:8443/tiles/district,")
    assert web.json("/styles/dark.json", 400, headers={"Host": 'x"y/evil'})["status"] == 400


def test_an_edition_is_passed_on(web: Checked, twin: Twin) -> None:
    source = twin.current.source
    assert isinstance(source, Held)
    source.published = [replace(twin.current.edition, number=number) for number in range(1, 8)]
    assert "?" not in web.json("/styles/dark.json")["sources"]["areas"]["url"]
    for query, number in (("edition=3&layers=grid", 3), ("datetime=2026-06-01T00:00:00Z", 7)):
        found = web.json(f"/styles/dark.json?{query}")
        assert found["sources"]["areas"]["url"].endswith(f".json?edition={number}")
        assert found["metadata"]["gridmap:token"] == TownEngine(number).token


def test_a_style_that_was_kept_is_asked_about_after_an_edition(web: Checked, twin: Twin) -> None:
    before = web.ask("/styles/dark.json").headers["ETag"]
    twin.current = make_twin(8).current
    web.ask("/styles/dark.json", headers={"If-None-Match": before})


def test_what_is_unknown_is_refused(web: Checked) -> None:
    assert "/styles/dark.json, /styles/light.json" in web.json("/styles/sepia.json", 404)["detail"]
    for layers in ("road", "grid,resource", "grid,grid", "grid,", "%20"):
        problem = web.json(f"/styles/dark.json?layers={layers}", 400)
        assert problem["parameter"] == "layers"
        assert "district, town, community, grid, device" in problem["detail"]
    assert web.json("/styles/dark.json?edition=0", 400)["parameter"] == "edition"
    assert web.json("/styles/dark.json?edition=99", 404)["type"] == "/problems#not-found"

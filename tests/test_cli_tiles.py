"""`gridmap tiles archive` on the real engine: what it writes is what the engine gives, tile for tile."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pyogrio
import pytest
from click.testing import CliRunner, Result
from pmtiles.reader import MemorySource, Reader, all_tiles
from tile_oracle import decode
from town import GRIDS

from gridmap.cli import main
from gridmap.errors import ConflictError
from gridmap.model import Device
from gridmap.store.address import CityAddress
from gridmap.store.home import Home
from tiles.address import SCHEMES, Tile
from tiles.archive.archive import CitySource
from tiles.archive.slices import Asked, levels_of, made
from tiles.gallery import open_engine

if TYPE_CHECKING:
    from pathlib import Path

AREAS = ("district", "town", "community", "grid", "label", "building")
OUTSIDE = Device("D2", "camera", 1_065_500_000, 295_500_000, None)
"""Far from every grid."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def home(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toytown with two devices; ours to write to."""
    copy = tmp_path_factory.mktemp("archived") / "home"
    shutil.copytree(toy, copy)
    with Home.open(copy).store() as store:
        store.put_devices([Device("D1", "camera", 1_065_010_000, 295_010_000, None), OUTSIDE])
    return copy


def held(path: Path) -> dict[tuple[int, int, int], bytes]:
    source = MemorySource(path.read_bytes())
    return {address: gzip.decompress(data) for address, data in all_tiles(source)}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_tile_with_something_in_it_is_there(scheme: str, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "toy.pmtiles"
    done = run("tiles", "archive", out, "--home", home, "--scheme", scheme, "--processes", 1)
    assert done.exit_code == 0, done.output
    tiles, engine, known = held(out), open_engine(home), SCHEMES[scheme]
    assert f"{len(tiles):,} tiles of edition 1" in done.output
    west, south, east, north = engine.bounds
    for z in range(known.lowest, 15):
        layers = [name for name in AREAS if engine.zooms(name, scheme)[0] <= z]
        corners = [known.tile_at(lon, lat, z) for lon in (west, east) for lat in (south, north)]
        for x in range(min(each.x for each in corners) - 1, max(each.x for each in corners) + 2):
            for y in range(min(each.y for each in corners) - 1, max(each.y for each in corners) + 2):
                if known.holds(Tile(z, x, y)):
                    expected = engine.tile(layers, scheme, z, x, y)
                    assert tiles.pop((z, x, y), b"") == expected, (z, x, y)
    assert tiles == {}


def test_devices_are_there_when_they_are_named_also_outside_of_all_grids(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "toy.pmtiles"
    done = run("tiles", "archive", out, "--home", home, "--layers", "grid,device", "--zooms", "16")
    assert done.exit_code == 0, done.output
    found = {
        feature.properties["code"]
        for tile in held(out).values()
        for feature in decode(tile).get("device", ())
    }
    assert found == {"D1", "D2"}
    layers = Reader(MemorySource(out.read_bytes())).metadata()["vector_layers"]
    assert [(each["id"], each["minzoom"], each["maxzoom"]) for each in layers] == [
        ("grid", 16, 16),
        ("device", 16, 16),
    ]


@pytest.mark.parametrize("suffix", [".pmtiles", ".mbtiles"])
def test_gdal_opens_an_archive(suffix: str, home: Path, tmp_path: Path) -> None:
    out = tmp_path / f"toy{suffix}"
    assert run("tiles", "archive", out, "--home", home).exit_code == 0
    layers = {name for name, _ in pyogrio.list_layers(out)}
    assert layers == {"district", "town", "community", "grid", "label"}  # there is no building in Toytown
    grids = pyogrio.read_dataframe(out, layer="grid", ZOOM_LEVEL="14")
    assert set(grids["code"]) == set(GRIDS)
    assert grids.to_crs("EPSG:4326").total_bounds == pytest.approx((106.5, 29.5, 106.509, 29.504), abs=1e-5)


def test_an_edition_of_the_past_can_be_named(home: Path, tmp_path: Path) -> None:
    done = run("tiles", "archive", tmp_path / "toy.mbtiles", "--home", home, "--edition", 1, "--zooms", "8-9")
    assert done.exit_code == 0, done.output
    assert "zooms 8 to 9" in done.output
    missing = run("tiles", "archive", tmp_path / "toy.mbtiles", "--home", home, "--edition", 9)
    assert (missing.exit_code, "edition 9" in missing.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["toy.pmtiles", "--zooms", "9-8"], "no range"),
        (["toy.pmtiles", "--zooms", "all"], "no range"),
        (["toy.pmtiles", "--layers", "grid", "--layers", "town,grid"], "'grid' is named twice"),
        (["toy.pmtiles", "--layers", "houses"], "there is no 'houses' here"),
        (["toy.pmtiles", "--layers", "grid,household"], "'household' is not written to files"),
        (["toy.pmtiles", "--scheme", "baidu"], "'baidu' is none"),
        (["toy.zip"], "no name of an archive"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    arguments: list[str], said: str, home: Path, tmp_path: Path
) -> None:
    done = run("tiles", "archive", tmp_path / arguments[0], *arguments[1:], "--home", home)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_place_without_a_city_is_refused(tmp_path: Path) -> None:
    Home.create(tmp_path / "empty")
    done = run("tiles", "archive", tmp_path / "toy.pmtiles", "--home", tmp_path / "empty")
    assert (done.exit_code, "holds no city yet" in done.output) == (3, True)


def test_tiles_of_another_state_of_the_city_are_not_mixed_in(home: Path) -> None:
    source = CitySource(CityAddress(home), 1)
    levels = levels_of(source.engine(), Asked(("grid",), "xyz", 12, 12))
    with pytest.raises(ConflictError, match="give the command again"):
        list(made(levels, source, "1-another", "xyz", 1))

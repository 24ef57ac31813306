"""Archives hold every tile that the engine makes and no other, and are read by others' readers."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles
from pmtiles.tile import zxy_to_tileid
from range_server import hosted
from toy_source import BrokenSource, ToySource
from webtown import make_twin

from gridmap.errors import InputError
from tiles.address import SCHEMES, Tile
from tiles.archive.archive import write_archive
from tiles.archive.pmtiles import Contents, Pmtiles
from tiles.archive.pyramid import Numbered, squares_of, tile_numbers
from tiles.archive.slices import Asked

if TYPE_CHECKING:
    from pathlib import Path

    from tiles.archive.archive import Summary

ALL = ("district", "town", "community", "grid")
EDITION = make_twin().current.edition


def write(out: Path, asked: Asked, **more: Any) -> Summary:
    return write_archive(out, ToySource(), EDITION, asked, **more)


def asked(scheme: str = "xyz", lowest: int = 0, deepest: int = 17, layers: tuple[str, ...] = ALL) -> Asked:
    return Asked(layers, scheme, lowest, deepest)


def wanted(ask: Asked) -> dict[tuple[int, int, int], bytes]:
    """Every tile of the world near Toytown that is not empty, by asking for all of them."""
    engine, scheme, out = ToySource().engine(), SCHEMES[ask.scheme], {}
    west, south, east, north = engine.bounds
    for z in range(max(ask.lowest, scheme.lowest), min(ask.deepest, scheme.deepest) + 1):
        layers = [name for name in ask.layers if engine.zooms(name, ask.scheme)[0] <= z]
        corners = [scheme.tile_at(lon, lat, z) for lon in (west, east) for lat in (south, north)]
        for x in range(min(each.x for each in corners) - 1, max(each.x for each in corners) + 2):
            for y in range(min(each.y for each in corners) - 1, max(each.y for each in corners) + 2):
                tile = engine.tile(layers, ask.scheme, z, x, y) if scheme.holds(Tile(z, x, y)) else b""
                if tile:
                    out[z, x, y] = tile
    return out


def held(path: Path) -> dict[tuple[int, int, int], bytes]:
    source = MemorySource(path.read_bytes())
    return {address: gzip.decompress(data) for address, data in all_tiles(source)}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_archive_holds_what_the_engine_gives(scheme: str, tmp_path: Path) -> None:
    ask = asked(scheme)
    summary = write(tmp_path / "toy.pmtiles", ask)
    tiles = wanted(ask)
    assert held(tmp_path / "toy.pmtiles") == tiles
    assert (summary.tiles, summary.size) == (len(tiles), (tmp_path / "toy.pmtiles").stat().st_size)
    # From far Toytown is less than a unit of a tile: the archive begins where there is something.
    assert (summary.lowest, summary.deepest) == (min(z for z, _, _ in tiles), 17)


def test_layers_begin_at_their_zooms_and_stay(tmp_path: Path) -> None:
    write(tmp_path / "toy.pmtiles", asked(deepest=9))
    reader = Reader(MemorySource((tmp_path / "toy.pmtiles").read_bytes()))
    layers = {each["id"]: each for each in reader.metadata()["vector_layers"]}
    assert {name: (each["minzoom"], each["maxzoom"]) for name, each in layers.items()} == {
        "district": (0, 9),
        "town": (0, 9),
        "community": (8, 9),
        "grid": (8, 9),
    }
    assert set(layers["grid"]["fields"]) == {"code", "name", "kind"}


def test_what_an_archive_says_of_itself(tmp_path: Path) -> None:
    write(tmp_path / "toy.pmtiles", asked("gcj02", 8, 12))
    reader = Reader(MemorySource((tmp_path / "toy.pmtiles").read_bytes()))
    header, metadata = reader.header(), reader.metadata()
    assert header["clustered"]
    assert (header["min_zoom"], header["max_zoom"]) == (8, 12)
    assert header["addressed_tiles_count"] == len(wanted(asked("gcj02", 8, 12)))
    # Degrees of the map that shows it: Toytown begins at 106.5, and 0.0037 farther east on GCJ-02.
    assert header["min_lon_e7"] / 1e7 == pytest.approx(106.5037, abs=2e-4)
    assert metadata["gridmap"] == {"edition": 7, "token": "7-0123456789", "scheme": "gcj02", "datum": "gcj02"}
    assert metadata["type"] == "overlay"


def test_several_processes_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridmap.bulk.pool.PATIENCE_S", 0.0)
    monkeypatch.setattr("tiles.archive.slices.PRELOADED", ())
    write(tmp_path / "one.pmtiles", asked(deepest=18))
    write(tmp_path / "three.pmtiles", asked(deepest=18), processes=3)
    assert (tmp_path / "one.pmtiles").read_bytes() == (tmp_path / "three.pmtiles").read_bytes()


def test_mbtiles_hold_the_same_tiles_with_rows_from_the_south(tmp_path: Path) -> None:
    ask = asked(deepest=14)
    write(tmp_path / "toy.mbtiles", ask)
    with closing(sqlite3.connect(tmp_path / "toy.mbtiles")) as book:
        rows = book.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles").fetchall()
        metadata = dict(book.execute("SELECT name, value FROM metadata"))
    assert {(z, x, 2**z - 1 - y): gzip.decompress(data) for z, x, y, data in rows} == wanted(ask)
    assert (metadata["format"], metadata["minzoom"], metadata["maxzoom"]) == ("pbf", "3", "14")
    assert [each["id"] for each in json.loads(metadata["json"])["vector_layers"]] == list(ALL)
    assert len(metadata["bounds"].split(",")) == 4
    write(tmp_path / "again.mbtiles", ask)
    assert (tmp_path / "again.mbtiles").read_bytes() == (tmp_path / "toy.mbtiles").read_bytes()


def test_a_plain_file_host_serves_it_by_ranges(tmp_path: Path) -> None:
    ask = asked(deepest=16)
    write(tmp_path / "toy.pmtiles", ask)
    tiles = wanted(ask)
    with hosted(tmp_path / "toy.pmtiles") as host:
        reader = Reader(host.get)
        for address, tile in list(tiles.items())[::5]:
            assert gzip.decompress(reader.get(*address) or b"") == tile
        assert reader.get(16, 0, 0) is None
        assert host.asked[0] == (0, 127)
        assert all(offset + length < 16_384 for offset, length in host.asked[:2])


# ---------------------------------------------------------------- many tiles, made up


def many(tmp_path: Path, numbers: list[int], data: list[bytes]) -> bytes:
    with (tmp_path / "out").open("w+b") as out, (tmp_path / "scratch").open("w+b") as scratch:
        book = Pmtiles(out, scratch)
        for number, each in zip(numbers, data, strict=True):
            book.put(Numbered(number, 0, 0, 0), each)
        book.finish(Contents((106.0, 29.0, 107.0, 30.0), 0, 12, {"name": "many"}))
    return (tmp_path / "out").read_bytes()


def test_hundred_thousand_tiles_go_into_leaves(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    numbers = np.unique(random.integers(0, (4**13 - 1) // 3, 100_000)).tolist()
    data = [random.bytes(int(size)) for size in random.integers(1, 30, len(numbers))]
    archive = many(tmp_path, numbers, data)
    source = MemorySource(archive)
    header = Reader(source).header()
    assert header["root_offset"] + header["root_length"] < 16_384
    assert header["leaf_directory_length"] > 0
    assert [zxy_to_tileid(*address) for address, _ in all_tiles(source)] == numbers
    assert [each for _, each in all_tiles(source)] == data
    assert header["tile_data_offset"] + header["tile_data_length"] == len(archive)


def test_equal_tiles_stand_once_and_runs_are_one_entry(tmp_path: Path) -> None:
    numbers = [*range(100, 200), 300, *range(400, 500)]
    data = [b"sea"] * 100 + [b"land"] + [b"sea"] * 100
    archive = many(tmp_path, numbers, data)
    source = MemorySource(archive)
    header = Reader(source).header()
    assert (header["addressed_tiles_count"], header["tile_entries_count"]) == (201, 3)
    assert (header["tile_contents_count"], header["tile_data_length"]) == (2, 7)
    assert [each for _, each in all_tiles(source)] == data


@pytest.mark.parametrize("z", [0, 1, 2, 5, 14, 22])
def test_numbers_follow_the_hilbert_curve(z: int) -> None:
    columns, rows = np.random.default_rng(z).integers(0, 2**z, (2, 300))
    expected = [zxy_to_tileid(z, x, y) for x, y in zip(columns.tolist(), rows.tolist(), strict=True)]
    assert tile_numbers(z, columns, rows).tolist() == expected


def test_squares_are_all_that_boxes_reach_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = np.array([[0.1, -0.3, 0.3, -0.2], [0.25, -0.25, 0.26, -0.24], [0.9, 0.9, 0.9, 0.9]])
    expected = set()
    for left, top, right, bottom in (boxes * 64 + np.array([-1, -1, 1, 1]) * 80 / 4096).tolist():
        for column in range(int(left // 1), int(right // 1) + 1):
            expected |= {(column, row) for row in range(int(top // 1), int(bottom // 1) + 1)}
    for at_once in (4_000_000, 10):
        monkeypatch.setattr("tiles.archive.pyramid.SQUARES_AT_ONCE", at_once)
        columns, rows = squares_of(boxes, 6, 80 / 4096)
        found = list(zip(columns.tolist(), rows.tolist(), strict=True))
        assert set(found) == expected
        assert all(one < other for one, other in pairwise(found))


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "ask", "said"),
    [
        ("toy.zip", asked(), "no name of an archive"),
        ("missing/toy.pmtiles", asked(), "no folder"),
        ("toy.pmtiles", asked("mercator"), "scheme: 'mercator'"),
        ("toy.pmtiles", asked("bd09", 0, 2), "bd09 has 3 to 21"),
        ("toy.pmtiles", asked(layers=("grid", "house")), "no 'house' here"),
        ("toy.pmtiles", asked(lowest=0, deepest=4, layers=("grid",)), "there is no tile of grid"),
    ],
)
def test_what_cannot_be_is_refused(name: str, ask: Asked, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        write(tmp_path / name, ask)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    for name in ("toy.pmtiles", "toy.mbtiles"):
        with pytest.raises(ValueError, match="no engine here"):
            write_archive(tmp_path / name, BrokenSource(), EDITION, asked())
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "toy.pmtiles"
    write(out, asked(deepest=10))
    before = out.read_bytes()
    with pytest.raises(InputError):
        write(out, asked(deepest=4, layers=("grid",)))
    assert out.read_bytes() == before


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    write(
        tmp_path / "toy.pmtiles", asked(deepest=14), progress=lambda step, share: told.append((step, share))
    )
    assert told[0] == ("opening the edition", 0.0)
    assert [step for step, _ in told][-1] == "zoom 14"
    assert all(one[1] <= other[1] <= 1 for one, other in pairwise(told))

"""Households as a file: a row each, at their building's place, and back into a home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from town import write

from gridmap.boundaries import households
from gridmap.boundaries.households import write_households
from gridmap.cli import main
from gridmap.errors import InputError, NotFoundError
from gridmap.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

BUILDINGS = "code,lon,lat\nB2,106.5031,29.5012\nB1,106.5000001,29.5\nB3,106.509,29.5015\n"
HOUSEHOLDS = "building,unit,floor,room,people\nB2,1,2,3,4\nB1,1,-1,1203,1\nB2,1,2,3,2\nB1,2,7,1,300\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Toytown with three buildings and four households."""
    write(tmp_path / "town.geojson")
    for name, text in {"buildings": BUILDINGS, "households": HOUSEHOLDS}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    folder = tmp_path / "home"
    calls = [
        ["load", tmp_path / "town.geojson", "--home", folder],
        ["things", "buildings", tmp_path / "buildings.csv", "--crs", "wgs84", "--home", folder],
        ["things", "households", tmp_path / "households.csv", "--home", folder, "--synthetic"],
    ]
    for call in calls:
        done = run(*call)
        assert done.exit_code == 0, done.output
    return folder


def test_every_household_has_its_building_s_place(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "households.parquet"
    done = run("export", "--home", home, "--households", out)
    assert (done.exit_code, done.stdout) == (0, f"{out}: 4 households\n")
    table = pq.read_table(out)
    assert [list(row.values()) for row in table.to_pylist()] == [
        [1, "B1", 106.5000001, 29.5, 1, -1, 1203, 1],
        [2, "B1", 106.5000001, 29.5, 2, 7, 1, 300],
        [3, "B2", 106.5031, 29.5012, 1, 2, 3, 4],
        [4, "B2", 106.5031, 29.5012, 1, 2, 3, 2],
    ]
    names = ["household", "building", "lon", "lat", "unit", "floor", "room", "people"]
    assert table.column_names == names
    assert table.schema.metadata == {b"crs": b"EPSG:4490", b"synthetic": b"true"}


def test_the_file_brings_the_same_households_back(home: Path, tmp_path: Path) -> None:
    run("export", "--home", home, "--households", tmp_path / "out.parquet")
    with Home.open(home).store() as store:
        before = store.columns("households")
    assert run("things", "households", tmp_path / "out.parquet", "--home", home).exit_code == 0
    with Home.open(home).store() as store:
        assert store.columns("households").equals(before)


def test_batches_are_one_table(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[float] = []
    monkeypatch.setattr(households, "BATCH_ROWS", 3)
    with Home.open(home).store() as store:
        count = write_households(store, tmp_path / "out.parquet", lambda _step, share: steps.append(share))
    with pq.ParquetFile(tmp_path / "out.parquet") as file:
        assert (count, file.metadata.num_row_groups) == (4, 2)
        assert file.read(columns=["household"])["household"].to_pylist() == [1, 2, 3, 4]
    assert steps == [0.0, 0.0, 0.75]


def test_areas_and_households_in_one_call(home: Path, tmp_path: Path) -> None:
    areas, living = tmp_path / "a.parquet", tmp_path / "b.parquet"
    done = run("export", areas, "--home", home, "--level", "grid", "--households", living)
    assert done.exit_code == 0
    assert [line.split(": ")[1].split()[0] for line in done.stdout.splitlines()] == ["9", "4"]


@pytest.mark.parametrize("options", ["", "--level grid", "--level grid --households h.parquet"])
def test_nothing_to_write_is_a_question(home: Path, options: str) -> None:
    done = run("export", "--home", home, *options.split())
    assert done.exit_code == 2
    assert "Name the file to write" in done.stderr


def test_what_cannot_be_written_is_said(home: Path, tmp_path: Path) -> None:
    with Home.open(home).store() as store:
        with pytest.raises(InputError, match=r"name a file that ends in \.parquet"):
            write_households(store, tmp_path / "out.csv")
        with pytest.raises(InputError, match="cannot be written"):
            write_households(store, tmp_path / "nowhere" / "out.parquet")
        lost: dict[str, Any] = {"building": pa.array([0, 3], pa.int32())}
        lost |= {name: pa.array([1, 1], pa.uint8()) for name in ("unit", "floor", "room", "people")}
        store.put_columns("households", pa.table(lost), synthetic=False)
        with pytest.raises(InputError, match="buildings that are not stored"):
            write_households(store, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_home_without_households_says_so(tmp_path: Path) -> None:
    write(tmp_path / "town.geojson")
    assert run("load", tmp_path / "town.geojson", "--home", tmp_path / "home").exit_code == 0
    with Home.open(tmp_path / "home").store() as store, pytest.raises(NotFoundError, match="no columns"):
        write_households(store, tmp_path / "out.parquet")

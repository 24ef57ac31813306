"""`gridmap assign`: every row gets the code of its area or a reason, and nothing else in a file changes."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assigned import LAT, LON, code_at, csv_text, done, places, rows_of, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridmap import crs
from gridmap.bulk import csv_file, parquet_file, pool
from gridmap.bulk.footer import read_footer
from gridmap.bulk.job import assign
from gridmap.bulk.pool import in_pool
from gridmap.bulk.question import Added, Asked
from gridmap.bulk.work import Work
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gridmap.bulk.parts import Counts, Order

TOYTOWN = Path(__file__).parent.parent / "data" / "toytown" / "toytown.geojson"
NAMED = ("--lon", "lon", "--lat", "lat", "--crs", "wgs84")
ASKED = Asked("lon", "lat", "wgs84", (Added("grid", "grid_code"),))


def here(orders: Iterable[Order]) -> Iterator[tuple[Order, Counts]]:
    return in_pool(orders, 1)


def table_of(count: int, seed: int = 1) -> pa.Table:
    """Places with other columns of several kinds beside them."""
    lons, lats = zip(*places(count, seed), strict=True)
    return pa.table(
        {
            "id": [f"H{number:05}" for number in range(count)],
            "lon": pa.array(lons),
            "lat": pa.array(lats),
            "names": pa.array([["甲", str(number)] if number % 3 else None for number in range(count)]),
            "money": pa.array([number * 100 for number in range(count)]).cast(pa.decimal128(22, 2)),
            "when": pa.array(np.arange(count)).cast(pa.timestamp("us", "Asia/Shanghai")),
        }
    ).replace_schema_metadata({"said": "before"})


def codes_of(table: pa.Table, level: str = "grid") -> list[str | None]:
    lons, lats = table.column("lon").to_pylist(), table.column("lat").to_pylist()
    return [code_at(lon, lat, level=level) for lon, lat in zip(lons, lats, strict=True)]


# Parquet


@pytest.mark.parametrize("processes", [1, 2])
def test_parquet_keeps_its_bytes_and_gains_codes(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 0)
    monkeypatch.setattr(parquet_file, "TASK_ROWS", 100)
    table = table_of(700)
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=100, compression="gzip")
    words = ["--level", "grid", "--level", "town=street", "--processes", processes]
    done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED, *words)
    found = pq.read_table(tmp_path / "out.parquet")
    found.validate(full=True)
    assert found.drop_columns(["grid_code", "street"]).equals(table)
    assert found.column("grid_code").to_pylist() == codes_of(table)
    assert found.column("street").to_pylist() == codes_of(table, "town")
    before, after = ((tmp_path / name).read_bytes() for name in ("in.parquet", "out.parquet"))
    assert after.startswith(before[: read_footer(tmp_path / "in.parquet").begin])
    said = json.loads(found.schema.metadata[b"gridmap"])["assigned"]
    assert [each["column"] for each in said] == ["grid_code", "street"]
    assert {(each["edition"], len(each["checksum"])) for each in said} == {(1, 64)}
    assert found.schema.metadata[b"said"] == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


def test_a_second_job_adds_to_what_the_first_said(toy: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{number}.parquet" for number in range(3))
    pq.write_table(table_of(50), first)
    done("assign", first, second, "--home", toy, *NAMED)
    again = run("assign", second, third, "--home", toy, *NAMED)
    assert again.exit_code == 2
    assert "has a column 'grid_code' already" in again.output
    assert "--level LEVEL=NAME" in again.output
    done("assign", second, third, "--home", toy, *NAMED, "--level", "district")
    found = pq.read_table(third)
    assert [each["column"] for each in json.loads(found.schema.metadata[b"gridmap"])["assigned"]] == [
        "grid_code",
        "district_code",
    ]
    assert found.column("grid_code").to_pylist() == codes_of(table_of(50))
    assert found.column("district_code").to_pylist() == codes_of(table_of(50), "district")


@pytest.mark.parametrize("rows", [0, 1])
def test_files_of_no_rows_and_of_empty_row_groups(toy: Path, tmp_path: Path, rows: int) -> None:
    table = table_of(2).slice(0, rows)
    with pq.ParquetWriter(tmp_path / "in.parquet", table.schema) as writer:
        for part in (table.slice(0, 0), table):
            writer.write_table(part)
    pq.ParquetWriter(tmp_path / "none.parquet", table.schema).close()
    for name in ("in", "none"):
        out = tmp_path / f"out_{name}.parquet"
        done("assign", tmp_path / f"{name}.parquet", out, "--home", toy, *NAMED)
        found = pq.read_table(out)
        assert found.num_rows == (rows if name == "in" else 0)
        assert found.column_names[-1] == "grid_code"


def test_a_footer_without_an_arrow_schema_stays_without(toy: Path, tmp_path: Path) -> None:
    """Files that Spark and others write; codes are then plain texts."""
    pq.write_table(table_of(20).select(["lon", "lat"]), tmp_path / "in.parquet", store_schema=False)
    done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column("grid_code").type == pa.string()
    assert found.column("grid_code").to_pylist() == codes_of(table_of(20))


def test_pandas_reads_its_own_file_back(toy: Path, tmp_path: Path) -> None:
    import pandas as pd

    frame = table_of(30).select(["id", "lon", "lat"]).to_pandas().set_index("id")
    frame.to_parquet(tmp_path / "in.parquet")
    done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)
    found = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(found.drop(columns="grid_code"), frame)


def test_bad_rows_of_parquet_are_listed_and_stay(toy: Path, tmp_path: Path) -> None:
    lons = ["106.5035", None, "", "x106", "200", "29.5035", " 106.5035 ", "1e2", "nan"]
    lats = ["29.5035", "29.5", "29.5", "29.5", "29.5", "106.5035", "29.5035", "29.5", "29.5"]
    table = pa.table({"lon": lons, "lat": lats})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=4)
    result = done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)
    found = pq.read_table(tmp_path / "out.parquet")
    code = code_at(LON, LAT)
    assert found.column("grid_code").to_pylist() == [code, None, None, None, None, None, code, None, None]
    rejected = rows_of(tmp_path / "out.parquet.rejected.csv")
    assert rejected == [
        ["file", "unit", "number", "reason"],
        ["in.parquet", "row", "2", "lon: is empty"],
        ["in.parquet", "row", "3", "lon: is empty"],
        ["in.parquet", "row", "4", "lon: 'x106' is no number"],
        ["in.parquet", "row", "5", "lon: '200' is not from -180 to 180"],
        [
            *("in.parquet", "row", "6"),
            "lat: '106.5035' is no latitude from -90 to 90; are lon and lat the wrong way round?",
        ],
        ["in.parquet", "row", "9", "lon: 'nan' is no number"],
    ]
    assert "in.parquet, row 4: lon: 'x106' is no number" in result.output
    assert "9 rows by edition 1 (grid_code), 2 located, 1 nowhere, 6 rejected" in result.output


def test_when_no_row_has_a_place_the_exit_code_is_1(toy: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"lon": ["a", "b"], "lat": ["1", "2"]}), tmp_path / "in.parquet")
    result = run("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)
    assert result.exit_code == 1
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2


def test_more_refused_rows_than_are_shown(toy: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"lon": ["x"] * 30 + ["1"], "lat": ["2"] * 31}), tmp_path / "in.parquet")
    words = ("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)
    result = done(*words)
    assert result.output.count("'x' is no number") == 20
    assert f"all 30 of these are in {tmp_path / 'out.parquet.rejected.csv'}" in result.output
    assert len(rows_of(tmp_path / "out.parquet.rejected.csv")) == 31
    document = json.loads(done(*words, "--json").stdout)
    assert (document["rows"], document["rejected"], document["nowhere"]) == (31, 30, 1)
    assert document["rejections"][0]["number"] == 1
    pq.write_table(pa.table({"lon": ["1"], "lat": ["2"]}), tmp_path / "in.parquet")
    done(*words)
    assert not (tmp_path / "out.parquet.rejected.csv").exists()  # it spoke of another output


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "EPSG:4523", "cgcs2000"])
def test_every_datum_gives_the_codes_of_the_place(toy: Path, tmp_path: Path, datum: str) -> None:
    lons, lats = zip(*places(120), strict=True)
    xs, ys = crs.from_lonlat(lons, lats, datum)
    pq.write_table(pa.table({"X": xs, "Y": ys}), tmp_path / "in.parquet")
    words = ("--lon", "X", "--lat", "Y", "--crs", datum)
    done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *words)
    found = pq.read_table(tmp_path / "out.parquet").column("grid_code").to_pylist()
    assert found == [code_at(x, y, datum) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]


# CSV


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_keeps_its_text_and_gains_codes(toy: Path, tmp_path: Path, encoding: str, end: str) -> None:
    names = ["甲,乙", 'a "quote"', "two\nlines"] * 20
    rows = [(name, lon, lat) for name, (lon, lat) in zip(names, places(60), strict=True)]
    text = csv_text([["名字", "经度", "纬度"], *rows], lineterminator=end)
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    words = ("--lon", "经度", "--lat", "纬度", "--crs", "wgs84", "--level", "grid", "--level", "community")
    done("assign", tmp_path / "in.csv", tmp_path / "out.csv", "--home", toy, *words)
    found = rows_of(tmp_path / "out.csv", encoding)
    assert found[0] == ["名字", "经度", "纬度", "grid_code", "community_code"]
    for row, (name, lon, lat) in zip(found[1:], rows, strict=True):
        codes = [code_at(lon, lat, level=level) or "" for level in ("grid", "community")]
        assert row == [name, str(lon), str(lat), *codes]
    out = (tmp_path / "out.csv").read_bytes()
    assert out.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert out.decode(encoding).count(end) == text.count(end)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text(alphabet='甲b,"\n\r ;', max_size=6), st.integers(0, 19)), max_size=12),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.integers(120, 300),
)
def test_any_csv_comes_back_with_codes_however_it_is_cut(
    toy: Path,
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, int]],
    delimiter: str,
    end: str,
    ended: bool,
    block: int,
) -> None:
    """Quotes, line ends inside and outside of them, and blocks that end anywhere."""
    folder = tmp_path_factory.mktemp("csv")
    known = places(20, 3)
    rows = [(text, *known[number]) for text, number in cells]
    form = {"delimiter": delimiter, "lineterminator": end, "quoting": csv.QUOTE_NONNUMERIC}
    text = csv_text([["other", "lon", "lat"], *rows], **form)
    (folder / "in.csv").write_bytes((text if ended else text.removesuffix(end)).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        address = CityAddress(toy)
        summary = assign(folder / "in.csv", folder / "out.csv", address, ASKED, here)
    found = rows_of(folder / "out.csv", "utf-8", delimiter)
    assert found[0] == ["other", "lon", "lat", "grid_code"]
    assert found[1:] == [[text, str(lon), str(lat), code_at(lon, lat) or ""] for text, lon, lat in rows]
    assert summary.counts.rows == len(rows)
    written = (folder / "out.csv").read_bytes()
    assert written.endswith(end.encode()) == ended


def test_bad_lines_of_csv_are_listed_and_stay(toy: Path, tmp_path: Path) -> None:
    lines = [
        "id,lon,lat",
        "1,106.5035,29.5035",
        '2,"106.5035\n",29.5035',
        "",
        "3,,29.5",
        "4,106.5",
        "5,106.5,29.5,more,and more",
        "6,106.5035°,29.5",
        "7,106.5035,29.5035",
    ]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done("assign", tmp_path / "in.csv", tmp_path / "out.csv", "--home", toy, *NAMED)
    code = code_at(LON, LAT)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "\n".join(
        [
            "id,lon,lat,grid_code",
            f"1,106.5035,29.5035,{code}",
            f'2,"106.5035\n",29.5035,{code}',
            "",
            "3,,29.5,",
            "4,106.5,",
            "5,106.5,29.5,more,and more,",
            "6,106.5035°,29.5,",
            f"7,106.5035,29.5035,{code}",
            "",
        ]
    )
    assert rows_of(tmp_path / "out.csv.rejected.csv")[1:] == [
        ["in.csv", "line", "6", "lon: is empty"],
        ["in.csv", "line", "7", "has 2 values, the header has 3"],
        ["in.csv", "line", "8", "has 5 values, the header has 3"],
        ["in.csv", "line", "9", "lon: '106.5035°' is no number"],
    ]


def test_packed_csv_and_tabs(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 100)
    rows = [(str(number), *place) for number, place in enumerate(places(40))]
    text = csv_text([["id", "lon", "lat"], *rows], delimiter="\t")
    (tmp_path / "in.tsv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "in.tsv").write_text(text, encoding="utf-8", newline="")
    for name in ("tsv.gz", "tsv"):
        done(
            "assign",
            tmp_path / f"in.{name}",
            tmp_path / f"out.{name}",
            "--home",
            toy,
            *NAMED,
            "--processes",
            1,
        )
    assert gzip.decompress((tmp_path / "out.tsv.gz").read_bytes()) == (tmp_path / "out.tsv").read_bytes()
    assert [row[3] or None for row in rows_of(tmp_path / "out.tsv", delimiter="\t")[1:]] == [
        code_at(lon, lat) for _, lon, lat in rows
    ]
    (tmp_path / "in.tsv.gz").write_bytes(gzip.compress(text.encode())[:-20])
    result = run("assign", tmp_path / "in.tsv.gz", tmp_path / "cut.tsv.gz", "--home", toy, *NAMED)
    assert result.exit_code == 2
    assert "is no whole gzip file" in result.output


# Folders


def test_a_folder_becomes_a_folder(toy: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "2026" / "a").mkdir(parents=True)
    pq.write_table(table_of(30, 5), source / "2026" / "a" / "x.parquet", row_group_size=7)
    pq.write_table(table_of(30, 6), source / "y.parquet")
    (source / "z.csv").write_text("lon,lat\n106.5035,29.5035\nx,1\n", encoding="utf-8")
    for name in ("_SUCCESS", ".hidden.csv", "readme.md"):
        (source / name).write_text("no data", encoding="utf-8")
    out.mkdir()
    document = json.loads(done("assign", source, out, "--home", toy, *NAMED, "--json").stdout)
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert written == ["2026/a/x.parquet", "y.parquet", "z.csv"]
    assert document["files"] == 3
    assert document["rows"] == 62
    assert rows_of(tmp_path / "out.rejected.csv")[1:] == [["z.csv", "line", "3", "lon: 'x' is no number"]]
    for name, seed in (("2026/a/x.parquet", 5), ("y.parquet", 6)):
        assert pq.read_table(out / name).column("grid_code").to_pylist() == codes_of(table_of(30, seed))
    again = run("assign", source, out, "--home", toy, *NAMED)
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_a_folder_with_one_bad_file_is_refused_before_any_work(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(table_of(30), tmp_path / "in" / "a.parquet")
    (tmp_path / "in" / "b.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    result = run("assign", tmp_path / "in", tmp_path / "out", "--home", toy, *NAMED)
    assert result.exit_code == 2
    assert "b.csv: has no columns 'lon'; it has x, y" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# Interrupted jobs


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of ten rows of Parquet."""
    monkeypatch.setattr(parquet_file, "TASK_ROWS", 10)


class Stop(Exception):  # noqa: N818 # it is no error
    """The test's own."""


def stopping_after(count: int) -> Any:
    """An engine that is torn away after so many tasks."""

    def engine(orders: Iterable[Order]) -> Iterator[tuple[Order, Counts]]:
        for number, found in enumerate(here(orders)):
            if number == count:
                raise Stop
            yield found

    return engine


def write_inputs(folder: Path) -> None:
    """Three files of several tasks each."""
    folder.mkdir()
    for number in range(2):
        pq.write_table(table_of(60, number), folder / f"{number}.parquet", row_group_size=10)
    rows = [[*place, number] for number, place in enumerate(places(50))]
    (folder / "text.csv").write_text(csv_text([["lon", "lat", "n"], ["bad", 1, ""], *rows]), newline="")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 13, 15])
def test_a_stopped_job_goes_on_and_the_output_is_the_same(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 200)
    monkeypatch.setattr(parquet_file, "TASK_ROWS", 10)
    write_inputs(tmp_path / "in")
    address = CityAddress(toy)
    whole = assign(tmp_path / "in", tmp_path / "whole", address, ASKED, here)
    tasks: list[tuple[int, int]] = []

    def counting(orders: Iterable[Order]) -> Iterator[tuple[Order, Counts]]:
        for order, counts in here(orders):
            tasks.append((order.file, order.number))
            yield order, counts

    with pytest.raises(Stop):
        assign(tmp_path / "in", tmp_path / "out", address, ASKED, stopping_after(count))
    assert not (tmp_path / "out").exists()
    summary = assign(tmp_path / "in", tmp_path / "out", address, ASKED, counting, shown=9)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert (tmp_path / "out.rejected.csv").read_bytes() == (tmp_path / "whole.rejected.csv").read_bytes()
    assert summary.counts == whole.counts
    assert summary.kept + len(tasks) <= 12 + 8
    assert len(tasks) < 12 + 8 - count + 1
    assert not list(tmp_path.glob(".*"))


def test_a_job_killed_after_its_last_step_is_done_again(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output has its name already, and the parts are gone."""
    pq.write_table(table_of(60), tmp_path / "in.parquet", row_group_size=10)
    monkeypatch.setattr(Work, "remove", lambda _work: None)
    assign(tmp_path / "in.parquet", tmp_path / "out.parquet", CityAddress(toy), ASKED, here)
    whole = (tmp_path / "out.parquet").read_bytes()
    monkeypatch.undo()
    assign(tmp_path / "in.parquet", tmp_path / "out.parquet", CityAddress(toy), ASKED, here)
    assert (tmp_path / "out.parquet").read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


@pytest.mark.usefixtures("small")
def test_another_job_under_the_same_name_starts_anew(toy: Path, tmp_path: Path) -> None:
    pq.write_table(table_of(60), tmp_path / "in.parquet", row_group_size=10)
    address, out = CityAddress(toy), tmp_path / "out.parquet"
    with pytest.raises(Stop):
        assign(tmp_path / "in.parquet", out, address, ASKED, stopping_after(3))
    other = Asked("lon", "lat", "wgs84", (Added("town", "grid_code"),))
    summary = assign(tmp_path / "in.parquet", out, address, other, here)
    assert (summary.kept, summary.anew) == (0, ["columns"])
    assert pq.read_table(out).column("grid_code").to_pylist() == codes_of(table_of(60), "town")


@pytest.mark.usefixtures("small")
def test_a_changed_input_starts_anew(toy: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    pq.write_table(table_of(60), source, row_group_size=10)
    with pytest.raises(Stop):
        assign(source, tmp_path / "out.parquet", CityAddress(toy), ASKED, stopping_after(3))
    pq.write_table(table_of(60, 9), source, row_group_size=10)
    result = done("assign", source, tmp_path / "out.parquet", "--home", toy, *NAMED)
    assert "was another one (its files differed)" in result.output
    assert pq.read_table(tmp_path / "out.parquet").column("grid_code").to_pylist() == codes_of(
        table_of(60, 9)
    )


@pytest.mark.usefixtures("small")
def test_another_edition_starts_anew(tmp_path: Path) -> None:
    home, moved = tmp_path / "home", tmp_path / "moved.geojson"
    done("load", TOYTOWN, "--home", home)
    pq.write_table(table_of(60), tmp_path / "in.parquet", row_group_size=10)
    with pytest.raises(Stop):
        assign(tmp_path / "in.parquet", tmp_path / "out.parquet", CityAddress(home), ASKED, stopping_after(3))
    moved.write_text(TOYTOWN.read_text(encoding="utf-8").replace("学府社区第1网格", "学府社区第一网格"))
    done("load", moved, "--home", home)
    result = done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", home, *NAMED)
    assert "was another one (its edition, checksum differed)" in result.output
    first = ("assign", tmp_path / "in.parquet", tmp_path / "first.parquet", "--home", home, *NAMED)
    assert "by edition 1" in done(*first, "--edition", 1).output
    assert "by edition 2" in result.output


def test_two_runs_of_one_job_do_not_meet(toy: Path, tmp_path: Path) -> None:
    pq.write_table(table_of(20), tmp_path / "in.parquet")
    words = ("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy, *NAMED)

    def engine(orders: Iterable[Order]) -> Iterator[tuple[Order, Counts]]:
        second = run(*words)
        assert second.exit_code == 2
        assert "another gridmap assign writes it at this moment" in second.output
        return here(orders)

    assign(tmp_path / "in.parquet", tmp_path / "out.parquet", CityAddress(toy), ASKED, engine)
    assert (tmp_path / "out.parquet").exists()


def test_a_file_that_changes_under_way_is_not_finished(toy: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    pq.write_table(table_of(60), source, row_group_size=10)

    def engine(orders: Iterable[Order]) -> Iterator[tuple[Order, Counts]]:
        for found in here(orders):
            os.utime(source, (1, 1))
            yield found

    with pytest.raises(Exception, match="has changed while it was read"):
        assign(source, tmp_path / "out.parquet", CityAddress(toy), ASKED, engine)
    assert not (tmp_path / "out.parquet").exists()


def alive(process: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def descendants(process: int) -> list[int]:
    """The processes below one, from /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [process]
    for each in found:
        found.extend(child for child, parent in parents.items() if parent == each)
    return found[1:]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system shows no processes in /proc")
def test_a_killed_job_leaves_no_process_and_goes_on(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 in the middle of two processes' work, as a power cut or the system's memory watch would."""
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table_of(400), source, row_group_size=1)
    code = (
        "from gridmap.bulk import parquet_file, pool\nparquet_file.TASK_ROWS, pool.PATIENCE_S = 1, 0\n"
        "from gridmap.cli import main\nmain()"
    )
    words = ["assign", source, out, "--home", toy, *NAMED, "--processes", 2]
    command = [sys.executable, "-c", code, *map(str, words)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    parts = tmp_path / ".out.parquet.assign" / "000000"
    until = time.monotonic() + 60
    while len(list(parts.glob("*.report"))) < 20:
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    below = descendants(first.pid)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert below
    while any(alive(each) for each in below):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not out.exists()
    kept = len(list(parts.glob("*.report")))
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"note: {kept:,} parts were done already" in second.stderr
    monkeypatch.setattr(parquet_file, "TASK_ROWS", 50)
    assign(source, tmp_path / "whole.parquet", CityAddress(toy), ASKED, here)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


# What is refused, and how


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("in.csv", "out.csv", "--lon", "lon", "--lat", "lat"), "states no datum; name it with --crs"),
        (("in.csv", "out.csv", "--crs", "wgs84"), "name its columns of places with --lon COL and --lat COL"),
        (("in.csv", "out.csv", "--lon", "lon", "--crs", "wgs84"), "name both columns, --lon and --lat"),
        (("in.csv", "out.csv", "--lon", "x", "--lat", "lat", "--crs", "wgs84"), "has no columns 'x'"),
        (("in.csv", "out.csv", *NAMED[:4], "--crs", "wgs85"), "'wgs85' is no known datum"),
        (("in.csv", "out.parquet", *NAMED), "name a file that ends in .csv"),
        (("in.csv", "in.csv", *NAMED), "is what is read"),
        (("in.csv", ".", *NAMED), "is what is read, or inside it"),
        (("nothing.csv", "out.csv", *NAMED), "there is no such file or folder"),
        (("in.csv", "no/such/folder/out.csv", *NAMED), "the folder that it shall be in is not there"),
        (("in.csv", "out.csv", *NAMED, "--level", "street"), "There is no level 'street'"),
        (("in.csv", "out.csv", *NAMED, "--level", "grid", "--level", "town=grid_code"), "added twice"),
        (("in.csv", "out.csv", *NAMED, "--level", "grid=lat"), "has a column 'lat' already"),
        (("in.csv", "out.csv", *NAMED, "--edition", "7"), "edition 7: there is none"),
        (("in.csv", "out.csv", *NAMED, "--engine", "dask"), "--engine dask needs to know where"),
        (("in.parquet", "out.parquet", *NAMED), "is no Parquet file that can be read"),
        (("in.txt", "out.txt", *NAMED), "is of no known type"),
        (("when.parquet", "out.parquet", *NAMED), "holds timestamp[us], but lon is a number"),
        (("bare.parquet", "out.parquet", "--crs", "wgs84"), "and it is no GeoParquet file"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in.csv", "in.parquet", "in.txt"):
        Path(name).write_text("lon,lat\n106.5,29.5\n", encoding="utf-8")
    when = pa.table({"lon": pa.array([1]).cast(pa.timestamp("us")), "lat": [1.0]})
    pq.write_table(when, "when.parquet")
    pq.write_table(when.select(["lat"]), "bare.parquet")
    before = sorted(Path().iterdir())
    result = run("assign", *words, "--home", toy)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert sorted(Path().iterdir()) == before


def test_a_home_without_a_city(tmp_path: Path) -> None:
    assert run("assign", "a.csv", "b.csv", "--home", tmp_path / "none", *NAMED).exit_code == 3


@pytest.mark.usefixtures("small")
def test_tasks_follow_each_other_without_a_gap(toy: Path, tmp_path: Path) -> None:
    """Their shares are the whole, so a progress bar ends at its end."""
    pq.write_table(table_of(60), tmp_path / "in.parquet", row_group_size=13)
    seen: list[float] = []
    assign(
        tmp_path / "in.parquet",
        tmp_path / "out.parquet",
        CityAddress(toy),
        ASKED,
        here,
        progress=lambda _step, share: seen.append(share),
    )
    assert all(a <= b for a, b in pairwise(seen))
    assert seen[-1] == 1.0

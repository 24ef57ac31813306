"""The same function in a pool of processes, on Dask's workers and in Spark: the same code for every row."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from assigned import Fatal, OddError, code_at, places
from dask_cluster import cluster

from gridmap.bulk import dask as dask_engine
from gridmap.bulk import pool
from gridmap.bulk.answer import REASON
from gridmap.bulk.dask import on_dask
from gridmap.bulk.parts import Order
from gridmap.bulk.pool import in_pool
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
NAMED = ("--lon", "lon", "--lat", "lat", "--crs", "wgs84", "--level", "grid", "--level", "town")
ROWS = 2000
OLDEST_JAVA = 17

no_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="Dask is not installed here: pip install 'gridmap[dask]'",
)


def spark_lack() -> str | None:
    """What is missing here for Spark, with the line to type; None when nothing is."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed here: pip install 'gridmap[spark]'"
    java = shutil.which("java")
    if java is None:
        return "Spark needs Java: sudo apt-get install --no-install-recommends default-jre-headless"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < OLDEST_JAVA:
        return f"Spark needs Java {OLDEST_JAVA} or newer, here is {told.splitlines()[:1]}"
    return None


SPARK_LACK = spark_lack()
no_spark = pytest.mark.skipif(SPARK_LACK is not None, reason=SPARK_LACK or "")


def call(*words: object, **options: Any) -> str:
    """A command in a process of its own; it must succeed. Gives what it printed."""
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return str(done.stdout)


def gridmap(*words: object) -> dict[str, Any]:
    """`gridmap ... --json` in a process of its own."""
    code = "from gridmap.bulk import pool; pool.PATIENCE_S = 0; from gridmap.cli import main; main()"
    found: dict[str, Any] = json.loads(call(sys.executable, "-c", code, *words, "--json"))
    return found


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files with households, a few of them without a place."""
    folder = tmp_path_factory.mktemp("people") / "in"
    folder.mkdir()
    lons, lats = zip(*places(ROWS), strict=True)
    table = pa.table(
        {
            "household": [f"H{number}" for number in range(ROWS)],
            "lon": pa.array([None if number % 100 == 7 else lon for number, lon in enumerate(lons)]),
            "lat": pa.array(lats),
        }
    )
    for number in range(4):
        part = table.slice(number * ROWS // 4, ROWS // 4)
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=100)
    return folder


@pytest.fixture(scope="module")
def by_pool(toy: Path, people: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two processes here make of it, and what they say."""
    out = people.with_name("pool")
    said = gridmap("assign", people, out, "--home", toy, *NAMED, "--processes", 2)
    return codes_in(out), said


def codes_in(folder: Path) -> dict[str, Any]:
    rows = ds.dataset(folder, format="parquet").to_table(["household", "grid_code", "town_code"]).to_pylist()
    return {row["household"]: (row["grid_code"], row["town_code"]) for row in rows}


def counts_of(said: dict[str, Any]) -> list[int]:
    return [said[name] for name in ("rows", "located", "nowhere", "rejected")]


def test_the_pool_says_what_one_place_after_the_other_says(by_pool: Any, people: Path) -> None:
    codes, said = by_pool
    rows = ds.dataset(people, format="parquet").to_table().to_pylist()
    assert len(codes) == ROWS
    assert counts_of(said)[0::3] == [ROWS, ROWS // 100]
    for row in rows:
        good = row["lon"] is not None
        levels = ("grid", "town")
        expected = [code_at(row["lon"], row["lat"], level=level) if good else None for level in levels]
        assert codes[row["household"]] == tuple(expected)


def forever(folder: Path, task: Fatal) -> Iterator[Order]:
    """Orders until somebody has enough."""
    return (Order(0, number, folder / "part", task) for number in itertools.count())


def test_a_pool_that_loses_a_process_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 0)
    orders = forever(tmp_path, Fatal(os.getpid()))
    with pytest.raises(InputError, match="the same command goes on with what is left"):
        list(in_pool(orders, 2))


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("portable", [True, False])
def test_an_error_in_a_process_comes_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, portable: bool
) -> None:
    """It fails in the other processes, where there are others; an error that cannot travel sends its text."""
    monkeypatch.setattr(pool, "PATIENCE_S", 0)
    spared = -1 if processes == 1 else -os.getpid()
    kind = InputError if portable else OddError if processes == 1 else RuntimeError
    with pytest.raises(kind, match="there: not today"):
        for _ in in_pool(forever(tmp_path, Fatal(spared, portable=portable)), processes):
            pass


def test_few_orders_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_start", pytest.fail)
    orders = list(itertools.islice(forever(tmp_path, Fatal(os.getpid())), 9))
    assert [order for order, _ in in_pool(orders, 8)] == orders


@pytest.fixture(scope="module")
def dask() -> Iterator[str]:
    with cluster() as address:
        yield address


@no_dask
def test_dask_gives_the_same(toy: Path, people: Path, by_pool: Any, dask: str) -> None:
    out = people.with_name("dask")
    said = gridmap("assign", people, out, "--home", toy, *NAMED, "--engine", "dask", "--scheduler", dask)
    assert codes_in(out) == by_pool[0]
    assert counts_of(said) == counts_of(by_pool[1])
    for path in sorted(people.iterdir()):  # not only the codes: every byte
        assert (out / path.name).read_bytes() == (people.with_name("pool") / path.name).read_bytes()


@no_dask
def test_both_workers_of_dask_have_opened_the_city(toy: Path, people: Path, dask: str) -> None:
    code = (
        "import sys\nfrom distributed import Client\nfrom gridmap.bulk import answer\n"
        "with Client(sys.argv[1]) as client:\n"
        "    print(*client.run(lambda: len(answer._BOOKS)).values())"
    )
    many = people.with_name("many")
    many.mkdir()
    for number in range(40):
        shutil.copy(people / "0.parquet", many / f"{number}.parquet")
    words = ("--engine", "dask", "--scheduler", dask)
    gridmap("assign", many, people.with_name("done"), "--home", toy, *NAMED, *words)
    assert call(sys.executable, "-c", code, dask).split() == ["1", "1"]


@no_dask
def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "CONNECT_S", 0.2)
    with pytest.raises(InputError, match="no Dask scheduler answers at tcp://127"):
        list(on_dask([], "tcp://127.0.0.1:9"))


@no_spark
def test_spark_gives_the_same(toy: Path, people: Path, by_pool: Any) -> None:
    out = people.with_name("spark")
    said = gridmap(
        "assign", people, out, "--home", toy, *NAMED, "--engine", "spark", "--scheduler", "local[2]"
    )
    assert codes_in(out) == by_pool[0]
    assert counts_of(said) == counts_of(by_pool[1])
    reasons = ds.dataset(out, format="parquet").to_table([REASON]).column(REASON)
    assert set(reasons.drop_null().to_pylist()) == {"lon: is empty"}


@no_spark
def test_the_example_job_for_spark_reads_what_assign_wrote(toy: Path, people: Path, by_pool: Any) -> None:
    """`scripts/assign_spark.py` over the pool's output: Spark's own reader knows such files."""
    assert by_pool[0]
    out = people.with_name("example")
    words = ("--home", toy, "--lon", "lon", "--lat", "lat", "--crs", "wgs84", "--level", "community")
    script = ROOT / "scripts" / "assign_spark.py"
    call(sys.executable, script, people.with_name("pool"), out, *words, "--master", "local[2]")
    assert codes_in(out) == by_pool[0]
    rows = ds.dataset(out, format="parquet").to_table(["grid_code", "community_code"]).to_pylist()
    assert all(row["community_code"] == (row["grid_code"] and row["grid_code"][:12]) for row in rows)

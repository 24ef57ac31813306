"""`gridmap assign` on twelve million households, Parquet to Parquet: rows per second of each engine.

`scripts/bench assign [HOME [ROWS]]`. Without a home Yuzhong is built and its households repeated; Chongqing's
12,040,234 are there after `gridmap city chongqing --home HOME`. `whole` is the command from its start to its
end, imports included; `inside` is what it says itself. Dask's cluster stands before the clock starts, Spark
starts within it, as both do in practice. The codes of all engines are compared, row by row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from dask_cluster import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 12_040_234
GRIDMAP = "from gridmap.cli import main; main()"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def gridmap(*words: object) -> str:
    """Run a command of ours in a process of its own; gives what it prints."""
    command = [sys.executable, "-P", "-c", GRIDMAP, *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def households(home: Path, rows: int, folder: Path) -> Path:
    """The households of a home as Parquet, repeated to so many rows, each with a number of its own."""
    gridmap("export", "--home", home, "--households", folder / "some.parquet")
    some = pq.read_table(folder / "some.parquet").drop_columns("household")
    table = pa.concat_tables([some] * -(-rows // some.num_rows)).slice(0, rows)
    table = table.add_column(0, "household", pa.array(range(1, rows + 1)))
    pq.write_table(table, folder / "in.parquet", compression="zstd")
    return folder / "in.parquet"


def codes_of(path: Path) -> Any:
    """The codes in the order of the households."""
    table = ds.dataset(path, format="parquet").to_table(["household", "grid_code"])
    codes = table.column("grid_code").cast(pa.string())
    return codes.take(pc.sort_indices(table.column("household")))


@contextmanager
def engines() -> Iterator[list[tuple[str, list[object]]]]:
    """The engines that are installed here: a name, and what to type."""
    found: list[tuple[str, list[object]]] = [
        ("pool, one process", ["--processes", 1]),
        ("pool, two processes", ["--processes", 2]),
    ]
    if find_spec("pyspark") and which("java"):
        found.append(("Spark, local[2]", ["--engine", "spark", "--scheduler", "local[2]"]))
    if not find_spec("distributed"):
        yield found
        return
    with cluster() as address:
        dask: tuple[str, list[object]] = ("Dask, two workers", ["--engine", "dask", "--scheduler", address])
        yield [*found[:2], dask, *found[2:]]


def main(home: Path | None, rows: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if home is None:
            home = folder / "home"
            gridmap("city", "chongqing", "--home", home, "--districts", "500103")
        source = households(home, rows, folder)
        say(f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB of Parquet, Parquet to Parquet\n")
        say(f"{'':22}{'whole':>9}{'rows/s':>12}{'inside, rows/s':>17}")
        first = None
        with engines() as found:
            for number, (engine, words) in enumerate(found):
                out = folder / (f"{number}" if "spark" in words else f"{number}.parquet")
                begin = time.perf_counter()
                places = ["--home", home, "--lon", "lon", "--lat", "lat", "--crs", "cgcs2000"]
                told = json.loads(gridmap("assign", source, out, *places, "--json", *words))
                seconds = time.perf_counter() - begin
                say(f"{engine:22}{seconds:7.2f} s{rows / seconds:12,.0f}{told['rows_per_s']:17,.0f}")
                codes = codes_of(out)
                first = codes if first is None else first
                assert codes.equals(first), f"{engine} gives other codes"
        say("\nall gave the same code for every row")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)

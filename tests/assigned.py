"""Files of places in Toytown and their codes by slow, obvious means, for the tests of `gridmap assign`."""

from __future__ import annotations

import csv
import io
import os
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
from click.testing import CliRunner
from oracles import owner_of
from town import SOUTH, STEP, WEST, toytown

from gridmap import crs, lattice
from gridmap.bulk.parts import Counts, refused_rows
from gridmap.cli import main
from gridmap.errors import InputError
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.testing import Result

    from gridmap.coverage.partition import Partition

LON, LAT = 106.5035, 29.5035
"""A place in grid 500999100200001."""


@cache
def partition() -> Partition:
    return toytown()


def code_at(lon: float, lat: float, datum: str = "wgs84", level: str = "grid") -> str | None:
    """The code at one place: its datum undone, rounded, then one polygon after the other."""
    try:
        lons, lats = crs.to_lonlat([lon], [lat], datum)
    except InputError:
        return None
    row = owner_of(*lattice.point_to_lattice(lons[0], lats[0]), partition().polygons_at(3))
    depth = partition().depth_of(level)
    return None if row == NOWHERE else partition().levels[depth].codes[partition().ancestors[depth][row]]


def places(count: int, seed: int = 1) -> list[tuple[float, float]]:
    """Places in and around Toytown, every third of them on the plan's own lines and corners."""
    chance = random.Random(seed)
    out = []
    for number in range(count):
        x, y = chance.uniform(-1, 10), chance.uniform(-1, 5)
        if number % 3 == 0:
            x, y = round(x), round(y * 5) / 5
        out.append(((WEST + round(x * STEP)) / 10_000_000, (SOUTH + round(y * STEP)) / 10_000_000))
    return out


def run(*words: object) -> Result:
    """Call the command line."""
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words: object) -> Result:
    """Call the command line, which must succeed."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result


def rows_of(path: Path, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    """The rows of a CSV file as the standard library reads them."""
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))


def csv_text(rows: Iterable[Iterable[Any]], **form: Any) -> str:
    """Rows as CSV."""
    out = io.StringIO()
    csv.writer(out, **form).writerows(rows)
    return out.getvalue()


class OddError(Exception):
    """An error that cannot travel between processes."""

    def __init__(self) -> None:
        super().__init__("there: not today", lambda: None)


@dataclass(frozen=True)
class Fatal:
    """A task that ends its process at once, but does nothing in the process that it spares.

    Where the number of that one is negative the others fail instead; for -1 all do.
    """

    spared: int
    path: Path = Path("none")
    share: float = 0.1
    portable: bool = True

    def write(self, _file: BinaryIO) -> tuple[Counts, Any]:
        """End, fail, or do nothing."""
        if os.getpid() == abs(self.spared):
            return Counts(), refused_rows(np.zeros(0, np.int64), pa.nulls(0, pa.string()))
        if self.spared > 0:
            os._exit(9)
        raise InputError("there", "not today") if self.portable else OddError()

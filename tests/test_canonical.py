"""The canonical bytes: the same areas give the same bytes, and damage is seen."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from damage import damaged_city
from random_city import City, random_city
from test_arcs import reversed_rings
from town import toytown

from gridmap.coverage.canonical import MAGIC, checksum, from_bytes, to_bytes
from gridmap.coverage.partition import LevelTable, Partition, level_table
from gridmap.errors import DamageError
from gridmap.types import AnyArray


def shuffled(city: City, seed: int) -> City:
    """The same city with rows in another order and every ring written otherwise."""
    random = np.random.default_rng(seed)
    tables, orders = [], {}
    for table in city.tables:
        order = orders[table.level] = random.permutation(len(table))
        columns = (table.codes, table.names, table.kinds, table.parents)
        tables.append(LevelTable(table.level, *(tuple(column[i] for i in order) for column in columns)))
    grids = np.array([reversed_rings(city.grids[i], seed) for i in orders["grid"]], dtype=object)
    outlines = {level: shapes[orders[level]] for level, shapes in city.outlines.items()}
    return City(tuple(tables), grids, outlines)


@pytest.mark.parametrize("seed", range(30))
def test_bytes_do_not_depend_on_how_a_city_is_written(seed: int) -> None:
    city = random_city(seed)
    body = to_bytes(city.partition(given=False))
    assert body == to_bytes(shuffled(city, seed).partition(given=bool(seed % 2)))
    assert checksum(body) == checksum(bytes(bytearray(body)))


def same(one: Partition, other: Partition) -> bool:
    """Whether two partitions are the same down to the type and bits of every array."""
    coverages = [(one.coverage, other.coverage)]
    coverages += [(one.given[level], other.given[level]) for level in one.given]
    return (
        one.levels == other.levels
        and one.outline_known == other.outline_known
        and one.given.keys() == other.given.keys()
        and all(
            np.array_equal(a, b) and a.dtype == b.dtype and b.flags.writeable
            for mine, its in coverages
            for a, b in [(getattr(mine, f.name), getattr(its, f.name)) for f in dataclasses.fields(mine)[:-1]]
        )
    )


@pytest.mark.parametrize("seed", range(40))
def test_there_and_back_is_identical(seed: int) -> None:
    made = damaged_city(seed).partition() if seed % 2 else random_city(seed).partition(given=False)
    body = to_bytes(made)
    read = from_bytes(body, outline_known=made.outline_known)
    assert same(made, read)
    assert to_bytes(read) == body


@pytest.mark.parametrize("column", ["names", "kinds"])
def test_another_name_is_another_checksum(column: str) -> None:
    town = toytown()
    grid = town.finest
    columns = {name: list(getattr(grid, name)) for name in ("codes", "names", "kinds", "parents")}
    columns[column][3] = "other"
    other = dataclasses.replace(town, levels=(*town.levels[:-1], level_table("grid", **columns)))
    assert checksum(to_bytes(other)) != checksum(to_bytes(town))


def test_the_layout_is_as_documented() -> None:
    body = to_bytes(toytown())
    assert body.startswith(b"GRIDMAP-EDITION\0")
    assert len(body) % 8 == 0
    magic, version, size = struct.unpack_from("<16sII", body)
    header = json.loads(body[24 : 24 + size])
    assert (magic, version, (24 + size) % 8) == (MAGIC, 1, 0)
    assert header["scale"] == 10_000_000
    assert "CGCS2000" in header["datum"]
    assert header["sections"][0][:2] == ["district/codes", "json"]
    assert [name for name, kind, _ in header["sections"] if kind == "<i4"] == [
        f"grid/{column}" for column in ("xs", "ys", "left", "right")
    ]


def rewritten(body: bytes, **changes: object) -> bytes:
    """The same bytes with other entries in the header."""
    (size,) = struct.unpack_from("<I", body, 20)
    header = json.dumps({**json.loads(body[24 : 24 + size]), **changes}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return body[:20] + struct.pack("<I", len(header)) + header + body[24 + size :]


def test_damage_is_refused() -> None:
    body = to_bytes(toytown())
    (size,) = struct.unpack_from("<I", body, 20)
    for broken, said in (
        (b"", "the magic word is missing"),
        (b"PAR1" + body, "the magic word is missing"),
        (body[:16] + b"\2" + body[17:], "has format 2, this gridmap reads 1"),
        (body[:40], "header of this edition is broken"),
        (body[:24] + b"[" + body[25:], "header of this edition is broken"),
        (rewritten(body, scale=1000), "scale is 1000"),
        (rewritten(body, sections=[["a"]]), "header of this edition is broken"),
        (rewritten(body, sections=[["grid/xs", "<i4", -5]]), "ends in the middle of grid/xs"),
        (rewritten(body, sections=[["grid/xs", "what", 5]]), "Section grid/xs of this edition is broken"),
        (rewritten(body, sections=[]), "There are bytes after the last section"),
        (rewritten(body[: 24 + size], sections=[]), "lacks a section"),
        (body[: len(body) // 2], "ends in the middle of"),
        (body[:-8], "ends in the middle of grid/right"),
        (body + b"\0" * 8, "There are bytes after the last section"),
        (body[: 24 + size] + b"x" + body[25 + size :], "Section district/codes of this edition is broken"),
    ):
        with pytest.raises(DamageError, match=said):
            from_bytes(broken, outline_known=False)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("left", lambda rows: rows + 1),  # a face that does not exist
        ("right", lambda rows: rows - 1),
        ("right", lambda rows: rows[:-1]),
        ("xs", lambda xs: xs[:-2]),
        ("offsets", lambda offsets: offsets + 1),
        ("offsets", lambda offsets: offsets[::-1]),
        ("offsets", lambda offsets: np.append(offsets, offsets[-1])),
    ],
)
def test_arcs_that_do_not_fit_together_are_refused(
    column: str, values: Callable[[AnyArray], AnyArray]
) -> None:
    town = toytown()
    changes: dict[str, Any] = {column: values(getattr(town.coverage, column))}
    coverage = dataclasses.replace(town.coverage, **changes)
    with pytest.raises(DamageError, match="The arcs of level grid do not fit together"):
        from_bytes(to_bytes(dataclasses.replace(town, coverage=coverage)), outline_known=False)


@pytest.mark.parametrize("seed", range(200))
def test_no_flipped_byte_crashes(seed: int) -> None:
    body = bytearray(to_bytes(toytown()))
    random = np.random.default_rng(seed)
    body[random.integers(len(body))] ^= int(random.integers(1, 256))
    try:
        read = from_bytes(bytes(body), outline_known=False)
    except DamageError:
        return
    read.polygons_at(3)
    read.polygons_at(0)

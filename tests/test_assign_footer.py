"""Parquet footers as trees: read and written back to the same bytes, and columns added to any file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.bulk import footer, thrift
from gridmap.bulk.arrays import compact, nullable, rows_of, text_array
from gridmap.bulk.footer import append_columns, copy_bytes, read_footer
from gridmap.bulk.thrift import ThriftError, read_struct, write_struct
from gridmap.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = {thrift.I16: 15, thrift.I32: 31, thrift.I64: 63}


def values(kind: int) -> st.SearchStrategy[Any]:
    if kind in NUMBERS:
        return st.integers(-(2 ** NUMBERS[kind]), 2 ** NUMBERS[kind] - 1)
    if kind in (thrift.TRUE, thrift.FALSE):
        return st.just(kind == thrift.TRUE)
    return {
        thrift.BYTE: st.integers(0, 255),
        thrift.DOUBLE: st.binary(min_size=8, max_size=8),
        thrift.BINARY: st.binary(max_size=200),
    }[kind]


SIMPLE = [*NUMBERS, thrift.TRUE, thrift.FALSE, thrift.BYTE, thrift.DOUBLE, thrift.BINARY]


def pairs(inner: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """(type, value) of simple values, of lists of them, and of structs and lists of structs."""
    simple = st.sampled_from(SIMPLE).flatmap(lambda kind: st.tuples(st.just(kind), values(kind)))
    items = st.sampled_from(SIMPLE[:3] + SIMPLE[5:]).flatmap(
        lambda kind: st.tuples(
            st.just(thrift.LIST), st.tuples(st.just(kind), st.lists(values(kind), max_size=20))
        )
    )
    flags = st.lists(st.booleans(), max_size=20).map(lambda each: (thrift.LIST, (thrift.TRUE, each)))
    if inner is None:
        return simple | items | flags
    structs = st.dictionaries(st.integers(1, 300), inner, max_size=5)
    lists = st.lists(structs, max_size=3).map(lambda each: (thrift.LIST, (thrift.STRUCT, each)))
    return simple | items | flags | structs.map(lambda each: (thrift.STRUCT, each)) | lists


@given(st.dictionaries(st.integers(1, 300), pairs(pairs()), max_size=6))
def test_a_tree_written_is_the_tree_read(tree: thrift.Struct) -> None:
    assert read_struct(write_struct(tree)) == tree


@given(st.dictionaries(st.integers(1, 300), pairs(), max_size=6), st.data())
def test_a_tree_cut_short_is_refused(tree: thrift.Struct, data: Any) -> None:
    whole = write_struct(tree)
    with pytest.raises(ThriftError):
        read_struct(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_unknown_types_are_refused() -> None:
    with pytest.raises(ThriftError, match="type 11"):
        read_struct(bytes([0x1B, 0]))
    with pytest.raises(ThriftError, match="longer than all"):
        read_struct(bytes([0x19, 0xF8, 0xFF, 0xFF, 0x03]))


TABLE = pa.table(
    {
        "a": pa.array([1, None, 3] * 50),
        "b": pa.array([["x"], None, []] * 50),
        "c": pa.array([{"d": 1.5, "e": "f"}, None, {"d": None, "e": "g"}] * 50),
        "s": pa.array([f"text {n}" for n in range(150)]),
        "m": pa.array([[("k", 1)], [], None] * 50, pa.map_(pa.string(), pa.int32())),
    }
)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"row_group_size": 7},
        {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"},
        {"compression": "brotli", "write_page_index": True, "write_page_checksum": True},
        {"version": "1.0", "store_schema": False, "write_statistics": False},
        {"sorting_columns": [pq.SortingColumn(0)], "data_page_size": 64},
        {"bloom_filter_options": {"s": {"ndv": 150}}},
    ],
)
def test_columns_are_added_to_any_file(tmp_path: Path, options: dict[str, Any]) -> None:
    source, part, out = (tmp_path / f"{name}.parquet" for name in ("in", "part", "out"))
    pq.write_table(TABLE, source, **options)
    groups = [group[footer.GROUP_ROWS][1] for group in read_footer(source).groups]
    added = pa.table({"n": pa.array([None if n % 7 == 0 else f"code {n % 5}" for n in range(150)])})
    added = added.set_column(0, "n", added.column("n").combine_chunks().dictionary_encode())
    with pq.ParquetWriter(part, added.schema, store_schema=False) as writer:
        first = 0
        for rows in groups:
            writer.write_table(added.slice(first, rows), row_group_size=rows)
            first += rows
    with out.open("w+b") as file:
        append_columns(source, [part], added.schema, [], file)
    found = pq.read_table(out)
    found.validate(full=True)
    assert found.drop_columns("n").equals(TABLE)
    assert found.column("n").to_pylist() == added.column("n").to_pylist()
    facts, before = pq.read_metadata(out), pq.read_metadata(source)
    assert facts.num_row_groups == before.num_row_groups
    for group in range(facts.num_row_groups):
        sizes = [facts.row_group(group).column(n).total_uncompressed_size for n in range(facts.num_columns)]
        assert facts.row_group(group).total_byte_size == sum(sizes)
        one, other = before.row_group(group).column(0), facts.row_group(group).column(0)
        assert one.to_dict() == other.to_dict()
        assert (one.has_offset_index, one.has_column_index) == (
            other.has_offset_index,
            other.has_column_index,
        )
    assert pq.read_table(out, filters=[("s", "==", "text 78")]).column("n").to_pylist() == ["code 3"]
    assert pq.read_table(out, filters=[("n", "==", "code 3")]).num_rows == 26


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    whole = io.BytesIO()
    pq.write_table(TABLE, whole)
    data = whole.getvalue()
    for bad, said in (
        (b"", "no whole Parquet file"),
        (b"PAR1PAR1", "no whole Parquet file"),
        (data[:-20], "no whole Parquet file"),
        (data[:-4] + b"PARE", "encrypted"),
        (data[:-60] + b"\xff" * 52 + data[-8:], "broken footer"),
        (b"PAR1" + (10**6).to_bytes(4, "little") + b"PAR1", "no whole Parquet file"),
    ):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=said):
            read_footer(path)


@pytest.mark.parametrize("in_kernel", [True, False])
def test_bytes_are_copied_from_anywhere_to_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_kernel: bool
) -> None:
    if not in_kernel:
        monkeypatch.delattr("os.copy_file_range", raising=False)
    (tmp_path / "a").write_bytes(bytes(range(256)) * 8000)
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("w+b") as target:
        target.write(b"begin")
        source.seek(100)
        copy_bytes(source, target, 1_500_000)
        target.write(b"end")
        with pytest.raises(EOFError):
            copy_bytes(source, target, 10**7)
    whole = (bytes(range(256)) * 8000)[100:1_500_100]
    assert (tmp_path / "b").read_bytes().startswith(b"begin" + whole + b"end")


rows = st.lists(st.integers(-1, 4), max_size=60)


@settings(deadline=None)
@given(rows, rows, st.integers(0, 5))
def test_dictionaries_hold_what_occurs(first: list[int], second: list[int], skip: int) -> None:
    codes = text_array(["a", "乙", "c", "", "e"])
    chunks = [
        pa.DictionaryArray.from_arrays(nullable(np.array(part, np.int32)), codes)[skip:]
        for part in (first, second)
    ]
    whole = pa.chunked_array(chunks)
    found = compact(whole)
    found.validate(full=True)
    assert found.to_pylist() == whole.to_pylist()
    assert sorted(found.dictionary.to_pylist()) == sorted(
        {each for each in whole.to_pylist() if each is not None}
    )
    assert rows_of(nullable(np.array(first, np.int32))[skip:]).tolist() == first[skip:]
